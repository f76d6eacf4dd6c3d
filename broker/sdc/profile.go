package sdc

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrProfile is returned for the name of a profile that does not exist.
var ErrProfile = errors.New("unknown disclosure profile")

// Profile is a named way of protecting a release. An agreement names it.
type Profile string

// The profiles. All of them withhold by the same rules; they differ in what
// stands between a sum and its shown figure.
const (
	// Standard adds sticky noise of two students to every sum. It is the default.
	Standard Profile = "standard"
	// PublishedTable adds none: each share stands in the bands of EDFacts, each
	// mean is rounded. Its risk is measured and must be accepted by the district
	// that activates it: with 95 % of the participants' values known from
	// elsewhere, bands alone let an insider label some of the others.
	PublishedTable Profile = "published_table"
	// Budgeted draws fresh noise and pays for it from a privacy budget.
	Budgeted Profile = "budgeted"
)

// Profiles lists the profiles, the default first.
func Profiles() []Profile { return []Profile{Standard, PublishedTable, Budgeted} }

// Validate reports a name that is not a profile, as an ErrProfile.
func (p Profile) Validate() error {
	if slices.Contains(Profiles(), p) {
		return nil
	}
	names := make([]string, 0, len(Profiles()))
	for _, known := range Profiles() {
		names = append(names, string(known))
	}
	return fmt.Errorf("%w; the agreement must name one of %s", ErrProfile, strings.Join(names, ", "))
}

// Noisy reports that the profile adds noise to every sum.
func (p Profile) Noisy() bool { return p == Standard || p == Budgeted }

// Thresholds returns the profile's thresholds as they are unless an agreement
// says otherwise: ten everywhere, twenty for a whole. Where noise protects the
// last unconsented students, five of them suffice, and small groups are shown
// pooled only; without noise every floor must be as high as the size itself.
func (p Profile) Thresholds() Thresholds {
	t := Thresholds{MinCohort: 10, UnconsentedFloor: 10, RestFloor: 10, MinTotal: 20, WholeFloor: 10, HiddenFloor: 10}
	if p.Noisy() {
		t.UnconsentedFloor, t.MinDetail = 5, 40
	}
	return t
}

// least returns the thresholds under which nobody may go.
func (p Profile) least() Thresholds {
	t := p.Thresholds()
	if p.Noisy() {
		t.UnconsentedFloor, t.MinDetail = 3, 0
	}
	return t
}
