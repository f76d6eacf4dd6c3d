package consent_test

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

// evaluator answers for one day of records, from the facts as they stand, whether they
// are open. It is slow, uses no code of the package and reads like the law: DESIGN §8.
// Nobody has two names here; names have laws of their own.
type evaluator struct {
	student consent.Student
	grants  []consent.Grant
	q       consent.Question
}

func (e evaluator) known(entered time.Time) bool { return !entered.After(e.q.Known) }

func (e evaluator) done(a *consent.Act) bool {
	return a != nil && e.known(a.EnteredAt) && !a.At.After(e.q.At)
}

func (e evaluator) date(at time.Time) civil.Date { return civil.Of(at, e.q.Zone) }

func between(day, from, to civil.Date) bool { return day >= from && (to == 0 || day <= to) }

// ofAge reports whether the rights are the student's own on a day.
func (e evaluator) ofAge(day civil.Date) bool {
	college := e.student.Postsecondary
	return college != 0 && day >= college || day >= e.student.Birth.AddYears(18)
}

// mayHold are the capacities in which rights are held.
var mayHold = []consent.Capacity{"eligible_student", "parent", "acting_as_parent", "foster_parent", "educational_surrogate", "unaccompanied_youth"}

// capacity is in which one a person held the rights on a day; "" for none. The word
// entered last counts; of two entered together, the one that gives none.
func (e evaluator) capacity(person string, day civil.Date) consent.Capacity {
	var best *consent.Holder
	for i := range e.student.Holders {
		h := &e.student.Holders[i]
		own := h.Capacity == "eligible_student"
		if h.Signer != person || !slices.Contains(mayHold, h.Capacity) || own != e.ofAge(day) || !between(day, h.From, h.To) || !e.known(h.EnteredAt) {
			continue
		}
		if best == nil || h.EnteredAt.After(best.EnteredAt) || h.EnteredAt.Equal(best.EnteredAt) && best.HoldsRights && !h.HoldsRights {
			best = h
		}
	}
	if best == nil || !best.HoldsRights {
		return ""
	}
	return best.Capacity
}

// orders are what the court orders in effect say.
type orders struct {
	barred     []string
	deciders   []string
	both, none bool // all must agree; they contradict each other
}

func (e evaluator) orders() (o orders) {
	today := e.date(e.q.At)
	for _, r := range e.student.Restrictions {
		if !e.known(r.EnteredAt) || !between(today, r.From, r.To) || e.done(r.Lifted) {
			continue
		}
		switch {
		case r.Kind == "may_not_decide":
			o.barred = append(o.barred, r.Signer)
		case e.ofAge(today): // nothing between parents is left
		case r.Kind == "this_person_decides":
			o.deciders = append(o.deciders, r.Signer)
		default:
			o.both = true
		}
	}
	slices.Sort(o.deciders)
	o.deciders = slices.Compact(o.deciders)
	o.none = len(o.deciders) > 1 || len(o.deciders) == 1 && (o.both || slices.Contains(o.barred, o.deciders[0]))
	return o
}

// statement is one thing that a person said.
type statement struct {
	grant   consent.Grant
	answer  consent.Answer
	at      time.Time
	entered time.Time
}

