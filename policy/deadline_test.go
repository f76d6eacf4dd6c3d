package policy_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/rego"
)

func TestALateDecisionIsDiscarded(t *testing.T) {
	t.Parallel()
	e := load(t, rego.FS, policy.Options{Deadline: time.Nanosecond})
	for _, action := range []string{policy.ActionComparison, policy.ActionStudents} {
		if d, err := e.Decide(t.Context(), asked(action)); !errors.Is(err, policy.ErrLate) || d.Allow {
			t.Errorf("%s: %+v, %v", action, d, err)
		}
	}
	sabotaged := load(t, rego.FS, policy.Options{Deadline: time.Nanosecond, Sabotage: policy.Sabotage{AcceptLate: true}})
	if d, err := sabotaged.Decide(t.Context(), asked(policy.ActionStudents)); err != nil || !d.Allow {
		t.Errorf("without the deadline the late decision should have counted: %+v, %v", d, err)
	}
}

// endless takes some 10^16 steps to find out that it says no.
var endless = strings.Replace(permissive, `if input.action == "students"`, `if {
	xs := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
	some a in xs; some b in xs; some c in xs; some d in xs; some e in xs; some f in xs; some g in xs; some h in xs
	some i in xs; some j in xs; some k in xs; some l in xs; some m in xs; some n in xs; some o in xs; some p in xs
	count({a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p}) > 10
}`, 1)

func TestAnEndlessDecisionIsStopped(t *testing.T) {
	t.Parallel()
	e := load(t, with(map[string]string{"disclosure.rego": endless}), policy.Options{Deadline: 5 * time.Millisecond})
	if d, err := e.Decide(t.Context(), asked(policy.ActionStudents)); !errors.Is(err, policy.ErrLate) || d.Allow {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestACancelledRequestIsNotDecided(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if d, err := shipped(t).Decide(ctx, asked(policy.ActionStudents)); !errors.Is(err, policy.ErrLate) || !errors.Is(err, context.Canceled) || d.Allow {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestARequestDoesNotWaitForABusyPolicyLongerThanItsDeadline(t *testing.T) {
	t.Parallel()
	e := load(t, with(map[string]string{"disclosure.rego": endless}), policy.Options{Deadline: 50 * time.Millisecond, Workers: 1})
	results := make(chan error, 4)
	for range cap(results) {
		go func() {
			_, err := e.Decide(t.Context(), asked(policy.ActionStudents))
			results <- err
		}()
	}
	for range cap(results) {
		if err := <-results; !errors.Is(err, policy.ErrLate) {
			t.Errorf("%v", err)
		}
	}
}

func TestLateFiltersReleaseNothing(t *testing.T) {
	t.Parallel()
	e := load(t, rego.FS, policy.Options{FilterDeadline: time.Nanosecond})
	if f, err := e.Filters(policy.Prepare(inForce()), today); f != nil || !errors.Is(err, policy.ErrLate) {
		t.Errorf("%v, %v", f, err)
	}
}
