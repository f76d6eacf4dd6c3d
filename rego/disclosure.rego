# METADATA
# title: Request decision
# description: >-
#   Whether one request of a partner may be answered at all. The answer is no
#   unless one of the two rules below holds from first to last; every condition
#   is a positive statement about a fact that must be present, so that a missing
#   fact refuses (a built-in error or an undefined term can only close).
# scope: package
package hallpass.disclosure

default decision := {
	"allow": false,
	"clause": "",
	"obligations": {},
	"categories": {},
}

# 34 CFR 99.31(b): figures from which no student can be told.
decision := {
	"allow": true,
	"clause": input.agreement.terms.clauses.comparison,
	"obligations": {"no_redisclosure": true, "protected_figures": true},
	"categories": input.request.categories,
} if {
	input.action == "comparison"
	covered
	input.agreement.terms.grain[input.request.grain] == true
	object.subset(input.agreement.terms.indicators, input.request.indicators)
	count(input.request.indicators) > 0
	input.release_published == true
}

# 34 CFR 99.30: records of the students whose families said yes. Which rows and
# cells is for hallpass.rows.
decision := {
	"allow": true,
	"clause": input.agreement.terms.clauses.students,
	"obligations": {"no_redisclosure": true, "stamp_as_of": true},
	"categories": input.request.categories,
} if {
	input.action == "students"
	covered
	count(input.request.categories) > 0
}

# Who asks, for whom, under what: the caller, the partner and the agreement.
# Then what is asked: schools, categories and period of the agreement. A request
# for all of its schools names none.
covered if {
	input.caller.role == "partner"
	input.caller.partner == input.agreement.partner
	input.partner.id == input.agreement.partner
	input.partner.state == "accepted"
	input.partner.banned == false
	input.agreement.state == "active"
	input.agreement.terms.from <= input.today
	input.agreement.terms.to >= input.today
	object.subset(input.partner.sites, input.caller.sites)
	object.subset(input.partner.programs, input.caller.programs)

	object.subset(input.agreement.terms.schools, input.request.schools)
	object.subset(input.agreement.terms.categories, input.request.categories)
	input.request.period_from <= input.agreement.terms.to
	input.request.period_to >= input.agreement.terms.from
	input.roster_present == true
}
