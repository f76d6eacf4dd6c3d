package budget

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// Errors of a ledger. None of them holds anything about a student.
var (
	// ErrExhausted is matched by an Exhausted.
	ErrExhausted = errors.New("privacy budget exhausted")
	// ErrUnknown is returned for an id that was never reserved, and for an account
	// that was never granted anything.
	ErrUnknown = errors.New("not in the ledger")
	// ErrID is returned for an id or a name that is empty or no UTF-8.
	ErrID = errors.New("a release and an account need an id of Unicode text")
	// ErrResets is returned where nobody said when the school year ends.
	ErrResets = errors.New("a privacy ledger must have the date on which the next school year begins")
	// ErrOtherCost is returned for an id that was reserved before at another cost.
	ErrOtherCost = errors.New("the release was reserved at another cost: give changed figures an id of their own")
	// ErrForfeited is returned for a release that was forfeited: what was drawn for
	// it may be known to somebody and is not stored, so it must not be drawn again.
	ErrForfeited = errors.New("the release was forfeited: ask again under another id, which costs again")
	// ErrSettled is returned where a release that was settled is to be forfeited.
	ErrSettled = errors.New("the release was settled: its figures are stored and stay readable")
)

// Exhausted says what was asked of an account, what is left in it, and when the
// next school year begins with a grant of its own; no other way leads to one.
type Exhausted struct {
	Kind        Kind // of the account; KindStudent is anybody who would be in the figures
	Asked, Left Rho
	Resets      civil.Date
}

// Error says all of it.
func (e *Exhausted) Error() string {
	return fmt.Sprintf("%v (%s): %v is asked, %v is left until %v; figures that were released stay readable", ErrExhausted, e.Kind, e.Asked, e.Left, e.Resets)
}

// Unwrap makes it an ErrExhausted.
func (e *Exhausted) Unwrap() error { return ErrExhausted }

// State is how far a release has come.
type State string

// States of a release. All of them count against what was granted.
const (
	Reserved  State = "reserved"  // may be drawn, once, and is not yet stored
	Settled   State = "settled"   // is stored and may be shown
	Forfeited State = "forfeited" // may have been drawn and is lost
)

func (s State) valid() bool { return s == Reserved || s == Settled || s == Forfeited }

type entry struct {
	cost  Rho
	state State
}

// Account is what was granted to somebody for a school year and what became of it.
// Nothing that was reserved is ever given back, and reserved and spent together are
// never more than granted. An Account is a value: its methods return another one and
// never change it, so that a change that could not be stored has not happened.
type Account struct {
	kind                     Kind
	granted, reserved, spent Rho
	resets                   civil.Date
	entries                  map[string]entry // by id of the release
}

// NewAccount opens an account with a grant until the next school year begins. It may
// be an ErrRho or an ErrResets.
func NewAccount(k Kind, granted Rho, resets civil.Date) (Account, error) {
	if err := granted.validate(); err != nil {
		return Account{}, err
	}
	if resets <= 0 {
		return Account{}, ErrResets
	}
	return Account{kind: k, granted: granted, resets: resets}, nil
}

// Granted is what the account was opened with.
func (a Account) Granted() Rho { return a.granted }

// Reserved is what releases cost that are not settled yet.
func (a Account) Reserved() Rho { return a.reserved }

// Spent is what releases cost that were settled or forfeited.
func (a Account) Spent() Rho { return a.spent }

// Left is what may still be reserved.
func (a Account) Left() Rho { return a.granted - a.reserved - a.spent }

// State is how far a release has come, if it is known.
func (a Account) State(id string) (State, bool) {
	e, known := a.entries[id]
	return e.state, known
}

// Pending lists the ids that are reserved, in order. Whoever starts after a crash
// forfeits them all before anything else is drawn.
func (a Account) Pending() []string {
	var ids []string
	for id, e := range a.entries {
		if e.state == Reserved {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Reserve sets aside what a release costs. Only if it is new may the caller draw,
// once the account it got is stored: a release that was reserved or settled before
// is not charged again, and whoever reserved it draws it. It is refused with an
// Exhausted, an ErrForfeited, an ErrOtherCost, an ErrID or an ErrRho.
func (a Account) Reserve(id string, cost Rho) (next Account, isNew bool, err error) {
	return a.reserve(id, cost, sabotage{})
}

// sabotage takes guards away; only tests do.
type sabotage struct{ noLimit, drawAgain, giveBack, oneByOne, noStudents bool }

func (a Account) reserve(id string, cost Rho, without sabotage) (next Account, isNew bool, err error) {
	if !named(id) {
		return a, false, ErrID
	}
	if err := cost.validate(); err != nil {
		return a, false, err
	}
	before, known := a.entries[id]
	switch {
	case known && before.cost != cost:
		return a, false, ErrOtherCost
	case known && without.drawAgain:
		return a, true, nil
	case known && before.state == Forfeited:
		return a, false, ErrForfeited
	case known:
		return a, false, nil
	case cost > a.Left() && !without.noLimit:
		return a, false, &Exhausted{a.kind, cost, a.Left(), a.resets}
	}
	a.reserved += cost
	return a.with(id, entry{cost, Reserved}), true, nil
}

// Settle turns what is reserved for a release into spent: its figures are stored in
// the same transaction. To settle again changes nothing. A release that was never
// reserved is an ErrUnknown, one that was forfeited an ErrForfeited.
func (a Account) Settle(id string) (Account, error) {
	e, known := a.entries[id]
	switch {
	case !known:
		return a, ErrUnknown
	case e.state == Forfeited:
		return a, ErrForfeited
	case e.state == Settled:
		return a, nil
	}
	return a.spend(id, Settled), nil
}

// Forfeit turns what is reserved for a release into spent although there is nothing
// to show for it. To forfeit again changes nothing. A release that was never reserved
// is an ErrUnknown, one that was settled an ErrSettled.
func (a Account) Forfeit(id string) (Account, error) { return a.forfeit(id, sabotage{}) }

func (a Account) forfeit(id string, without sabotage) (Account, error) {
	e, known := a.entries[id]
	switch {
	case !known:
		return a, ErrUnknown
	case e.state == Settled:
		return a, ErrSettled
	case e.state == Forfeited:
		return a, nil
	}
	next := a.spend(id, Forfeited)
	if without.giveBack {
		next.spent -= e.cost
	}
	return next, nil
}

func named(id string) bool { return id != "" && utf8.ValidString(id) }

func (a Account) spend(id string, as State) Account {
	cost := a.entries[id].cost
	a.reserved -= cost
	a.spent += cost
	return a.with(id, entry{cost, as})
}

func (a Account) with(id string, e entry) Account {
	entries := maps.Clone(a.entries)
	if entries == nil {
		entries = map[string]entry{}
	}
	entries[id] = e
	a.entries = entries
	return a
}
