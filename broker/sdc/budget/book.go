package budget

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// Kind is whose account it is.
type Kind string

// Kinds of accounts.
const (
	KindAgreement Kind = "agreement" // of one partner's figures in the school year
	KindSchool    Kind = "school"    // of a school's totals, which are drawn once for all partners
	KindStudent   Kind = "student"   // of everything a student is in, whoever asked
)

// Payer names the account of an agreement or a school.
type Payer struct {
	Kind Kind
	Name string
}

func (p Payer) validate() error {
	if !named(p.Name) || p.Kind != KindAgreement && p.Kind != KindSchool {
		return fmt.Errorf("%w: the kind must be %s or %s", ErrID, KindAgreement, KindSchool)
	}
	return nil
}

func (p Payer) compare(o Payer) int {
	return cmp.Or(cmp.Compare(p.Kind, o.Kind), cmp.Compare(p.Name, o.Name))
}

// Release is what is reserved before figures are drawn: a cohort's figures, which
// its agreement pays for, or the totals of a school.
type Release struct {
	ID    string
	Payer Payer
	Cost  Rho
	// Members are all whose records the figures are made from, whatever is in those
	// and in whichever row they are, as ordinals of one table of the school year: an
	// ordinal is never given to another student. Each member pays the whole cost.
	Members *roaring.Bitmap
}

var (
	// ErrMembers is returned for a release without members.
	ErrMembers = errors.New("a release needs members, who pay for it")
	// ErrGranted is returned for an account that was granted something else before.
	ErrGranted = errors.New("the account has a grant for this school year, which nothing renews: wait for the next one")
)

// Book is the ledger of a school year: an account for each agreement, one for the
// totals of each school, and one for each student. It is a value like an Account,
// and never changes a set that it is given.
type Book struct {
	resets   civil.Date
	each     Rho // granted to each student
	accounts map[Payer]Account
	students map[Rho]*roaring.Bitmap // who is charged, by how much: disjoint, none empty, none for zero
}

// NewBook opens the ledger of the school year before the date on which the next one
// begins. Each student is granted the same over all agreements and totals. It may be
// an ErrRho or an ErrResets.
func NewBook(resets civil.Date, each Rho) (Book, error) {
	if _, err := NewAccount(KindStudent, each, resets); err != nil {
		return Book{}, err
	}
	return Book{resets: resets, each: each}, nil
}

// Grant opens an account. To grant the same again changes nothing; another amount
// is an ErrGranted, an unnamed payer an ErrID, an amount out of range an ErrRho.
func (b Book) Grant(p Payer, granted Rho) (Book, error) {
	if err := p.validate(); err != nil {
		return b, err
	}
	a, err := NewAccount(p.Kind, granted, b.resets)
	if err != nil {
		return b, err
	}
	before, known := b.accounts[p]
	switch {
	case !known:
		return b.with(p, a), nil
	case before.granted != granted:
		return b, ErrGranted
	}
	return b, nil
}

// Account is the account of a payer, if there is one.
func (b Book) Account(p Payer) (Account, bool) {
	a, known := b.accounts[p]
	return a, known
}

// Payers lists whose accounts there are, in order.
func (b Book) Payers() []Payer {
	return slices.SortedFunc(maps.Keys(b.accounts), Payer.compare)
}

// StudentLeft is what of a student's privacy may still be spent.
func (b Book) StudentLeft(ordinal uint32) Rho { return b.studentsLeft(roaring.BitmapOf(ordinal)) }

// Left is the most that a release with these members may cost: the least that is
// left of its payer and its members. It depends on who is a member of what, never
// on a record.
func (b Book) Left(p Payer, members *roaring.Bitmap) (Rho, error) {
	a, known := b.accounts[p]
	if !known {
		return 0, ErrUnknown
	}
	return min(a.Left(), b.studentsLeft(members)), nil
}

func (b Book) studentsLeft(members *roaring.Bitmap) Rho {
	most := Rho(0)
	for charged, set := range b.students {
		if charged > most && set.Intersects(members) {
			most = charged
		}
	}
	return b.each - most
}

// Reserve sets aside what releases cost, in the accounts of their payers and of all
// their members, for all the releases or for none. It lists those that are new: these
// alone may be drawn, once the book it returns is stored. A release that was reserved
// or settled before costs nothing again. Errors are those of
// Account.Reserve, ErrUnknown for a payer without an account, and ErrMembers.
func (b Book) Reserve(releases ...Release) (next Book, toDraw []Release, err error) {
	return b.reserve(sabotage{}, releases...)
}

func (b Book) reserve(without sabotage, releases ...Release) (next Book, toDraw []Release, err error) {
	next = b
	for _, r := range releases {
		after, isNew, err := next.reserveOne(r, without)
		if err != nil && without.oneByOne {
			return after, toDraw, err
		}
		if err != nil {
			return b, nil, fmt.Errorf("release %q: %w", r.ID, err)
		}
		if next = after; isNew {
			toDraw = append(toDraw, r)
		}
	}
	return next, toDraw, nil
}

func (b Book) reserveOne(r Release, without sabotage) (next Book, isNew bool, err error) {
	if r.Members == nil || r.Members.IsEmpty() {
		return b, false, ErrMembers
	}
	before, known := b.accounts[r.Payer]
	if !known {
		return b, false, ErrUnknown
	}
	account, isNew, err := before.reserve(r.ID, r.Cost, without)
	if err != nil || !isNew {
		return b, false, err
	}
	next = b.with(r.Payer, account)
	if left := b.studentsLeft(r.Members); r.Cost > left && !without.noStudents {
		return next, false, &Exhausted{KindStudent, r.Cost, left, b.resets}
	}
	next.students = charged(b.students, r.Members, r.Cost)
	return next, true, nil
}

// charged moves the members up by what they pay.
func charged(students map[Rho]*roaring.Bitmap, members *roaring.Bitmap, cost Rho) map[Rho]*roaring.Bitmap {
	next, fresh := map[Rho]*roaring.Bitmap{}, members.Clone()
	join := func(amount Rho, set *roaring.Bitmap) {
		if before, any := next[amount]; any {
			set = roaring.Or(before, set)
		}
		if !set.IsEmpty() {
			next[amount] = set
		}
	}
	for amount, set := range students {
		fresh.AndNot(set)
		join(amount, roaring.AndNot(set, members))
		join(amount+cost, roaring.And(set, members))
	}
	join(cost, fresh)
	return next
}

// Settle turns what is reserved for a release into spent, as Account.Settle does;
// a payer without an account is an ErrUnknown.
func (b Book) Settle(p Payer, id string) (Book, error) {
	return b.change(p, func(a Account) (Account, error) { return a.Settle(id) })
}

// Forfeit turns what is reserved for a release into spent, as Account.Forfeit does;
// a payer without an account is an ErrUnknown. Its members do not get back anything
// either.
func (b Book) Forfeit(p Payer, id string) (Book, error) {
	return b.change(p, func(a Account) (Account, error) { return a.Forfeit(id) })
}

func (b Book) change(p Payer, by func(Account) (Account, error)) (Book, error) {
	a, known := b.accounts[p]
	if !known {
		return b, ErrUnknown
	}
	after, err := by(a)
	if err != nil {
		return b, err
	}
	return b.with(p, after), nil
}

func (b Book) with(p Payer, a Account) Book {
	accounts := maps.Clone(b.accounts)
	if accounts == nil {
		accounts = map[Payer]Account{}
	}
	accounts[p] = a
	b.accounts = accounts
	return b
}
