package policy

import (
	"fmt"
	"strings"
)

//go:generate go test . -run TestTheDocumentedReasonsAreThoseOfTheCode -update

// Reason says why a request was denied. The list is closed and shared by the
// rules (the set hallpass.disclosure.reasons), this package and the
// documentation. Every reason is a fact about an agreement, a partner or a
// request; none depends on a student.
type Reason string

// The closed list of reasons.
const (
	RoleNotPermitted         Reason = "role_not_permitted"
	SiteNotPermitted         Reason = "site_not_permitted"
	PartnerNotAccepted       Reason = "partner_not_accepted"
	PartnerSuspended         Reason = "partner_suspended"
	PartnerBanned            Reason = "partner_banned"
	AgreementNotActive       Reason = "agreement_not_active"
	AgreementNotBegun        Reason = "agreement_not_begun"
	AgreementExpired         Reason = "agreement_expired"
	AgreementTerminated      Reason = "agreement_terminated"
	SchoolNotInAgreement     Reason = "school_not_in_agreement"
	CategoryNotInAgreement   Reason = "category_not_in_agreement"
	NoCategoryRequested      Reason = "no_category_requested"
	ComparisonNotInAgreement Reason = "comparison_not_in_agreement"
	PeriodNotInTerm          Reason = "period_not_in_term"
	RosterMissing            Reason = "roster_missing"
	ReleaseNotPublished      Reason = "release_not_published"
)

// Whom to call.
const (
	contactOfficer = "district privacy officer"
	contactAdmin   = "your organization's administrator"
	contactSteward = "district data steward"
)

type explanation struct {
	reason                          Reason
	sentence, remedy, contact, kind string
}

// explanations is the closed list in the order in which a denial is told: who
// asks, the partner, the agreement, what is asked, what is there. kind names
// the clause that decides (Agreement.ClauseFor), or is empty where the clause of
// the action does.
var explanations = [...]explanation{
	{RoleNotPermitted, "Your role may not ask this of an agreement.", "Sign in as a named person of the partner organization.", contactAdmin, "people"},
	{SiteNotPermitted, "Your access names a site or program that your organization does not run under this agreement.", "Ask for access to the sites and programs you work at.", contactAdmin, "people"},
	{PartnerNotAccepted, "Your organization is not an accepted partner of the district.", "Finish the district's review of your organization, then ask again.", contactOfficer, "partner"},
	{PartnerSuspended, "Your organization's access is suspended.", "Settle the matter with the district; access returns when the suspension is lifted.", contactOfficer, "partner"},
	{PartnerBanned, "Your organization is barred from receiving education records.", "Nothing can be received until the order that bars your organization ends.", contactOfficer, "partner"},
	{AgreementNotActive, "The agreement is not in force.", "Both parties must sign the agreement before it can be used; a closed one must be replaced.", contactOfficer, "signatures"},
	{AgreementNotBegun, "The agreement's term has not begun.", "Ask again on or after the first day of the term.", contactAdmin, "term"},
	{AgreementExpired, "The agreement's term has ended.", "Renew the agreement with the district.", contactOfficer, "term"},
	{AgreementTerminated, "The agreement was terminated.", "Make a new agreement with the district.", contactOfficer, "ending"},
	{SchoolNotInAgreement, "The agreement does not cover this school.", "Choose a school of the agreement, or amend the agreement.", contactAdmin, "schools"},
	{CategoryNotInAgreement, "The agreement's schedule of data does not list a record category that was asked for.", "Ask only for the categories of the schedule, or amend the agreement.", contactAdmin, "students"},
	{NoCategoryRequested, "The request names no record category.", "Name at least one category of the agreement's schedule of data.", contactAdmin, "students"},
	{ComparisonNotInAgreement, "The agreement does not provide this comparison.", "Ask at a grain and for indicators that the agreement lists, or amend it.", contactAdmin, "comparison"},
	{PeriodNotInTerm, "The period lies outside the agreement's term.", "Choose a period that the term touches.", contactAdmin, "term"},
	{RosterMissing, "There is no roster for this request.", "Upload your participation file; for a comparison it must be there before the period is frozen.", contactAdmin, ""},
	{ReleaseNotPublished, "The district has not published figures for this period.", "Ask again after the district has closed the period; its calendar says when.", contactSteward, "comparison"},
}

// Reasons returns the closed list, in the order in which a denial is told.
func Reasons() []Reason {
	out := make([]Reason, len(explanations))
	for i, e := range explanations {
		out[i] = e.reason
	}
	return out
}

// Valid reports whether r is of the closed list.
func (r Reason) Valid() bool { return r.explain() != nil }

// Sentence says in one plain sentence what stands in the way.
func (r Reason) Sentence() string { return r.text(func(e *explanation) string { return e.sentence }) }

// Remedy says what the reader can do about it.
func (r Reason) Remedy() string { return r.text(func(e *explanation) string { return e.remedy }) }

// Contact says whom to call.
func (r Reason) Contact() string { return r.text(func(e *explanation) string { return e.contact }) }

func (r Reason) clauseKind() string { return r.text(func(e *explanation) string { return e.kind }) }

func (r Reason) text(part func(*explanation) string) string {
	if e := r.explain(); e != nil {
		return part(e)
	}
	return ""
}

func (r Reason) explain() *explanation {
	for i := range explanations {
		if explanations[i].reason == r {
			return &explanations[i]
		}
	}
	return nil
}

// ReasonsMarkdown returns the closed list as a Markdown table, for the
// documentation.
func ReasonsMarkdown() string {
	var b strings.Builder
	b.WriteString("| reason | what it says | what to do | whom to call |\n|---|---|---|---|\n")
	for _, e := range explanations {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", e.reason, e.sentence, e.remedy, e.contact)
	}
	return b.String()
}
