package sdc

import (
	"errors"
	"fmt"
)

// ErrThresholds is returned for thresholds under the floors of the profile.
var ErrThresholds = errors.New("thresholds below the least allowed")

// Thresholds are counts of students. "Unconsented" students of a set are those
// whose values are not individually released.
type Thresholds struct {
	MinCohort        int // least size of a shown cohort, and of a shown rest
	UnconsentedFloor int // least unconsented students in a shown cohort
	RestFloor        int // least unconsented students in a shown rest
	MinTotal         int // least size of a shown whole
	WholeFloor       int // least unconsented students in a whole shown alone
	HiddenFloor      int // least unconsented students in a hidden set or a difference
	MinDetail        int // least cohort of a school row before the year's end; 0: as MinCohort, and grades too
}

// Validate reports, as an ErrThresholds, a threshold under the least of the
// profile. An agreement may ask for more, never for less.
func (t Thresholds) Validate(p Profile) error {
	least := p.least()
	for _, c := range []struct {
		name       string
		got, least int
	}{
		{"cohort size", t.MinCohort, least.MinCohort},
		{"unconsented floor", t.UnconsentedFloor, least.UnconsentedFloor},
		{"floor of the rest", t.RestFloor, least.RestFloor},
		{"size of the whole", t.MinTotal, least.MinTotal},
		{"floor of the whole", t.WholeFloor, least.WholeFloor},
		{"floor of hidden sets", t.HiddenFloor, least.HiddenFloor},
		{"detail", t.MinDetail, least.MinDetail},
	} {
		if c.got < c.least {
			return fmt.Errorf("%w: %s is %d; set it to %d or more", ErrThresholds, c.name, c.got, c.least)
		}
	}
	return nil
}
