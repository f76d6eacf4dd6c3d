package hallpass.rows_test

import data.hallpass.rows

agreement := {
	"id": "A7", "partner": "harbor", "version": 3, "state": "active",
	"terms": {
		"basis": "comparison_and_consent", "purpose": "student_support", "profile": "published_table",
		"schools": {"GP": true, "MS": true}, "categories": {"attendance": true, "grades": true},
		"indicators": {}, "grain": {}, "dosage_floor": 9, "min_cohort": 10, "unconsented_floor": 10,
		"from": 100, "to": 200, "clauses": {"comparison": "3.1 comparison", "students": "4.1 students"},
	},
}

row := {
	"consent": "yes", "expires": 150, "school": "GP", "on_roster": true, "age": 17, "own_answer": false,
	"record_from": 100, "record_to": 200, "category": "attendance", "portion": "whole",
	"restricted": false, "banned": false,
}

facts(r) := {"agreement": agreement, "today": 150, "row": r}

test_an_open_row if {
	rows.attendance with input as facts(row)
}

test_one_change_closes_a_row if {
	every change in [
		{"consent": "no"}, {"consent": "unasked"}, {"expires": 149}, {"school": "XX"}, {"on_roster": false},
		{"age": 18}, {"restricted": true}, {"banned": true}, {"category": "grades"}, {"portion": "incident"},
	] {
		not rows.attendance with input as facts(object.union(row, change))
	}
}

test_a_missing_field_closes_a_row if {
	every field in ["consent", "expires", "school", "on_roster", "age", "restricted", "banned", "category", "portion"] {
		not rows.attendance with input as facts(object.remove(row, [field]))
	}
}

test_an_adult_answers_alone if {
	adult := object.union(row, {"age": 18, "own_answer": true})
	rows.attendance with input as facts(adult)
}

test_each_category_opens_only_its_own if {
	opened(object.union(row, {"category": "grades"})) == {"grades"}
	opened(object.union(row, {"category": "discipline", "portion": "incident"})) == {"discipline_incident"}
	opened(object.union(row, {"category": "discipline", "portion": "action"})) == {"discipline_action"}
	opened(object.union(row, {"category": "discipline", "portion": "dates"})) == {"discipline_dates"}
	opened(object.union(row, {"category": "discipline", "portion": "whole"})) == set()
}

opened(r) := object.keys(all) if {
	all := rows with input as facts(r)
}
