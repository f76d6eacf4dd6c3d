package budget_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/sdc/budget"
)

// Grants of the ledgers that are played, small enough to run out.
const (
	grantAgreement budget.Rho = 100
	grantSchool    budget.Rho = 60
	grantStudent   budget.Rho = 120
)

var (
	nextYear = civil.Make(2027, 7, 1)
	tutors   = budget.Payer{Kind: budget.KindAgreement, Name: "tutors"}
	mentors  = budget.Payer{Kind: budget.KindAgreement, Name: "mentors"}
	lakeside = budget.Payer{Kind: budget.KindSchool, Name: "lakeside"}
	nobody   = budget.Payer{Kind: budget.KindAgreement, Name: "nobody"} // who has no account
)

func book(t testing.TB) budget.Book {
	t.Helper()
	b, err := opened()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func opened() (budget.Book, error) {
	b, err := budget.NewBook(nextYear, grantStudent)
	for p, granted := range map[budget.Payer]budget.Rho{tutors: grantAgreement, mentors: grantAgreement, lakeside: grantSchool} {
		if err == nil {
			b, err = b.Grant(p, granted)
		}
	}
	return b, err
}

// paid is a release that was drawn.
type paid struct {
	budget.Release
	state budget.State
}

// model is the plainest ledger: every draw there ever was.
type model []paid

// lost is what all draws cost one payer or one student together.
func (m model) lost(counts func(paid) bool) (sum budget.Rho) {
	for _, p := range m {
		if counts(p) {
			sum += p.Cost
		}
	}
	return sum
}

func by(p budget.Payer) func(paid) bool { return func(r paid) bool { return r.Payer == p } }
func of(s uint32) func(paid) bool       { return func(r paid) bool { return r.Members.Contains(s) } }

func (m model) find(p budget.Payer, id string) int {
	return slices.IndexFunc(m, func(r paid) bool { return r.Payer == p && r.ID == id })
}

func grantOf(p budget.Payer) budget.Rho {
	return map[budget.Payer]budget.Rho{tutors: grantAgreement, mentors: grantAgreement, lakeside: grantSchool}[p]
}

// reserve is what should become of releases, and of which error.
func (m model) reserve(releases []budget.Release) (model, error) {
	next := slices.Clone(m)
	for _, r := range releases {
		at := next.find(r.Payer, r.ID)
		switch {
		case r.Members.IsEmpty():
			return m, budget.ErrMembers
		case r.Payer == nobody:
			return m, budget.ErrUnknown
		case at >= 0 && next[at].Cost != r.Cost:
			return m, budget.ErrOtherCost
		case at >= 0 && next[at].state == budget.Forfeited:
			return m, budget.ErrForfeited
		case at >= 0:
			continue
		case next.lost(by(r.Payer))+r.Cost > grantOf(r.Payer):
			return m, budget.ErrExhausted
		}
		for _, s := range r.Members.ToArray() {
			if next.lost(of(s))+r.Cost > grantStudent {
				return m, budget.ErrExhausted
			}
		}
		next = append(next, paid{r, budget.Reserved})
	}
	return next, nil
}

// end is what should become of a release that is settled or forfeited.
func (m model) end(p budget.Payer, id string, as budget.State) (model, error) {
	at := m.find(p, id)
	switch {
	case at < 0:
		return m, budget.ErrUnknown
	case m[at].state == as:
		return m, nil
	case m[at].state == budget.Settled:
		return m, budget.ErrSettled
	case m[at].state == budget.Forfeited:
		return m, budget.ErrForfeited
	}
	next := slices.Clone(m)
	next[at].state = as
	return next, nil
}

// step is something that is done to a ledger.
type step struct {
	do       budget.State // what releases, or the first of them, come to
	releases []budget.Release
}

func drawRelease(t *rapid.T) budget.Release {
	return budget.Release{
		ID:      rapid.SampledFrom([]string{"fall", "winter", "spring", "summer", "year"}).Draw(t, "id"),
		Payer:   rapid.SampledFrom([]budget.Payer{tutors, mentors, lakeside, nobody}).Draw(t, "payer"),
		Cost:    budget.Rho(rapid.SampledFrom([]int{1, 20, 40, 60}).Draw(t, "cost")),
		Members: roaring.BitmapOf(rapid.SliceOfNDistinct(rapid.Uint32Range(0, 4), 0, 5, rapid.ID).Draw(t, "members")...),
	}
}

func steps() *rapid.Generator[[]step] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{
			do:       rapid.SampledFrom([]budget.State{budget.Reserved, budget.Reserved, budget.Settled, budget.Forfeited}).Draw(t, "do"),
			releases: rapid.SliceOfN(rapid.Custom(drawRelease), 1, 3).Draw(t, "releases"),
		}
	}), 1, 40)
}

// game is a ledger and beside it the model of it.
type game struct {
	book    budget.Book
	drawn   model // every draw that the ledger allowed
	model   model
	without budget.Broken
}

