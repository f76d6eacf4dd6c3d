package broker_test

import (
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

const courtOrder = "court file 26-118"

// of names a child to the district's people.
func of(k kid) broker.StudentRef { return broker.StudentRef{StudentID: k.id()} }

func byGuardian(id string) broker.SignerRef { return broker.SignerRef{GuardianID: id} }

// restrict records an order about a child and returns its id.
func (d *made) restrict(k kid, kind consent.RestrictionKind, about broker.SignerRef) string {
	d.t.Helper()
	return d.restrictOver(broker.RestrictionRequest{Student: of(k), Kind: kind, Signer: about, Document: courtOrder})
}

func (d *made) restrictOver(req broker.RestrictionRequest) string {
	d.t.Helper()
	a := d.must(d.RecordRestriction(d.t.Context(), officer, req))
	defer a.Drop()
	return data[struct {
		ID string `json:"id"`
	}](d.t, a).ID
}

func (d *made) lift(id string) {
	d.t.Helper()
	d.done(d.LiftRestriction(d.t.Context(), officer, id, broker.ReviewRequest{Reason: "Order vacated."}))
}

// answers enters what one guardian of a child says, a minute after what was said before.
func (d *made) answers(k kid, guardianID string, answer consent.Answer) {
	d.t.Helper()
	d.clock.Set(d.clock.Now().Add(time.Minute))
	req := d.yes("a1", k)
	req.Signer, req.Answer, req.SignedAt = byGuardian(guardianID), answer, d.clock.Now()
	d.enter(req)
}

func (d *made) rowOpen(k kid) bool {
	d.t.Helper()
	return slices.Contains(d.students("a1", "river").refs(), k.ref())
}

func TestAnOrderSaysWhoDecidesFromTheNextAnswerOn(t *testing.T) {
	t.Parallel()
	type step struct {
		what string
		do   func(d *made, k kid)
		open bool
	}
	mother := func(k kid) broker.SignerRef { return byGuardian(k.mother()) }
	father := func(k kid) broker.SignerRef { return byGuardian(k.father()) }
	for name, steps := range map[string][]step{
		"the mother may not decide": {
			{"order", func(d *made, k kid) { d.restrict(k, consent.MayNotDecide, mother(k)) }, false},
			{"the father's yes", func(d *made, k kid) { d.answers(k, k.father(), consent.Yes) }, true},
		},
		"an order about the father": {
			{"order", func(d *made, k kid) { d.restrict(k, consent.MayNotDecide, father(k)) }, true},
		},
		"both must agree": {
			{"order", func(d *made, k kid) { d.restrict(k, consent.BothMustAgree, broker.SignerRef{}) }, false},
			{"the father's yes", func(d *made, k kid) { d.answers(k, k.father(), consent.Yes) }, true},
			{"the father's no", func(d *made, k kid) { d.answers(k, k.father(), consent.No) }, false},
		},
		"the father decides": {
			{"order", func(d *made, k kid) { d.restrict(k, consent.ThisPersonDecides, father(k)) }, false},
			{"the father's yes", func(d *made, k kid) { d.answers(k, k.father(), consent.Yes) }, true},
		},
		"the mother decides, whatever the father said": {
			{"the father's no", func(d *made, k kid) { d.answers(k, k.father(), consent.No) }, false},
			{"order", func(d *made, k kid) { d.restrict(k, consent.ThisPersonDecides, mother(k)) }, true},
		},
		"an order that is lifted": {
			{"order and its end", func(d *made, k kid) { d.lift(d.restrict(k, consent.MayNotDecide, mother(k))) }, true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, kids, _ := agreed(t)
			k := kids[2]
			if !d.rowOpen(k) {
				t.Fatal("the row is closed before")
			}
			for _, s := range steps {
				s.do(d, k)
				if got := d.rowOpen(k); got != s.open {
					t.Errorf("after %s the row is open: %v", s.what, got)
				}
			}
		})
	}
}

func TestWithoutWhatOfficersRecordedAnOrderClosesNothing(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t, sabotaged(broker.Sabotage{FileOnly: true}))
	d.restrict(kids[2], consent.MayNotDecide, byGuardian(kids[2].mother()))
	if !d.rowOpen(kids[2]) {
		t.Error("the row is closed: the guard is not what this test takes it for")
	}
}

func TestAnOrderHoldsFromItsFirstToItsLastDay(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	k, today := kids[2], civil.Of(d.clock.Now(), time.UTC)
	d.restrictOver(broker.RestrictionRequest{
		Student: of(k), Kind: consent.MayNotDecide, Signer: byGuardian(k.mother()), Document: courtOrder, From: today + 2, To: today + 3,
	})
	for days, open := range []bool{true, true, false, false, true} {
		d.clock.Set(inSpring.AddDate(0, 0, days).Add(2 * time.Hour))
		if got := d.rowOpen(k); got != open {
			t.Errorf("%d days later the row is open: %v", days, got)
		}
	}
}