// statements are what a person said that counts, in the order in which it was said.
func (e evaluator) statements(person string) (list []statement) {
	own := e.ofAge(e.date(e.q.At))
	for _, g := range e.grants {
		if g.Signer != person || g.Party != e.q.Party || g.Purpose != e.q.Purpose || !slices.Contains(g.Categories, e.q.Category) ||
			!e.known(g.EnteredAt) || g.SignedAt.After(e.q.At) {
			continue
		}
		if e.counts(g, own) {
			list = append(list, statement{g, g.Answer, g.SignedAt, g.EnteredAt})
		}
		if w := g.Withdrawn; e.done(w) && (e.couldStop(person, g.SignedAt, own) || e.couldStop(person, w.At, own)) {
			list = append(list, statement{g, "no", w.At, w.EnteredAt})
		}
	}
	closedness := map[consent.Answer]int{"yes": 0, "talk": 1, "no": 2}
	slices.SortFunc(list, func(a, b statement) int {
		for _, c := range []int{a.at.Compare(b.at), closedness[a.answer] - closedness[b.answer], a.entered.Compare(b.entered)} {
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return list
}

func (e evaluator) counts(g consent.Grant, own bool) bool {
	capacity := e.capacity(g.Signer, e.date(g.SignedAt))
	switch {
	case g.Status != "in_force" || g.Confirmed != nil && !e.known(g.Confirmed.EnteredAt):
		return false // the district did not stand behind it yet
	case g.Invalidated != nil && e.known(g.Invalidated.EnteredAt):
		return false
	case capacity == "" || own && capacity != "eligible_student":
		return false
	}
	return g.Answer != "yes" || g.Capacity == capacity
}

func (e evaluator) couldStop(person string, at time.Time, own bool) bool {
	capacity := e.capacity(person, e.date(at))
	return capacity != "" && (capacity == "eligible_student") == own
}

// word is where a person's statements leave things: a no stands until a later yes;
// else the last statement counts.
func word(list []statement) statement {
	for i := len(list) - 1; i >= 0; i-- {
		switch list[i].answer {
		case "no":
			return list[i]
		case "yes":
			if i == len(list)-1 {
				return list[i]
			}
			return list[len(list)-1] // a wish to talk silences it
		}
	}
	return list[len(list)-1]
}

// open reports whether the records of a day are open.
func (e evaluator) open(day civil.Date) bool {
	o := e.orders()
	if o.none || slices.ContainsFunc(e.student.Pauses, e.paused) {
		return false
	}
	var yes []statement
	for _, person := range people {
		list := e.statements(person)
		heard := !slices.Contains(o.barred, person) && (len(o.deciders) == 0 || o.deciders[0] == person)
		if len(list) == 0 || !heard {
			continue
		}
		switch w := word(list); {
		case w.answer == "no":
			return false
		case w.answer == "yes" && e.date(e.q.At) <= w.grant.Expires:
			yes = append(yes, w)
		}
	}
	if o.both {
		return e.agreed(o, yes) && !slices.ContainsFunc(yes, func(w statement) bool { return !e.holds(w.grant, day) })
	}
	return slices.ContainsFunc(yes, func(w statement) bool { return e.holds(w.grant, day) })
}

func (e evaluator) paused(p consent.Pause) bool {
	return e.known(p.EnteredAt) && !p.At.After(e.q.At) && !e.done(p.Ended)
}

// agreed reports whether everyone who holds the rights today, but for the barred, said
// yes, and these are two at least.
func (e evaluator) agreed(o orders, yes []statement) bool {
	asked := 0
	for _, person := range people {
		if e.capacity(person, e.date(e.q.At)) == "" || slices.Contains(o.barred, person) {
			continue
		}
		asked++
		if !slices.ContainsFunc(yes, func(w statement) bool { return w.grant.Signer == person }) {
			return false
		}
	}
	return asked >= 2
}

// holds reports whether a grant names the records of a day and nothing holds them.
func (e evaluator) holds(g consent.Grant, day civil.Date) bool {
	if day < g.RecordsFrom || day > g.RecordsTo {
		return false
	}
	return !slices.ContainsFunc(g.Held, func(h consent.Hold) bool {
		overridden := h.Override != "" && e.known(h.OverriddenAt)
		return h.Family == "attendance" && between(day, h.From, h.To) && !overridden
	})
}

// agrees compares a build of Decide with the evaluator, day by day.
func (s scenario) agrees(t *testing.T, without consent.Sabotage) bool {
	t.Helper()
	s.student.Aliases = nil
	e := evaluator{s.student, s.grants, s.question}
	open := opened(s.decide(without, s.grants))
	for day := civil.Make(2025, 11, 1); day <= civil.Make(2025, 12, 15); day++ {
		if want := e.open(day); open[day] != want {
			if without == (consent.Sabotage{}) {
				t.Errorf("the records of %v are open: %v, by the evaluator %v\n%+v", day, open[day], want, s)
			}
			return false
		}
	}
	return true
}

// TestHarnessHistories compares Decide with the evaluator over random histories.
func TestHarnessHistories(t *testing.T) {
	t.Parallel()
	histories := 3000
	if text := os.Getenv("HALLPASS_BUDGET_CONSENT_HISTORIES"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("HALLPASS_BUDGET_CONSENT_HISTORIES is %q, not a number of histories", text)
		}
		histories = n
	}
	gen, opens := scenarios(), 0
	for seed := range histories {
		s := gen.Example(seed)
		if !s.agrees(t, consent.Sabotage{}) {
			t.Fatalf("history %d", seed)
		}
		if len(s.decide(consent.Sabotage{}, s.grants).Windows) > 0 {
			opens++
		}
	}
	if opens < histories/100 {
		t.Errorf("only %d of %d histories open anything", opens, histories)
	}
	t.Logf("harness consent_histories: %d histories, of which %d open something, each day as the evaluator has it", histories, opens)
}

func TestTheEvaluatorSeesEachMissingGuard(t *testing.T) {
	t.Parallel()
	gen := scenarios()
	for guard, without := range consent.Sabotages() {
		if guard == "joining never opens" {
			continue // nobody has two names here
		}
		t.Run(guard, func(t *testing.T) {
			t.Parallel()
			for seed := range 5000 {
				if !gen.Example(seed).agrees(t, without) {
					return
				}
			}
			t.Error("without this guard 5,000 histories come out the same")
		})
	}
}
