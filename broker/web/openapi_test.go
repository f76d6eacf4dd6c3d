package web_test

import (
	"bytes"
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/go-cmp/cmp"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/report"
	"github.com/hallpass-edu/hallpass/broker/web"
	"github.com/hallpass-edu/hallpass/policy"
)

// specification is docs/openapi.yaml with a router over it.
type specification struct {
	doc    *openapi3.T
	router routers.Router
}

func loadSpec(t testing.TB) specification {
	t.Helper()
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromFile("../../docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = nil // any host
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return specification{doc, router}
}

func (s specification) operation(t testing.TB, r web.Route) *openapi3.Operation {
	t.Helper()
	item := s.doc.Paths.Value(r.Path)
	if item == nil || item.GetOperation(r.Method) == nil {
		t.Fatalf("%s %s is not in docs/openapi.yaml", r.Method, r.Path)
	}
	return item.GetOperation(r.Method)
}

func TestTheOpenAPIFileIsValidWithItsExamples(t *testing.T) {
	t.Parallel()
	spec := loadSpec(t)
	if err := spec.doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !spec.doc.IsOpenAPI31OrLater() {
		t.Error("the file is not OpenAPI 3.1")
	}
}

func TestRouterAndOpenAPIFileHoldTheSameRoutes(t *testing.T) {
	t.Parallel()
	var here, there []string
	for _, r := range web.Routes() {
		here = append(here, r.Method+" "+r.Path)
	}
	for path, item := range loadSpec(t).doc.Paths.Map() {
		for method := range item.Operations() {
			there = append(there, method+" "+path)
		}
	}
	slices.Sort(here)
	slices.Sort(there)
	if diff := cmp.Diff(here, there); diff != "" {
		t.Errorf("router (-) and docs/openapi.yaml (+) differ:\n%s", diff)
	}
}

func TestEachRouteIsDescribedAsItIs(t *testing.T) {
	t.Parallel()
	spec := loadSpec(t)
	for _, r := range web.Routes() {
		t.Run(r.Method+" "+r.Path, func(t *testing.T) {
			t.Parallel()
			op := spec.operation(t, r)
			if diff := cmp.Diff(described(op), routed(r)); diff != "" {
				t.Errorf("docs/openapi.yaml (-) and the table (+) differ:\n%s", diff)
			}
			if r.Body != nil {
				sameMembers(t, r.Body, op.RequestBody.Value.Content.Get(r.Accepts).Schema, "body")
			}
		})
	}
}

// outline is what a route and its description must agree on.
type outline struct {
	Roles, Query, Path []string
	Accepts            []string
	Required           bool
}

func described(op *openapi3.Operation) outline {
	var o outline
	for _, r := range op.Extensions["x-roles"].([]any) {
		o.Roles = append(o.Roles, r.(string))
	}
	for _, p := range op.Parameters {
		switch p.Value.In {
		case "query":
			o.Query = append(o.Query, p.Value.Name)
		case "path":
			o.Path = append(o.Path, p.Value.Name)
		}
	}
	if op.RequestBody != nil {
		for media := range op.RequestBody.Value.Content {
			o.Accepts = append(o.Accepts, media)
		}
		o.Required = op.RequestBody.Value.Required
	}
	return o
}

var parameter = regexp.MustCompile(`\{([a-z_]+)\}`)

func routed(r web.Route) outline {
	o := outline{Query: r.Query}
	for _, role := range r.Roles {
		o.Roles = append(o.Roles, string(role))
	}
	for _, m := range parameter.FindAllStringSubmatch(r.Path, -1) {
		o.Path = append(o.Path, m[1])
	}
	if r.Accepts != "" {
		o.Accepts, o.Required = []string{r.Accepts}, !r.BodyOptional
	}
	return o
}

// sameMembers holds a schema to the Go type that its JSON decodes into.
func sameMembers(t *testing.T, typ reflect.Type, ref *openapi3.SchemaRef, at string) {
	t.Helper()
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ.Kind() == reflect.Slice {
		sameMembers(t, typ.Elem(), ref.Value.Items, at+"[]")
		return
	}
	isText := reflect.PointerTo(typ).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) || typ == reflect.TypeFor[time.Time]()
	if typ.Kind() != reflect.Struct || isText {
		return
	}
	here := map[string]reflect.Type{}
	for i := range typ.NumField() {
		name, options, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		here[name] = typ.Field(i).Type
		if required := options != "omitzero"; required != slices.Contains(ref.Value.Required, name) {
			t.Errorf("%s/%s: the file and %s disagree on whether it is required", at, name, typ)
		}
	}
	for name := range ref.Value.Properties {
		if here[name] == nil {
			t.Errorf("%s/%s is in docs/openapi.yaml, not in %s", at, name, typ)
		}
	}
	for name, member := range here {
		property := ref.Value.Properties[name]
		if property == nil {
			t.Errorf("%s/%s is in %s, not in docs/openapi.yaml", at, name, typ)
			continue
		}
		sameMembers(t, member, property, at+"/"+name)
	}
}

