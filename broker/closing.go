package broker

import (
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// closing is how far one indicator family of a period is. Each is frozen,
// published and corrected by itself: attendance settles in days, grades in weeks.
type closing struct {
	FrozenAt    time.Time `json:"frozen_at"`
	Data        uint64    `json:"data"` // version that the values are of
	PublishedAt time.Time `json:"published_at,omitzero"`
	CorrectedAt time.Time `json:"corrected_at,omitzero"`
}

func (c closing) open() bool        { return c.FrozenAt.IsZero() }
func (c closing) published() bool   { return !c.PublishedAt.IsZero() }
func (c closing) corrected() bool   { return !c.CorrectedAt.IsZero() }
func (c closing) unpublished() bool { return !c.open() && !c.published() }
func (c closing) correctable() bool { return c.published() && !c.corrected() }
func (c closing) is(o closing) bool { return c.Data == o.Data && c.FrozenAt.Equal(o.FrozenAt) }
func (c closing) same(o closing) bool {
	return c.is(o) && c.PublishedAt.Equal(o.PublishedAt) && c.CorrectedAt.Equal(o.CorrectedAt)
}

func (c closing) state() string {
	switch {
	case c.published():
		return periodPublished
	case !c.open():
		return periodFrozen
	}
	return periodOpen
}

// families are those that were asked for, or all if none was, to which a test
// applies; in the order of the registry.
func (p periodRecord) families(asked []records.Family, is func(closing) bool) (list []records.Family) {
	for _, family := range records.Families() {
		if (len(asked) == 0 || slices.Contains(asked, family)) && is(p.Families[family]) {
			list = append(list, family)
		}
	}
	return list
}

// round is what was frozen of a period at one time.
type round struct {
	closing
	families []records.Family
}

// rounds divides families by when they were frozen.
func (p periodRecord) rounds(families []records.Family) (list []round) {
	for _, family := range families {
		c := p.Families[family]
		i := slices.IndexFunc(list, func(r round) bool { return r.is(c) })
		if i < 0 {
			list, i = append(list, round{closing: c}), len(list)
		}
		list[i].families = append(list[i].families, family)
	}
	return list
}

// unmoved reports that the families are as far as they were in another reading.
func (p periodRecord) unmoved(was periodRecord, families []records.Family) bool {
	return !slices.ContainsFunc(families, func(f records.Family) bool { return !p.Families[f].same(was.Families[f]) })
}

// stage is what the district's calendar says of the period's figures on a day:
// provisional until the published final day is over, then final; nothing where it
// published neither day.
func (p periodRecord) stage(today civil.Date) string {
	switch {
	case !p.Final.IsZero() && today > p.Final:
		return stageFinal
	case !p.Final.IsZero() || !p.Provisional.IsZero():
		return stageProvisional
	}
	return ""
}

// The stages of a period's figures.
const (
	stageProvisional = "provisional"
	stageFinal       = "final"
)

// familyListed is what is read of one family of a period.
type familyListed struct {
	Family      records.Family `json:"family"`
	State       string         `json:"state"`
	FrozenAt    time.Time      `json:"frozen_at,omitzero"`
	PublishedAt time.Time      `json:"published_at,omitzero"`
	CorrectedAt time.Time      `json:"corrected_at,omitzero"`
}

func (p periodRecord) listed() (list []familyListed) {
	for _, family := range records.Families() {
		c := p.Families[family]
		list = append(list, familyListed{family, c.state(), c.FrozenAt, c.PublishedAt, c.CorrectedAt})
	}
	return list
}

// Validate refuses families that there are not.
func (r FamiliesRequest) Validate() error {
	if slices.ContainsFunc(r.Families, func(f records.Family) bool { return !slices.Contains(records.Families(), f) }) {
		return invalidField("families", "names a family that there is not", "use attendance, discipline or grades, or name none for all")
	}
	return nil
}

// Validate refuses a correction without a reason.
func (r CorrectionRequest) Validate() error {
	if r.Reason == "" {
		return invalidField("reason", "is missing", "say what was wrong and how it was found")
	}
	if len(r.Reason) > maxReason {
		return invalidField("reason", "is too long", "say it in a thousand bytes")
	}
	return FamiliesRequest{r.Families}.Validate()
}

// maxReason bounds a reason, in bytes.
const maxReason = 1000
