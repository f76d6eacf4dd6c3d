package policy

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// adult is the age at which only the student's own answer counts
// (34 CFR 99.3 "eligible student", 99.5(a)(1)).
const adult = 18

// Ceiling reports whether a cell could leave under any policy at all: the
// agreement is active on the day and inside its term, lists the category and
// the school; the student is on the roster; the partner is neither banned nor
// suspended; and the consent is a yes that has not run out, opens at least one
// day of records, is not restricted and, from 18, is the student's own.
func Ceiling(a agreement.Agreement, row Row, c consent.Category, today civil.Date) bool {
	return inForce(&a, today) && agreed(&a, &row, c) && consented(&row, today)
}

func inForce(a *agreement.Agreement, today civil.Date) bool {
	return !today.IsZero() && a.StateOn(today) == agreement.Active &&
		a.Clauses.TermFrom <= today && today <= a.Clauses.TermTo
}

func agreed(a *agreement.Agreement, row *Row, c consent.Category) bool {
	category, portion := Portion(c)
	return c.Valid() && row.Category == category && row.Portion == portion &&
		slices.Contains(a.Clauses.Categories, c) && slices.Contains(a.Clauses.Schools, row.School)
}

func consented(row *Row, today civil.Date) bool {
	return row.OnRoster && !row.Banned && !row.Restricted &&
		row.Consent == ConsentYes && (row.Age < adult || row.OwnAnswer) &&
		today <= row.Expires && !row.RecordFrom.IsZero() && row.RecordFrom <= row.RecordTo
}

// cap holds an allowing decision below the ceiling of a request. A policy that
// allowed more than the agreement is overruled.
func (f *Facts) cap(d Decision) Decision {
	if !d.Allow {
		return d
	}
	reasons := f.barred(d.Categories)
	if len(reasons) == 0 {
		return d
	}
	d = f.denied(reasons)
	d.Overruled = true
	return d
}

// barred returns the reasons for which no policy could allow the request.
func (f *Facts) barred(categories []consent.Category) []Reason {
	a := &f.Agreement.agreement
	var out []Reason
	bar := func(when bool, r Reason) {
		if when {
			out = append(out, r)
		}
	}
	bar(f.Caller.Role != RolePartner, RoleNotPermitted)
	bar(f.Partner.State == "suspended", PartnerSuspended)
	bar(f.Partner.State != "suspended" && f.Partner.State != "accepted", PartnerNotAccepted)
	bar(f.Partner.Banned, PartnerBanned)
	bar(!inForce(a, f.Today), standing(a, f.Today))
	bar(f.Request.School != AllSchools && !slices.Contains(a.Clauses.Schools, f.Request.School), SchoolNotInAgreement)
	bar(slices.ContainsFunc(categories, func(c consent.Category) bool { return !slices.Contains(a.Clauses.Categories, c) }), CategoryNotInAgreement)
	bar(f.Action == ActionComparison && !f.ReleasePublished, ReleaseNotPublished)
	return out
}

// standing says why an agreement is not in force on a day.
func standing(a *agreement.Agreement, today civil.Date) Reason {
	switch state := a.StateOn(today); {
	case state == agreement.Terminated:
		return AgreementTerminated
	case today < a.Clauses.TermFrom:
		return AgreementNotBegun
	case state == agreement.Expired, state == agreement.Active:
		return AgreementExpired
	}
	return AgreementNotActive
}
