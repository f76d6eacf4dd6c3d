package broker

import (
	"errors"
	"maps"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/consent"
)

// formerNames lists the names under which a student was known before the
// information system merged two files into one.
var formerNames = table[[]records.SID]{colMerged}

// renumbered are the new students of a load who have name and birth date of
// exactly one who is not in the files any more: the information system may have
// given a child another number. Their histories join only by merges.csv, since
// two children may share both.
func renumbered(a ingest.Applied, known map[records.SID]records.Profile) (list []ingest.Place) {
	left := map[string]int{}
	for _, sid := range slices.Concat(a.Changes.Closed, a.Changes.Removed) {
		left[nameBirth(known[sid])]++
	}
	for _, p := range a.Profiles {
		if _, was := known[p.SID]; !was && left[nameBirth(p)] == 1 && nameBirth(p) != "" {
			list = append(list, ingest.Place{File: "students.csv", ID: p.Person.StudentID})
		}
	}
	return list
}

func nameBirth(p records.Profile) string {
	return records.MatchKey(p.Person.Given, p.Person.Family, p.Birth)
}

// join carries everything that hangs on the merged files over to those that
// stay, in the Update that makes the data version current: a no of one file
// must not be lost with its number, nor a yes.
func (b *Broker) join(tx store.Tx, l *load) error {
	merged := l.applied.Changes.Merged
	for _, old := range slices.SortedFunc(maps.Keys(merged), records.SID.Compare) {
		staying := merged[old]
		former, _, err := formerNames.get(tx, staying[:])
		if err != nil {
			return err
		}
		if err := formerNames.put(tx, staying[:], sortedSIDs(append(former, old))); err != nil {
			return err
		}
		if err := b.moveGrants(tx, old, staying); err != nil {
			return err
		}
		if err := b.moveAsks(tx, old, staying); err != nil {
			return err
		}
		if err := b.moveRights(tx, old, staying); err != nil {
			return err
		}
		if err := errors.Join(
			inspections.move(b, tx, old, staying), cases.move(b, tx, old, staying), receiptFiles.move(b, tx, old, staying), deletions.move(b, tx, old, staying),
		); err != nil {
			return err
		}
	}
	for _, put := range l.renamed {
		if err := tx.Put(put.collection, put.key, put.value); err != nil {
			return err
		}
	}
	if len(merged) == 0 {
		return nil
	}
	return b.moveMembers(tx, merged)
}

// everyName adds to students the names that they had before files were merged: an
// answer that was recorded then may still be on its way.
func everyName(r store.Reader, students []records.SID) ([]records.SID, error) {
	names := slices.Clone(students)
	for _, sid := range students {
		former, _, err := formerNames.get(r, sid[:])
		if err != nil {
			return nil, err
		}
		names = append(names, former...)
	}
	return names, nil
}

// moveGrants files a student's answers under the staying name.
func (b *Broker) moveGrants(tx store.Tx, old, staying records.SID) error {
	grants, err := b.grants(tx, old)
	if err != nil {
		return err
	}
	if err := b.rest(tx, staying, grants); err != nil {
		return err
	}
	for i, g := range grants {
		at, err := b.nextGrant(tx, staying)
		if err != nil {
			return err
		}
		g.Student = staying.String()
		if err := b.putGrant(tx, at, g); err != nil {
			return err
		}
		if err := tx.Put(colConsentIDs, key(g.ID), at.bytes()); err != nil {
			return err
		}
		if err := tx.Delete(colConsents, grantKey{old, uint32(i)}.bytes()); err != nil {
			return err
		}
		if _, err := b.moveConsent(tx, g.Party); err != nil {
			return err
		}
	}
	return tx.Delete(colConflicts, old[:])
}

// rest keeps the yes of either file closed where the other file has a no, or a
// withdrawal, for the same party and purpose: two files of one child were
// answered as if for two, and which answer is meant only a person can say. It
// changes moving in place; an officer's override ends the rest.
func (b *Broker) rest(tx store.Tx, staying records.SID, moving []consent.Grant) error {
	own, err := b.grants(tx, staying)
	if err != nil || b.sabotage.UniteAnswers {
		return err
	}
	for i := range own {
		if own[i].Answer == consent.Yes && refusedIn(moving, own[i]) {
			own[i].Held = resting(own[i])
			if err := b.putGrant(tx, grantKey{staying, uint32(i)}, own[i]); err != nil {
				return err
			}
			if _, err := b.moveConsent(tx, own[i].Party); err != nil {
				return err
			}
		}
	}
	for i := range moving {
		if moving[i].Answer == consent.Yes && refusedIn(own, moving[i]) {
			moving[i].Held = resting(moving[i])
		}
	}
	return nil
}

// refusedIn reports whether the answers have a no to what a grant is about.
func refusedIn(list []consent.Grant, g consent.Grant) bool {
	return slices.ContainsFunc(list, func(o consent.Grant) bool {
		return o.Party == g.Party && o.Purpose == g.Purpose && o.Invalidated == nil && (o.Answer == consent.No || o.Withdrawn != nil)
	})
}

// mergedFiles is the period that a rest names: it ends with an officer's word.
const mergedFiles = "merged files"

// resting are a grant's holds with every family of its records closed.
func resting(g consent.Grant) []consent.Hold {
	list := slices.Clone(g.Held)
	for _, family := range records.Families() {
		list = append(list, consent.Hold{Family: string(family), Period: mergedFiles, From: g.RecordsFrom, To: g.RecordsTo})
	}
	return list
}

// moveMembers makes a roster version for each agreement that has a merged
// student on its newest.
func (b *Broker) moveMembers(tx store.Tx, merged map[records.SID]records.SID) error {
	var touched []agreementRecord
	err := agreements.all(tx, nil, func(_ []byte, rec agreementRecord) error {
		roster, err := b.roster(tx, rec.Agreement.ID, rec.Roster)
		if err == nil && slices.ContainsFunc(roster, func(m member) bool { _, was := merged[m.sid]; return was }) {
			touched = append(touched, rec)
		}
		return err
	})
	for _, rec := range touched {
		roster, err := b.roster(tx, rec.Agreement.ID, rec.Roster)
		if err != nil {
			return err
		}
		next := slices.Clone(roster)
		for i := range next {
			if staying, was := merged[next[i].sid]; was {
				next[i].sid = staying
			}
		}
		if err := b.nextRoster(tx, rec, next); err != nil {
			return err
		}
	}
	return err
}

// ordinals are the places of a student in a freeze's table, under the name it
// has and those it had.
func ordinals(r store.Reader, f freeze, sid records.SID) ([]uint32, error) {
	names, _, err := formerNames.get(r, sid[:])
	if err != nil {
		return nil, err
	}
	var list []uint32
	for _, name := range append(names, sid) {
		at, found, err := f.Students.ordinal(r, f.Session, name)
		if err != nil {
			return nil, err
		}
		if found {
			list = append(list, at)
		}
	}
	return list, nil
}
