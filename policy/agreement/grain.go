package agreement

import "slices"

// The grains of a comparison: all schools together, a school, a grade, and whether
// a student belongs to a group that a partner may not know of a child.
const (
	GrainAll           = "all"
	GrainSchool        = "school"
	GrainGrade         = "grade"
	GrainDisadvantaged = "economically_disadvantaged"
	GrainLearner       = "english_learner"
	GrainSpecial       = "special_education"
)

// MostDimensions is into how many dimensions a comparison may be divided: a student
// is in one row of each, and every row is one more figure that counts it.
const MostDimensions = 3

// grain is one of them, and how the text that both parties sign says it.
type grain struct {
	id, words string
	group     bool
}

func grains() []grain {
	return []grain{
		{GrainAll, "for all schools together", false},
		{GrainSchool, "by school", false},
		{GrainGrade, "by grade", false},
		{GrainDisadvantaged, "by whether a student is economically disadvantaged", true},
		{GrainLearner, "by whether a student is learning English", true},
		{GrainSpecial, "by whether a student is in special education", true},
	}
}

// Grains lists the ids of all grains.
func Grains() (ids []string) {
	for _, g := range grains() {
		ids = append(ids, g.id)
	}
	return ids
}

// Groups are the dimensions of the grain that a partner may not know of a child.
func (c Clauses) Groups() (list []string) {
	for _, g := range grains() {
		if g.group && slices.Contains(c.Grain, g.id) {
			list = append(list, g.id)
		}
	}
	return list
}

func (c Clauses) checkGrain(f *faults) {
	f.unless(len(c.Grain) > 0 || len(c.Indicators) == 0, "grain", "is empty", "use all, school and grade, or some of them")
	dimensions := 0
	for i, id := range c.Grain {
		at := at("grain", i)
		f.unless(slices.ContainsFunc(grains(), func(g grain) bool { return g.id == id }), at, "is unknown",
			"use all, school, grade, economically_disadvantaged, english_learner or special_education")
		f.unless(slices.Index(c.Grain, id) == i, at, "is named twice", "name each grain once")
		if id != GrainAll {
			dimensions++
		}
	}
	f.unless(dimensions <= MostDimensions, "grain", "divides by more than three dimensions", "leave one out: each is one more figure that counts every child")
	groups := c.Groups()
	f.unless(len(groups) == 0 || c.Profile == Standard, "grain", "divides by a group under another profile than standard",
		"choose standard, or leave the group out: only its noise keeps from telling who is in a group")
	f.unless(len(groups) == 0 || slices.Contains(c.Grain, GrainAll), "grain", "divides by a group without all", "add all: groups are of all schools together")
}
