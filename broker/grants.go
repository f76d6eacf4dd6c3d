package broker

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/consent"
)

// Signers as grants name them: a guardian by the district's number, or the
// student.
const (
	signerGuardian = "guardian:"
	signerSelf     = "student"
)

// grantKey is where a grant lies.
type grantKey struct {
	sid     records.SID
	ordinal uint32
}

func (k grantKey) bytes() []byte { return key(k.sid[:], k.ordinal) }

func (k grantKey) aad() []byte { return append([]byte("consents|"), k.bytes()...) }

// changedGrant writes a grant back, with the outcome that says so.
func (b *Broker) changedGrant(tx store.Tx, at grantKey, g consent.Grant) (outcome, error) {
	out := outcome{data: consentView(g, ""), key: studentKey(at.sid), subjects: []records.SID{at.sid}, body: g}
	if err := b.putGrant(tx, at, g); err != nil {
		return outcome{}, err
	}
	var err error
	out.moved, err = b.moveConsent(tx, g.Party, at.sid)
	return out, err
}

// findGrant locates a grant that the caller may touch: an officer any, a
// guardian the ones she signed, under whichever of her numbers.
func (b *Broker) findGrant(ctx context.Context, c Caller, id string) (at grantKey, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		raw, err := r.Get(colConsentIDs, key(id))
		if err != nil || len(raw) != 20 {
			return orNotAvailable(err)
		}
		at = grantKey{records.SID(raw[:16]), binary.BigEndian.Uint32(raw[16:])}
		if c.is(RoleOfficer) {
			return nil
		}
		g, err := b.getGrant(r, at)
		if err != nil {
			return err
		}
		family, err := b.family(r, c)
		if err != nil || !slices.Contains(family, at.sid) {
			return orNotAvailable(err)
		}
		who, err := b.persons(r)
		if err != nil {
			return err
		}
		if !slices.Contains(who.signers(c), g.Signer) {
			return notAvailable()
		}
		return nil
	})
	return at, storeError(err)
}

func (b *Broker) getGrant(r store.Reader, at grantKey) (g consent.Grant, err error) {
	box, err := r.Get(colConsents, at.bytes())
	if err != nil || box == nil {
		return g, orNotAvailable(err)
	}
	plain, err := b.vault.Open(studentKey(at.sid), at.aad(), box)
	if err != nil {
		return g, err
	}
	return g, json.Unmarshal(plain, &g)
}

func (b *Broker) putGrant(tx store.Tx, at grantKey, g consent.Grant) error {
	plain, err := json.Marshal(g)
	if err != nil {
		return err
	}
	box, err := b.vault.Seal(studentKey(at.sid), at.aad(), plain)
	if err != nil {
		return err
	}
	if err := tx.Put(colConsents, at.bytes(), box); err != nil {
		return err
	}
	return b.mayConflict(tx, at.sid)
}

// grants returns every answer about a student, in the order of entry.
func (b *Broker) grants(r store.Reader, sid records.SID) (list []consent.Grant, err error) {
	err = r.Scan(colConsents, store.Range{Prefix: sid[:]}, func(k, _ []byte) (bool, error) {
		g, err := b.getGrant(r, grantKey{sid, binary.BigEndian.Uint32(k[16:])})
		list = append(list, g)
		return true, err
	})
	return list, err
}

func (b *Broker) nextGrant(r store.Reader, sid records.SID) (at grantKey, err error) {
	at.sid = sid
	err = r.Scan(colConsents, store.Range{Prefix: sid[:], Reverse: true, Limit: 1}, func(k, _ []byte) (bool, error) {
		at.ordinal = binary.BigEndian.Uint32(k[16:]) + 1
		return false, nil
	})
	return at, err
}

// moveConsent bumps the consent revision of every agreement of a party, so
// that answers computed before are computed anew, and returns the agreements. about is
// the one student whom the change concerns; without, it may concern anybody.
func (b *Broker) moveConsent(tx store.Tx, party string, about ...records.SID) (moved []string, err error) {
	p, _, err := partners.get(tx, key(party))
	if err != nil {
		return nil, err
	}
	for _, id := range p.Agreements {
		if err := bump(tx, colConsentRev, key(id)); err != nil {
			return nil, err
		}
	}
	return p.Agreements, said(tx, about...)
}

// signer is how a grant names the bearer of a family's token: the student, or
// one of the student's guardians.
func (c Caller) signer() string {
	if strings.HasPrefix(c.Subject, subjectStudent) {
		return signerSelf
	}
	return signerGuardian + c.Subject
}

// signerOf finds who answered among the people on the student's file; link is
// what Broker.link says of a guardian's token. The capacity is the file's word,
// not the request's.
func signerOf(c Caller, link string, p records.Profile, ref SignerRef) (string, consent.Capacity, error) {
	if c.is(RoleGuardian) {
		ref = SignerRef{Self: c.signer() == signerSelf}
		if !ref.Self {
			ref.GuardianID = link
		}
	}
	if ref.Self == (ref.GuardianID != "") {
		return "", "", invalidField("signer", "must name one person", "give guardian_id, or self for the student")
	}
	if ref.Self {
		return signerSelf, consent.EligibleStudent, nil
	}
	for _, g := range p.Guardians {
		if g.ID == ref.GuardianID {
			return signerGuardian + g.ID, consent.Capacity(g.Capacity), nil
		}
	}
	return "", "", invalidField("signer", "is not on the student's file", "load the guardian with the next import, then enter the answer")
}
