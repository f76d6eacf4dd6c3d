package broker

import (
	"errors"
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
	err := b.eachFrozen(tx, p.SID, g, func(f freeze, period periodRecord, at []uint32) error {
		more, err := b.holdsIn(tx, g, f, period, at)
		held = append(held, more...)
		return err
	})
	return held, err
}

// eachFrozen calls fn for each frozen period that a grant reaches into and
// whose table holds the student. Which days a period has was fixed with it.
func (b *Broker) eachFrozen(r store.Reader, sid records.SID, g *consent.Grant, fn func(freeze, periodRecord, []uint32) error) error {
	return periods.all(r, nil, func(_ []byte, p periodRecord) error {
		if p.state() == periodOpen || g.RecordsFrom > p.End || g.RecordsTo < p.Start {
			return nil
		}
		f, found, err := b.memo.freezes.get(r, key(p.Session))
		if err != nil || !found {
			return errors.Join(err, missing(found, errNoHistory))
		}
		at, err := ordinals(r, f, sid)
		if err != nil || len(at) == 0 {
			return err
		}
		return fn(f, p, at)
	})
}

func (b *Broker) holdsIn(tx store.Tx, g *consent.Grant, f freeze, period periodRecord, at []uint32) ([]consent.Hold, error) {
	history, err := b.readHistory(tx, f)
	if err != nil {
		return nil, err
	}
	k, _, err := everOpen.get(tx, key(f.Session))
	if err != nil {
		return nil, err
	}
	var held []consent.Hold
	for _, family := range familiesOf(g) {
		if period.Families[records.Family(family)].open() { // nothing of it gives anybody away yet
			continue
		}
		anyone, err := bitmapOf(k.Any[family])
		if err != nil {
			return nil, err
		}
		shown := history.OfFamily(family)
		exposes := func(ordinal uint32) bool {
			return !anyone.Contains(ordinal) && sdc.Held(shown, anyone, sdc.Opening{ID: g.ID, SignedAt: g.SignedAt, Student: ordinal})
		}
		if !b.sabotage.NoHold && slices.ContainsFunc(at, exposes) {
			held = append(held, consent.Hold{Family: family, Period: f.Session, From: period.YearStart, To: period.End})
			continue
		}
		anyone.AddMany(at)
		if k.Any[family], err = anyone.ToBytes(); err != nil {
			return nil, err
		}
	}
	return held, everOpen.put(tx, key(f.Session), k)
}

// recallHolds reads ahead of an Update what holds decides by, which is much after a
// close: a withdrawal shall not wait until it is decoded. What is older than a
// school year is seldom asked for. What cannot be read is met again by holds, if
// the answer needs it.
func (b *Broker) recallHolds(r store.Reader) {
	newest, err := number(r, colHead, key(headReleases))
	if err != nil || b.recalled.Load() == newest {
		return
	}
	recent := b.moment().today - recallDays
	err = periods.all(r, nil, func(_ []byte, p periodRecord) error {
		if p.state() == periodOpen || p.End < recent {
			return nil
		}
		f, found, err := b.memo.freezes.get(r, key(p.Session))
		if err != nil || !found {
			return errors.Join(err, missing(found, errNoHistory))
		}
		_, err = b.readHistory(r, f)
		return err
	})
	if err == nil {
		b.recalled.Store(newest)
	}
}

// recallDays is how long after its end a period is read ahead for.
const recallDays = 400

// readHistory returns what every agreement of a freeze gives away. A freeze
// without the record of one of its agreements is damaged: nothing may be
// decided by it.
func (b *Broker) readHistory(r store.Reader, f freeze) (sdc.History, error) {
	var all sdc.History
	for _, id := range f.Agreements {
		h, found, err := b.memo.behind.get(r, key(f.Session, id))
		if err != nil || !found {
			return nil, errors.Join(err, missing(found, errNoHistory))
		}
		all = append(all, h.History...)
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
	return b.eachFrozen(tx, sid, &g, func(f freeze, _ periodRecord, at []uint32) error {
		k, _, err := everOpen.get(tx, key(f.Session))
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
			set.AddMany(at)
			if k.Any[h.Family], err = set.ToBytes(); err != nil {
				return err
			}
		}
		return everOpen.put(tx, key(f.Session), k)
	})
}
