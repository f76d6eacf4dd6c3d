# METADATA
# title: Row filters
# description: >-
#   One rule per record category and portion: which cells of a student's row a
#   partner may see. Each is compiled, for one agreement and one day, into a
#   small filter over input.row, so a rule may only compare a field of the row
#   with something known: ==, in, <, <=, >, >=. A category that is never shared
#   has no rule. No other rule may stand in this package.
# scope: package
package hallpass.rows

import data.hallpass.library

attendance if {
	input.row.category == "attendance"
	input.row.portion == "whole"
	library.answered(input.row)
	library.placed(input.row, input.agreement, input.today)
}

grades if {
	input.row.category == "grades"
	input.row.portion == "whole"
	library.answered(input.row)
	library.placed(input.row, input.agreement, input.today)
}

discipline_incident if {
	input.row.category == "discipline"
	input.row.portion == "incident"
	library.answered(input.row)
	library.placed(input.row, input.agreement, input.today)
}

discipline_action if {
	input.row.category == "discipline"
	input.row.portion == "action"
	library.answered(input.row)
	library.placed(input.row, input.agreement, input.today)
}

discipline_dates if {
	input.row.category == "discipline"
	input.row.portion == "dates"
	library.answered(input.row)
	library.placed(input.row, input.agreement, input.today)
}
