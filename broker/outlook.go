package broker

import (
	"errors"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// outlook is a period's freeze, as it was made or as a close would make it now,
// with everything that is said of it. No outcome is in it.
type outlook struct {
	b        *Broker
	r        store.Reader
	m        moment
	period   records.Session
	state    string
	forecast bool // the period has not ended
	blocked  []string
	d        *dataset
	freeze   freeze
	parts    []frozenAgreement
	history  sdc.History // of this period, after what others of the same days published
	opened   map[string]*roaring.Bitmap
	exposure sdc.Exposure
	year     []sdc.Exposure // of the school year's periods that were frozen before
}

func (b *Broker) outlook(r store.Reader, m moment, session string) (*outlook, error) {
	d, err := b.dataset(r)
	if err != nil {
		return nil, err
	}
	s, ok := d.district.Session(session)
	if !ok {
		return nil, notAvailable()
	}
	p, _, err := periods.get(r, key(session))
	if err != nil {
		return nil, err
	}
	o := &outlook{b: b, r: r, m: m, d: d, period: s, state: p.state()}
	if o.state == periodOpen {
		err = o.foresee()
	} else {
		err = o.recall()
	}
	o.exposure = sdc.NewExposure(o.history)
	return o, err
}

// foresee plans the close of an open period.
func (o *outlook) foresee() error {
	f, err := o.b.planned(o.r, o.m, o.period.ID, nil, true)
	if err != nil {
		return err
	}
	o.freeze, o.opened = f.freeze, f.opened
	if o.history, err = o.b.sameDays(o.r, o.d.district, f); err != nil {
		return err
	}
	if err := o.yearBefore(f); err != nil {
		return err
	}
	for _, part := range f.parts {
		o.parts = append(o.parts, part.frozenAgreement)
		o.history = append(o.history, f.history[part.ID]...)
	}
	if o.forecast = o.m.today < o.period.End; o.forecast {
		o.blocked = append(o.blocked, "The period has not ended; it can be closed on its last day, "+o.period.End.String()+", or later.")
	}
	var stale *Error
	if errors.As(o.d.fit(f.reported, "frozen"), &stale) {
		o.blocked = append(o.blocked, "Refused: "+stale.Detail+".")
	}
	return nil
}

// recall reads the freeze of a period that has one.
func (o *outlook) recall() (err error) {
	var found bool
	if o.freeze, found, err = freezes.get(o.r, key(o.period.ID)); err != nil || !found {
		return errors.Join(err, missing(found, errNoHistory))
	}
	for _, id := range o.freeze.Agreements {
		part, found, err := frozenT.get(o.r, key(o.period.ID, id))
		if err != nil || !found {
			return errors.Join(err, missing(found, errNoHistory))
		}
		o.parts = append(o.parts, part)
	}
	f := &frozen{freeze: o.freeze, period: o.period}
	if f.students, err = o.freeze.Students.students(o.r, o.period.ID); err != nil {
		return err
	}
	if o.history, err = o.b.sameDays(o.r, o.d.district, f); err != nil {
		return err
	}
	if err := o.yearBefore(f); err != nil {
		return err
	}
	own, err := o.b.readHistory(o.r, o.freeze)
	if err != nil {
		return err
	}
	o.history = append(o.history, own...)
	return o.recallOpened()
}

func (o *outlook) recallOpened() error {
	k, _, err := everOpen.get(o.r, key(o.period.ID))
	if err != nil {
		return err
	}
	o.opened = map[string]*roaring.Bitmap{}
	for family, raw := range k.Any {
		if o.opened[family], err = bitmapOf(raw); err != nil {
			return err
		}
	}
	return nil
}

// part returns an agreement's part of the freeze.
func (o *outlook) part(id string) (frozenAgreement, error) {
	i := slices.IndexFunc(o.parts, func(a frozenAgreement) bool { return a.ID == id })
	if i < 0 {
		return frozenAgreement{}, notAvailable()
	}
	return o.parts[i], nil
}

// terms returns the agreement as it was, or would be, frozen.
func (o *outlook) terms(part frozenAgreement) (agreement.Agreement, error) {
	rec, found, err := agreementHistory.get(o.r, key(part.ID, uint64(part.Version), part.Revision))
	if err != nil || !found {
		return agreement.Agreement{}, orNotAvailable(err)
	}
	return rec.Agreement, nil
}

// unmatched counts the participants of the frozen roster and those of whom no
// student was found, or was decided since.
func (o *outlook) unmatched(part frozenAgreement) (participants, unmatched int, err error) {
	roster, err := o.b.roster(o.r, part.ID, part.Roster)
	if err != nil {
		return 0, 0, err
	}
	for _, kid := range roster {
		sid := kid.sid
		if sid.IsZero() {
			if sid, err = o.b.matchOne(o.r, part.ID, kid.participant); err != nil {
				return 0, 0, err
			}
		}
		if sid.IsZero() {
			unmatched++
		}
	}
	return len(roster), unmatched, nil
}
