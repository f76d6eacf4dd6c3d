package policy

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// What a compiled filter may not be. The library compiles an unconditional yes
// to an empty object and a rule that can never hold to nil; a filter of either
// form, or with any operator or literal beyond the list, is refused, because
// an evaluator that does not know a form might take it for a yes.
var (
	errUnconditional = errors.New("the filter is an unconditional yes")
	errNeverHolds    = errors.New("the filter can never hold")
	errShape         = errors.New("the filter has a form that is not allowed")
)

// maxExact is the largest integer that a JSON number of the library keeps.
const maxExact = 1 << 53

var operators = map[string]operator{
	"and": opAnd, "or": opOr, "eq": opEq, "in": opIn, "lt": opLt, "lte": opLte, "gt": opGt, "gte": opGte,
}

// fromUCAST reads a filter as rego/compile gives it for the target UCAST.
func fromUCAST(query any) (node, error) {
	if query == nil {
		return node{}, errNeverHolds
	}
	m, ok := query.(map[string]any)
	if !ok {
		return node{}, fmt.Errorf("%w: not an object", errShape)
	}
	if len(m) == 0 {
		return node{}, errUnconditional
	}
	return nodeOf(m, 0)
}

// naive reads a filter without looking at its form: the sabotage of fromUCAST.
func naive(query any) (node, error) {
	if m, ok := query.(map[string]any); ok && len(m) == 0 {
		return node{op: opAlways}, nil
	}
	return fromUCAST(query)
}

func nodeOf(v any, depth int) (node, error) {
	m, ok := v.(map[string]any)
	if !ok || depth > 8 {
		return node{}, fmt.Errorf("%w: an operand is not an object", errShape)
	}
	name, _ := m["operator"].(string)
	op, known := operators[name]
	switch form, _ := m["type"].(string); {
	case !known:
		return node{}, fmt.Errorf("%w: operator %q", errShape, name)
	case form == "compound" && (op == opAnd || op == opOr) && len(m) == 3:
		return compoundOf(op, m["value"], depth)
	case form == "field" && op != opAnd && op != opOr && len(m) == 4:
		return comparisonOf(op, m["field"], m["value"])
	}
	return node{}, fmt.Errorf("%w: %q with the members of something else", errShape, name)
}

func compoundOf(op operator, value any, depth int) (node, error) {
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		return node{}, fmt.Errorf("%w: a compound without operands", errShape)
	}
	n := node{op: op, kids: make([]node, len(list))}
	for i, v := range list {
		kid, err := nodeOf(v, depth+1)
		if err != nil {
			return node{}, err
		}
		n.kids[i] = kid
	}
	return n, nil
}

func comparisonOf(op operator, name, value any) (node, error) {
	full, _ := name.(string)
	short, ok := strings.CutPrefix(full, "row.")
	i := slices.IndexFunc(rowFields[:], func(f rowField) bool { return f.name == short })
	if !ok || i < 0 {
		return node{}, fmt.Errorf("%w: %q is not a field of the row", errShape, full)
	}
	n := node{op: op, field: field(i), kind: rowFields[i].kind}
	var err error
	switch {
	case op == opIn:
		err = n.setList(value)
	case op != opEq && n.kind != kindNumber:
		err = fmt.Errorf("%w: %s has no order", errShape, full)
	default:
		err = n.setLiteral(value)
	}
	return n, err
}

func (n *node) setLiteral(value any) error {
	var ok bool
	switch n.kind {
	case kindText:
		n.text, ok = n.textOf(value)
	case kindTruth:
		n.truth, ok = value.(bool)
	default:
		n.num, ok = numberOf(value)
	}
	if !ok {
		return n.mistyped()
	}
	return nil
}

func (n *node) setList(value any) error {
	list, ok := value.([]any)
	if !ok || n.kind == kindTruth {
		return n.mistyped()
	}
	for _, v := range list {
		if n.kind == kindText {
			s, ok := n.textOf(v)
			if !ok {
				return n.mistyped()
			}
			n.texts = append(n.texts, s)
			continue
		}
		x, ok := numberOf(v)
		if !ok {
			return n.mistyped()
		}
		n.nums = append(n.nums, x)
	}
	slices.Sort(n.texts)
	slices.Sort(n.nums)
	return nil
}

func (n *node) mistyped() error {
	return fmt.Errorf("%w: row.%s is compared with a value it can never have", errShape, rowFields[n.field].name)
}

func (n *node) textOf(v any) (string, bool) {
	s, ok := v.(string)
	values := rowFields[n.field].values
	return s, ok && (values == nil || slices.Contains(values, s))
}

func numberOf(v any) (int64, bool) {
	f, ok := v.(float64)
	return int64(f), ok && f == math.Trunc(f) && math.Abs(f) < maxExact
}
