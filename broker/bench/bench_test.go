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
		run  func(*testing.T) outcome
	}{
		{"decision", benchDecision},
		{"agreements", benchAgreements},
		{"entries", benchEntries},
		{"request", benchRequest},
		{"log", benchLog},
		{"import", benchImport},
		{"whole", benchWhole},
		{"bytes", benchBytes},
		{"start", benchStart},
	} {
		t.Run(b.name, func(t *testing.T) {
			o := b.run(t)
			t.Log(o)
			if o.failed() {
				t.Errorf("%s: every round is far behind the goal", o.bench)
			}
			all = append(all, o)
		})
	}
	t.Logf("the table of docs/benchmarks.md:\n%s", table(all))
}
