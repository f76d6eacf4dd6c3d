package broker

import (
	"maps"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// formerNames lists the names under which a student was known before the
// information system merged two files into one.
var formerNames = table[[]records.SID]{colMerged}

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

// moveGrants files a student's answers under the staying name.
func (b *Broker) moveGrants(tx store.Tx, old, staying records.SID) error {
	grants, err := b.grants(tx, old)
	if err != nil {
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
	return nil
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
		if i, found := slices.BinarySearchFunc(f.Students, name, records.SID.Compare); found {
			list = append(list, uint32(i))
		}
	}
	return list, nil
}
