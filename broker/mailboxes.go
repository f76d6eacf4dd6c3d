package broker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// mailbox holds one person to one message a week, whoever asks about whichever of
// their children.
type mailbox struct {
	Person string    `json:"person"` // as tokens name people
	Last   time.Time `json:"last,omitzero"`
}

// mailEvery is how long after an invitation there is no other to the same person.
const mailEvery = 7 * 24 * time.Hour

// mailboxKey names a person's mailbox: one for all numbers under which the district's
// files know them.
func (b *Broker) mailboxKey(r store.Reader, subject string) ([]byte, error) {
	who, err := b.persons(r)
	if err != nil {
		return nil, err
	}
	sum := b.vault.Index("mailbox", who.ids(subject)[0])
	return sum[:], nil
}

func mailboxAAD(k []byte) []byte { return append([]byte("mailboxes|"), k...) }

func (b *Broker) getMailbox(r store.Reader, k []byte) (box mailbox, found bool, err error) {
	raw, err := r.Get(colMailboxes, k)
	if err != nil || raw == nil {
		return box, false, err
	}
	plain, err := b.vault.Open(districtKey, mailboxAAD(k), raw)
	if err != nil {
		return box, false, err
	}
	return box, true, json.Unmarshal(plain, &box)
}

func (b *Broker) putMailbox(tx store.Tx, k []byte, box mailbox) error {
	plain, err := json.Marshal(box)
	if err != nil {
		return err
	}
	raw, err := b.vault.Seal(districtKey, mailboxAAD(k), plain)
	if err != nil {
		return err
	}
	return tx.Put(colMailboxes, k, raw)
}

// hasMail notes that there is something to ask a person.
func (b *Broker) hasMail(tx store.Tx, subject string) error {
	k, err := b.mailboxKey(tx, subject)
	if err != nil {
		return err
	}
	box, found, err := b.getMailbox(tx, k)
	if err != nil {
		return err
	}
	if !found || box.Person != subject {
		box.Person = subject
		if err := b.putMailbox(tx, k, box); err != nil {
			return err
		}
	}
	return tx.Put(colWaiting, k, []byte{1})
}

// invitedAtOnce is how many mailboxes one Update goes through.
const invitedAtOnce = 50

// sendInvitations writes a message to everyone who has something to answer and had
// none for a week. Of several programs and children there is one message.
func (b *Broker) sendInvitations(ctx context.Context) (written int, err error) {
	from := []byte(nil)
	for {
		var batch [][]byte
		err := b.store.View(ctx, func(r store.Reader) error {
			return r.Scan(colWaiting, store.Range{From: from, Limit: invitedAtOnce}, func(k, _ []byte) (bool, error) {
				batch = append(batch, append([]byte(nil), k...))
				return true, nil
			})
		})
		if err != nil || len(batch) == 0 {
			return written, storeError(err)
		}
		_, err = b.store.Update(ctx, store.LaneImport, func(tx store.Tx) error {
			n := 0
			for _, k := range batch {
				sent, err := b.invite(tx, b.moment(), k)
				if err != nil {
					return err
				}
				if sent {
					n++
				}
			}
			written += n
			return nil
		})
		if err != nil {
			return written, storeError(err)
		}
		from = slices.Concat(batch[len(batch)-1], []byte{0})
	}
}

// invite writes the message of a mailbox, unless it is too soon, or nothing is left to
// ask.
func (b *Broker) invite(tx store.Tx, m moment, k []byte) (sent bool, err error) {
	box, found, err := b.getMailbox(tx, k)
	if err != nil || !found || m.now.Sub(box.Last) < mailEvery {
		return false, err
	}
	l, to, err := b.linkTo(tx, m, box.Person, true)
	if err != nil {
		return false, err
	}
	if len(to.children) == 0 {
		return false, tx.Delete(colWaiting, k)
	}
	names, err := b.askingOf(tx, l, to)
	if err != nil {
		return false, err
	}
	secret := newSecret()
	if err := b.putLink(tx, secret, l); err != nil {
		return false, err
	}
	box.Last = m.now
	if err := errors.Join(b.putMailbox(tx, k, box), tx.Delete(colWaiting, k)); err != nil {
		return false, err
	}
	_, err = b.enqueue(tx, m, message{
		Kind: MessageInvitation, Person: box.Person, Language: to.language, Email: to.email, Phone: to.phone,
		Values: map[string]string{"partners": strings.Join(names, "\n"), "link": linkPath + secret}, NotAfter: l.Ends,
	})
	return err == nil, err
}

// linkPath is where a question's link leads, below the service's own address.
const linkPath = "/i/"

// linkTo makes a link to a person's children or, of these, to those about whom there is
// something to answer; the person is reached with no children when there are none.
func (b *Broker) linkTo(r store.Reader, m moment, subject string, asking bool) (link, reached, error) {
	l := link{Kind: linkAsk, Person: subject, Made: m.now, Ends: m.now.AddDate(0, 0, askLinkDays)}
	var to reached
	family, err := b.family(r, l.caller())
	if err != nil {
		return l, to, err
	}
	for _, sid := range family {
		p, err := b.profile(r, sid)
		if err != nil {
			return l, to, err
		}
		open, err := b.openAsks(r, l.caller(), p)
		if err != nil {
			return l, to, err
		}
		one, ok, err := b.self(r, l.caller(), p)
		if err != nil {
			return l, to, err
		}
		if asking && len(open) == 0 || !ok {
			continue
		}
		to.person, to.children, l.Children = one, append(to.children, p), append(l.Children, sid)
	}
	l.Contact, l.Language = contact{to.email, to.phone}, to.language
	return l, to, nil
}

// openAsks are the questions about a child that a family's person can answer now.
func (b *Broker) openAsks(r store.Reader, c Caller, p records.Profile) (open []ask, err error) {
	list, err := b.asksOf(r, p.SID)
	if err != nil {
		return nil, err
	}
	who, err := b.persons(r)
	if err != nil {
		return nil, err
	}
	mine := map[string]bool{}
	for _, signer := range who.signers(c) {
		mine[signer] = true
	}
	m := b.moment()
	for _, a := range list {
		if !mine[a.Person] || a.Grant != "" {
			continue
		}
		state, err := b.standingOf(r, c, p, a, m)
		if err != nil {
			return nil, err
		}
		if state == pages.ChoiceOpen {
			open = append(open, a)
		}
	}
	return open, nil
}
