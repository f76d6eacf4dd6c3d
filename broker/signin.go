package broker

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// DoorState is how a link stands.
type DoorState string

// A link lets its person ask for a code, or takes no more tries today. One that has
// ended, or never was, is not available.
const (
	DoorOpen   DoorState = "open"
	DoorLocked DoorState = "locked"
)

// Doorway is what a link's page may show to whoever holds the link, before anybody has
// shown who they are: no value, no family name, no number.
type Doorway struct {
	State         DoorState
	Language      string   // BCP 47; the file's, empty for none
	Contact       string   // where a code would go, masked; empty: the file has none
	FirstNames    []string // of the children it is about
	Self          bool     // the person is the student
	Organizations []string // that ask; each once
}

// Doorway reads what a link shows. It changes nothing.
func (b *Broker) Doorway(ctx context.Context, secret string) (d Doorway, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		m := b.moment()
		l, err := b.getLink(r, secret)
		if err != nil || l.Kind != linkAsk {
			return orNotAvailable(err)
		}
		to, err := b.reach(r, l, m)
		if err != nil {
			return err
		}
		d = Doorway{State: DoorOpen, Self: to.signer == signerSelf, Language: l.Language, Contact: maskedContact(l.Contact.Email, l.Contact.Phone)}
		if l.Code.locked(m.today) {
			d.State = DoorLocked
		}
		for _, p := range to.children {
			d.FirstNames = append(d.FirstNames, p.Person.Given)
		}
		d.Organizations, err = b.askingOf(r, l, to)
		return err
	})
	return d, storeError(err)
}

// askingOf names the organizations whose questions to the link's person are open.
func (b *Broker) askingOf(r store.Reader, l link, to reached) (names []string, err error) {
	for _, p := range to.children {
		open, err := b.openAsks(r, l.caller(), p)
		if err != nil {
			return nil, err
		}
		for _, a := range open {
			rec, _, err := agreements.get(r, key(a.Agreement))
			if err != nil {
				return nil, err
			}
			org, _, err := partners.get(r, key(rec.Agreement.Partner))
			if err != nil {
				return nil, err
			}
			names = append(names, org.Partner.Name)
		}
	}
	return sortedSet(names), nil
}

// visit is a session of a signed-in person. The store has its secret only as a keyed hash.
type visit struct {
	Link   string    `json:"link"` // the secret of the link it came from
	Person string    `json:"person"`
	Began  time.Time `json:"began"`
	Proven time.Time `json:"proven"` // when a code was typed last
	Ends   time.Time `json:"ends"`
}

// SignedIn is a new session: its secret, for the reader's cookie, and how long it
// lasts. The reader's clock may be another than the district's.
type SignedIn struct {
	Secret string
	Lasts  time.Duration
}

// Visitor is a signed-in person of a family.
type Visitor struct {
	Caller
	Language string
	Contact  string // on file, masked; empty: there is none

	session string // its secret
	proven  time.Time
}

func (b *Broker) sessionKey(secret string) []byte {
	sum := b.vault.Index("session", secret)
	return sum[:]
}

func sessionAAD(k []byte) []byte { return append([]byte("sessions|"), k...) }

func (b *Broker) putSession(tx store.Tx, secret string, s visit) error {
	plain, err := json.Marshal(s)
	if err != nil {
		return err
	}
	k := b.sessionKey(secret)
	box, err := b.vault.Seal(districtKey, sessionAAD(k), plain)
	if err != nil {
		return err
	}
	return tx.Put(colSessions, k, box)
}

// getSession finds a session that has not ended, with its link.
func (b *Broker) getSession(r store.Reader, secret string, m moment) (s visit, l link, err error) {
	k := b.sessionKey(secret)
	box, err := r.Get(colSessions, k)
	if err == nil && box == nil {
		err = errSession
	}
	if err != nil {
		return s, l, err
	}
	plain, err := b.vault.Open(districtKey, sessionAAD(k), box)
	if err != nil {
		return s, l, err
	}
	if err := json.Unmarshal(plain, &s); err != nil {
		return s, l, err
	}
	if !m.now.Before(s.Ends) {
		return s, l, errSession
	}
	if l, err = b.getLink(r, s.Link); KindOf(err) == NotAvailable {
		err = errSession
	}
	return s, l, err
}

// errSession sends a reader back to the link.
var errSession = &Error{Kind: Unauthenticated, Detail: "nobody is signed in here; open the link in your message again"}

// SignIn opens a session for a link's secret, the code that was sent and the birthday
// of a child the link is about. Every try counts, and a wrong one is not told apart.
func (b *Broker) SignIn(ctx context.Context, secret, code string, birthday civil.Date) (SignedIn, error) {
	fits := func(to reached) bool {
		return slices.ContainsFunc(to.children, func(p records.Profile) bool { return p.Birth == birthday && !birthday.IsZero() })
	}
	return b.enterCode(ctx, secret, code, fits)
}

// StepUp proves once more who is signed in, by a new code and the birthday: the session
// goes on under a new secret, and its person may sign for five minutes.
func (b *Broker) StepUp(ctx context.Context, v Visitor, code string, birthday civil.Date) (SignedIn, error) {
	secret, err := b.linkOf(ctx, v)
	if err != nil {
		return SignedIn{}, err
	}
	in, err := b.SignIn(ctx, secret, code, birthday)
	if err != nil {
		return SignedIn{}, err
	}
	return in, b.SignOut(ctx, v)
}

// SendStepUp sends a signed-in person another code.
func (b *Broker) SendStepUp(ctx context.Context, v Visitor) error {
	secret, err := b.linkOf(ctx, v)
	if err != nil {
		return err
	}
	return b.SendCode(ctx, secret)
}

