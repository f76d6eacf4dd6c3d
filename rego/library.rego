# METADATA
# title: Shared functions
# description: What several rules say alike. A function here names no input.
# scope: package
package hallpass.library

# answered holds if the yes counts at this age: before 18 the answer of whoever
# holds the rights, from 18 only the student's own (34 CFR 99.5(a)(1)).
answered(row) if {
	row.consent == "yes"
	row.age < 18
}

answered(row) if {
	row.consent == "yes"
	row.own_answer == true
}

# placed holds for a row of the roster, at a school of the agreement, whose yes
# has not run out and whose records nothing closes.
placed(row, agreement, today) if {
	row.on_roster == true
	row.school in object.keys(agreement.terms.schools)
	row.expires >= today
	row.restricted == false
	row.banned == false
}
