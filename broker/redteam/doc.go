// Package redteam attacks the service as a partner would: over HTTP, with
// partners' tokens only, on a made-up district whose truth is used to keep the
// score and for nothing else. It has no code of its own, only tests:
//
//	HALLPASS_REDTEAM=1 go test -run TestTheRedTeam -v ./broker/redteam    (make redteam)
//
// runs every attack at its full count, prints a report card and writes it to
// docs/redteam.md. Without HALLPASS_REDTEAM the same attacks run small. Each
// attack is run against the build that ships, where it must fail, and against
// builds that are weak on purpose, where it must succeed: an attack that finds
// nothing there finds nothing anywhere.
//
//	card_test.go         the attacks, their verdicts, the card
//	world_test.go        students and their outcomes, drawn from a seed
//	csv_test.go          the same as a plain CSV export
//	town_test.go         the district of the suite; clubs whose rosters share nobody
//	district_test.go     the broker, the router and the people of the district
//	attacker_test.go     a partner's person at work over HTTP
//	view_test.go         what a comparison tells whoever knows who is enrolled where
//	sums_test.go         the same as figures for the computations of package attack
//	reach_test.go        what follows from sums
//	small_test.go        1, 2: so few that a figure is a person
//	subtract_test.go     4, 5, 10: sums less sums
//	repeat_test.go       6, 7, 15, 16, 37: the same question again
//	express_test.go      9, 24: sets of one's own, refusals that tell
//	roster_test.go       19, 38: rosters that differ by one, rosters that ask
//	consent_test.go      20, 21: known values taken out of a sum
//	blind_test.go        25: what is withheld hangs on no outcome
//	budget_test.go       33 to 35: what a budget pays for, what its noise hides
//	printed_test.go      23, 26 to 29: the digits of one figure
//	channels_test.go     30, 31: headers, sizes, time, logs
//	insiders_test.go     3, 8, 11, 12, 14, 17, 18: games about one student
//	reconstruct_test.go  13, 22, 32: all figures, all students
//	search_test.go       36: rosters that nobody thought up
package redteam
