// Package broker is one school district at work: it holds partners,
// agreements, consents, rosters, education records and the log, and answers
// requests about them.
//
// Partner requests for figures or records pass one gate (gate.go): it gathers
// facts from one snapshot, asks policy once, builds the finished bytes,
// records them together with a second look at everything they depend on, and
// only then lets them go. What the district's own people and families do
// passes perform (act.go), which reads, checks, writes and records in one
// Update. Reads that concern no student are not recorded.
//
//	gate.go gather.go            the gate and the facts of a request
//	comparison.go served.go      figures of the newest releases
//	summary.go                   the consented summary beside what is withheld
//	students.go cells.go         consented rows
//	turns.go                     how many requests are decided at once
//	flights.go                   answers on their way, and the barrier of a withdrawal
//	consents.go forms.go         answers of families
//	grants.go withdrawals.go     grants at rest, and their end
//	holds.go                     what a late grant may not open
//	packets.go paper.go          printed forms, and what comes back signed
//	conflicts.go                 who disagrees with whom about a student
//	duplicates.go guardians.go   guardians under two numbers, suggested and decided
//	persons.go                   what the confirmed ones are to tokens and the law
//	partners.go agreements.go roster.go participation.go matching.go
//	periods.go closing.go        reporting periods, and how far each indicator family is
//	freeze.go plan.go cohorts.go what figures are computed from, fixed once
//	publish.go correct.go        releases, and their one correction
//	ledger.go                    the chain of all releases
//	imports.go dataset.go people.go collect.go merges.go
//	families.go loads.go         record families that are held, and the history of loads
//	doubts.go rollover.go        what a second person must approve, and when nobody need
//	effects.go                   whose groups a load changes
//	entry.go hashes.go checkpoint.go copies.go audit.go
//	registry.go                  typed collections over the store
package broker
