package broker

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"math/big"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// What a code is worth: it lives ten minutes and five tries; a link sends eight codes
// and takes twenty tries a day. What runs out is the code, and then the link for the
// day: the family has other ways, and another link.
const (
	codeLife      = 10 * time.Minute
	codeTries     = 5
	linkDayCodes  = 8
	linkDayTries  = 20
	codeDigits    = 6
	stepUpWithin  = 5 * time.Minute
	sessionLasts  = time.Hour
	codeSpace     = 1_000_000
	maxCodeLength = 32 // of what somebody types
)

// codeState is the newest code of a link and what was tried.
type codeState struct {
	Sum   []byte     `json:"sum,omitzero"` // keyed hash of the code; none: there is none
	Ends  time.Time  `json:"ends,omitzero"`
	Tries int        `json:"tries,omitzero"` // wrong ones of this code
	Day   civil.Date `json:"day,omitzero"`   // on which the next two were counted
	Sent  int        `json:"sent,omitzero"`
	Tried int        `json:"tried,omitzero"`
}

// onDay forgets the counts of another day.
func (s codeState) onDay(day civil.Date) codeState {
	if s.Day != day {
		s.Day, s.Sent, s.Tried = day, 0, 0
	}
	return s
}

// locked reports whether the link takes no more tries today.
func (s codeState) locked(day civil.Date) bool { return s.onDay(day).Tried >= linkDayTries }

// spent reports whether the link sends no more codes today.
func (s codeState) spent(day civil.Date) bool {
	return s.locked(day) || s.onDay(day).Sent >= linkDayCodes
}

// alive reports whether a code can still be typed.
func (s codeState) alive(m moment) bool {
	return s.Sum != nil && m.now.Before(s.Ends) && s.Tries < codeTries && !s.locked(m.today)
}

// errCode refuses a code without saying what was wrong: that, the day of birth, or
// that there is none.
var errCode = &Error{Kind: Unauthenticated, Detail: "the code or the birthday does not fit, or the code is too old; ask for a new code"}

// errManyCodes refuses a link for the rest of the day.
var errManyCodes = &Error{Kind: Exhausted, Detail: "too many codes were sent or tried today; try again tomorrow, or ask the school", RetryAfter: time.Hour}

func (b *Broker) codeSum(secret, code string) []byte {
	sum := b.vault.Index("code", secret, code)
	return sum[:]
}

// newCode draws six digits.
func newCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(codeSpace))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%0*d", codeDigits, n.Int64()), nil
}

// SendCode sends a code to the contact on file, for a link's secret. A code before it
// counts no more. Asking is what sends: whoever only follows the link changes nothing.
func (b *Broker) SendCode(ctx context.Context, secret string) error {
	l, err := b.viewLink(ctx, secret)
	if err != nil {
		return err
	}
	if l.Code.spent(b.moment().today) && !b.sabotage.DearLocks {
		return errManyCodes
	}
	code, err := newCode()
	if err != nil {
		return internal(err)
	}
	_, err = b.store.Update(ctx, store.LaneOfficer, func(tx store.Tx) error {
		m := b.moment()
		l, err := b.getLink(tx, secret)
		if err != nil || l.Kind != linkAsk {
			return orNotAvailable(err)
		}
		to, err := b.reach(tx, l, m)
		if err != nil {
			return err
		}
		if l.Code.spent(m.today) {
			return errManyCodes
		}
		state := l.Code.onDay(m.today)
		state.Sum, state.Ends, state.Tries = b.codeSum(secret, code), m.now.Add(codeLife), 0
		state.Sent++
		l.Code = state
		if err := b.putLink(tx, secret, l); err != nil {
			return err
		}
		_, err = b.enqueue(tx, m, message{
			Kind: MessageCode, Person: l.Person, Language: l.Language, Email: to.email, Phone: to.phone,
			Values: map[string]string{"code": code}, NotAfter: m.now.Add(codeLife),
		})
		return err
	})
	return storeError(err)
}

// takeCode counts a try of a code and tells whether it fits. The count is kept
// whatever comes of it, and a code that fitted counts no more.
func (b *Broker) takeCode(secret string, l *link, code string, also bool, m moment) bool {
	state := l.Code.onDay(m.today)
	fits := state.alive(m) && subtle.ConstantTimeCompare(state.Sum, b.codeSum(secret, code)) == 1 && also
	if fits {
		state.Sum, state.Tries = nil, 0
	} else if !b.sabotage.FreeTries {
		state.Tries++
		state.Tried++
	}
	l.Code = state
	return fits
}
