package hallpass.disclosure_test

import data.hallpass.disclosure

agreement := {
	"id": "A7", "partner": "harbor", "version": 3, "state": "active",
	"terms": {
		"basis": "comparison_and_consent", "purpose": "student_support", "profile": "published_table",
		"schools": {"GP": true, "MS": true},
		"categories": {"attendance": true, "grades": true},
		"indicators": {"attendance_rate": true, "gpa": true},
		"grain": {"all": true, "school": true},
		"dosage_floor": 9, "min_cohort": 10, "unconsented_floor": 10,
		"from": 100, "to": 200,
		"clauses": {"comparison": "3.1 comparison", "students": "4.1 students"},
	},
}

comparison := {
	"action": "comparison",
	"caller": {"role": "partner", "partner": "harbor", "sites": {"north": true}, "programs": {}},
	"agreement": agreement,
	"partner": {"id": "harbor", "state": "accepted", "banned": false, "sites": {"north": true}, "programs": {}},
	"request": {
		"schools": {}, "period": "2025-26", "period_from": 90, "period_to": 150, "grain": "all",
		"categories": {"attendance": true}, "indicators": {"gpa": true},
	},
	"today": 150,
	"roster_present": true,
	"release_published": true,
}

students := object.union(comparison, {"action": "students", "release_published": false})

test_a_proper_comparison_is_allowed if {
	d := disclosure.decision with input as comparison
	d == {
		"allow": true, "clause": "3.1 comparison",
		"obligations": {"no_redisclosure": true, "protected_figures": true},
		"categories": {"attendance": true},
	}
	disclosure.reasons == set() with input as comparison
}

test_proper_rows_are_allowed if {
	d := disclosure.decision with input as students
	d == {
		"allow": true, "clause": "4.1 students",
		"obligations": {"no_redisclosure": true, "stamp_as_of": true},
		"categories": {"attendance": true},
	}
	disclosure.reasons == set() with input as students
}

test_nothing_known_is_denied if {
	disclosure.decision.allow == false with input as {}
}

# Whatever single fact is missing, the answer is no.
test_a_missing_fact_denies if {
	every request in [comparison, students] {
		every fact in ["action", "caller", "agreement", "partner", "request", "today", "roster_present"] {
			disclosure.decision.allow == false with input as object.remove(request, [fact])
		}
	}
}

test_a_missing_part_of_a_fact_denies if {
	every part in [
		["caller", "role"], ["caller", "partner"], ["caller", "sites"], ["caller", "programs"],
		["partner", "id"], ["partner", "state"], ["partner", "banned"], ["partner", "sites"], ["partner", "programs"],
		["agreement", "partner"], ["agreement", "state"], ["agreement", "terms"],
		["request", "schools"], ["request", "categories"], ["request", "period_from"], ["request", "period_to"],
	] {
		without := object.union(
			object.remove(students, [part[0]]),
			{part[0]: object.remove(students[part[0]], [part[1]])},
		)
		disclosure.decision.allow == false with input as without
	}
}

test_a_missing_term_denies if {
	every term in ["from", "to", "schools", "categories", "clauses"] {
		terms := object.remove(agreement.terms, [term])
		without := object.union(
			object.remove(students, ["agreement"]),
			{"agreement": object.union(object.remove(agreement, ["terms"]), {"terms": terms})},
		)
		disclosure.decision.allow == false with input as without
	}
}

# refused holds if one change of a proper request leads to exactly one reason.
refused(request, change, reason) if {
	changed := object.union(request, change)
	disclosure.decision == {"allow": false, "clause": "", "obligations": {}, "categories": {}} with input as changed
	disclosure.reasons == {reason} with input as changed
}

test_role if refused(comparison, {"caller": {"role": "officer"}}, "role_not_permitted")

test_site if refused(comparison, {"caller": {"sites": {"west": true}}}, "site_not_permitted")

test_program if refused(students, {"caller": {"programs": {"sailing": true}}}, "site_not_permitted")

test_partner_under_review if refused(students, {"partner": {"state": "under_review"}}, "partner_not_accepted")

test_partner_suspended if refused(students, {"partner": {"state": "suspended"}}, "partner_suspended")

test_partner_banned if refused(comparison, {"partner": {"banned": true}}, "partner_banned")

test_agreement_offered if refused(students, {"agreement": {"state": "offered"}}, "agreement_not_active")

test_agreement_closed if refused(students, {"agreement": {"state": "closed"}}, "agreement_not_active")

test_agreement_signed_before_its_term if {
	refused(students, {"today": 99, "agreement": {"state": "signed"}}, "agreement_not_begun")
}

test_agreement_active_before_its_term if refused(students, {"today": 99}, "agreement_not_begun")

test_agreement_expired if {
	refused(comparison, {"today": 201, "agreement": {"state": "expired"}}, "agreement_expired")
}

test_agreement_still_called_active_after_its_term if refused(comparison, {"today": 201}, "agreement_expired")

test_agreement_terminated if refused(comparison, {"agreement": {"state": "terminated"}}, "agreement_terminated")

test_school if refused(comparison, {"request": {"schools": {"XX": true}, "grain": "school"}}, "school_not_in_agreement")

test_category if refused(students, {"request": {"categories": {"discipline_dates": true}}}, "category_not_in_agreement")

test_grain if refused(comparison, {"request": {"grain": "grade"}}, "comparison_not_in_agreement")

test_indicator if refused(comparison, {"request": {"indicators": {"oss": true}}}, "comparison_not_in_agreement")

test_period_before_the_term if refused(students, {"request": {"period_from": 1, "period_to": 99}}, "period_not_in_term")

test_period_after_the_term if {
	refused(students, {"request": {"period_from": 201, "period_to": 300}}, "period_not_in_term")
}

test_roster if refused(students, {"roster_present": false}, "roster_missing")

test_release if refused(comparison, {"release_published": false}, "release_not_published")

test_no_category if {
	request := object.union(object.remove(students.request, ["categories"]), {"categories": {}})
	none := object.union(object.remove(students, ["request"]), {"request": request})
	disclosure.decision.allow == false with input as none
	disclosure.reasons == {"no_category_requested"} with input as none
}

test_the_edges_of_the_term_are_inside if {
	every day in [100, 200] {
		disclosure.decision.allow == true with input as object.union(students, {"today": day})
	}
}

test_one_school if {
	one := object.union(comparison, {"request": {"schools": {"MS": true}, "grain": "school"}})
	disclosure.decision.allow == true with input as one
}
