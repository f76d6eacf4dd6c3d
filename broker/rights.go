package broker

import (
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/seal"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/consent"
)

// rights are what officers recorded of who decides about a student's records,
// beside what the district's file says. Nothing in it is rewritten: a change is one
// more word, with the document that it rests on.
type rights struct {
	Holders       []holderWord        `json:"holders,omitzero"`
	Restrictions  []restrictionWord   `json:"restrictions,omitzero"`
	Postsecondary []postsecondaryWord `json:"postsecondary,omitzero"`
	Pauses        []pauseWord         `json:"pauses,omitzero"`
	Protections   []protectionWord    `json:"protections,omitzero"`
}

// holderWord says that a person holds a student's rights, or does not.
type holderWord struct {
	consent.Holder
	Document string `json:"document"`
	Reason   string `json:"reason,omitzero"`
	By       string `json:"by"`
}

// restrictionWord is a court order, statute or binding document on a student's file.
type restrictionWord struct {
	ID string `json:"id"`
	consent.Restriction
	By string `json:"by"`
}

// pauseWord is the pause of a case.
type pauseWord struct {
	Case string `json:"case"`
	consent.Pause
}

// postsecondaryWord says from when a student attends an institution of postsecondary
// education; without a day, that an earlier word was wrong.
type postsecondaryWord struct {
	From      civil.Date `json:"from,omitzero"`
	Document  string     `json:"document"`
	By        string     `json:"by"`
	EnteredAt time.Time  `json:"entered_at"`
}

func rightsAAD(sid records.SID) []byte { return append([]byte("rights|"), sid[:]...) }

// rightsOf returns what is recorded of a student; mostly nothing is.
func (b *Broker) rightsOf(r store.Reader, sid records.SID) (recorded rights, err error) {
	box, err := r.Get(colRights, sid[:])
	if err != nil || box == nil || b.sabotage.FileOnly {
		return recorded, err
	}
	plain, err := b.vault.Open(studentKey(sid), rightsAAD(sid), box)
	if errors.Is(err, seal.ErrNoKey) {
		return recorded, nil // destroyed with everything else of the student
	}
	if err != nil {
		return recorded, err
	}
	return recorded, json.Unmarshal(plain, &recorded)
}

func (b *Broker) putRights(tx store.Tx, sid records.SID, recorded rights) error {
	plain, err := json.Marshal(recorded)
	if err != nil {
		return err
	}
	box, err := b.vault.Seal(studentKey(sid), rightsAAD(sid), plain)
	if err != nil {
		return err
	}
	if err := tx.Put(colRights, sid[:], box); err != nil {
		return err
	}
	return b.mayConflict(tx, sid)
}

// and joins what is recorded under two names of one student.
func (f rights) and(other rights) rights {
	return rights{
		Holders:       append(f.Holders, other.Holders...),
		Restrictions:  append(f.Restrictions, other.Restrictions...),
		Postsecondary: append(f.Postsecondary, other.Postsecondary...),
		Pauses:        append(f.Pauses, other.Pauses...),
		Protections:   append(f.Protections, other.Protections...),
	}
}

// postsecondary is the day that counts by what was known at a moment: the word
// entered last, of two entered together the one that passes the rights earlier.
func (f rights) postsecondary(known time.Time) civil.Date {
	var newest postsecondaryWord
	for _, w := range f.Postsecondary {
		if w.EnteredAt.After(known) || w.EnteredAt.Before(newest.EnteredAt) {
			continue
		}
		if w.EnteredAt.Equal(newest.EnteredAt) && (w.From.IsZero() || !newest.From.IsZero() && newest.From <= w.From) {
			continue
		}
		newest = w
	}
	return newest.From
}

