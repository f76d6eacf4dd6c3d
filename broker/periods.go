package broker

import (
	"context"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// periodRecord is an academic session that the district reports on.
type periodRecord struct {
	Session     string     `json:"session_id"`
	Census      civil.Date `json:"census,omitzero"`
	Provisional civil.Date `json:"provisional,omitzero"`
	Final       civil.Date `json:"final,omitzero"`
	FrozenAt    time.Time  `json:"frozen_at,omitzero"` // of the sets, with the first family

	Families map[records.Family]closing `json:"families,omitzero"`

	// The days of the period and the first of its school year as they were at
	// the freeze; what is held does not depend on a later import.
	Start     civil.Date `json:"start,omitzero"`
	End       civil.Date `json:"end,omitzero"`
	YearStart civil.Date `json:"year_start,omitzero"`
}

// The states of a period, and of one family of it. A period is published when all
// families are.
const (
	periodOpen      = "open"
	periodFrozen    = "frozen"
	periodPublished = "published"
)

func (p periodRecord) state() string {
	switch {
	case p.FrozenAt.IsZero():
		return periodOpen
	case len(p.families(nil, closing.published)) < len(records.Families()):
		return periodFrozen
	}
	return periodPublished
}

var periods = table[periodRecord]{colPeriods}

// periodListed is what is read of a period.
type periodListed struct {
	periodView
	State       string         `json:"state"`
	Stage       string         `json:"stage,omitzero"`
	Census      civil.Date     `json:"census,omitzero"`
	Provisional civil.Date     `json:"provisional,omitzero"`
	Final       civil.Date     `json:"final,omitzero"`
	FrozenAt    time.Time      `json:"frozen_at,omitzero"`
	PublishedAt time.Time      `json:"published_at,omitzero"` // of all families
	Families    []familyListed `json:"families"`
}

func (p periodRecord) view(s records.Session, today civil.Date) periodListed {
	v := periodListed{
		periodView: viewPeriod(s), State: p.state(), Census: p.Census, Provisional: p.Provisional, Final: p.Final,
		FrozenAt: p.FrozenAt, Families: p.listed(),
	}
	if v.State == periodOpen {
		return v
	}
	v.Stage = p.stage(today)
	for _, c := range p.Families {
		if v.State == periodPublished && c.PublishedAt.After(v.PublishedAt) {
			v.PublishedAt = c.PublishedAt
		}
	}
	return v
}

// Periods lists the district's sessions with their dates and states.
func (b *Broker) Periods(ctx context.Context, c Caller) (*Answer, error) {
	if err := b.admit(ctx, c, "list periods", RoleOfficer, RoleSteward, RoleAuditor, RolePartner); err != nil {
		return nil, err
	}
	return b.read(ctx, c, "list periods", func(r store.Reader, m moment) (any, error) {
		d, err := b.dataset(r)
		if err != nil {
			return nil, err
		}
		list := []periodListed{}
		for _, s := range d.district.Periods() {
			p, _, err := periods.get(r, key(s.ID))
			if err != nil {
				return nil, err
			}
			list = append(list, p.view(s, m.today))
		}
		return map[string]any{"periods": list}, nil
	})
}

// SetCalendar publishes a period's dates (officer, steward). After the freeze
// they stand.
func (b *Broker) SetCalendar(ctx context.Context, c Caller, id string, req CalendarRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "set a period's calendar", RoleOfficer, RoleSteward); err != nil {
		return nil, err
	}
	if err := req.Validate(); err != nil {
		return nil, err
	}
	a := act{event: tlog.PeriodCalendar, lane: store.LaneOfficer, caller: c, request: req}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		d, err := b.dataset(tx)
		if err != nil {
			return outcome{}, err
		}
		s, ok := d.district.Session(id)
		if !ok {
			return outcome{}, notAvailable()
		}
		if req.Census < s.Start || req.Census > s.End {
			return outcome{}, invalidField("census", "is outside the period", "give a day from the period's first to its last")
		}
		p, _, err := periods.get(tx, key(id))
		if err != nil {
			return outcome{}, err
		}
		if p.state() != periodOpen {
			return outcome{}, conflict("the period is frozen; its calendar stands")
		}
		p.Session, p.Census, p.Provisional, p.Final = id, req.Census, req.Provisional, req.Final
		out := outcome{data: p.view(s, m.today)}
		if err := bump(tx, colHead, key(headTerms)); err != nil {
			return outcome{}, err
		}
		return out, periods.put(tx, key(id), p)
	})
}

// Validate refuses dates that are missing or out of order.
func (r CalendarRequest) Validate() error {
	if r.Census.IsZero() {
		return invalidField("census", "is missing", "give the day on which rosters freeze")
	}
	if !r.Provisional.IsZero() && r.Provisional < r.Census || !r.Final.IsZero() && r.Final < max(r.Census, r.Provisional) {
		return invalidField("final", "is out of order", "give census, then provisional, then final")
	}
	return nil
}
