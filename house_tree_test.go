package hallpass_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// tree is every tracked file of the module, its Go files parsed. It is read
// from the files themselves: what `go list` says would come from the test
// cache, which misses a package that is new.
type tree struct {
	fset     *token.FileSet
	packages map[string]*pkg // by folder
	texts    map[string]string
}

// pkg is one folder's Go files that are no tests, and what its identifiers mean.
type pkg struct {
	dir   string
	files []*ast.File
	tests []*ast.File
	info  *types.Info
	scope *types.Scope
}

// skipped are folders that hold nothing of the project's own text.
func skipped(dir string) bool {
	base := path.Base(dir)
	return base == ".git" || base == "build" || base == "node_modules" || base == "testdata"
}

func readTree(files fs.FS) (*tree, error) {
	t := &tree{fset: token.NewFileSet(), packages: map[string]*pkg{}, texts: map[string]string{}}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && skipped(name):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return t.add(name, text)
	})
	if err != nil {
		return nil, err
	}
	for _, dir := range t.dirs() {
		t.packages[dir].resolve(t.fset)
	}
	return t, nil
}

func (t *tree) add(name string, text []byte) error {
	if bytes.IndexByte(text, 0) < 0 {
		t.texts[name] = string(text)
	}
	if path.Ext(name) != ".go" {
		return nil
	}
	file, err := parser.ParseFile(t.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	dir := path.Dir(name)
	if t.packages[dir] == nil {
		t.packages[dir] = &pkg{dir: dir}
	}
	p := t.packages[dir]
	if strings.HasSuffix(name, "_test.go") {
		p.tests = append(p.tests, file)
	} else {
		p.files = append(p.files, file)
	}
	return nil
}

func (t *tree) dirs() []string { return slices.Sorted(maps.Keys(t.packages)) }

// resolve finds out which identifier means which object. It loads no imports
// and ignores the errors that follow: what a package declares itself is enough.
func (p *pkg) resolve(fset *token.FileSet) {
	p.info = &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	config := types.Config{Error: func(error) {}, Importer: noImports{}, FakeImportC: true}
	checked, err := config.Check(p.dir, fset, p.files, p.info)
	_ = err // imports are missing on purpose
	p.scope = checked.Scope()
}

type noImports struct{}

func (noImports) Import(name string) (*types.Package, error) {
	empty := types.NewPackage(name, importedName(name))
	empty.MarkComplete()
	return empty, nil
}

// importedName guesses a package's name: the last element that is no version.
func importedName(name string) string {
	base := path.Base(name)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(name))
	}
	return strings.ReplaceAll(base, "-", "_")
}

// at names a place as file:line.
func (t *tree) at(pos token.Pos) string {
	p := t.fset.Position(pos)
	return p.Filename + ":" + strconv.Itoa(p.Line)
}

// imports calls fn for each import of the files.
func imports(files []*ast.File, fn func(spec *ast.ImportSpec, name string)) {
	for _, file := range files {
		for _, spec := range file.Imports {
			if name, err := strconv.Unquote(spec.Path.Value); err == nil {
				fn(spec, name)
			}
		}
	}
}
