package policy

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	oparego "github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/rego/compile"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// Filters are the row filters of one agreement on one day, immutable and safe
// for concurrent use.
type Filters struct {
	agreement   agreement.Agreement
	today       civil.Date
	inForce     bool
	skipCeiling bool
	nodes       []node // by position; the zero node matches nothing
}

// Match reports whether the rules open the category on this row. The ceiling
// stands apart: an answer must use Releases.
func (f *Filters) Match(c consent.Category, row Row) bool {
	i := position(c)
	return i >= 0 && f.nodes[i].match(&row)
}

// Releases reports whether a cell may leave: the rules open it and it lies
// below the ceiling.
func (f *Filters) Releases(c consent.Category, row *Row) bool {
	i := position(c)
	if i < 0 || !f.nodes[i].match(row) {
		return false
	}
	return f.skipCeiling || f.inForce && agreed(&f.agreement, row, c) && consented(row, f.today)
}

// Filters compiles the row filters of an agreement for a day; they are cached.
// A category outside the agreement's schedule of data, or without a rule, has a
// filter that matches nothing. An error (ErrFilter, ErrEvaluation, ErrLate)
// means that no row may be released.
func (e *Engine) Filters(p *Prepared, today civil.Date) (*Filters, error) {
	if p == nil || today.IsZero() {
		return nil, ErrFacts
	}
	key := filterKey{p.key, p.agreement.StateOn(today), today}
	if f := e.filters.get(key); f != nil {
		return f, nil
	}
	f, err := within(context.Background(), e, e.options.FilterDeadline, func(stop topdown.Cancel) (*Filters, error) {
		return e.compile(stop, p, p.on(today), today)
	})
	if err != nil {
		return nil, err
	}
	e.filters.put(key, f)
	return f, nil
}

func (e *Engine) compile(stop topdown.Cancel, p *Prepared, term *ast.Term, today civil.Date) (*Filters, error) {
	f := &Filters{
		agreement: p.agreement, today: today, inForce: inForce(&p.agreement, today),
		skipCeiling: e.options.Sabotage.SkipCeiling, nodes: make([]node, len(categoryTable)),
	}
	for _, c := range p.agreement.Clauses.Categories {
		i := position(c)
		if i < 0 || e.rows[i] == nil {
			continue
		}
		n, err := e.compileRule(stop, i, term, today)
		if err != nil && !errors.Is(err, errNeverHolds) { // a rule that cannot hold for this agreement shares nothing of it
			return nil, fmt.Errorf("%w: hallpass.rows.%s: %w", ErrFilter, c, err)
		}
		f.nodes[i] = n
	}
	return f, nil
}

// compileRule compiles the filter of one category with everything but the row
// known.
func (e *Engine) compileRule(stop topdown.Cancel, i int, agreement *ast.Term, today civil.Date) (node, error) {
	out, err := e.rows[i].Compile(context.Background(),
		oparego.EvalParsedInput(rowsInput(agreement, today, nil)),
		oparego.EvalExternalCancel(stop),
	)
	if err != nil {
		return node{}, err
	}
	if e.options.Sabotage.SkipOperatorCheck {
		return naive(out.One().Query)
	}
	return fromUCAST(out.One().Query)
}

// rowsInput builds what hallpass.rows reads (rego/rows.schema.json); without a
// row it is unknown.
func rowsInput(agreement *ast.Term, today civil.Date, row *ast.Term) ast.Value {
	o := ast.NewObject(
		[2]*ast.Term{keys.agreement, agreement},
		[2]*ast.Term{keys.today, ast.IntNumberTerm(int(today))},
	)
	if row != nil {
		o.Insert(keys.row, row)
	}
	return o
}

// prepareRows makes each row rule ready to be compiled for an agreement. linq
// is the narrowest dialect of the target: it knows no negation, no comparison
// of two fields and no test of presence.
func prepareRows(rules *ast.Compiler) ([]*compile.Prepared, error) {
	out := make([]*compile.Prepared, len(categoryTable))
	for i, entry := range categoryTable {
		path := rowsPath.Append(entry.term)
		if len(rules.GetRulesExact(path)) == 0 {
			continue
		}
		p, err := compile.New(
			compile.Target("ucast", "linq"),
			compile.ParsedUnknowns(ast.NewTerm(ast.InputRootRef.Append(keys.row))),
			compile.ParsedQuery(ast.NewBody(ast.NewExpr(ast.NewTerm(path)))),
			compile.Rego(oparego.Compiler(rules), oparego.StrictBuiltinErrors(true)),
		).Prepare(context.Background())
		if err != nil {
			return nil, fromCompiler(err, "mend the rule "+string(entry.category))
		}
		out[i] = p
	}
	return out, nil
}

type filterKey struct {
	agreement [32]byte
	state     agreement.State
	day       civil.Date
}

// maxCached bounds the filters that an engine keeps: a day of a thousand
// agreements.
const maxCached = 1024

// filterCache keeps the newest filters; the oldest makes room.
type filterCache struct {
	mu    sync.RWMutex
	byKey map[filterKey]*Filters
	order []filterKey // ring: next is the oldest
	next  int
}

func newFilterCache() *filterCache { return &filterCache{byKey: make(map[filterKey]*Filters)} }

func (c *filterCache) get(k filterKey) *Filters {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byKey[k]
}

func (c *filterCache) put(k filterKey, f *Filters) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[k]; ok {
		return
	}
	c.byKey[k] = f
	if len(c.order) < maxCached {
		c.order = append(c.order, k)
		return
	}
	delete(c.byKey, c.order[c.next])
	c.order[c.next] = k
	c.next = (c.next + 1) % maxCached
}
