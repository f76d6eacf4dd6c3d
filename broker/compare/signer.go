package compare

import (
	"errors"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// ErrUnsigned is returned where a noisy report is asked of a period without keys.
var ErrUnsigned = errors.New("a noisy report needs the district's noise keys")

// signer makes the groups to which noise belongs.
type signer struct {
	keys noise.Keys
	days string
	cell bool // sabotage: a group holds only those who count, as the textbook has it
}

// Sign gives the period what noisy reports need: the keys, and a name for the days
// that its values are of.
func (p *Period) Sign(keys noise.Keys, days string) { p.signer = &signer{keys: keys, days: days} }

// SignCells is Sign for groups of which only those with a value above zero are
// part, as in the textbook's cell key: a student who is not one of them can leave
// without any change. It is here for tests, which show what comes of it.
func (p *Period) SignCells(keys noise.Keys, days string) {
	p.signer = &signer{keys: keys, days: days, cell: true}
}

// contribution is what a student's value adds to noisy sums, and the student's
// part of a group.
type contribution struct {
	parts  func(num, den int64) (parts, weight int64)
	member func(ordinal uint32, parts, weight int64) noise.Group
}

func (p *Period) contribution(ind records.Indicator, scale string) (*contribution, error) {
	if p.signer == nil {
		return nil, ErrUnsigned
	}
	found, _ := records.FindScale(scale, nil)
	measure, err := MeasureOf(ind, found)
	if err != nil {
		return nil, err
	}
	figure := noise.Figure{Indicator: figureName(ind.ID, scale), Period: p.signer.days}
	return &contribution{
		parts: measure.Parts,
		member: func(ordinal uint32, parts, weight int64) noise.Group {
			if p.signer.cell && parts == 0 {
				return noise.Group{}
			}
			return p.signer.keys.Member(figure, p.district.Students[ordinal].SID, parts<<8|weight)
		},
	}, nil
}

// figureName tells results on two scales apart.
func figureName(indicator, scale string) string {
	if scale == "" {
		return indicator
	}
	return indicator + " on " + scale
}

// ratio is what a value counts for.
func (c *contribution) ratio(num, den int64) ratio {
	parts, weight := c.parts(num, den)
	return ratio{parts, weight}
}
