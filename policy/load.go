package policy

import (
	"context"
	"io/fs"

	"github.com/open-policy-agent/opa/v1/ast"
	oparego "github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/util"

	"github.com/hallpass-edu/hallpass/rego"
)

var (
	disclosurePath = ast.MustParseRef("data.hallpass.disclosure")
	rowsPath       = ast.MustParseRef("data.hallpass.rows")
	libraryPath    = ast.MustParseRef("data.hallpass.library")
	decisionPath   = ast.MustParseRef("data.hallpass.disclosure.decision")
	reasonsPath    = ast.MustParseRef("data.hallpass.disclosure.reasons")
	rowRef         = ast.MustParseRef("input.row")
)

// Load compiles the policy in a directory (rego.FS is the shipped one) and
// refuses, with a *LoadError, anything it cannot vouch for. Every .rego file
// counts but tests (*_test.rego); other files are ignored.
func Load(fsys fs.FS) (*Engine, error) { return LoadWith(fsys, Options{}) }

// LoadWith is Load with options.
func LoadWith(fsys fs.FS, o Options) (*Engine, error) {
	sources, err := readSources(fsys)
	if err != nil {
		return nil, err
	}
	modules, err := parse(sources)
	if err != nil {
		return nil, err
	}
	if err := checkModules(modules, o.Sabotage); err != nil {
		return nil, err
	}
	o = o.filled()
	e := &Engine{
		digest: digest(sources), options: o, filters: newFilterCache(), inputs: newInputCache(),
		slots: make(chan struct{}, o.Workers),
	}
	if err := e.prepareDecision(modules); err != nil {
		return nil, err
	}
	if err := e.prepareRows(modules); err != nil {
		return nil, err
	}
	return e, e.tryFilters()
}

func (e *Engine) prepareDecision(modules map[string]*ast.Module) error {
	rules, err := compileModules(modules, rego.DecisionSchema(), disclosurePath)
	if err != nil {
		return err
	}
	if err := checkDecision(rules); err != nil {
		return err
	}
	if e.decision, err = prepareQuery(rules, decisionPath); err != nil {
		return err
	}
	e.reasons, err = prepareQuery(rules, reasonsPath)
	return err
}

func (e *Engine) prepareRows(modules map[string]*ast.Module) error {
	rules, err := compileModules(modules, rego.RowsSchema(), rowsPath)
	if err != nil {
		return err
	}
	e.rowRules = rules
	e.rows, err = prepareRows(rules)
	return err
}

// compileModules compiles one package and the library against the schema of
// its input, strictly.
func compileModules(modules map[string]*ast.Module, schema string, path ast.Ref) (*ast.Compiler, error) {
	picked := make(map[string]*ast.Module)
	for name, m := range modules {
		if m.Package.Path.Equal(path) || m.Package.Path.Equal(libraryPath) {
			picked[name] = m.Copy() // compiling rewrites a module
		}
	}
	set, err := schemaSet(schema)
	if err != nil {
		return nil, err
	}
	c := ast.NewCompiler().WithStrict(true).WithCapabilities(capabilities()).WithSchemas(set).
		WithUseTypeCheckAnnotations(true).WithDefaultRegoVersion(ast.RegoV1)
	c.Compile(picked)
	if c.Failed() {
		return nil, fromCompiler(c.Errors, "mend the rule; only fields of the input schema and a closed list of functions can be used")
	}
	return c, checkReferences(c)
}

// schemaSet registers a schema for the whole input. It must stand under the
// root of the schema document: anywhere else it holds only where a rule asks
// for it.
func schemaSet(text string) (*ast.SchemaSet, error) {
	var schema any
	if err := util.Unmarshal([]byte(text), &schema); err != nil {
		return nil, err
	}
	set := ast.NewSchemaSet()
	set.Put(ast.SchemaRootRef, schema)
	return set, nil
}

func prepareQuery(rules *ast.Compiler, path ast.Ref) (oparego.PreparedEvalQuery, error) {
	q, err := oparego.New(
		oparego.Compiler(rules),
		oparego.Store(inmem.New()),
		oparego.StrictBuiltinErrors(true),
		oparego.ParsedQuery(ast.NewBody(ast.NewExpr(ast.NewTerm(path)))),
	).PrepareForEval(context.Background())
	if err != nil {
		return q, fromCompiler(err, "mend the rule "+path.String())
	}
	return q, nil
}
