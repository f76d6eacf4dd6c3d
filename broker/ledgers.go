package broker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc/budget"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// The usual budgets of a school year, in tenths of epsilon: of each student over all
// agreements, and of the totals of each school. They and an agreement's hold with a
// delta of one in a million (spec/disclosure.md, 7).
const (
	defaultStudentEpsilon = 80
	defaultSchoolEpsilon  = 40
	leastEpsilon          = 5
	mostEpsilon           = 80
)

func budgetDelta() budget.Delta { return budget.Delta{Num: 1, Den: 1_000_000} }

// grantOf is what an epsilon in tenths allows to spend.
func grantOf(tenths int) (budget.Rho, error) {
	return budget.RhoOf(budget.Epsilon(tenths)*100_000, budgetDelta())
}

// yearLedger is the privacy ledger of a school year at rest, sealed. Of a year there
// is one, which begins with the first budgeted release; nothing renews it.
type yearLedger struct {
	From     civil.Date     `json:"from"`     // the first day of the school year, as it was when the ledger was opened
	School   budget.Rho     `json:"school"`   // granted to the totals of each school
	Students []records.SID  `json:"students"` // by ordinal; it only ever grows
	United   []uint32       `json:"united"`   // ordinals for which another of the same student stands
	Attempts map[string]int `json:"attempts"` // by session, how often figures were drawn or could have been
	Book     []byte         `json:"book"`

	book budget.Book
}

// A year's ledger is kept for any first day that lies up to so many days before or
// after its own: a school year whose first day is moved is still that year, and so is
// a session that belongs to none.
const (
	sameYearBefore = 60
	sameYearAfter  = 300
)

// ledgerDays lists the days under which ledgers were opened, in order.
func ledgerDays(r store.Reader) (days []civil.Date, err error) {
	err = r.Scan(colBudgets, store.Range{}, func(k, _ []byte) (bool, error) {
		day, err := civil.Parse(strings.TrimSuffix(string(k), "\x00"))
		days = append(days, day)
		return true, err
	})
	return days, err
}

// ledgerDay is the key of the ledger that holds a school year: the first day under
// which it was opened, or the day itself for a new one.
func ledgerDay(r store.Reader, first civil.Date) (day civil.Date, found bool, err error) {
	days, err := ledgerDays(r)
	for _, have := range days {
		if first >= have-sameYearBefore && first < have+sameYearAfter {
			return have, true, err
		}
	}
	return first, false, err
}

// ledger is the year's, or a new one with the grants of the disclosure settings.
func (b *Broker) ledger(r store.Reader, f freeze, resets civil.Date) (yearLedger, error) {
	day, found, err := ledgerDay(r, f.YearStart)
	if err != nil {
		return yearLedger{}, err
	}
	if found {
		return b.readLedger(r, day)
	}
	l := yearLedger{From: day, Attempts: map[string]int{}}
	if l.School, err = grantOf(f.Disclosure.schoolEpsilon()); err != nil {
		return l, err
	}
	each, err := grantOf(f.Disclosure.studentEpsilon())
	if err != nil {
		return l, err
	}
	if b.sabotage.NoStudents {
		each = budget.MaxRho
	}
	l.book, err = budget.NewBook(resets, each)
	return l, err
}

func ledgerAAD(k []byte) []byte { return append([]byte("budgets|"), k...) }

func (b *Broker) readLedger(r store.Reader, day civil.Date) (l yearLedger, err error) {
	k := key(day.String())
	box, err := r.Get(colBudgets, k)
	if err != nil {
		return l, err
	}
	plain, err := b.vault.Open(districtKey, ledgerAAD(k), box)
	if err != nil {
		return l, fmt.Errorf("opening the privacy ledger of %s: %w", day, err)
	}
	if err := json.Unmarshal(plain, &l, json.RejectUnknownMembers(true)); err != nil {
		return l, fmt.Errorf("reading the privacy ledger of %s: %w", day, err)
	}
	l.book, err = budget.DecodeBook(l.Book)
	return l, err
}

func (b *Broker) putLedger(tx store.Tx, l yearLedger) (err error) {
	if l.Book, err = budget.EncodeBook(l.book); err != nil {
		return err
	}
	plain, err := json.Marshal(l, json.Deterministic(true))
	if err != nil {
		return err
	}
	k := key(l.From.String())
	box, err := b.vault.Seal(districtKey, ledgerAAD(k), plain)
	if err != nil {
		return unavailable("the privacy ledger could not be sealed", err)
	}
	return tx.Put(colBudgets, k, box)
}

// enrol returns the ordinal that each of these students of a freeze has in the
// ledger, and gives one to who has none. Of a student whose files were merged the
// first stands for all: what was spent on any of them counts together.
func (l *yearLedger) enrol(r store.Reader, f freeze, wanted *roaring.Bitmap) (map[uint32]uint32, error) {
	files, err := readFiles(r)
	if err != nil {
		return nil, err
	}
	students, err := f.Students.students(r, f.Session)
	if err != nil {
		return nil, err
	}
	at := map[records.SID]uint32{}
	for i, sid := range l.Students {
		i, sid := uint32(i), files.stays(sid)
		if first, known := at[sid]; !known {
			at[sid] = i
		} else if !slices.Contains(l.United, i) {
			l.book, l.United = l.book.Unite(first, i), append(l.United, i)
		}
	}
	out := map[uint32]uint32{}
	for it := wanted.Iterator(); it.HasNext(); {
		ordinal := it.Next()
		sid := files.stays(students[ordinal])
		i, known := at[sid]
		if !known {
			i = uint32(len(l.Students))
			at[sid], l.Students = i, append(l.Students, sid)
		}
		out[ordinal] = i
	}
	return out, nil
}

// mergedInto says into which file each file was merged that is not kept any more.
type mergedInto map[records.SID]records.SID

func readFiles(r store.Reader) (mergedInto, error) {
	into := mergedInto{}
	return into, formerNames.all(r, nil, func(k []byte, names []records.SID) error {
		for _, name := range names {
			into[name] = records.SID(k)
		}
		return nil
	})
}

// stays is the file that stands for a file in the end.
func (m mergedInto) stays(sid records.SID) records.SID {
	for range len(m) {
		next, merged := m[sid]
		if !merged {
			break
		}
		sid = next
	}
	return sid
}

// releaseID names a release of an account. A session's ids are no other session's.
func releaseID(session string, attempt int, what string) string {
	return fmt.Sprintf("%s attempt %d %s", strconv.Quote(session), attempt, what)
}

// begin makes the next attempt to draw a session's figures. What was reserved for an
// earlier one and not stored is forfeited: somebody may have seen it.
func (l *yearLedger) begin(session string, giveBack bool) error {
	if giveBack && l.Attempts[session] > 0 {
		return nil
	}
	prefix := strconv.Quote(session) + " "
	for _, p := range l.book.Payers() {
		account, _ := l.book.Account(p)
		for _, id := range account.Pending() {
			if !strings.HasPrefix(id, prefix) {
				continue
			}
			var err error
			if l.book, err = l.book.Forfeit(p, id); err != nil {
				return err
			}
		}
	}
	l.Attempts[session]++
	return nil
}

// grant opens an account that there is not. One that there is keeps its grant.
func (l *yearLedger) grant(p budget.Payer, amount budget.Rho) (err error) {
	if _, known := l.book.Account(p); !known {
		l.book, err = l.book.Grant(p, amount)
	}
	return err
}
