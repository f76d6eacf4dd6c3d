package policy

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// builtins is the closed list of functions that rules may call: comparison,
// membership, sets of names. There is no clock, network, randomness, tracing
// or pattern matching, so a decision is a function of its input and its cost
// is bounded by the input's size.
var builtins = [...]*ast.Builtin{
	ast.Assign, ast.Equality, ast.Equal, ast.NotEqual,
	ast.LessThan, ast.LessThanEq, ast.GreaterThan, ast.GreaterThanEq,
	ast.Member, ast.Count, ast.ObjectSubset, ast.ObjectKeys,
}

// capabilities returns what the language may do in a policy.
func capabilities() *ast.Capabilities {
	all := ast.CapabilitiesForThisVersion()
	return &ast.Capabilities{
		Builtins:       slices.Clone(builtins[:]),
		FutureKeywords: all.FutureKeywords,
		Features:       []string{ast.FeatureRegoV1, ast.FeatureRefHeads, ast.FeatureRefHeadStringPrefixes, ast.FeatureRegoV1Import},
		AllowNet:       []string{},
	}
}
