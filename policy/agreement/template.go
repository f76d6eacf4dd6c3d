package agreement

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/consent"
)

const usualRedisclosure = "The partner passes no record on to anyone outside its own staff."

// templates are the starting points that an officer fills in.
var templates = map[string]Clauses{
	"comparison_and_consent": {
		Template: "comparison_and_consent",
		Basis:    ComparisonAndConsent,
		Purpose:  consent.StudentSupport,
		PurposeText: "To learn whether the partner's program helps students come to school and succeed there, " +
			"and to support the students whose families agree.",
	},
	"study": {
		Template: "study",
		Basis:    StudyBasis,
		Purpose:  consent.ResearchStudy,
	},
}

// Templates returns the names of the templates.
func Templates() []string { return slices.Sorted(maps.Keys(templates)) }

// Template returns the clauses from which an agreement starts: what is the
// same everywhere is filled in, and Validate names what the officer still has
// to give (schools, indicators, term, administrator and, for a study, purpose
// text and the study's own terms).
func Template(name string) (Clauses, error) {
	c, ok := templates[name]
	if !ok {
		return Clauses{}, fmt.Errorf("unknown agreement template: use %s", strings.Join(Templates(), " or "))
	}
	c.Categories = []consent.Category{consent.Attendance, consent.Grades}
	c.Grain = []string{GrainAll, GrainSchool, GrainGrade}
	c.DosageFloor = DefaultDosage
	c.MinCohort = LeastCohort
	c.Profile = Standard
	c.UnconsentedFloor = c.Profile.DefaultUnconsented()
	c.Redisclosure = usualRedisclosure
	c.DestructionDays = 60
	if c.Basis.NeedsStudy() {
		c.Study = &Study{}
	}
	return c, nil
}
