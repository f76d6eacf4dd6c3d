package sdc

import (
	"errors"
	"fmt"
)

// ErrProfile is returned for the name of a profile that does not exist.
var ErrProfile = errors.New("unknown disclosure profile")

// Profile is a named way of protecting a release. An agreement names it.
type Profile string

// PublishedTable is suppression and coarse coding without noise: each share in
// the bands of EDFacts, each mean rounded. Its risk is measured and must be
// accepted by the district that activates it: with 95 % of the participants'
// values known from elsewhere, bands alone let an insider label some of the
// others.
const PublishedTable Profile = "published_table"

// Validate reports a name that is not a profile, as an ErrProfile.
func (p Profile) Validate() error {
	if p != PublishedTable {
		return fmt.Errorf("%w; the agreement must name %s", ErrProfile, PublishedTable)
	}
	return nil
}

// Thresholds returns the least thresholds of the profile: ten everywhere,
// twenty for a whole. Without noise every floor must be as high as the size
// itself.
func (p Profile) Thresholds() Thresholds {
	return Thresholds{MinCohort: 10, UnconsentedFloor: 10, RestFloor: 10, MinTotal: 20, WholeFloor: 10, HiddenFloor: 10}
}
