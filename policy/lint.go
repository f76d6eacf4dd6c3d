package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/util"

	"github.com/hallpass-edu/hallpass/consent"
)

// checkModules refuses packages and row rules that are not of the closed
// lists: a misspelt name would otherwise be a rule that nobody asks for.
func checkModules(modules map[string]*ast.Module, s Sabotage) error {
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		m := modules[name]
		path := m.Package.Path
		if !path.Equal(disclosurePath) && !path.Equal(rowsPath) && !path.Equal(libraryPath) {
			return at(m.Package.Location, "unknown package "+strings.TrimPrefix(path.String(), "data."),
				"the packages of a policy are hallpass.disclosure, hallpass.rows and hallpass.library")
		}
		seen[path.String()] = true
		if path.Equal(rowsPath) && !s.SkipOperatorCheck {
			if err := checkRowRules(m); err != nil {
				return err
			}
		}
		if err := checkForms(m); err != nil {
			return err
		}
	}
	for _, path := range []ast.Ref{disclosurePath, rowsPath} {
		if !seen[path.String()] {
			return &LoadError{Problem: "package " + strings.TrimPrefix(path.String(), "data.") + " is missing", Remedy: "write it; without a rule it shares nothing"}
		}
	}
	return nil
}

// checkRowRules holds the rules of hallpass.rows to the five names and to the
// form `name if { … input.row … }`.
func checkRowRules(m *ast.Module) error {
	for _, r := range m.Rules {
		name := r.Head.Ref().String()
		switch {
		case position(consent.Category(name)) < 0:
			return at(r.Location, "hallpass.rows has no category "+name, "use one of "+categoryList()+"; other rules belong into hallpass.library")
		case r.Default:
			return at(r.Location, "a row rule has no default", "remove it: a row that no rule opens is closed")
		case r.Else != nil:
			return at(r.Location, "a row rule has no else", "write a second rule of the same name")
		case r.Head.Args != nil || r.Head.Key != nil || !isTrue(r.Head.Value):
			return at(r.Location, "a row rule is not of the form `name if { … }`", "give it no arguments, keys or value")
		case !mentions(r.Body, rowRef):
			return at(r.Location, "a row rule says nothing about input.row: it would open every row or none", "compare a field of input.row")
		}
	}
	return nil
}

func isTrue(t *ast.Term) bool { return t != nil && t.Value == ast.Value(ast.Boolean(true)) }

func mentions(body ast.Body, prefix ast.Ref) bool {
	found := false
	ast.WalkRefs(body, func(r ast.Ref) bool {
		found = found || r.HasPrefix(prefix)
		return found
	})
	return found
}

// checkForms refuses `with`, which would let a rule decide about facts of its
// own, and `print`, which the compiler would drop in silence.
func checkForms(m *ast.Module) error {
	var found error
	ast.NewGenericVisitor(func(x any) bool {
		if found == nil {
			found = forbidden(x)
		}
		return found != nil
	}).Walk(m)
	return found
}

func forbidden(x any) error {
	switch x := x.(type) {
	case *ast.With:
		return at(x.Location, "`with` replaces facts", "use it in tests only")
	case *ast.Expr:
		if x.IsCall() && x.Operator().Equal(ast.Print.Ref()) {
			return at(x.Location, "`print` has no place in a policy", "remove it")
		}
	}
	return nil
}

// checkReferences refuses references to data that are no rule: there is no data
// beside the rules, and a whole package is an object that grows and shrinks
// with what its rules happen to know.
func checkReferences(c *ast.Compiler) error {
	for _, name := range slices.Sorted(maps.Keys(c.Modules)) {
		for _, rule := range c.Modules[name].Rules {
			var err error
			ast.WalkRefs(rule, func(r ast.Ref) bool {
				if err == nil && r.HasPrefix(ast.DefaultRootRef) && !isRuleRef(c, r) {
					err = at(rule.Location, r.String()+" is not a rule", "mend the name")
				}
				return err != nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func isRuleRef(c *ast.Compiler, r ast.Ref) bool {
	ground := r.GroundPrefix()
	for n := 2; n <= len(ground); n++ {
		if len(c.GetRulesExact(ground[:n])) > 0 {
			return true
		}
	}
	return false
}

// checkDecision holds the rules behind the decision to positive statements. A
// built-in that fails or a field that is missing makes a statement undefined;
// under `not` (or a comprehension, an `every`, a default) that turns into a yes.
func checkDecision(c *ast.Compiler) error {
	rules := c.GetRulesExact(decisionPath)
	if len(rules) == 0 {
		return &LoadError{Problem: "the rule hallpass.disclosure.decision is missing", Remedy: "write it, with a default that denies"}
	}
	if len(c.GetRulesExact(reasonsPath)) == 0 {
		return &LoadError{Problem: "the rule hallpass.disclosure.reasons is missing", Remedy: "write a set of reasons of the closed list"}
	}
	if err := checkDefault(rules); err != nil {
		return err
	}
	seen := map[*ast.Rule]bool{}
	for _, r := range rules {
		if err := checkPositive(c, r, seen); err != nil {
			return err
		}
	}
	return nil
}

func checkDefault(rules []*ast.Rule) error {
	for _, r := range rules {
		if !r.Default {
			continue
		}
		if o, ok := r.Head.Value.Value.(ast.Object); ok {
			if allow, ok := member[ast.Boolean](o, outKeys.allow); ok && !bool(allow) {
				return nil
			}
		}
		return at(r.Location, "the default decision does not deny", `write "allow": false`)
	}
	return at(rules[0].Location, "the decision has no default", `write default decision := {"allow": false, …}`)
}

func checkPositive(c *ast.Compiler, r *ast.Rule, seen map[*ast.Rule]bool) error {
	if seen[r] {
		return nil
	}
	seen[r] = true
	if problem := notPositive(r); problem != nil {
		return problem
	}
	for dep := range c.Graph.Dependencies(util.T(r)) {
		if next, ok := dep.(*ast.Rule); ok {
			if err := checkPositive(c, next, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

const positiveRemedy = "say what must be true; a missing fact must never help"

func notPositive(r *ast.Rule) error {
	switch {
	case r.Else != nil:
		return at(r.Location, "`else` stands behind the decision", positiveRemedy)
	case r.Default && !r.Ref().Equal(decisionPath):
		return at(r.Location, "a default stands behind the decision", positiveRemedy)
	case r.Head.Key != nil || len(r.Head.Ref()) > 1:
		return at(r.Location, "a rule that collects a set stands behind the decision", positiveRemedy)
	}
	var found error
	ast.NewGenericVisitor(func(x any) bool {
		if found == nil {
			found = negative(x)
		}
		return found != nil
	}).Walk(r)
	return found
}

func negative(x any) error {
	switch x := x.(type) {
	case *ast.Expr:
		if x.Negated {
			return at(x.Location, "`not` stands behind the decision", positiveRemedy)
		}
		if x.IsCall() && x.Operator().Equal(ast.NotEqual.Ref()) {
			return at(x.Location, "`!=` stands behind the decision", positiveRemedy)
		}
	case *ast.Every:
		return at(x.Location, "`every` stands behind the decision", positiveRemedy)
	case *ast.ArrayComprehension, *ast.SetComprehension, *ast.ObjectComprehension:
		return at(nil, "a comprehension stands behind the decision", positiveRemedy)
	}
	return nil
}

func categoryList() string {
	names := make([]string, len(categoryTable))
	for i, e := range categoryTable {
		names[i] = string(e.category)
	}
	return strings.Join(names, ", ")
}
