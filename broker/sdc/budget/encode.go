package budget

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// ErrBook is returned for bytes that are not an encoded book, or one in which more
// is reserved and spent than was granted.
var ErrBook = errors.New("not an encoded privacy ledger")

type storedBook struct {
	Resets   civil.Date      `json:"resets"`
	Each     Rho             `json:"each"` // amounts in billionths
	Accounts []storedAccount `json:"accounts"`
	Students []storedLevel   `json:"students"`
}

type storedAccount struct {
	Kind     Kind            `json:"kind"`
	Name     string          `json:"name"`
	Granted  Rho             `json:"granted"`
	Releases []storedRelease `json:"releases"`
}

type storedRelease struct {
	ID    string `json:"id"`
	Cost  Rho    `json:"cost"`
	State State  `json:"state"`
}

// storedLevel is the students who are charged the same, as the distances of their
// increasing ordinals, each from the one before (the first from -1, so that none is
// zero).
type storedLevel struct {
	Charged Rho      `json:"charged"`
	Steps   []uint64 `json:"steps"`
}

// EncodeBook writes a book as JSON. Equal books give equal bytes.
func EncodeBook(b Book) ([]byte, error) {
	out := storedBook{Resets: b.resets, Each: b.each}
	for _, p := range b.Payers() {
		a := b.accounts[p]
		stored := storedAccount{Kind: p.Kind, Name: p.Name, Granted: a.granted}
		for _, id := range slices.Sorted(maps.Keys(a.entries)) {
			e := a.entries[id]
			stored.Releases = append(stored.Releases, storedRelease{id, e.cost, e.state})
		}
		out.Accounts = append(out.Accounts, stored)
	}
	for _, amount := range slices.Sorted(maps.Keys(b.students)) {
		out.Students = append(out.Students, storedLevel{amount, steps(b.students[amount])})
	}
	return json.Marshal(out)
}

// DecodeBook reads what EncodeBook wrote, byte for byte, or returns an ErrBook that
// says where it is wrong: a member that is missing would give back what was spent.
// Sums over what was granted and students who are charged twice are refused too.
func DecodeBook(text []byte) (Book, error) {
	var stored storedBook
	if err := json.Unmarshal(text, &stored, json.RejectUnknownMembers(true)); err != nil {
		return Book{}, fmt.Errorf("%w: malformed JSON", ErrBook)
	}
	b, err := NewBook(stored.Resets, stored.Each)
	if err != nil {
		return Book{}, fmt.Errorf("%w: the grant of each student: %w", ErrBook, err)
	}
	if b.accounts, err = stored.accounts(); err != nil {
		return Book{}, err
	}
	if b.students, err = stored.students(); err != nil {
		return Book{}, err
	}
	if again, err := EncodeBook(b); err != nil || !bytes.Equal(again, text) {
		return Book{}, fmt.Errorf("%w: another form than it is written in", ErrBook)
	}
	return b, nil
}

func (s storedBook) accounts() (map[Payer]Account, error) {
	accounts := map[Payer]Account{}
	for i, stored := range s.Accounts {
		p := Payer{stored.Kind, stored.Name}
		a, ok := stored.account(s.Resets)
		if !ok || p.validate() != nil {
			return nil, fmt.Errorf("%w: account %d is damaged", ErrBook, i)
		}
		accounts[p] = a
	}
	return accounts, nil
}

func (s storedAccount) account(resets civil.Date) (Account, bool) {
	a, err := NewAccount(s.Kind, s.Granted, resets)
	if err != nil {
		return a, false
	}
	a.entries = map[string]entry{}
	for _, r := range s.Releases {
		if !named(r.ID) || r.Cost.validate() != nil || r.Cost > a.Left() || !r.State.valid() {
			return a, false
		}
		if a.entries[r.ID] = (entry{r.Cost, r.State}); r.State == Reserved {
			a.reserved += r.Cost
		} else {
			a.spent += r.Cost
		}
	}
	return a, true
}

func (s storedBook) students() (map[Rho]*roaring.Bitmap, error) {
	students, seen := map[Rho]*roaring.Bitmap{}, roaring.New()
	for i, level := range s.Students {
		set, ok := level.set()
		if !ok || level.Charged <= 0 || level.Charged > s.Each || seen.Intersects(set) {
			return nil, fmt.Errorf("%w: level %d of the students is damaged", ErrBook, i)
		}
		seen.Or(set)
		students[level.Charged] = set
	}
	return students, nil
}

func steps(set *roaring.Bitmap) []uint64 {
	out, last := make([]uint64, 0, set.GetCardinality()), int64(-1)
	for it := set.Iterator(); it.HasNext(); {
		x := int64(it.Next())
		out = append(out, uint64(x-last))
		last = x
	}
	return out
}

func (l storedLevel) set() (*roaring.Bitmap, bool) {
	set, last := roaring.New(), int64(-1)
	for _, step := range l.Steps {
		if step == 0 || step > math.MaxUint32+1 || last+int64(step) > math.MaxUint32 {
			return nil, false
		}
		last += int64(step)
		set.Add(uint32(last))
	}
	return set, !set.IsEmpty()
}
