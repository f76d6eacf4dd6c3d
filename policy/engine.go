// Package policy decides requests by Open Policy Agent rules and compiles the
// row filters, below a ceiling that no rule can raise.
//
// A policy is a directory of rules (package rego holds the shipped one). Load
// compiles it strictly and refuses what it cannot vouch for; the Engine it
// returns never changes, so one prepared policy serves a request from its
// first question to its last.
package policy

import (
	"context"
	"runtime"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	oparego "github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/rego/compile"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Engine is one loaded policy. It is immutable and safe for concurrent use.
type Engine struct {
	digest            string
	options           Options
	decision, reasons oparego.PreparedEvalQuery
	rows              []*compile.Prepared // by position; nil where a category is never shared
	rowRules          *ast.Compiler
	filters           *filterCache
	inputs            *inputCache
	slots             chan struct{} // one token an evaluation
}

// Options changes what Load takes for granted; the zero value is the default.
type Options struct {
	Deadline       time.Duration // of one decision, 0 = 1 s
	FilterDeadline time.Duration // of compiling the filters of one agreement, 0 = 5 s
	Workers        int           // evaluations at a time, 0 = four a processor
	Sabotage       Sabotage
}

// Sabotage removes a guard, so that tests can show that it is the guard which
// protects. Nothing but tests may set it.
type Sabotage struct {
	SkipOperatorCheck bool // take row filters as the library compiles them
	SkipCeiling       bool // let the rules decide alone
	AcceptLate        bool // use a result that came after the deadline
}

func (o Options) filled() Options {
	if o.Deadline <= 0 {
		o.Deadline = time.Second
	}
	if o.FilterDeadline <= 0 {
		o.FilterDeadline = 5 * time.Second
	}
	if o.Workers <= 0 {
		o.Workers = 4 * runtime.GOMAXPROCS(0)
	}
	return o
}

// Digest returns the SHA-256, in hex, of the names and contents of the rule
// files: what the log and the receipts call the policy.
func (e *Engine) Digest() string { return e.digest }

// Decide answers one request. An error means that nothing may be released:
// ErrFacts blames the caller, ErrUndefined, ErrNotObject, ErrMember,
// ErrReasons, ErrEvaluation and ErrLate the policy.
func (e *Engine) Decide(ctx context.Context, f Facts) (Decision, error) {
	if err := f.check(); err != nil {
		return Decision{}, err
	}
	input := e.inputs.input(&f)
	d, err := within(ctx, e, e.options.Deadline, func(stop topdown.Cancel) (Decision, error) {
		return e.ask(stop, input, &f)
	})
	if err != nil {
		return Decision{}, err
	}
	if !e.options.Sabotage.SkipCeiling {
		d = f.cap(d)
	}
	d.Policy = e.digest
	return d, nil
}

// ask evaluates the decision and, if it is no, its reasons.
func (e *Engine) ask(stop topdown.Cancel, input ast.Value, f *Facts) (Decision, error) {
	v, err := evaluate(stop, e.decision, input)
	if err != nil {
		return Decision{}, err
	}
	d, err := decisionOf(v, f)
	if err != nil || d.Allow {
		return d, err
	}
	if v, err = evaluate(stop, e.reasons, input); err != nil {
		return Decision{}, err
	}
	reasons, err := reasonsOf(v)
	if err != nil {
		return Decision{}, err
	}
	return f.denied(reasons), nil
}

// denied makes the decision of a denial: it cites the clause of its first
// reason, or else the clause that was asked under.
func (f *Facts) denied(reasons []Reason) Decision {
	kind := reasons[0].clauseKind()
	if kind == "" {
		kind = f.Action
	}
	return Decision{Reasons: reasons, Clause: f.Agreement.clause(kind)}
}

// evaluate returns the value of a prepared query of one expression. The value
// stays in the library's own form: nothing is converted to JSON and back.
func evaluate(stop topdown.Cancel, q oparego.PreparedEvalQuery, input ast.Value) (ast.Value, error) {
	rs, err := q.Eval(context.Background(), asValue, unmeasured, undocumented,
		oparego.EvalParsedInput(input), oparego.EvalExternalCancel(stop))
	switch {
	case err != nil:
		return nil, evaluationError(err)
	case len(rs) == 0:
		return nil, ErrUndefined
	case len(rs) != 1 || len(rs[0].Expressions) != 1:
		return nil, ErrNotObject
	}
	v, ok := rs[0].Expressions[0].Value.(ast.Value)
	if !ok {
		return nil, ErrNotObject
	}
	return v, nil
}

var (
	asValue    = oparego.EvalGenerateJSON(raw)
	unmeasured = oparego.EvalMetrics(metrics.NoOp())
	// No documents stand beside the rules, so there is nothing to keep of them.
	undocumented = oparego.EvalBaseCache(noDocuments{})
)

type noDocuments struct{}

func (noDocuments) Get(ast.Ref) ast.Value  { return nil }
func (noDocuments) Put(ast.Ref, ast.Value) {}

func raw(t *ast.Term, _ *oparego.EvalContext) (any, error) { return t.Value, nil }
