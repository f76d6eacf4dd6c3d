package policy

import (
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/hallpass-edu/hallpass/consent"
)

// The closed list of obligations that an allowed answer may carry.
const (
	ObligeProtectedFigures = "protected_figures" // only figures of a published release
	ObligeStampAsOf        = "stamp_as_of"       // each cell says which days it covers and as of when
	ObligeNoRedisclosure   = "no_redisclosure"   // the answer repeats the bar on re-disclosure (34 CFR 99.33)
)

// Decision is the answer to one request.
type Decision struct {
	Allow       bool
	Reasons     []Reason           // of a denial: at least one, in the order of Reasons(); else none
	Clause      string             // id of the agreement's clause that decided
	Obligations []string           // of an allowed answer, sorted
	Categories  []consent.Category // what this request may be answered with, in the order of consent.Categories()
	Policy      string             // Engine.Digest of the policy that decided
	Overruled   bool               // the policy said yes and the ceiling said no: an operator should look
}

// decisionOf checks a value of hallpass.disclosure.decision member by member.
func decisionOf(v ast.Value, f *Facts) (Decision, error) {
	o, ok := v.(ast.Object)
	if !ok {
		return Decision{}, ErrNotObject
	}
	if o.Len() != 4 {
		return Decision{}, fmt.Errorf("%w: want exactly allow, clause, obligations and categories", ErrMember)
	}
	allow, ok := member[ast.Boolean](o, outKeys.allow)
	if !ok {
		return Decision{}, fmt.Errorf("%w: allow is not a boolean", ErrMember)
	}
	clause, ok := member[ast.String](o, outKeys.clause)
	if !ok || bool(allow) && string(clause) != f.Agreement.clause(f.Action) {
		return Decision{}, fmt.Errorf("%w: clause is not the agreement's for this action", ErrMember)
	}
	obligations, err := obligationsOf(o)
	if err != nil {
		return Decision{}, err
	}
	categories, err := categoriesOf(o, f.Request.Categories)
	if err != nil {
		return Decision{}, err
	}
	return Decision{Allow: bool(allow), Clause: string(clause), Obligations: obligations, Categories: categories}, nil
}

var outKeys = struct{ allow, clause, obligations, categories *ast.Term }{
	ast.StringTerm("allow"), ast.StringTerm("clause"), ast.StringTerm("obligations"), ast.StringTerm("categories"),
}

func member[T ast.Value](o ast.Object, key *ast.Term) (T, bool) {
	if t := o.Get(key); t != nil {
		v, ok := t.Value.(T)
		return v, ok
	}
	var zero T
	return zero, false
}

var obligations = [...]struct {
	term *ast.Term
	name string
}{
	{ast.StringTerm(ObligeNoRedisclosure), ObligeNoRedisclosure},
	{ast.StringTerm(ObligeProtectedFigures), ObligeProtectedFigures},
	{ast.StringTerm(ObligeStampAsOf), ObligeStampAsOf},
}

func obligationsOf(o ast.Object) ([]string, error) {
	set, ok := member[ast.Object](o, outKeys.obligations)
	if !ok {
		return nil, fmt.Errorf("%w: obligations is not an object", ErrMember)
	}
	out := make([]string, 0, len(obligations))
	for i := range obligations {
		if holds(set, obligations[i].term) {
			out = append(out, obligations[i].name)
		}
	}
	if len(out) != set.Len() {
		return nil, fmt.Errorf("%w: an obligation is unknown or not true", ErrMember)
	}
	return out, nil
}

func categoriesOf(o ast.Object, requested []consent.Category) ([]consent.Category, error) {
	set, ok := member[ast.Object](o, outKeys.categories)
	if !ok {
		return nil, fmt.Errorf("%w: categories is not an object", ErrMember)
	}
	out := make([]consent.Category, 0, len(categoryTable))
	for i := range categoryTable {
		c := categoryTable[i].category
		if holds(set, categoryTable[i].term) && slices.Contains(requested, c) {
			out = append(out, c)
		}
	}
	if len(out) != set.Len() {
		return nil, fmt.Errorf("%w: a category is unknown, was not requested or is not true", ErrMember)
	}
	return out, nil
}

func holds(set ast.Object, key *ast.Term) bool {
	t := set.Get(key)
	return t != nil && t.Value == ast.Value(ast.Boolean(true))
}

// reasonsOf checks a value of hallpass.disclosure.reasons: a set of strings of
// the closed list, not empty.
func reasonsOf(v ast.Value) ([]Reason, error) {
	set, ok := v.(ast.Set)
	if !ok || set.Len() == 0 {
		return nil, ErrReasons
	}
	out := make([]Reason, 0, set.Len())
	for i := range explanations {
		if set.Contains(ast.StringTerm(string(explanations[i].reason))) {
			out = append(out, explanations[i].reason)
		}
	}
	if len(out) != set.Len() {
		return nil, fmt.Errorf("%w: a reason is unknown", ErrReasons)
	}
	return out, nil
}
