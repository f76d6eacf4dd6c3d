# The reasons of a denial: asked for only after the decision was no, so nothing
# here can open anything. Each is about the agreement, the partner or the
# request; none may depend on a student.
package hallpass.disclosure

reasons contains "role_not_permitted" if not input.caller.role == "partner"

reasons contains "site_not_permitted" if {
	input.caller.role == "partner"
	not object.subset(input.partner.sites, input.caller.sites)
}

reasons contains "site_not_permitted" if {
	input.caller.role == "partner"
	not object.subset(input.partner.programs, input.caller.programs)
}

reasons contains "partner_banned" if not input.partner.banned == false

reasons contains "partner_suspended" if input.partner.state == "suspended"

reasons contains "partner_not_accepted" if not input.partner.state in {"accepted", "suspended"}

reasons contains "agreement_not_begun" if not begun

reasons contains "agreement_expired" if {
	begun
	input.agreement.state == "expired"
}

reasons contains "agreement_expired" if {
	begun
	input.agreement.state == "active"
	not input.today <= input.agreement.terms.to
}

reasons contains "agreement_terminated" if input.agreement.state == "terminated"

reasons contains "agreement_not_active" if {
	begun
	not input.agreement.state in {"active", "expired", "terminated"}
}

begun if input.agreement.terms.from <= input.today

reasons contains "school_not_in_agreement" if {
	not object.subset(input.agreement.terms.schools, input.request.schools)
}

reasons contains "category_not_in_agreement" if {
	not object.subset(input.agreement.terms.categories, input.request.categories)
}

reasons contains "no_category_requested" if {
	input.action == "students"
	not count(input.request.categories) > 0
}

reasons contains "comparison_not_in_agreement" if {
	input.action == "comparison"
	not comparison_agreed
}

comparison_agreed if {
	input.agreement.terms.grain[input.request.grain] == true
	object.subset(input.agreement.terms.indicators, input.request.indicators)
	count(input.request.indicators) > 0
}

reasons contains "period_not_in_term" if not period_agreed

period_agreed if {
	input.request.period_from <= input.agreement.terms.to
	input.request.period_to >= input.agreement.terms.from
}

reasons contains "roster_missing" if not input.roster_present == true

reasons contains "release_not_published" if {
	input.action == "comparison"
	not input.release_published == true
}
