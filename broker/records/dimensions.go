package records

import "slices"

// Dimensions lists what students may be grouped by that a partner may not know of a
// child, by their columns in students.csv.
func Dimensions() []string {
	return []string{"economically_disadvantaged", "english_learner", "special_education"}
}

// Groups are a student's flags in the order of Dimensions.
type Groups [3]Flag

// Groups returns the student's.
func (s *Student) Groups() Groups {
	return Groups{s.EconomicallyDisadvantaged, s.EnglishLearner, s.SpecialEducation}
}

// In returns the flag of a dimension: Unknown where the dimension is none.
func (g Groups) In(dimension string) Flag {
	if i := slices.Index(Dimensions(), dimension); i >= 0 {
		return g[i]
	}
	return Unknown
}
