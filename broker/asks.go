package broker

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/consent"
)

// ask is one question to one person about one child under one agreement: may these
// records be seen, of these days, until then.
type ask struct {
	ID          string             `json:"id"`
	Round       string             `json:"round"`
	Agreement   string             `json:"agreement"`
	Person      string             `json:"person"` // as grants name signers
	Categories  []consent.Category `json:"categories"`
	RecordsFrom civil.Date         `json:"records_from"`
	RecordsTo   civil.Date         `json:"records_to"`
	Expires     civil.Date         `json:"expires"`
	Program     bool               `json:"program,omitzero"` // lasts while the child is in the program
	AskedAt     time.Time          `json:"asked_at"`
	Grant       string             `json:"grant,omitzero"` // the answer that it was given
	AnsweredAt  time.Time          `json:"answered_at,omitzero"`
}

var asks = filed[ask]{colAsks}

// AskAgainDays is how long after an answer, or after a question that was not
// answered, nobody is asked again about the same child and agreement.
const AskAgainDays = 90

// person is somebody who may be asked: a guardian whom the child's file lists,
// or the student.
type person struct {
	signer   string // as grants name signers
	subject  string // as tokens name people
	language string
	email    string
	phone    string
}

// onFileAs finds how somebody on a student's file is reached.
func onFileAs(p records.Profile, signer string) (person, bool) {
	if signer == signerSelf {
		return person{signerSelf, subjectStudent + p.Person.StudentID, studentLanguage(p), p.Person.Email, p.Person.Phone}, true
	}
	for _, g := range p.Guardians {
		if signerGuardian+g.ID == signer {
			return person{signer, g.ID, g.Language, g.Email, g.Phone}, true
		}
	}
	return person{}, false
}

// studentLanguage is that of the first guardian who has one: the file knows none of
// the student's own.
func studentLanguage(p records.Profile) string {
	for _, g := range p.Guardians {
		if g.Language != "" {
			return g.Language
		}
	}
	return ""
}

// decidersOf are the people on a student's file who hold the rights now and may decide,
// each once, though the file knows somebody under several numbers.
func (b *Broker) decidersOf(r store.Reader, p records.Profile, m moment) (list []person, err error) {
	law, err := b.lawNow(r, p, m)
	if err != nil {
		return nil, err
	}
	who, err := b.persons(r)
	if err != nil {
		return nil, err
	}
	now := consent.Moment{At: m.now, Known: m.now, Zone: b.zone}
	seen := map[string]bool{}
	for _, h := range law.Holders {
		one, ok := onFileAs(p, h.Signer)
		if !ok || seen[who.ids(one.subject)[0]] {
			continue
		}
		if _, holds := law.CapacityOf(h.Signer, now); !holds || !law.MayDecide(h.Signer, now) {
			continue
		}
		seen[who.ids(one.subject)[0]] = true
		list = append(list, one)
	}
	return list, nil
}

// dueFor reports whether a person may be asked now about a child under an agreement:
// not while a yes of theirs already covers what would be asked, nor within ninety days
// of any other answer or of the last question.
func (b *Broker) dueFor(grants []consent.Grant, before []ask, party string, purpose consent.Purpose, want ask, m moment) bool {
	since := m.now.AddDate(0, 0, -AskAgainDays)
	for _, a := range before {
		if a.Person == want.Person && a.Agreement == want.Agreement && a.AskedAt.After(since) {
			return false
		}
	}
	for _, g := range grants {
		if g.Signer != want.Person || g.Party != party || g.Purpose != purpose || g.Invalidated != nil {
			continue
		}
		switch {
		case g.Withdrawn != nil && g.Withdrawn.At.After(since), g.Answer != consent.Yes && g.SignedAt.After(since):
			return false
		case g.Withdrawn == nil && g.Answer == consent.Yes && opensAll(g, want):
			return false
		}
	}
	return true
}

// opensAll reports whether a yes opens everything that would be asked.
func opensAll(g consent.Grant, want ask) bool {
	return g.RecordsFrom <= want.RecordsFrom && want.RecordsTo <= g.RecordsTo && want.Expires <= g.Expires &&
		!slices.ContainsFunc(want.Categories, func(c consent.Category) bool { return !slices.Contains(g.Categories, c) })
}

// newAskID is short, for it is typed from a printed form: sixty random bits, which tell
// nothing, and open nothing without who was asked.
func newAskID() string { return "ask_" + strings.ToLower(rand.Text()[:12]) }

// renewing lets a question go on from the yes that its person gave before: the newest
// answer is the one that counts, so that one which named only the new days would close
// the days of now.
func (a ask) renewing(grants []consent.Grant, rec agreementRecord, m moment) ask {
	for _, g := range grants {
		mine := g.Signer == a.Person && g.Party == rec.Agreement.Partner && g.Purpose == rec.Agreement.Clauses.Purpose
		if mine && g.Answer == consent.Yes && g.Withdrawn == nil && g.Invalidated == nil && g.Expires >= m.today && g.RecordsFrom < a.RecordsFrom {
			a.RecordsFrom = g.RecordsFrom
		}
	}
	return a
}

// asksOf lists the questions about a student, by id.
func (b *Broker) asksOf(r store.Reader, sid records.SID) (list []ask, err error) {
	return list, b.eachAskID(r, sid, func(id string) error {
		_, a, err := asks.get(b, r, id)
		list = append(list, a)
		return err
	})
}

func (b *Broker) eachAskID(r store.Reader, sid records.SID, fn func(id string) error) error {
	return r.Scan(colAskIDs, store.Range{Prefix: sid[:]}, func(k, _ []byte) (bool, error) {
		return true, fn(string(k[len(sid) : len(k)-1]))
	})
}

func (b *Broker) putAsk(tx store.Tx, sid records.SID, a ask) error {
	if err := asks.put(b, tx, a.ID, sid, a); err != nil {
		return err
	}
	return tx.Put(colAskIDs, key(sid[:], a.ID), []byte{1})
}

// moveAsks files the questions about a merged student under the staying name.
func (b *Broker) moveAsks(tx store.Tx, old, staying records.SID) error {
	list, err := b.asksOf(tx, old)
	if err != nil {
		return err
	}
	for _, a := range list {
		if err := tx.Delete(colAskIDs, key(old[:], a.ID)); err != nil {
			return err
		}
		if err := b.putAsk(tx, staying, a); err != nil {
			return err
		}
	}
	return nil
}
