package hallpass_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// rule returns a sentence for each breach.
type rule func(*tree) []string

const (
	readmeLines   = 120
	functionLines = 80
)

func rules() map[string]rule {
	return map[string]rule{
		"every package stands on the map":           ruleListed,
		"imports run one way":                       ruleImports,
		"no package is a drawer":                    ruleNames,
		"nothing happens before main":               ruleInit,
		"package variables never change":            ruleVariables,
		"time is a parameter":                       ruleTime,
		"every exported name is documented":         ruleDocumented,
		"functions fit on a page":                   ruleLong,
		"the README stays short":                    ruleReadme,
		"links lead somewhere":                      ruleLinks,
		"no path of one machine stands in the text": rulePaths,
		"nothing is left half-done":                 ruleUnfinished,
	}
}

func ruleListed(t *tree) []string {
	var faults []string
	for _, dir := range t.dirs() {
		if _, known := house[dir]; !known {
			faults = append(faults, fmt.Sprintf("%s: this package is not on the map of house_test.go: say there what it may import", dir))
		}
	}
	return faults
}

func ruleImports(t *tree) []string {
	var faults []string
	for _, dir := range t.dirs() {
		if _, known := house[dir]; !known {
			continue
		}
		imports(t.packages[dir].files, func(spec *ast.ImportSpec, name string) {
			if why := forbidden(dir, name); why != "" {
				faults = append(faults, fmt.Sprintf("%s: %s may not import %s: %s", t.at(spec.Pos()), dir, name, why))
			}
		})
	}
	return faults
}

// forbidden says why a package may not import another, or "".
func forbidden(dir, name string) string {
	r := house[dir]
	ours, isOurs := strings.CutPrefix(name, module+"/")
	standard := !strings.Contains(strings.SplitN(name, "/", 2)[0], ".")
	switch {
	case isOurs:
		return forbiddenOfOurs(dir, ours)
	case name == "log/slog": // says how a value looks in a log; whoever logs is handed the logger
		return ""
	case slices.ContainsFunc(r.third, func(p string) bool { return below(name, p) }):
		return ""
	case standard && r.pure && slices.ContainsFunc(impure(), func(p string) bool { return below(name, p) }):
		return "a pure package knows no storage, network, process or chance"
	case standard || r.wires:
		return ""
	default:
		return "the map does not list this third-party package for it"
	}
}

func forbiddenOfOurs(dir, ours string) string {
	r := house[dir]
	if only, small := verifierOf[dir]; small && !slices.Contains(only, ours) {
		return "a verifier that trusts nobody imports only " + strings.Join(only, ", ")
	}
	if r.wires || slices.Contains(r.ours, ours) {
		return ""
	}
	return "imports run one way, and the map does not list it"
}

// impure are packages of the standard library that a pure package has no use
// for. The made-up district alone writes files and draws seeded numbers.
func impure() []string {
	return []string{"net", "database", "os/exec", "os/signal", "log", "testing", "crypto/rand", "unsafe", "plugin", "expvar"}
}

func below(name, prefix string) bool {
	return name == prefix || strings.HasPrefix(name, prefix+"/")
}

func ruleNames(t *tree) []string {
	drawers := []string{"util", "utils", "common", "helper", "helpers", "mock", "mocks", "misc", "base", "shared"}
	var faults []string
	for _, dir := range t.dirs() {
		p := t.packages[dir]
		for _, file := range slices.Concat(p.files, p.tests) {
			name := strings.TrimSuffix(file.Name.Name, "_test")
			if slices.Contains(drawers, name) || slices.Contains(drawers, path.Base(dir)) {
				faults = append(faults, fmt.Sprintf("%s: package %s is named for no idea: name it for what it holds", t.at(file.Name.Pos()), name))
			}
		}
	}
	return faults
}

// functions calls fn for each declared function of the files that ship.
func (t *tree) functions(fn func(dir string, f *ast.FuncDecl)) {
	for _, dir := range t.dirs() {
		for _, file := range t.packages[dir].files {
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok {
					fn(dir, f)
				}
			}
		}
	}
}

func ruleInit(t *tree) []string {
	var faults []string
	t.functions(func(_ string, f *ast.FuncDecl) {
		if f.Recv == nil && f.Name.Name == "init" {
			faults = append(faults, t.at(f.Pos())+": an init function acts before main and cannot be left out: call it from where it is needed")
		}
	})
	return faults
}

// ruleLong passes over generated files: what is read there is their source.
func ruleLong(t *tree) []string {
	var faults []string
	t.functions(func(_ string, f *ast.FuncDecl) {
		if t.generated(f.Pos()) {
			return
		}
		lines := t.fset.Position(f.End()).Line - t.fset.Position(f.Pos()).Line + 1
		if lines > functionLines {
			faults = append(faults, fmt.Sprintf("%s: %s has %d lines, more than %d: give its parts names", t.at(f.Pos()), f.Name.Name, lines, functionLines))
		}
	})
	return faults
}

