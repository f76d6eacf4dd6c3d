package policy

import (
	"cmp"
	"slices"
)

type operator uint8

const (
	opNever operator = iota // the zero node matches nothing
	opAnd
	opOr
	opEq
	opIn
	opLt
	opLte
	opGt
	opGte
	opAlways // only ever made by a sabotage
)

// node is a compiled row filter: a tree of comparisons of one field with
// literals of the field's own type.
type node struct {
	op    operator
	field field
	kind  kind
	truth bool
	text  string
	num   int64
	texts []string // sorted
	nums  []int64  // sorted
	kids  []node
}

// match evaluates the filter on a row. It allocates nothing.
func (n *node) match(r *Row) bool {
	switch n.op {
	case opAnd:
		for i := range n.kids {
			if !n.kids[i].match(r) {
				return false
			}
		}
		return len(n.kids) > 0
	case opOr:
		for i := range n.kids {
			if n.kids[i].match(r) {
				return true
			}
		}
		return false
	case opAlways:
		return true
	case opNever:
		return false
	}
	return n.compare(r)
}

func (n *node) compare(r *Row) bool {
	switch n.kind {
	case kindText:
		if n.op == opIn {
			_, found := slices.BinarySearch(n.texts, r.text(n.field))
			return found
		}
		return n.op == opEq && r.text(n.field) == n.text
	case kindTruth:
		return n.op == opEq && r.truth(n.field) == n.truth
	}
	x := r.number(n.field)
	if n.op == opIn {
		_, found := slices.BinarySearch(n.nums, x)
		return found
	}
	return ordered(n.op, cmp.Compare(x, n.num))
}

func ordered(op operator, order int) bool {
	switch op {
	case opEq:
		return order == 0
	case opLt:
		return order < 0
	case opLte:
		return order <= 0
	case opGt:
		return order > 0
	case opGte:
		return order >= 0
	}
	return false
}
