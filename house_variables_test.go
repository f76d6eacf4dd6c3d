package hallpass_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// ruleVariables allows a variable of a package only as a name for something
// fixed: an error, a pattern, a table, embedded files. It is given its value
// where it is declared, holds no lock or counter, and no function writes to it.
func ruleVariables(t *tree) []string {
	var faults []string
	for _, dir := range t.dirs() {
		p := t.packages[dir]
		say := func(pos token.Pos, format string, args ...any) {
			faults = append(faults, t.at(pos)+": "+fmt.Sprintf(format, args...))
		}
		for _, file := range p.files {
			for _, d := range file.Decls {
				switch d := d.(type) {
				case *ast.GenDecl:
					p.declared(d, say)
				case *ast.FuncDecl:
					p.written(d, say)
				}
			}
			p.writtenInLiterals(file, say)
		}
	}
	return faults
}

type sayAt func(pos token.Pos, format string, args ...any)

// declared looks at how the variables of a package begin.
func (p *pkg) declared(d *ast.GenDecl, say sayAt) {
	if d.Tok != token.VAR {
		return
	}
	for _, spec := range d.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok || v.Names[0].Name == "_" || embedded(d, v) {
			continue
		}
		if len(v.Values) == 0 {
			say(v.Pos(), "package variable %s has no value, so something will set it: pass it as a value instead", v.Names[0].Name)
			continue
		}
		if what := p.state(v); what != "" {
			say(v.Pos(), "package variable %s holds %s, which is there to change: make it a field", v.Names[0].Name, what)
		}
	}
}

func embedded(d *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{d.Doc, v.Doc} {
		if doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") }) {
			return true
		}
	}
	return false
}

// state names the first thing in a declaration that exists only to be changed,
// outside the function literals in it.
func (p *pkg) state(v *ast.ValueSpec) string {
	found := ""
	look := func(n ast.Node) bool {
		switch e := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.SelectorExpr:
			if from := p.imported(e.X); (from == "sync" && e.Sel.Name != "OnceValue" && e.Sel.Name != "OnceValues") || from == "sync/atomic" {
				found = from + "." + e.Sel.Name
			}
		case *ast.CallExpr:
			if id, ok := e.Fun.(*ast.Ident); ok && (id.Name == "make" || id.Name == "new") {
				found = "the result of " + id.Name
			}
		case *ast.ChanType:
			found = "a channel"
		}
		return found == ""
	}
	for _, value := range v.Values {
		ast.Inspect(value, look)
	}
	if v.Type != nil && found == "" {
		ast.Inspect(v.Type, look)
	}
	return found
}

// writtenInLiterals looks into the function literals of variables.
func (p *pkg) writtenInLiterals(file *ast.File, say sayAt) {
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
			p.written(g, say)
		}
	}
}

// written finds the statements that write to a variable of some package.
func (p *pkg) written(in ast.Node, say sayAt) {
	check := func(x ast.Expr) {
		if name := p.packageVariable(x); name != "" {
			say(x.Pos(), "package variable %s is written to: keep what changes in a value that somebody owns", name)
		}
	}
	ast.Inspect(in, func(n ast.Node) bool {
		switch s := n.(type) {
		case *ast.AssignStmt:
			if s.Tok != token.DEFINE {
				for _, x := range s.Lhs {
					check(x)
				}
			}
		case *ast.IncDecStmt:
			check(s.X)
		case *ast.RangeStmt:
			if s.Tok == token.ASSIGN {
				check(s.Key)
				check(s.Value)
			}
		case *ast.UnaryExpr:
			if id, ok := s.X.(*ast.Ident); ok && s.Op == token.AND {
				check(id)
			}
		case *ast.CallExpr:
			if id, ok := s.Fun.(*ast.Ident); ok && slices.Contains([]string{"delete", "clear", "copy"}, id.Name) && len(s.Args) > 0 {
				check(s.Args[0])
			}
		}
		return true
	})
}

// packageVariable returns the name of the package variable that an expression
// is, or is a part of, or "".
func (p *pkg) packageVariable(x ast.Expr) string {
	for {
		switch e := x.(type) {
		case *ast.ParenExpr:
			x = e.X
		case *ast.StarExpr:
			x = e.X
		case *ast.IndexExpr:
			x = e.X
		case *ast.SliceExpr:
			x = e.X
		case *ast.SelectorExpr:
			if p.imported(e.X) != "" {
				return types.ExprString(e)
			}
			x = e.X
		case *ast.Ident:
			if v, ok := p.info.Uses[e].(*types.Var); ok && v.Parent() == p.scope {
				return e.Name
			}
			return ""
		default:
			return ""
		}
	}
}