// ruleTime lets only programs, tests and the functions that the map names read
// the clock: everything else is handed a time, or a function that tells it. A
// pure package also has no timers.
func ruleTime(t *tree) []string {
	var faults []string
	for _, dir := range t.dirs() {
		r := house[dir]
		if r.wires {
			continue
		}
		for _, file := range t.packages[dir].files {
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && slices.Contains(r.clock, f.Name.Name) {
					continue
				}
				t.packages[dir].selectors(d, func(s *ast.SelectorExpr, from string) {
					if from == "time" && tells(s.Sel.Name, r.pure) {
						faults = append(faults, fmt.Sprintf("%s: time.%s in %s: take the time as a parameter", t.at(s.Pos()), s.Sel.Name, dir))
					}
				})
			}
		}
	}
	return faults
}

// tells reports whether a function of package time depends on the clock or, for
// a pure package, on the machine at all.
func tells(name string, pure bool) bool {
	clock := []string{"Now", "Since", "Until"}
	machine := []string{"After", "AfterFunc", "NewTicker", "NewTimer", "Sleep", "Tick", "Local", "LoadLocation"}
	return slices.Contains(clock, name) || pure && slices.Contains(machine, name)
}

// selectors calls fn for each name in a node that is taken from an import.
func (p *pkg) selectors(in ast.Node, fn func(s *ast.SelectorExpr, from string)) {
	ast.Inspect(in, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if from := p.imported(s.X); from != "" {
				fn(s, from)
			}
		}
		return true
	})
}

// imported returns the import path that an expression names, or "".
func (p *pkg) imported(x ast.Expr) string {
	if id, ok := x.(*ast.Ident); ok {
		if name, ok := p.info.Uses[id].(*types.PkgName); ok {
			return name.Imported().Path()
		}
	}
	return ""
}

func ruleReadme(t *tree) []string {
	text, found := t.texts["README.md"]
	if !found {
		return []string{"README.md is missing"}
	}
	if n := strings.Count(text, "\n"); n > readmeLines {
		return []string{fmt.Sprintf("README.md has %d lines, more than %d: link the depth", n, readmeLines)}
	}
	return nil
}

// ruleLinks follows the links between the project's own documents.
func ruleLinks(t *tree) []string {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	var faults []string
	for _, name := range slices.Sorted(maps.Keys(t.texts)) {
		if path.Ext(name) != ".md" {
			continue
		}
		for _, found := range link.FindAllStringSubmatch(t.texts[name], -1) {
			if _, there := t.texts[path.Join(path.Dir(name), found[1])]; !there {
				faults = append(faults, fmt.Sprintf("%s: the link to %s leads nowhere", name, found[1]))
			}
		}
	}
	return faults
}

func rulePaths(t *tree) []string {
	// In two pieces, so that this file is not found by its own rule.
	machine := regexp.MustCompile(`(^|[^[:alnum:]_.])/(` + `work|farm|root|home/[a-z]+|tmp/(studio|bash_jobs)` + `)/`)
	return t.grep(machine, func(name string) bool { return name != "go.sum" && path.Ext(name) != ".svg" },
		"a path of one machine: nobody else has it")
}

func ruleUnfinished(t *tree) []string {
	marks := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX|HA` + `CK)\b|not implem` + `ented|unimplem` + `ented`)
	return t.grep(marks, func(name string) bool { return path.Ext(name) == ".go" || path.Ext(name) == ".rego" },
		"a mark of unfinished work: finish it or take it out")
}

func (t *tree) grep(what *regexp.Regexp, in func(name string) bool, why string) []string {
	var faults []string
	for _, name := range slices.Sorted(maps.Keys(t.texts)) {
		if !in(name) {
			continue
		}
		n := 0
		for line := range strings.Lines(t.texts[name]) {
			if n++; what.MatchString(line) {
				faults = append(faults, fmt.Sprintf("%s:%d: %s", name, n, why))
			}
		}
	}
	return faults
}

func ruleDocumented(t *tree) []string {
	var faults []string
	say := func(pos token.Pos, name string) {
		faults = append(faults, fmt.Sprintf("%s: %s is exported and has no comment: say its contract", t.at(pos), name))
	}
	for _, dir := range t.dirs() {
		documented := len(t.packages[dir].files) == 0
		for _, file := range t.packages[dir].files {
			documented = documented || file.Doc != nil
			for _, d := range file.Decls {
				undocumented(d, say)
			}
		}
		if !documented {
			faults = append(faults, dir+": no file says what this package is: write a package comment")
		}
	}
	return faults
}

// undocumented says each exported name of a declaration without comment. The
// comment of a group speaks for the constants and variables in it.
func undocumented(d ast.Decl, say func(token.Pos, string)) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && receiverExported(d) {
			say(d.Pos(), d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && s.Doc == nil && (d.Doc == nil || d.Lparen.IsValid()) {
					say(s.Pos(), s.Name.Name)
				}
			case *ast.ValueSpec:
				for _, name := range s.Names {
					if name.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
						say(name.Pos(), name.Name)
					}
				}
			}
		}
	}
}

func receiverExported(f *ast.FuncDecl) bool {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return true
	}
	x := f.Recv.List[0].Type
	for {
		switch e := x.(type) {
		case *ast.StarExpr:
			x = e.X
		case *ast.IndexExpr:
			x = e.X
		case *ast.IndexListExpr:
			x = e.X
		case *ast.Ident:
			return e.IsExported()
		default:
			return true
		}
	}
}
