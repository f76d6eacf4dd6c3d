package consent

import "slices"

// Category is a kind of education record that a grant can name. Discipline is
// never one category: in Wisconsin it is a behavioral record, for which the
// signer chooses the portions (Wis. Stat. 118.125(2)(e)).
type Category string

// The closed list of categories.
const (
	Attendance         Category = "attendance"
	Grades             Category = "grades"
	DisciplineIncident Category = "discipline_incident" // what happened
	DisciplineAction   Category = "discipline_action"   // what the school did about it
	DisciplineDates    Category = "discipline_dates"    // when
)

// The families of indicators that can be computed from the categories.
const (
	AttendanceFamily = "attendance"
	GradesFamily     = "grades"
	DisciplineFamily = "discipline"
)

// Categories returns the closed list in its customary order.
func Categories() []Category {
	return []Category{Attendance, Grades, DisciplineIncident, DisciplineAction, DisciplineDates}
}

// Valid reports whether c is on the list.
func (c Category) Valid() bool { return slices.Contains(Categories(), c) }

// Family returns the indicator family to which records of this category
// contribute, or "" for a category that is not on the list.
func (c Category) Family() string {
	switch c {
	case Attendance:
		return AttendanceFamily
	case Grades:
		return GradesFamily
	case DisciplineIncident, DisciplineAction, DisciplineDates:
		return DisciplineFamily
	}
	return ""
}

// Families returns the indicator families.
func Families() []string { return []string{AttendanceFamily, GradesFamily, DisciplineFamily} }

// inFamily returns the categories whose records contribute to a family.
func inFamily(family string) []Category {
	return slices.DeleteFunc(Categories(), func(c Category) bool { return c.Family() != family })
}
