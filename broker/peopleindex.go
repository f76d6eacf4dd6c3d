package broker

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// A meaning says that a key of the index of people means a student. A key that
// means several has as many meanings.
type meaning struct {
	key [32]byte
	sid records.SID
}

func (m meaning) compare(n meaning) int {
	if c := bytes.Compare(m.key[:], n.key[:]); c != 0 {
		return c
	}
	return m.sid.Compare(n.sid)
}

// lackingMeanings returns, key by key, all that the entries mean which the index
// of people lacks or has otherwise. The order of keys is the one in which a
// store is quickest.
func (b *Broker) lackingMeanings(r store.Reader, people []records.Profile) ([]meaning, error) {
	list := b.meanings(people)
	if nobody, err := b.knowsNobody(r); err != nil || nobody {
		return list, err
	}
	lacking := list[:0] // which stays behind the list
	var joined []meaning
	for i := 0; len(list) > 0; i++ {
		b.pace.Pause(i)
		same := sameKey(list)
		list = list[len(same):]
		have, err := b.meantBy(r, same[0].key[:])
		switch {
		case err != nil:
			return nil, err
		case len(have) == 0:
			lacking = append(lacking, same...)
			continue
		}
		all := slices.Clone(have)
		for _, m := range same {
			all = append(all, m.sid)
		}
		if all = sortedSIDs(all); slices.Equal(all, have) {
			continue
		}
		for _, sid := range all {
			joined = append(joined, meaning{same[0].key, sid})
		}
	}
	if len(joined) == 0 {
		return lacking, nil
	}
	lacking = append(lacking, joined...)
	slices.SortFunc(lacking, meaning.compare)
	return lacking, nil
}

// knowsNobody reports whether the index of people is empty.
func (b *Broker) knowsNobody(r store.Reader) (bool, error) {
	nobody := true
	err := r.Scan(colIDs, store.Range{Limit: 1}, func(_, _ []byte) (bool, error) {
		nobody = false
		return false, nil
	})
	return nobody, err
}

// sameKey returns the first meanings of a list, which are those of one key.
func sameKey(list []meaning) []meaning {
	n := 1
	for n < len(list) && list[n].key == list[0].key {
		n++
	}
	return list[:n]
}

// meanings are those that people have, each once, in the order of their keys.
func (b *Broker) meanings(people []records.Profile) []meaning {
	first := make([]int, len(people)+1) // where each person's begin
	for i := range people {
		first[i+1] = first[i] + 2 + len(people[i].Guardians)
	}
	all := make([]meaning, first[len(people)])
	_ = b.pace.Each(len(people), func(i int) error { // nothing fails
		b.meaningsOf(&people[i], all[first[i]:first[i+1]])
		return nil
	})
	slices.SortFunc(all, meaning.compare)
	return slices.DeleteFunc(slices.Compact(all), func(m meaning) bool { return m.sid.IsZero() })
}

func (b *Broker) meaningsOf(p *records.Profile, list []meaning) {
	set := func(i int, kind, what string) {
		if what != "" {
			list[i] = meaning{b.vault.Index(kind, what), p.SID}
		}
	}
	set(0, byStudentID, p.Person.StudentID)
	set(1, byNameBirth, records.MatchKey(p.Person.Given, p.Person.Family, p.Birth))
	for i, g := range p.Guardians {
		set(2+i, byGuardianID, g.ID)
	}
}

// index stages what the index of people lacks.
func (s *stage) index(people []records.Profile) error {
	var list []meaning
	err := s.b.store.View(s.ctx, func(r store.Reader) (err error) {
		list, err = s.b.lackingMeanings(r, people)
		return err
	})
	if err != nil {
		return err
	}
	for len(list) > 0 {
		var entries [][]meaning
		for len(list) > 0 && len(entries) < maxStaged {
			same := sameKey(list)
			entries, list = append(entries, same), list[len(same):]
		}
		writes := make([]store.Write, len(entries))
		err := s.b.pace.Each(len(entries), func(i int) (err error) {
			writes[i], err = s.b.sealMeanings(entries[i])
			return err
		})
		if err != nil {
			return fmt.Errorf("sealing the index of people: %w", err)
		}
		if err := s.put(colIDs, writes); err != nil {
			return err
		}
	}
	return nil
}

func (b *Broker) sealMeanings(same []meaning) (store.Write, error) {
	sids := make([]records.SID, len(same))
	for i, m := range same {
		sids[i] = m.sid
	}
	key := slices.Clone(same[0].key[:])
	box, err := b.sealIndexed(key, sids)
	return store.Write{Key: key, Value: box}, err
}
