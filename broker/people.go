package broker

import (
	"errors"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// The kinds of the index from what the outside calls a person to the students
// it means. Keys are keyed hashes; values are sealed.
const (
	byStudentID  = "student"  // the district's number -> the student
	byNameBirth  = "match"    // normalised name and birth date -> students
	byGuardianID = "guardian" // the district's number -> the guardian's children
)

func (b *Broker) indexKey(kind, what string) []byte {
	sum := b.vault.Index(kind, what)
	return sum[:]
}

func indexAAD(k []byte) []byte { return append([]byte("ids|"), k...) }

var errIndexForm = errors.New("an index of people is not in its form")

// lookup returns the students that an index entry means; none is no error.
func (b *Broker) lookup(r store.Reader, kind, what string) ([]records.SID, error) {
	return b.meantBy(r, b.indexKey(kind, what))
}

func (b *Broker) meantBy(r store.Reader, k []byte) ([]records.SID, error) {
	box, err := r.Get(colIDs, k)
	if err != nil || box == nil {
		return nil, err
	}
	plain, err := b.vault.Open(districtKey, indexAAD(k), box)
	if err != nil {
		return nil, err
	}
	if len(plain)%16 != 0 {
		return nil, errIndexForm
	}
	var sids []records.SID
	for chunk := range slices.Chunk(plain, 16) {
		sids = append(sids, records.SID(chunk))
	}
	return sids, nil
}

// indexed returns an index entry to be staged.
func (b *Broker) indexed(kind, what string, sids []records.SID) (staged, error) {
	k := b.indexKey(kind, what)
	box, err := b.sealIndexed(k, sids)
	return staged{colIDs, k, box}, err
}

func (b *Broker) sealIndexed(k []byte, sids []records.SID) ([]byte, error) {
	var plain []byte
	for _, sid := range sids {
		plain = append(plain, sid[:]...)
	}
	return b.vault.Seal(districtKey, indexAAD(k), plain)
}

// student finds the student that a request names. Whoever may not know
// whether there is one gets the same answer as if there were none.
func (b *Broker) student(r store.Reader, c Caller, agreement string, ref StudentRef) (records.SID, error) {
	if (ref.StudentID == "") == (ref.ParticipantRef == "") {
		return records.SID{}, invalidField("student", "must name one student in one way", "give student_id or participant_ref")
	}
	sids, err := b.named(r, agreement, ref)
	if err != nil {
		return records.SID{}, err
	}
	if len(sids) != 1 {
		return records.SID{}, notAvailable()
	}
	if c.is(RoleGuardian) {
		family, err := b.family(r, c)
		if err != nil {
			return records.SID{}, err
		}
		if !slices.Contains(family, sids[0]) {
			return records.SID{}, notAvailable()
		}
	}
	return sids[0], nil
}

func (b *Broker) named(r store.Reader, agreement string, ref StudentRef) ([]records.SID, error) {
	if ref.StudentID != "" {
		return b.lookup(r, byStudentID, ref.StudentID)
	}
	rec, found, err := agreements.get(r, key(agreement))
	if err != nil || !found {
		return nil, orNotAvailable(err)
	}
	roster, err := b.roster(r, agreement, rec.Roster)
	if err != nil {
		return nil, err
	}
	var sids []records.SID
	for _, m := range roster {
		if m.Ref == ref.ParticipantRef && !m.sid.IsZero() {
			sids = append(sids, m.sid)
		}
	}
	return sids, nil
}

// A token of an eligible student has this before the district's number of the
// student; without it the subject is the number of a guardian. The two number
// spaces are apart: that a guardian's number is also some student's number
// means nothing.
const subjectStudent = "student:"

// family lists the students about whom a guardian's token may speak: her
// children as the district's file has them now, under whichever of her
// numbers still has her name, or, for an eligible student, the student.
func (b *Broker) family(r store.Reader, c Caller) ([]records.SID, error) {
	if id, isStudent := strings.CutPrefix(c.Subject, subjectStudent); isStudent {
		return b.lookup(r, byStudentID, id)
	}
	who, err := b.persons(r)
	if err != nil {
		return nil, err
	}
	var family []records.SID
	for _, id := range who.ids(c.Subject) {
		t, err := b.traitsOf(r, id)
		if err != nil {
			return nil, err
		}
		if id == c.Subject || b.stillNamed(who.groups[id], t) {
			family = append(family, t.children...)
		}
	}
	return sortedSIDs(family), nil
}

func sortedSIDs(list []records.SID) []records.SID {
	slices.SortFunc(list, records.SID.Compare)
	return slices.Compact(list)
}