func (b *Broker) linkOf(ctx context.Context, v Visitor) (secret string, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		s, _, err := b.getSession(r, v.session, b.moment())
		secret = s.Link
		return err
	})
	return secret, storeError(err)
}

// enterCode takes a try in one Update: a hundred at once are a hundred. A link that is
// locked already writes nothing, however often it is tried.
func (b *Broker) enterCode(ctx context.Context, secret, code string, also func(reached) bool) (SignedIn, error) {
	l, err := b.viewLink(ctx, secret)
	if err != nil {
		return SignedIn{}, err
	}
	if l.Code.locked(b.moment().today) && !b.sabotage.DearLocks {
		return SignedIn{}, errManyCodes
	}
	code = strings.ReplaceAll(code[:min(len(code), maxCodeLength)], " ", "")
	in, fits, locked := SignedIn{Secret: newSecret()}, false, false
	a := act{event: tlog.FamilySignedIn, lane: store.LaneOfficer, caller: l.caller(), request: map[string]string{"method": methodCode}}
	_, err = b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		l, err := b.getLink(tx, secret)
		if err != nil {
			return outcome{}, err
		}
		to, err := b.reach(tx, l, m)
		if err != nil {
			return outcome{}, err
		}
		if locked = l.Code.locked(m.today); locked {
			return outcome{unlogged: true}, nil
		}
		fits = b.takeCode(secret, &l, code, also(to), m)
		if err := b.putLink(tx, secret, l); err != nil {
			return outcome{}, err
		}
		return b.began(tx, m, l, secret, &in, fits)
	})
	switch {
	case err != nil:
		return SignedIn{}, err
	case locked:
		return SignedIn{}, errManyCodes
	case !fits:
		return SignedIn{}, errCode
	}
	return in, nil
}

// methodCode is how a family shows who it is: a code to the contact on file and the
// birthday of a child.
const methodCode = "code_and_birthday"

// began writes the session of a code that fitted. A code that did not changes only
// what was counted, which the log does not hold; that a link is locked it does.
func (b *Broker) began(tx store.Tx, m moment, l link, secret string, in *SignedIn, fits bool) (outcome, error) {
	if !fits {
		if l.Code.locked(m.today) {
			return outcome{event: tlog.FamilyLocked, data: map[string]bool{"locked": true}}, nil
		}
		return outcome{unlogged: true}, nil
	}
	in.Lasts = sessionLasts
	err := b.putSession(tx, in.Secret, visit{Link: secret, Person: l.Person, Began: m.now, Proven: m.now, Ends: m.now.Add(sessionLasts)})
	return outcome{data: map[string]string{"method": methodCode}, subjects: l.Children, places: len(l.Children)}, err
}

func (b *Broker) viewLink(ctx context.Context, secret string) (l link, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		if l, err = b.getLink(r, secret); err != nil || l.Kind != linkAsk {
			return orNotAvailable(err)
		}
		_, err = b.reach(r, l, b.moment())
		return err
	})
	return l, storeError(err)
}

// Visitor finds who is signed in. Nobody is whom the file does not know any more, or
// reaches otherwise than when the link was sent.
func (b *Broker) Visitor(ctx context.Context, session string) (v Visitor, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		m := b.moment()
		s, l, err := b.getSession(r, session, m)
		if err != nil {
			return err
		}
		if _, err := b.reach(r, l, m); err != nil {
			return errSession
		}
		v = Visitor{Caller: l.caller(), Language: l.Language, Contact: maskedContact(l.Contact.Email, l.Contact.Phone), session: session, proven: s.Proven}
		v.Expires = s.Ends
		return nil
	})
	return v, storeError(err)
}

// SignOut ends a session.
func (b *Broker) SignOut(ctx context.Context, v Visitor) error {
	_, err := b.store.Update(ctx, store.LaneOfficer, func(tx store.Tx) error {
		return tx.Delete(colSessions, b.sessionKey(v.session))
	})
	return storeError(err)
}

// DenyChild records that whoever a link reached says that the children it is about are
// not theirs: all sharing of their records stops until an officer has settled it. It
// closes and opens nothing, so the link alone is enough. Said once more it changes
// nothing.
func (b *Broker) DenyChild(ctx context.Context, secret string) error {
	var c Caller
	var numbers []string
	err := b.store.View(ctx, func(r store.Reader) error {
		l, err := b.getLink(r, secret)
		if err != nil || l.Kind != linkAsk {
			return orNotAvailable(err)
		}
		to, err := b.reach(r, l, b.moment())
		if err != nil {
			return err
		}
		c = l.caller()
		for _, p := range to.children {
			said, err := b.denied(r, c, p)
			if err != nil {
				return err
			}
			if !said {
				numbers = append(numbers, p.Person.StudentID)
			}
		}
		return nil
	})
	if err != nil {
		return storeError(err)
	}
	for _, number := range numbers {
		a, err := b.OpenCase(ctx, c, CaseRequest{Kind: CaseNotMyChild, Student: StudentRef{StudentID: number}})
		if err != nil {
			return err
		}
		a.Drop()
	}
	return nil
}

// denied reports whether a family's person said that a child is not theirs, and nobody
// has settled it yet.
func (b *Broker) denied(r store.Reader, c Caller, p records.Profile) (bool, error) {
	one, _, err := b.self(r, c, p)
	if err != nil {
		return false, err
	}
	recorded, err := b.rightsOf(r, p.SID)
	if err != nil {
		return false, err
	}
	for _, w := range recorded.Pauses {
		if w.Ended != nil {
			continue
		}
		_, f, err := cases.get(b, r, w.Case)
		if err != nil {
			return false, err
		}
		if f.Kind == CaseNotMyChild && f.By == one.signer {
			return true, nil
		}
	}
	return false, nil
}
