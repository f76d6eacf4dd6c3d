package broker

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// contactIndex finds people by how the district's file reaches them. It holds keyed
// hashes only, and is made anew when the file changes.
type contactIndex struct {
	mu      sync.Mutex
	version uint64 // of the data
	people  map[[16]byte][]string
}

// contactHash is a keyed hash of an e-mail address or a telephone number, however it
// is written.
func (b *Broker) contactHash(typed string) (hash [16]byte, ok bool) {
	var what string
	if strings.Contains(typed, "@") {
		what = emailKey(typed)
	} else {
		what = phoneKey(typed)
	}
	sum := b.vault.Index("contact", what)
	return [16]byte(sum[:16]), what != ""
}

// reachedBy lists the people whom a contact reaches, as tokens name people.
func (b *Broker) reachedBy(r store.Reader, typed string) ([]string, error) {
	hash, ok := b.contactHash(typed)
	if !ok {
		return nil, nil
	}
	d, err := b.dataset(r)
	if err != nil {
		return nil, err
	}
	version, err := number(r, colHead, key(headData))
	if err != nil {
		return nil, err
	}
	b.contacts.mu.Lock()
	defer b.contacts.mu.Unlock()
	if b.contacts.people == nil || b.contacts.version != version {
		people := map[[16]byte][]string{}
		for _, ref := range d.manifest.Pages {
			if err := b.readPage(r, ref, func(p records.Profile) { b.addContacts(people, p) }); err != nil {
				return nil, err
			}
		}
		b.contacts.people, b.contacts.version = people, version
	}
	return b.contacts.people[hash], nil
}

func (b *Broker) addContacts(people map[[16]byte][]string, p records.Profile) {
	add := func(subject string, contacts ...string) {
		for _, how := range contacts {
			hash, ok := b.contactHash(how)
			if ok && !slices.Contains(people[hash], subject) {
				people[hash] = append(people[hash], subject)
			}
		}
	}
	add(subjectStudent+p.Person.StudentID, p.Person.Email, p.Person.Phone)
	for _, g := range p.Guardians {
		add(g.ID, g.Email, g.Phone)
	}
}

// linksADay is how many links a contact may ask for on one day.
const linksADay = 3

// maxContact is the longest contact that somebody may type, in bytes.
const maxContact = 254

// SendLink sends a link to whomever a contact reaches. Nobody learns whether it
// reaches anybody: what is written, and so the time it takes, is nearly the same.
func (b *Broker) SendLink(ctx context.Context, typed string) error {
	if len(typed) > maxContact {
		return nil
	}
	var people []string
	err := b.store.View(ctx, func(r store.Reader) (err error) {
		people, err = b.reachedBy(r, typed)
		return err
	})
	if err != nil {
		return storeError(err)
	}
	_, err = b.store.Update(ctx, store.LaneOfficer, func(tx store.Tx) error {
		m := b.moment()
		within, err := b.countLink(tx, typed, m.today)
		if err != nil || !within {
			return err
		}
		for _, subject := range people {
			if err := b.sendLink(tx, m, subject); err != nil {
				return err
			}
		}
		return nil
	})
	return storeError(err)
}

// countLink counts a wish for a link, and tells whether the contact may have one more
// today.
func (b *Broker) countLink(tx store.Tx, typed string, today civil.Date) (bool, error) {
	hash, _ := b.contactHash(typed)
	k := key("wish", hash[:])
	raw, err := tx.Get(colWishes, k)
	if err != nil {
		return false, err
	}
	n := uint32(0)
	if len(raw) == 8 && civil.Date(binary.BigEndian.Uint32(raw)) == today {
		n = binary.BigEndian.Uint32(raw[4:])
	}
	if n >= linksADay {
		return false, nil
	}
	now := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(today)), n+1)
	return true, tx.Put(colWishes, k, now)
}

func (b *Broker) sendLink(tx store.Tx, m moment, subject string) error {
	l, to, err := b.linkTo(tx, m, subject, false)
	if err != nil || len(to.children) == 0 {
		return err
	}
	for _, p := range to.children {
		recorded, err := b.rightsOf(tx, p.SID)
		if err != nil || recorded.protected(m.now) != nil {
			return err // an officer speaks with a protected family
		}
	}
	secret := newSecret()
	if err := b.putLink(tx, secret, l); err != nil {
		return err
	}
	_, err = b.enqueue(tx, m, message{
		Kind: MessageLink, Person: subject, Language: to.language, Email: to.email, Phone: to.phone,
		Values: map[string]string{"link": linkPath + secret}, NotAfter: l.Ends,
	})
	return err
}