// play does steps to a ledger without some of its guards and says what is wrong
// after one of them: first of all, whether anybody lost more than was granted.
func play(list []step, without budget.Broken) error {
	b, err := opened()
	if err != nil {
		return err
	}
	g := game{book: b, without: without}
	for i, s := range list {
		if err := g.do(s); err != nil {
			return fmt.Errorf("step %d, %s: %w", i, s.do, err)
		}
	}
	return nil
}

func (g *game) do(s step) error {
	before, err := budget.EncodeBook(g.book)
	if err != nil {
		return err
	}
	was := g.book
	got, want := g.apply(s)
	if err := g.within(); err != nil {
		return err
	}
	if !errors.Is(got, want) {
		return fmt.Errorf("said is %s", fmt.Sprint(got, ", and not ", want))
	}
	if unchanged, err := budget.EncodeBook(was); err != nil || !bytes.Equal(before, unchanged) {
		return errors.New("the ledger before was changed")
	}
	after, err := budget.EncodeBook(g.book)
	if err != nil {
		return err
	}
	if got != nil && !bytes.Equal(before, after) {
		return errors.New("a step that was refused changed the ledger")
	}
	if g.book, err = budget.DecodeBook(after); err != nil { // and on from what was stored
		return err
	}
	return g.asModelled()
}

// apply does a step to both and returns what each says of it.
func (g *game) apply(s step) (got, want error) {
	first := s.releases[0]
	switch s.do {
	case budget.Reserved:
		var toDraw []budget.Release
		g.book, toDraw, got = budget.ReserveBroken(g.book, g.without, s.releases...)
		for _, r := range toDraw {
			g.drawn = append(g.drawn, paid{Release: r})
		}
		g.model, want = g.model.reserve(s.releases)
	case budget.Settled:
		g.book, got = g.book.Settle(first.Payer, first.ID)
		g.model, want = g.model.end(first.Payer, first.ID, budget.Settled)
	case budget.Forfeited:
		g.book, got = budget.ForfeitBroken(g.book, g.without, first.Payer, first.ID)
		g.model, want = g.model.end(first.Payer, first.ID, budget.Forfeited)
	}
	return got, want
}

// within says who lost more than was granted, or paid for less than was drawn.
func (g *game) within() error {
	for _, p := range g.book.Payers() {
		a, _ := g.book.Account(p)
		lost := g.drawn.lost(by(p))
		if lost > a.Granted() || a.Reserved()+a.Spent() > a.Granted() || a.Reserved() < 0 || a.Spent() < 0 {
			return fmt.Errorf("%v lost %v; of %v granted, %v is reserved and %v spent", p, lost, a.Granted(), a.Reserved(), a.Spent())
		}
		if a.Reserved()+a.Spent() < lost {
			return fmt.Errorf("%v lost %v and paid only %v and %v", p, lost, a.Reserved(), a.Spent())
		}
	}
	for s := range uint32(6) {
		if lost := g.drawn.lost(of(s)); lost > grantStudent || grantStudent-g.book.StudentLeft(s) < lost {
			return fmt.Errorf("a student lost %v of %v, with %v left", lost, grantStudent, g.book.StudentLeft(s))
		}
	}
	return nil
}

// asModelled says where the ledger differs from the model.
func (g *game) asModelled() error {
	for _, p := range g.book.Payers() {
		a, _ := g.book.Account(p)
		pending := g.model.lost(func(r paid) bool { return r.Payer == p && r.state == budget.Reserved })
		if a.Reserved() != pending || a.Spent() != g.model.lost(by(p))-pending || a.Left() != grantOf(p)-g.model.lost(by(p)) {
			return fmt.Errorf("%v has %v reserved and %v spent", p, a.Reserved(), a.Spent())
		}
		for _, r := range g.model {
			if state, known := a.State(r.ID); r.Payer == p && (!known || state != r.state) {
				return fmt.Errorf("%v: %s is %s", p, r.ID, state)
			}
		}
	}
	for s := range uint32(6) {
		if left := g.book.StudentLeft(s); left != grantStudent-g.model.lost(of(s)) {
			return fmt.Errorf("a student has %v left", left)
		}
	}
	return nil
}

func TestNobodyLosesMoreThanWasGranted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		if err := play(steps().Draw(t, "steps"), budget.Broken{}); err != nil {
			t.Error(err)
		}
	})
}

func TestWithoutAGuardSomebodyLosesMoreThanWasGranted(t *testing.T) {
	t.Parallel()
	for guard, without := range map[string]budget.Broken{
		"the limit of an account": {NoLimit: true},
		"the limit of a student":  {NoStudents: true},
		"one draw a release":      {DrawAgain: true},
		"forfeits count":          {GiveBack: true},
		"all or none":             {OneByOne: true},
	} {
		t.Run(guard, func(t *testing.T) {
			t.Parallel()
			gen := steps()
			for seed := range 300 {
				if err := play(gen.Example(seed), without); err != nil {
					t.Logf("seed %d: %v", seed, err)
					return
				}
			}
			t.Error("300 games without the guard, and nobody noticed")
		})
	}
}
