// Package bench measures the service against its peers: another program, or
// itself at another size, in the same run. It has no code of its own, only
// tests:
//
//	HALLPASS_BENCH=1 go test -run TestBench -v ./broker/bench    (make bench)
//
// prints for each line its goal, what was measured and whether that meets the
// goal. Without HALLPASS_BENCH the tests run small: they hold both sides of a
// line to the same answers, and count what noise cannot move.
//
//	line_test.go               a line of the table, its rounds and its verdict
//	machine_test.go            processor time, load, quantiles
//	district_test.go           the made-up district that is measured
//	counts_test.go             what a district does to its store, counted
//	decision_test.go           one decision, beside an OPA server, and with many agreements
//	entries_test.go            durable entries, beside append and fdatasync
//	request_test.go            whole requests, beside the same handler without enforcement
//	import_test.go             an import, beside PostgreSQL COPY
//	bytes_test.go              sealed bytes a student-year
//	start_test.go              start to ready
//	aggregation_test.go        sums of a comparison, beside PostgreSQL's GROUP BY
//	planning_test.go           a period closed; a withdrawal meanwhile; the guard beside many sets
//	deciding_test.go           a cohort decided anew among many answers
//	families_test.go           a family's page; a withdrawal while many ask
//	opa_test.go postgres_test.go load_test.go    the other processes
package bench
