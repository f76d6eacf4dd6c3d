package broker

import (
	"errors"

	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// yearBefore counts the figures of the other periods of the school year that were
// frozen before this one, each period by itself, in this freeze's ordinals. What is
// frozen later changes nothing of it, so that a memo that was signed stands.
func (o *outlook) yearBefore(f *frozen) error {
	return periods.all(o.r, nil, func(_ []byte, p periodRecord) error {
		before := p.state() != periodOpen && p.FrozenAt.Before(f.freeze.At)
		if !before || p.Session == o.period.ID || p.YearStart != f.freeze.YearStart {
			return nil
		}
		h, err := o.b.historyIn(o.r, f, p)
		if err == nil {
			o.year = append(o.year, sdc.NewExposure(h))
		}
		return err
	})
}

// historyIn is what was published of another period, in a freeze's ordinals.
func (b *Broker) historyIn(r store.Reader, f *frozen, p periodRecord) (all sdc.History, err error) {
	other, found, err := b.memo.freezes.get(r, key(p.Session))
	if err != nil || !found {
		return nil, errors.Join(err, missing(found, errNoHistory))
	}
	students, err := other.Students.students(r, p.Session)
	if err != nil {
		return nil, err
	}
	into := f.translate(students)
	for _, id := range other.Agreements {
		h, found, err := b.memo.behind.get(r, key(p.Session, id))
		if err != nil || !found {
			return nil, errors.Join(err, missing(found, errNoHistory))
		}
		for _, set := range p.ofFrozen(h.History) {
			all = append(all, renamed(set, p.Session, into))
		}
	}
	return all, nil
}
