package broker

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/consent"
)

// holds decides, in the Update that accepts a grant, which published periods
// it may not open: those whose figures would give away the last students who
// did not say yes. It looks at sets only, and what it lets pass becomes known.
func (b *Broker) holds(tx store.Tx, g *consent.Grant, p records.Profile) ([]consent.Hold, error) {
	if g.Answer != consent.Yes || g.Status != consent.InForce {
		return nil, nil
	}
	var held []consent.Hold
	err := b.eachFrozen(tx, p.SID, func(f freeze, s records.Session, ordinal uint32) error {
		if g.RecordsFrom > s.End || g.RecordsTo < s.Start {
			return nil
		}
		more, err := b.holdsIn(tx, g, f, s, ordinal)
		held = append(held, more...)
		return err
	})
	return held, err
}

// eachFrozen calls fn for each frozen period whose table holds the student.
func (b *Broker) eachFrozen(r store.Reader, sid records.SID, fn func(freeze, records.Session, uint32) error) error {
	d, err := b.dataset(r)
	if err != nil {
		return err
	}
	return freezes.all(r, nil, func(_ []byte, f freeze) error {
		ordinal, found := slices.BinarySearchFunc(f.Students, sid, records.SID.Compare)
		s, ok := d.district.Session(f.Session)
		if !found || !ok {
			return nil
		}
		return fn(f, s, uint32(ordinal))
	})
}

func (b *Broker) holdsIn(tx store.Tx, g *consent.Grant, f freeze, s records.Session, ordinal uint32) ([]consent.Hold, error) {
	history, err := readHistory(tx, f)
	if err != nil {
		return nil, err
	}
	k, _, err := knownT.get(tx, key(f.Session))
	if err != nil {
		return nil, err
	}
	var held []consent.Hold
	for _, family := range familiesOf(g) {
		anyone, err := bitmapOf(k.Any[family])
		if err != nil {
			return nil, err
		}
		o := sdc.Opening{ID: g.ID, SignedAt: g.SignedAt, Student: ordinal}
		if !b.sabotage.NoHold && !anyone.Contains(ordinal) && sdc.Held(history.OfFamily(family), anyone, o) {
			held = append(held, b.holdOf(f, s, family))
			continue
		}
		anyone.Add(ordinal)
		if k.Any[family], err = anyone.ToBytes(); err != nil {
			return nil, err
		}
	}
	return held, knownT.put(tx, key(f.Session), k)
}

// holdOf closes the period and whatever of its school year lies before its
// end: a value of the year would contain the period's.
func (b *Broker) holdOf(f freeze, s records.Session, family string) consent.Hold {
	from := s.Start
	if d := b.datasets.newest.Load(); d != nil {
		if year, ok := d.district.YearOfSession(s); ok {
			from = min(from, year.Start)
		}
	}
	return consent.Hold{Family: family, Period: f.Session, From: from, To: s.End}
}

func readHistory(r store.Reader, f freeze) (sdc.History, error) {
	var all sdc.History
	for _, a := range f.Agreements {
		p, found, err := publishedT.get(r, key(f.Session, a.ID))
		if err != nil || !found {
			return nil, err
		}
		h, err := sdc.DecodeHistory(p.History)
		if err != nil {
			return nil, err
		}
		all = append(all, h...)
	}
	return all, nil
}

func familiesOf(g *consent.Grant) []string {
	var list []string
	for _, c := range g.Categories {
		list = append(list, c.Family())
	}
	return sortedSet(list)
}

// knowHeld makes what an override opened known for good.
func (b *Broker) knowHeld(tx store.Tx, g consent.Grant, sid records.SID) error {
	return b.eachFrozen(tx, sid, func(f freeze, _ records.Session, ordinal uint32) error {
		k, _, err := knownT.get(tx, key(f.Session))
		if err != nil {
			return err
		}
		for _, h := range g.Held {
			if h.Period != f.Session {
				continue
			}
			set, err := bitmapOf(k.Any[h.Family])
			if err != nil {
				return err
			}
			set.Add(ordinal)
			if k.Any[h.Family], err = set.ToBytes(); err != nil {
				return err
			}
		}
		return knownT.put(tx, key(f.Session), k)
	})
}
