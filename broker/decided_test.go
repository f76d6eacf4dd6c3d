package broker_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/consent"
)

// life is a district in which families, officers and partners do things in any order.
type life struct {
	*made
	kids   []kid
	rng    *rand.Rand
	grants map[string]kid // that may be withdrawn
	orders []string
	cases  []string
	loads  int
}

func newLife(t *testing.T, seed uint64, s broker.Sabotage) *life {
	t.Helper()
	l := &life{made: &made{newDistrict(t, inSpring, sabotaged(s))}, kids: makeKids(6), rng: rand.New(rand.NewPCG(seed, 1)), grants: map[string]kid{}}
	l.loadMade(l.kids)
	l.partnerWith("river", map[string][]kid{"a1": l.kids[:5], "a2": l.kids[1:]})
	l.partnerWith("lake", map[string][]kid{"b1": l.kids})
	return l
}

// tried takes an act that the law may refuse, and returns its id.
func (l *life) tried(a *broker.Answer, err error) (id string) {
	l.t.Helper()
	switch broker.KindOf(err) {
	case broker.Conflict, broker.Invalid, broker.Denied, broker.NotAvailable:
		return ""
	}
	return data[struct {
		ID string `json:"id"`
	}](l.t, l.must(a, err)).ID
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

// acts are what may happen, each about one child.
func (l *life) acts() map[string]func(k kid) {
	ctx := l.t.Context()
	signer := func(k kid) broker.SignerRef { return byGuardian(pick(l.rng, []string{k.mother(), k.father()})) }
	answer := func(agreement string, a consent.Answer) func(kid) {
		return func(k kid) {
			form := l.yes(agreement, k)
			form.Answer, form.Signer = a, signer(k)
			if l.rng.IntN(3) == 0 {
				form.Categories = []consent.Category{consent.Attendance}
			}
			if id := l.tried(l.CreateConsent(ctx, officer, form)); id != "" && a == consent.Yes {
				l.grants[id] = k
			}
		}
	}
	kinds := []consent.RestrictionKind{consent.MayNotDecide, consent.BothMustAgree, consent.ThisPersonDecides}
	return map[string]func(k kid){
		"a yes": answer("a1", consent.Yes), "a yes to the other": answer("a2", consent.Yes), "a no": answer("a1", consent.No),
		"a wish to talk": answer("a2", consent.Talk), "another partner's yes": answer("b1", consent.Yes), "another partner's no": answer("b1", consent.No),
		"a withdrawal": func(kid) {
			for id, k := range l.grants {
				l.tried(l.WithdrawConsent(ctx, officer, id, broker.WithdrawRequest{By: byGuardian(k.mother())}))
				delete(l.grants, id)
				return
			}
		},
		"an invalidation": func(kid) {
			for id := range l.grants {
				l.tried(l.InvalidateConsent(ctx, officer, id, broker.ReviewRequest{Reason: "signed by somebody else"}))
				delete(l.grants, id)
				return
			}
		},
		"an order": func(k kid) {
			req := broker.RestrictionRequest{Student: of(k), Kind: pick(l.rng, kinds), Document: courtOrder}
			if req.Kind != consent.BothMustAgree {
				req.Signer = signer(k)
			}
			if id := l.tried(l.RecordRestriction(ctx, officer, req)); id != "" {
				l.orders = append(l.orders, id)
			}
		},
		"an order lifted": func(kid) {
			if len(l.orders) > 0 {
				l.tried(l.LiftRestriction(ctx, officer, l.orders[0], broker.ReviewRequest{Reason: "the court lifted it"}))
				l.orders = l.orders[1:]
			}
		},
		"rights of a person": func(k kid) {
			l.tried(l.RecordHolder(ctx, officer, broker.HolderRequest{Student: of(k), Signer: signer(k), Capacity: consent.Parent, HoldsRights: l.rng.IntN(2) == 0, Document: courtOrder}))
		},
		"a case": func(k kid) {
			if id := l.tried(l.OpenCase(ctx, officer, broker.CaseRequest{Kind: broker.CaseNotMyChild, Student: of(k), By: byGuardian(k.mother())})); id != "" {
				l.cases = append(l.cases, id)
			}
		},
		"a case closed": func(kid) {
			if len(l.cases) > 0 {
				l.tried(l.CloseCase(ctx, officer, l.cases[0], broker.ReviewRequest{Reason: "it is her child"}))
				l.cases = l.cases[1:]
			}
		},
		"college": func(k kid) {
			l.tried(l.RecordPostsecondary(ctx, officer, broker.PostsecondaryRequest{Student: of(k), From: day("2026-03-01"), Document: courtOrder}))
		},
		"a roster":    func(k kid) { l.upload("river", "a1", l.kids[:1+k.number]) },
		"another day": func(kid) { l.clock.Set(l.clock.Now().AddDate(0, 0, 1)) },
		"a load":      func(kid) { l.moveAway() },
	}
}

// moveAway loads a file in which one father more or less holds no rights.
func (l *life) moveAway() {
	l.t.Helper()
	l.loads++
	dir := writeMade(l.t, l.kids)
	var b strings.Builder
	fmt.Fprintln(&b, "student_id,guardian_id,given_name,family_name,relation,capacity,language,holds_rights")
	for _, k := range l.kids {
		fmt.Fprintf(&b, "%s,%s,Mo,%s,mother,parent,en,yes\n", k.id(), k.mother(), k.family())
		fmt.Fprintf(&b, "%s,%s,Fa,%s,father,parent,en,%s\n", k.id(), k.father(), k.family(), map[bool]string{true: "yes", false: "no"}[(k.number+l.loads)%2 == 0])
	}
	if err := os.WriteFile(filepath.Join(dir, "guardians.csv"), []byte(b.String()), 0o600); err != nil {
		l.t.Fatal(err)
	}
	l.load(dir, ingest.Options{ExportDate: day(springEnd)})
}

// rows is the member data of the answer under each agreement.
func (l *life) rows() (all []byte) {
	l.t.Helper()
	for _, of := range [][2]string{{"a1", "river"}, {"a2", "river"}, {"b1", "lake"}} {
		a := l.must(l.Students(l.t.Context(), partnerOf(of[1]), broker.StudentsRequest{Agreement: of[0], Period: broker.PeriodCurrent}))
		data, _, _ := bytes.Cut(a.Body(), []byte(`,"receipt"`))
		all = append(all, data...)
		a.Drop()
	}
	return all
}

// lived lets things happen in any order and asks after every few: once with what was
// decided before, and once from the store alone. It returns after what the two differed,
// and how often the rows changed.
func (l *life) lived(steps int) (differed []string, changes int) {
	l.t.Helper()
	acts, names, before := l.acts(), []string{}, []byte(nil)
	for name := range acts {
		names = append(names, name)
	}
	slices.Sort(names)
	for range steps {
		var did []string
		for range 1 + l.rng.IntN(3) {
			name := pick(l.rng, names)
			acts[name](pick(l.rng, l.kids))
			did = append(did, name)
		}
		kept := l.rows()
		l.ForgetDecided()
		fresh := l.rows()
		if !bytes.Equal(kept, fresh) {
			differed = append(differed, strings.Join(did, ", "))
		}
		if !bytes.Equal(before, fresh) {
			changes++
		}
		before = fresh
		if l.rng.IntN(2) == 0 {
			l.rows()
		}
	}
	return differed, changes
}

func TestWhatWasDecidedBeforeIsWhatIsDecidedNow(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("life ", seed), func(t *testing.T) {
			t.Parallel()
			differed, changes := newLife(t, seed, broker.Sabotage{}).lived(40)
			for _, did := range differed {
				t.Errorf("after %s the kept decisions are not those of now", did)
			}
			if changes < 6 {
				t.Errorf("the rows changed only %d times", changes)
			}
		})
	}
	t.Run("and old decisions are seen", func(t *testing.T) {
		t.Parallel()
		if differed, _ := newLife(t, 0, broker.Sabotage{OldCohort: true}).lived(40); len(differed) == 0 {
			t.Error("the test does not see that changes are not looked at")
		}
	})
}
