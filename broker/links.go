package broker

import (
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// linkKind is what a link is good for.
type linkKind string

const (
	linkAsk  linkKind = "ask"  // the way to a code, and with it to the family's pages
	linkStop linkKind = "stop" // ends one grant and shows nothing
)

// link is what the secret in a message to a family stands for. The store has the
// secret only as a keyed hash.
type link struct {
	Kind     linkKind      `json:"kind"`
	Person   string        `json:"person"`           // as tokens name people
	Children []records.SID `json:"children"`         // whom it is about
	Grant    string        `json:"grant,omitzero"`   // of a stop link
	Contact  contact       `json:"contact,omitzero"` // to which it was sent; a change on file ends the link
	Language string        `json:"language,omitzero"`
	Made     time.Time     `json:"made"`
	Ends     time.Time     `json:"ends"`
	Code     codeState     `json:"code,omitzero"`
}

// contact is how the district's file reaches a person.
type contact struct {
	Email string `json:"email,omitzero"`
	Phone string `json:"phone,omitzero"`
}

// How long links last. A question's is good until long after its reminder; one that
// stops sharing as long as any consent can last.
const (
	askLinkDays   = 60
	stopLinkYears = longestConsent + 1
)

var errLinkForm = errors.New("a link is not in its form")

// newSecret makes the secret of a link or a session: 130 random bits, as text.
func newSecret() string { return rand.Text() }

func (b *Broker) linkKey(secret string) []byte {
	sum := b.vault.Index("link", secret)
	return sum[:]
}

func linkAAD(k []byte) []byte { return append([]byte("links|"), k...) }

// getLink finds the link of a secret. One that is not there is not available.
func (b *Broker) getLink(r store.Reader, secret string) (l link, err error) {
	k := b.linkKey(secret)
	box, err := r.Get(colLinks, k)
	if err != nil || box == nil {
		return l, orNotAvailable(err)
	}
	plain, err := b.vault.Open(districtKey, linkAAD(k), box)
	if err != nil {
		return l, err
	}
	if err := json.Unmarshal(plain, &l); err != nil {
		return l, errors.Join(errLinkForm, err)
	}
	return l, nil
}

func (b *Broker) putLink(tx store.Tx, secret string, l link) error {
	plain, err := json.Marshal(l)
	if err != nil {
		return err
	}
	k := b.linkKey(secret)
	box, err := b.vault.Seal(districtKey, linkAAD(k), plain)
	if err != nil {
		return err
	}
	return tx.Put(colLinks, k, box)
}

// caller is the person of a link, as a caller of the broker.
func (l link) caller() Caller { return Caller{Subject: l.Person, Role: RoleGuardian} }

// reached is a person as the district's file has them now, with the children of a link
// on whose files they still stand.
type reached struct {
	person
	children []records.Profile
}

// reach finds the person of a link. Who stands on no file of its children any more, or
// is reached otherwise than when the link was sent, is not available: a telephone that
// was lost opens nothing once the file has the new number.
func (b *Broker) reach(r store.Reader, l link, m moment) (found reached, err error) {
	if !m.now.Before(l.Ends) {
		return found, notAvailable()
	}
	c := l.caller()
	family, err := b.family(r, c)
	if err != nil {
		return found, err
	}
	for _, sid := range l.Children {
		if !slices.Contains(family, sid) {
			continue
		}
		p, err := b.profile(r, sid)
		if err != nil {
			return found, err
		}
		one, ok, err := b.self(r, c, p)
		if err != nil {
			return found, err
		}
		if ok {
			found.children = append(found.children, p)
			found.person = one
		}
	}
	if len(found.children) == 0 || (contact{found.email, found.phone}) != l.Contact {
		return found, notAvailable()
	}
	return found, nil
}

// self finds a family's own person on a child's file. A student is one once the rights
// have passed.
func (b *Broker) self(r store.Reader, c Caller, p records.Profile) (person, bool, error) {
	signer := c.signer()
	if signer == signerSelf {
		m := b.moment()
		law, err := b.lawNow(r, p, m)
		if err != nil || !law.Eligible(m.today) {
			return person{}, false, err
		}
	} else {
		linked, err := b.link(r, c, p)
		if err != nil {
			return person{}, false, err
		}
		signer = signerGuardian + linked
	}
	one, ok := onFileAs(p, signer)
	return one, ok, nil
}
