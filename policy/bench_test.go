package policy_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	oparego "github.com/open-policy-agent/opa/v1/rego"

	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy"
)

func BenchmarkDecision(b *testing.B) {
	e := shipped(b)
	for _, action := range []string{policy.ActionComparison, policy.ActionStudents} {
		b.Run(action, func(b *testing.B) {
			f := asked(action)
			b.ReportAllocs()
			for b.Loop() {
				if d, err := e.Decide(b.Context(), f); err != nil || !d.Allow {
					b.Fatal(d, err)
				}
			}
		})
	}
	b.Run("denial", func(b *testing.B) {
		f := asked(policy.ActionComparison)
		f.ReleasePublished = false
		b.ReportAllocs()
		for b.Loop() {
			if d, err := e.Decide(b.Context(), f); err != nil || d.Allow {
				b.Fatal(d, err)
			}
		}
	})
}

// BenchmarkTrivialEval is the floor: one evaluation of a rule without a
// condition.
func BenchmarkTrivialEval(b *testing.B) {
	q, err := oparego.New(oparego.Query("data.p.allow"), oparego.Module("p.rego", "package p\nallow := true")).PrepareForEval(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	input := ast.NewObject()
	for b.Loop() {
		if _, err := q.Eval(context.Background(), oparego.EvalParsedInput(input)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecisionGrowth(b *testing.B) {
	e := shipped(b)
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			prepared := make(map[string]*policy.Prepared, n)
			ids := make([]string, n)
			for i := range n {
				a := inForce()
				a.ID = fmt.Sprint("A", i)
				ids[i], prepared[a.ID] = a.ID, policy.Prepare(a)
			}
			f := asked(policy.ActionStudents)
			i := 0
			for b.Loop() {
				f.Agreement = prepared[ids[i%n]]
				if d, err := e.Decide(b.Context(), f); err != nil || !d.Allow {
					b.Fatal(d, err)
				}
				i += 7
			}
		})
	}
}

func BenchmarkRelease(b *testing.B) {
	e := shipped(b)
	fs, err := e.Filters(policy.Prepare(inForce()), today)
	if err != nil {
		b.Fatal(err)
	}
	row := open(consent.Grades)
	b.ReportAllocs()
	for b.Loop() {
		if !fs.Releases(consent.Grades, &row) {
			b.Fatal("a row that both open did not leave")
		}
	}
}

func BenchmarkFiltersCached(b *testing.B) {
	e, p := shipped(b), policy.Prepare(inForce())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Filters(p, today); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFiltersCompiled(b *testing.B) {
	e, p := shipped(b), policy.Prepare(inForce())
	day := today - 100
	for b.Loop() {
		if _, err := e.Filters(p, day); err != nil {
			b.Fatal(err)
		}
		day++
	}
}
