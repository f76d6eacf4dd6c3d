package policy

import (
	"context"
	"errors"

	"github.com/open-policy-agent/opa/v1/ast"
	oparego "github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

// EvaluateRow asks full evaluation, with the row in the input, whether the
// rules open a category.
func (e *Engine) EvaluateRow(p *Prepared, today civil.Date, c consent.Category, row Row) (bool, error) {
	path := rowsPath.Append(categoryTable[position(c)].term)
	if len(e.rowRules.GetRulesExact(path)) == 0 {
		return false, nil
	}
	q, err := oparego.New(oparego.Compiler(e.rowRules), oparego.Store(inmem.New()), oparego.StrictBuiltinErrors(true),
		oparego.ParsedQuery(ast.NewBody(ast.NewExpr(ast.NewTerm(path))))).PrepareForEval(context.Background())
	if err != nil {
		return false, err
	}
	term := p.on(today)
	v, err := evaluate(topdown.NewCancel(), q, rowsInput(term, today, RowTerm(row)))
	if errors.Is(err, ErrUndefined) {
		return false, nil
	}
	return err == nil && v == ast.Value(ast.Boolean(true)), err
}

// RowTerm is a row in the form of rego/rows.schema.json.
func RowTerm(r Row) *ast.Term {
	var members [][2]*ast.Term
	for i, f := range rowFields {
		var v *ast.Term
		switch f.kind {
		case kindText:
			v = ast.StringTerm(r.text(field(i)))
		case kindNumber:
			v = ast.IntNumberTerm(int(r.number(field(i))))
		default:
			v = ast.BooleanTerm(r.truth(field(i)))
		}
		members = append(members, [2]*ast.Term{ast.StringTerm(f.name), v})
	}
	return ast.ObjectTerm(members...)
}

// InputJSON is the text of the input that Decide builds of f.
func InputJSON(f Facts) string {
	return newInputCache().input(&f).String()
}

// RowsInputJSON is the text of the input of full row evaluation.
func RowsInputJSON(p *Prepared, today civil.Date, row Row) string {
	term := p.on(today)
	return rowsInput(term, today, RowTerm(row)).String()
}

// Cached is the number of agreements and days whose filters are kept.
func (e *Engine) Cached() int { return len(e.filters.byKey) }

// Capabilities is the closed list of functions.
func Capabilities() *ast.Capabilities { return capabilities() }

// MaxCached bounds Cached.
const MaxCached = maxCached

// RowField is a field of the row schema as the program has it.
type RowField struct {
	Type   string
	Values []string
}

// RowFields returns the row schema that the program holds filters to.
func RowFields() map[string]RowField {
	out := map[string]RowField{}
	for _, f := range rowFields {
		out[f.name] = RowField{[]string{"string", "integer", "boolean"}[f.kind], f.values}
	}
	return out
}

// FromUCAST reads a filter in the form of the library.
func FromUCAST(query any) error {
	_, err := fromUCAST(query)
	return err
}
