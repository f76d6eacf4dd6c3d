package bench_test

import (
	"os"
	"testing"
)

// TestMain lets this program also be the load generator and the service that
// is started: both have to be processes of their own.
func TestMain(m *testing.M) {
	switch os.Getenv("HALLPASS_BENCH_ROLE") {
	case roleLoad:
		os.Exit(generate(os.Stdin, os.Stdout))
	case roleStart:
		os.Exit(start(os.Stdout))
	}
	os.Exit(m.Run())
}

// one is a bench of one line.
func one(bench func(*testing.T) outcome) func(*testing.T) []outcome {
	return func(t *testing.T) []outcome { return []outcome{bench(t)} }
}

// TestBench measures every line against its peer. It takes minutes.
func TestBench(t *testing.T) {
	if os.Getenv("HALLPASS_BENCH") == "" {
		t.Skip("set HALLPASS_BENCH=1 to measure; make bench does")
	}
	asServed(t)
	t.Log("on", machine(t))
	var all []outcome
	for _, b := range []struct {
		name string
		run  func(*testing.T) []outcome
	}{
		{"decision", one(benchDecision)},
		{"agreements", one(benchAgreements)},
		{"entries", one(benchEntries)},
		{"request", one(benchRequest)},
		{"log", one(benchLog)},
		{"import", one(benchImport)},
		{"whole", benchWhole},
		{"yielding", one(benchYielding)},
		{"aggregation", benchAggregation},
		{"planning", benchPlanning},
		{"guard", one(benchGuard)},
		{"deciding", one(benchDeciding)},
		{"page", one(benchPage)},
		{"stopping", benchStopping},
		{"bytes", one(benchBytes)},
		{"start", one(benchStart)},
	} {
		t.Run(b.name, func(t *testing.T) {
			for _, o := range b.run(t) {
				t.Log(o)
				if o.failed() {
					t.Errorf("%s: every round is far behind the goal", o.bench)
				}
				all = append(all, o)
			}
		})
	}
	t.Logf("the table of docs/benchmarks.md:\n%s", table(all))
}
