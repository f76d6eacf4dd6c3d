package agreement

import (
	"slices"
	"strconv"
)

// Profile is how figures are protected beyond withholding. An officer chooses it.
type Profile string

// The profiles.
const (
	Standard       Profile = "standard"        // sticky noise; the default
	PublishedTable Profile = "published_table" // bands and no noise, as in published school report cards
	Budgeted       Profile = "budgeted"        // fresh noise, paid for from a privacy budget
)

// Profiles lists the profiles, the default first.
func Profiles() []Profile { return []Profile{Standard, PublishedTable, Budgeted} }

// Budgets of the budgeted profile, in tenths of epsilon a school year: over 8 it
// promises next to nothing, under 0.5 nothing can be shown.
const (
	LeastEpsilon   = 5
	MostEpsilon    = 80
	DefaultEpsilon = 40
)

// Valid reports whether the profile exists.
func (p Profile) Valid() bool { return slices.Contains(Profiles(), p) }

// LeastUnconsented is how many members of a shown cohort must at least have
// records that nobody was given. Where noise protects the last of them it may be
// three, otherwise it must be ten.
func (p Profile) LeastUnconsented() int {
	if p == PublishedTable {
		return 10
	}
	return 3
}

// DefaultUnconsented is that number where the agreement does not say.
func (p Profile) DefaultUnconsented() int {
	if p == PublishedTable {
		return 10
	}
	return 5
}

func (c Clauses) checkProfile(f *faults) {
	f.unless(c.Profile.Valid(), "profile", "is missing or unknown", "use "+join(Profiles()))
	least := c.Profile.LeastUnconsented()
	f.unless(c.UnconsentedFloor >= least, "unconsented_floor", "is under "+strconv.Itoa(least),
		"give "+strconv.Itoa(least)+" or more; published_table needs ten, for it adds no noise")
	if c.Profile == Budgeted {
		f.unless(c.Epsilon >= LeastEpsilon && c.Epsilon <= MostEpsilon, "epsilon_tenths", "is not between 5 and 80",
			"give the privacy budget of a school year in tenths of epsilon; 40 is usual")
		return
	}
	f.unless(c.Epsilon == 0, "epsilon_tenths", "is for the budgeted profile only", "leave it out, or choose budgeted")
}