// exampleRequest builds the request that the file's examples describe.
func (s specification) exampleRequest(t testing.TB, r web.Route, role broker.Role) *http.Request {
	t.Helper()
	op := s.operation(t, r)
	path, query := r.Path, url.Values{}
	for _, p := range op.Parameters {
		if p.Value.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Value.Name+"}", url.PathEscape(fmt.Sprint(p.Value.Example)))
			continue
		}
		query.Set(p.Value.Name, fmt.Sprint(p.Value.Example))
	}
	target := path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	var body io.Reader
	if op.RequestBody != nil {
		body = strings.NewReader(exampleBody(t, op.RequestBody.Value.Content.Get(r.Accepts).Example))
	}
	req := httptest.NewRequest(r.Method, target, body)
	req.Header.Set("Authorization", bearer(t, role))
	if r.Accepts != "" {
		req.Header.Set("Content-Type", r.Accepts)
	}
	return req
}

func exampleBody(t testing.TB, example any) string {
	t.Helper()
	if text, ok := example.(string); ok {
		return text
	}
	body, err := json.Marshal(example)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// check validates a response, and its request if it was a good one.
func (s specification) check(t testing.TB, req *http.Request, w *httptest.ResponseRecorder, request bool) {
	t.Helper()
	route, params, err := s.router.FindRoute(req)
	if err != nil {
		t.Fatal(err)
	}
	in := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if request {
		if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
			t.Errorf("the request is not as described: %v", err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: w.Code, Header: w.Header(), Options: in.Options,
	}
	if err := openapi3filter.ValidateResponse(context.Background(), out.SetBodyBytes(w.Body.Bytes())); err != nil {
		t.Errorf("the response is not as described: %v\n%s", err, w.Body)
	}
}

// examplePage is the file's own comparison, to be written as a page.
func (s specification) examplePage(t testing.TB) *reply {
	t.Helper()
	example := s.doc.Components.Responses["ComparisonAnswer"].Value.Content.Get("application/json").Example
	data := exampleBody(t, example.(map[string]any)["data"])
	return &reply{body: []byte(`{"data":` + data + `}`), page: &broker.Page{Stamp: report.Stamp{Audience: report.NamedPeople}, File: "page.html"}}
}

func success(op *openapi3.Operation) (string, *openapi3.Response) {
	for _, status := range []string{"200", "201"} {
		if r := op.Responses.Value(status); r != nil {
			return status, r.Value
		}
	}
	return "", nil
}

func TestEveryExampleIsTakenAndItsAnswerIsAsDescribed(t *testing.T) {
	t.Parallel()
	spec := loadSpec(t)
	for _, r := range web.Routes() {
		t.Run(r.Method+" "+r.Path, func(t *testing.T) {
			t.Parallel()
			op := spec.operation(t, r)
			status, response := success(op)
			var asked string
			f := newFixture(t, func(_ context.Context, name string, _ broker.Caller, input ...any) (*reply, error) {
				asked = name
				for _, v := range input {
					if file, ok := v.(io.Reader); ok {
						if _, err := io.Copy(io.Discard, file); err != nil {
							return nil, err
						}
					}
				}
				if media := response.Content.Get("application/json"); media != nil {
					return &reply{body: []byte(exampleBody(t, media.Example)), created: status == "201"}, nil
				}
				return spec.examplePage(t), nil
			}, func(o *web.Options) { o.Simulated = true })
			w := httptest.NewRecorder()
			f.ServeHTTP(w, spec.exampleRequest(t, r, r.Roles[0]))
			if asked != op.OperationID || fmt.Sprint(w.Code) != status {
				t.Fatalf("asked %q (want %q), status %d (want %s): %s", asked, op.OperationID, w.Code, status, w.Body)
			}
			spec.check(t, spec.exampleRequest(t, r, r.Roles[0]), w, true)
		})
	}
}

func TestEveryProblemOfEveryRouteIsAsDescribed(t *testing.T) {
	t.Parallel()
	spec := loadSpec(t)
	receipt := []byte(`{"origin":"o","index":1,"leaf":"","salt":"","header":{},"body_hash":"","proof":[],"checkpoint":""}`)
	failures := []error{
		&broker.Error{Kind: broker.Invalid, Detail: "d", Fields: []broker.Field{{Name: "n", Problem: "p", Remedy: "r"}}},
		&broker.Error{Kind: broker.Denied, Detail: "d", Reasons: policy.Reasons(), Receipt: receipt},
		&broker.Error{Kind: broker.NotAvailable, Receipt: receipt},
		&broker.Error{Kind: broker.Unauthenticated},
		&broker.Error{Kind: broker.Exhausted, RetryAfter: 1500 * time.Millisecond},
		&broker.Error{Kind: broker.Unavailable},
		errors.New("anything else"),
	}
	for _, r := range web.Routes() {
		for _, failure := range failures {
			f := newFixture(t, failing(failure))
			w := httptest.NewRecorder()
			f.ServeHTTP(w, spec.exampleRequest(t, r, r.Roles[0]))
			spec.check(t, spec.exampleRequest(t, r, r.Roles[0]), w, false)
		}
	}
}

func TestTheOpenAPIFileHoldsNothingOfAPerson(t *testing.T) {
	t.Parallel()
	doc, err := json.Marshal(loadSpec(t).doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, placeholder := range []string{`"student_id":"number-of-the-student"`, `"guardian_id":"number-of-the-guardian"`} {
		doc = bytes.ReplaceAll(doc, []byte(placeholder), nil)
	}
	for _, word := range []string{`"given_name":`, `"family_name":`, `"birthdate":`, `"student_id":"`, `"guardian_id":"`} {
		if bytes.Contains(doc, []byte(word)) {
			t.Errorf("an example has a value for %s", word)
		}
	}
}