// moveRights files what is recorded of a merged student under the staying name.
func (b *Broker) moveRights(tx store.Tx, old, staying records.SID) error {
	moving, err := b.rightsOf(tx, old)
	if err != nil || len(moving.Holders)+len(moving.Restrictions)+len(moving.Postsecondary)+len(moving.Pauses)+len(moving.Protections) == 0 {
		return err
	}
	own, err := b.rightsOf(tx, staying)
	if err != nil {
		return err
	}
	for _, w := range moving.Restrictions {
		if err := tx.Put(colRestrictions, key(w.ID), staying[:]); err != nil {
			return err
		}
	}
	for _, w := range moving.Protections {
		if err := tx.Put(colRestrictions, key(w.ID), staying[:]); err != nil {
			return err
		}
	}
	if err := b.putRights(tx, staying, own.and(moving)); err != nil {
		return err
	}
	if err := tx.Delete(colRights, old[:]); err != nil {
		return err
	}
	_, err = b.moveStudent(tx, staying)
	return err
}

// moveStudent moves the consent revision of every agreement whose answers depend on
// who decides for a student, and returns the agreements.
func (b *Broker) moveStudent(tx store.Tx, sid records.SID) (moved []string, err error) {
	grants, err := b.grants(tx, sid)
	if err != nil {
		return nil, err
	}
	var parties []string
	for _, g := range grants {
		parties = append(parties, g.Party)
	}
	for _, party := range sortedSet(parties) {
		list, err := b.moveConsent(tx, party, sid)
		if err != nil {
			return nil, err
		}
		moved = append(moved, list...)
	}
	return moved, nil
}

// lawNow is what the law of consent has to know of a student, but for answers.
func (b *Broker) lawNow(r store.Reader, p records.Profile, m moment) (consent.Student, error) {
	recorded, err := b.rightsOf(r, p.SID)
	if err != nil {
		return consent.Student{}, err
	}
	who, err := b.persons(r)
	if err != nil {
		return consent.Student{}, err
	}
	return b.lawOf(who, p, recorded, nil, m.now), nil
}

// lawAndGrants are a student's answers, and the law that weighs them.
func (b *Broker) lawAndGrants(r store.Reader, p records.Profile, known time.Time) (law consent.Student, grants []consent.Grant, err error) {
	if grants, err = b.grants(r, p.SID); err != nil {
		return law, nil, err
	}
	recorded, err := b.rightsOf(r, p.SID)
	if err != nil {
		return law, nil, err
	}
	who, err := b.persons(r)
	if err != nil {
		return law, nil, err
	}
	return b.lawOf(who, p, recorded, grants, known), grants, nil
}

// lawOf is what the law of consent has to know of a student: the district's file as
// it is, and what officers recorded.
//
// Who said no, or withdrew, held the rights that day: the district saw to it
// when it entered the answer. A later import that renumbers or drops the person
// does not undo that, so that nobody's no is lost with a number. A yes counts
// only while the file says that the person holds the rights.
func (b *Broker) lawOf(who *persons, p records.Profile, recorded rights, grants []consent.Grant, known time.Time) consent.Student {
	s := consent.Student{Birth: p.Birth, Postsecondary: recorded.postsecondary(known)}
	for _, g := range grants {
		if g.Answer == consent.Yes && g.Withdrawn == nil {
			continue
		}
		day := civil.Of(g.SignedAt, b.zone)
		s.Holders = append(s.Holders, consent.Holder{
			Signer: g.Signer, Capacity: g.Capacity, HoldsRights: true, From: day, To: day, EnteredAt: g.EnteredAt,
		})
	}
	for _, g := range p.Guardians {
		s.Holders = append(s.Holders, consent.Holder{
			Signer: signerGuardian + g.ID, Capacity: consent.Capacity(g.Capacity), HoldsRights: g.HoldsRights,
		})
	}
	s.Holders = append(s.Holders, consent.Holder{Signer: signerSelf, Capacity: consent.EligibleStudent, HoldsRights: true})
	for _, w := range recorded.Holders {
		s.Holders = append(s.Holders, w.Holder)
	}
	for _, w := range recorded.Restrictions {
		s.Restrictions = append(s.Restrictions, w.Restriction)
	}
	for _, w := range recorded.Pauses {
		s.Pauses = append(s.Pauses, w.Pause)
	}
	s.Aliases = who.aliases(s.Holders)
	return s
}
