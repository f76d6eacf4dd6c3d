package agreement_test

import (
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// drawClauses draws valid clauses of any basis.
func drawClauses(t *rapid.T) agreement.Clauses {
	c := agreement.Clauses{
		Basis:            rapid.SampledFrom(agreement.Bases()).Draw(t, "basis"),
		PurposeText:      rapid.SampledFrom([]string{"To help", "To learn"}).Draw(t, "purpose text"),
		Schools:          some(t, "schools", []string{"GP", "MS", "NW"}),
		Categories:       some(t, "categories", consent.Categories()),
		Indicators:       some(t, "indicators", []string{"attendance_rate", "gpa"}),
		Grain:            some(t, "grain", []string{"all", "school", "grade"}),
		DosageFloor:      rapid.IntRange(1, 12).Draw(t, "dosage"),
		MinCohort:        rapid.IntRange(10, 12).Draw(t, "cohort"),
		UnconsentedFloor: rapid.IntRange(10, 12).Draw(t, "floor"),
		Profile:          rapid.SampledFrom([]agreement.Profile{agreement.Standard, agreement.PublishedTable}).Draw(t, "profile"),
		Redisclosure:     rapid.SampledFrom([]string{"To nobody", "To the auditor"}).Draw(t, "redisclosure"),
		Administrator:    rapid.SampledFrom([]string{"Ana Ortiz", "Bo Chen"}).Draw(t, "administrator"),
		DestructionDays:  rapid.IntRange(1, 90).Draw(t, "destruction"),
		TermFrom:         termFrom + civil.Date(rapid.IntRange(0, 3).Draw(t, "from")),
		TermTo:           termTo - civil.Date(rapid.IntRange(0, 3).Draw(t, "to")),
	}
	c.Purpose = rapid.SampledFrom(purposesOf(c.Basis)).Draw(t, "purpose")
	if c.Basis.NeedsStudy() {
		c.Study = &agreement.Study{
			Scope: rapid.SampledFrom([]string{"All", "Some"}).Draw(t, "scope"), DestroyBy: termTo + 30,
			Representatives: some(t, "representatives", []string{"Dr. Lee Park", "Sam Rivera"}),
		}
	}
	if c.Basis == agreement.SchoolOfficial {
		c.Attestations = &agreement.Attestations{OwnStaffFunction: true, DirectControl: true, BoundByRedisclosure: true}
	}
	return c
}

func purposesOf(b agreement.Basis) []consent.Purpose {
	switch b {
	case agreement.AuditBasis:
		return []consent.Purpose{consent.AuditEvaluation}
	case agreement.StudyBasis:
		return []consent.Purpose{consent.ResearchStudy, consent.ProgramEvaluation}
	}
	return []consent.Purpose{consent.StudentSupport, consent.ProgramEvaluation, consent.ResearchStudy}
}

// some draws a non-empty part of a list, in the list's order.
func some[T any](t *rapid.T, label string, from []T) []T {
	var out []T
	for _, v := range from {
		if rapid.Bool().Draw(t, label) {
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		return from[:1]
	}
	return out
}
