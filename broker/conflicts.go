package broker

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/consent"
)

// mayConflict keeps the list of students about whom people may disagree: somebody said
// yes and somebody else no to the same party, or there are two documents on who decides.
// Whether they do is a matter of the day, and decided when the list is read.
func (b *Broker) mayConflict(tx store.Tx, sid records.SID) error {
	grants, err := b.grants(tx, sid)
	if err != nil {
		return err
	}
	recorded, err := b.rightsOf(tx, sid)
	if err != nil {
		return err
	}
	if len(recorded.Restrictions) > 1 || saidBoth(grants) {
		return tx.Put(colConflicts, sid[:], []byte{1})
	}
	return tx.Delete(colConflicts, sid[:])
}

// saidBoth reports whether one person said yes to a party, and another did not.
func saidBoth(grants []consent.Grant) bool {
	for _, yes := range grants {
		if yes.Answer == consent.Yes && slices.ContainsFunc(grants, func(no consent.Grant) bool {
			return no.Party == yes.Party && no.Signer != yes.Signer && (no.Answer == consent.No || no.Withdrawn != nil)
		}) {
			return true
		}
	}
	return false
}

// conflictView is a disagreement that an officer has to know of. Party and purpose are
// empty where documents on the student's file contradict each other.
type conflictView struct {
	Student   StudentRef      `json:"student"`
	Party     string          `json:"party,omitzero"`
	Purpose   consent.Purpose `json:"purpose,omitzero"`
	Documents bool            `json:"documents_contradict,omitzero"`
	Yes       []wordView      `json:"yes,omitzero"`
	No        []wordView      `json:"no,omitzero"`
	Since     time.Time       `json:"since,omitzero"` // the newest word
}

// wordView is what one person said, and when.
type wordView struct {
	By        SignerRef `json:"by"`
	Consent   string    `json:"consent"`
	At        time.Time `json:"at"`
	Withdrawn bool      `json:"withdrew,omitzero"`
}

// Conflicts lists whose people disagree now, the newest first: of those who may decide
// one says yes and another no, so that the records stay closed; or documents on a
// student's file contradict each other (officer, auditor). No family and no partner is
// told that there is a conflict.
func (b *Broker) Conflicts(ctx context.Context, c Caller) (*Answer, error) {
	const operation = "list conflicts"
	if err := b.admit(ctx, c, operation, RoleOfficer, RoleAuditor); err != nil {
		return nil, err
	}
	return b.read(ctx, c, operation, func(r store.Reader, m moment) (any, error) {
		list := []conflictView{}
		err := r.Scan(colConflicts, store.Range{}, func(k, _ []byte) (bool, error) {
			found, err := b.conflictsOf(r, records.SID(k), m)
			list = append(list, found...)
			return true, err
		})
		slices.SortFunc(list, func(a, b conflictView) int {
			return cmp.Or(b.Since.Compare(a.Since), cmp.Compare(a.Student.StudentID, b.Student.StudentID), cmp.Compare(a.Party, b.Party), cmp.Compare(a.Purpose, b.Purpose))
		})
		return map[string]any{"conflicts": list}, err
	})
}

func (b *Broker) conflictsOf(r store.Reader, sid records.SID, m moment) (list []conflictView, err error) {
	p, err := b.profile(r, sid)
	if KindOf(err) == NotAvailable {
		return nil, nil // nobody's student any more
	}
	if err != nil {
		return nil, err
	}
	law, grants, err := b.lawAndGrants(r, p, m.now)
	if err != nil {
		return nil, err
	}
	student := StudentRef{StudentID: p.Person.StudentID}
	if law.OrdersContradict(consent.Moment{At: m.now, Known: m.now, Zone: b.zone}) {
		return []conflictView{{Student: student, Documents: true}}, nil
	}
	for _, q := range b.questioned(grants, m) {
		if v := conflictIn(law, grants, q); len(v.Yes) > 0 {
			v.Student = student
			list = append(list, v)
		}
	}
	return list, nil
}

// questioned are the parties and purposes that a student's grants are about.
func (b *Broker) questioned(grants []consent.Grant, m moment) (list []consent.Question) {
	for _, g := range grants {
		q := consent.Question{Party: g.Party, Purpose: g.Purpose, At: m.now, Known: m.now, Zone: b.zone}
		if !slices.Contains(list, q) {
			list = append(list, q)
		}
	}
	return list
}

// conflictIn tells who is on which side about any of the categories; nobody where they
// agree.
func conflictIn(law consent.Student, grants []consent.Grant, q consent.Question) conflictView {
	v := conflictView{Party: q.Party, Purpose: q.Purpose}
	for _, q.Category = range consent.Categories() {
		d := consent.Divide(law, grants, q)
		if !d.Divided() {
			continue
		}
		for _, g := range grants {
			switch {
			case slices.Contains(d.Yes, g.ID):
				v.Yes = v.heard(v.Yes, wordView{By: signerRef(g.Signer), Consent: g.ID, At: g.SignedAt})
			case slices.Contains(d.No, g.ID) && g.Withdrawn != nil:
				v.No = v.heard(v.No, wordView{By: signerRef(g.Signer), Consent: g.ID, At: g.Withdrawn.At, Withdrawn: true})
			case slices.Contains(d.No, g.ID):
				v.No = v.heard(v.No, wordView{By: signerRef(g.Signer), Consent: g.ID, At: g.SignedAt})
			}
		}
	}
	return v
}

// heard adds a word to a side, once.
func (v *conflictView) heard(side []wordView, w wordView) []wordView {
	if slices.Contains(side, w) {
		return side
	}
	if w.At.After(v.Since) {
		v.Since = w.At
	}
	return append(side, w)
}