func TestAnOrderWaitsForTheAnswersOnTheirWay(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	d, kids, _ := agreed(t, h.option)
	answer := d.must(d.ask(t.Context(), "a1"))
	writing, isWriting := signal()
	release := make(chan struct{})
	landed := make(chan error, 1)
	var written atomic.Bool
	go func() {
		landed <- answer.Deliver(func(...[]byte) error {
			_ = isWriting()
			<-release
			written.Store(true)
			return nil
		}, func() {})
	}()
	<-writing
	committing, isCommitting := signal()
	h.atCommit(isCommitting)
	done := make(chan error, 1)
	go func() {
		_, err := d.RecordRestriction(t.Context(), officer, broker.RestrictionRequest{
			Student: of(kids[0]), Kind: consent.MayNotDecide, Signer: byGuardian(kids[0].mother()), Document: courtOrder,
		})
		done <- err
	}()
	<-committing
	h.atCommit(nil)
	if returned(done) {
		t.Error("the order was acknowledged while an answer with the child was being written")
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !written.Load() {
		t.Error("the order was acknowledged before the answer was written")
	}
	if err := <-landed; err != nil {
		t.Error(err)
	}
	if d.rowOpen(kids[0]) {
		t.Error("the order was not kept")
	}
}

func TestWhoMayNotDecideIsToldSo(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	k := kids[2]
	d.restrict(k, consent.MayNotDecide, byGuardian(k.mother()))
	for name, caller := range map[string]broker.Caller{"herself": motherOf(k), "by an officer": officer} {
		req := d.yes("a1", k)
		req.SignedAt = d.clock.Now()
		if _, err := d.CreateConsent(t.Context(), caller, req); broker.KindOf(err) != broker.Denied {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAWordOnWhoHoldsTheRightsOutranksTheFile(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	k := kids[2]
	holder := broker.HolderRequest{Student: of(k), Signer: byGuardian(k.mother()), Capacity: consent.Parent, Document: "order 7", Reason: "Rights terminated."}
	d.done(d.RecordHolder(t.Context(), officer, holder))
	if d.rowOpen(k) {
		t.Error("the yes of a person without rights opens the row")
	}
	req := d.yes("a1", k)
	req.SignedAt = d.clock.Now()
	if _, err := d.CreateConsent(t.Context(), motherOf(k), req); broker.KindOf(err) != broker.Invalid {
		t.Errorf("she answered: %v", err)
	}
	d.clock.Set(d.clock.Now().Add(time.Minute))
	holder.HoldsRights, holder.Capacity = true, consent.ActingAsParent
	d.done(d.RecordHolder(t.Context(), officer, holder))
	if d.rowOpen(k) {
		t.Error("the yes of a parent counts as that of a person acting as one")
	}
	d.answers(k, k.mother(), consent.Yes)
	if !d.rowOpen(k) {
		t.Error("the answer in the recorded capacity does not open the row")
	}
}

func TestInPostsecondaryEducationTheStudentAnswers(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	k, today := kids[2], civil.Of(d.clock.Now(), time.UTC)
	d.done(d.RecordPostsecondary(t.Context(), officer, broker.PostsecondaryRequest{Student: of(k), From: today, Document: "admission letter"}))
	if d.rowOpen(k) {
		t.Error("the mother's yes still opens the row")
	}
	own := d.yes("a1", k)
	own.Signer, own.SignedAt = broker.SignerRef{Self: true}, d.clock.Now()
	d.enter(own)
	if !d.rowOpen(k) {
		t.Error("the student's own yes does not open the row")
	}
	d.clock.Set(d.clock.Now().Add(time.Minute))
	d.done(d.RecordPostsecondary(t.Context(), officer, broker.PostsecondaryRequest{Student: of(k), Document: "the letter was another child's"}))
	if !d.rowOpen(k) {
		t.Error("the mother's yes does not count again")
	}
}

func TestAnUnaccompaniedYouthAnswersForThemselves(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	k := kids[5]
	own := d.yes("a1", k)
	own.Signer, own.SignedAt = broker.SignerRef{Self: true}, d.clock.Now()
	if _, err := d.CreateConsent(t.Context(), officer, own); broker.KindOf(err) != broker.Invalid {
		t.Fatalf("a child of fourteen signed: %v", err)
	}
	d.done(d.RecordHolder(t.Context(), officer, broker.HolderRequest{
		Student: of(k), Signer: broker.SignerRef{Self: true}, Capacity: consent.UnaccompaniedYouth, HoldsRights: true, Document: "liaison's letter",
	}))
	d.enter(own)
	if !d.rowOpen(k) {
		t.Error("the youth's yes does not open the row")
	}
}

func TestWhatIsRecordedOfRightsIsChecked(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	k := kids[0]
	for name, ask := range map[string]func() error{
		"an order without a document": func() error {
			_, err := d.RecordRestriction(t.Context(), officer, broker.RestrictionRequest{Student: of(k), Kind: consent.MayNotDecide, Signer: byGuardian(k.mother())})
			return err
		},
		"an order of an unknown kind": func() error {
			_, err := d.RecordRestriction(t.Context(), officer, broker.RestrictionRequest{Student: of(k), Kind: "custody", Signer: byGuardian(k.mother()), Document: courtOrder})
			return err
		},
		"an order about somebody else's guardian": func() error {
			_, err := d.RecordRestriction(t.Context(), officer, broker.RestrictionRequest{Student: of(k), Kind: consent.MayNotDecide, Signer: byGuardian(kids[1].mother()), Document: courtOrder})
			return err
		},
		"an order about all that names one": func() error {
			_, err := d.RecordRestriction(t.Context(), officer, broker.RestrictionRequest{Student: of(k), Kind: consent.BothMustAgree, Signer: byGuardian(k.mother()), Document: courtOrder})
			return err
		},
		"an order that ends before it begins": func() error {
			_, err := d.RecordRestriction(t.Context(), officer, broker.RestrictionRequest{
				Student: of(k), Kind: consent.MayNotDecide, Signer: byGuardian(k.mother()), Document: courtOrder, From: day("2026-05-01"), To: day("2026-04-01"),
			})
			return err
		},
		"a caseworker who holds rights": func() error {
			_, err := d.RecordHolder(t.Context(), officer, broker.HolderRequest{Student: of(k), Signer: byGuardian(k.mother()), Capacity: consent.AgencyCaseworker, HoldsRights: true, Document: "letter"})
			return err
		},
		"a guardian who is an unaccompanied youth": func() error {
			_, err := d.RecordHolder(t.Context(), officer, broker.HolderRequest{Student: of(k), Signer: byGuardian(k.mother()), Capacity: consent.UnaccompaniedYouth, HoldsRights: true, Document: "letter"})
			return err
		},
		"a holder without a document": func() error {
			_, err := d.RecordHolder(t.Context(), officer, broker.HolderRequest{Student: of(k), Signer: byGuardian(k.mother()), Capacity: consent.Parent})
			return err
		},
		"a college without a document": func() error {
			_, err := d.RecordPostsecondary(t.Context(), officer, broker.PostsecondaryRequest{Student: of(k), From: day("2026-03-01")})
			return err
		},
		"a lift without a reason": func() error {
			_, err := d.LiftRestriction(t.Context(), officer, "rst_x", broker.ReviewRequest{})
			return err
		},
		"a state known in the future": func() error {
			_, err := d.ConsentState(t.Context(), officer, broker.ConsentStateRequest{Agreement: "a1", Student: of(k), Known: d.clock.Now().Add(time.Hour)})
			return err
		},
	} {
		if err := ask(); broker.KindOf(err) != broker.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	id := d.restrict(k, consent.MayNotDecide, byGuardian(k.mother()))
	d.lift(id)
	if _, err := d.LiftRestriction(t.Context(), officer, id, broker.ReviewRequest{Reason: "Again."}); broker.KindOf(err) != broker.Conflict {
		t.Errorf("a restriction was lifted twice: %v", err)
	}
}

// stateBody is what an officer reads of the answers about a child.
type stateBody struct {
	Categories []struct {
		Category consent.Category    `json:"category"`
		Answer   consent.StateAnswer `json:"answer"`
		Reason   consent.Reason      `json:"reason"`
		Deciding []string            `json:"deciding"`
	} `json:"categories"`
}

func TestAStateIsAskedOfAMomentByTheKnowledgeOfAnother(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	k := kids[2]
	before := d.clock.Now()
	d.clock.Set(before.Add(time.Hour))
	d.restrictOver(broker.RestrictionRequest{
		Student: of(k), Kind: consent.MayNotDecide, Signer: byGuardian(k.mother()), Document: courtOrder, From: civil.Of(before, time.UTC) - 30,
	})
	after := d.clock.Now()
	d.clock.Set(after.Add(time.Hour))
	for name, c := range map[string]struct {
		at, known time.Time
		answer    consent.StateAnswer
		reason    consent.Reason
	}{
		"now":                                {answer: consent.StateUnasked, reason: consent.Restricted},
		"then, as it was known then":         {before, before, consent.StateYes, consent.SaidYes},
		"then, as it is known since":         {before, after, consent.StateUnasked, consent.Restricted},
		"before the signing, as known today": {inSpring.Add(-time.Second), after, consent.StateUnasked, consent.NotAsked},
	} {
		a := d.must(d.ConsentState(t.Context(), officer, broker.ConsentStateRequest{Agreement: "a1", Student: of(k), At: c.at, Known: c.known}))
		got := data[stateBody](t, a)
		a.Drop()
		if len(got.Categories) != len(consent.Categories()) {
			t.Fatalf("%s: %d categories", name, len(got.Categories))
		}
		for _, s := range got.Categories {
			if s.Answer != c.answer || s.Reason != c.reason {
				t.Errorf("%s: %s is %s, %s", name, s.Category, s.Answer, s.Reason)
			}
		}
	}
}

// rightsBody is what an officer reads of who decides about a child.
type rightsBody struct {
	Eligible bool `json:"eligible"`
	Deciders []struct {
		GuardianID  string           `json:"guardian_id"`
		Self        bool             `json:"self"`
		Capacity    consent.Capacity `json:"capacity"`
		HoldsRights bool             `json:"holds_rights"`
		MayDecide   bool             `json:"may_decide"`
	} `json:"deciders"`
	Restrictions []struct {
		ID       string    `json:"id"`
		LiftedAt time.Time `json:"lifted_at"`
	} `json:"restrictions"`
}

func TestAnOfficerReadsWhoDecidesAndByWhat(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	k := kids[2]
	id := d.restrict(k, consent.ThisPersonDecides, byGuardian(k.father()))
	a := d.must(d.Rights(t.Context(), officer, broker.RightsRequest{Student: of(k)}))
	defer a.Drop()
	got := data[rightsBody](t, a)
	if got.Eligible || len(got.Restrictions) != 1 || got.Restrictions[0].ID != id || !got.Restrictions[0].LiftedAt.IsZero() {
		t.Errorf("%+v", got)
	}
	for _, p := range got.Deciders {
		if want := p.GuardianID == k.father(); p.MayDecide != want || p.HoldsRights == p.Self {
			t.Errorf("%+v", p)
		}
	}
	if len(got.Deciders) != 3 {
		t.Errorf("%d people on the file", len(got.Deciders))
	}
}

func TestWhatIsRecordedOfRightsFollowsAMergedFile(t *testing.T) {
	t.Parallel()
	d := doubled(t)
	f := joinedUnderOneMother()
	d.consent(consentTo("club", double))
	a := d.must(d.RecordRestriction(t.Context(), officer, broker.RestrictionRequest{
		Student: broker.StudentRef{StudentID: double.id}, Kind: consent.MayNotDecide, Signer: byGuardian(double.mother()), Document: courtOrder,
	}))
	id := data[struct {
		ID string `json:"id"`
	}](t, a).ID
	a.Drop()
	d.imported(f)
	if rows := d.clubRows(); len(rows) != 0 {
		t.Errorf("the order was forgotten: %d rows", len(rows))
	}
	d.done(d.LiftRestriction(t.Context(), officer, id, broker.ReviewRequest{Reason: "Order vacated."}))
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows once the order is lifted", len(rows))
	}
}

func TestARowSaysWhenItEndsOnceThatIsNear(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	soon, birthday := kids[4], kids[5]
	today := civil.Of(d.clock.Now(), time.UTC)
	req := d.yes("a1", soon)
	req.SignedAt, req.Expires = d.clock.Now(), today+31
	d.enter(req)
	d.done(d.RecordPostsecondary(t.Context(), officer, broker.PostsecondaryRequest{Student: of(birthday), From: today + 10, Document: "admission letter"}))
	req = d.yes("a1", birthday)
	req.SignedAt = d.clock.Now()
	d.enter(req)
	ends := func() map[string]civil.Date {
		byRef := map[string]civil.Date{}
		for _, row := range d.students("a1", "river").Rows {
			byRef[row.Ref] = row.EndsOn
		}
		return byRef
	}
	want := map[string]civil.Date{kids[0].ref(): 0, kids[1].ref(): 0, kids[2].ref(): 0, soon.ref(): 0, birthday.ref(): today + 9}
	if got := ends(); !maps.Equal(got, want) {
		t.Errorf("the rows end on %v, want %v", got, want)
	}
	d.clock.Set(d.clock.Now().AddDate(0, 0, 1))
	want[soon.ref()] = today + 31
	if got := ends(); !maps.Equal(got, want) {
		t.Errorf("a day later the rows end on %v, want %v", got, want)
	}
}
