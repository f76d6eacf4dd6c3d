package edfi

import (
	"bytes"
	"errors"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// JSON is the format of the records of an Ed-Fi API as files: whole, or as
// upserts and deletes by day.
func JSON() ingest.Format { return ingest.Format{Name: "ed-fi json", Depth: 6, Open: openJSON} }

func openJSON(files *ingest.Files, opt ingest.Options, report *ingest.Report) ingest.Feed {
	s := newStore(opt, report)
	plan, sound := planOf(files.Names(), report)
	if len(plan) == 0 {
		if sound {
			report.Note(ingest.Place{}, "", ingest.NotThisFormat, "no file or folder has the name of a resource")
		}
		return nil
	}
	for _, step := range plan {
		data, ok := files.Bytes(step.path)
		if !ok {
			sound = false
			continue
		}
		r := newJSONReader(s, files.Limits().FieldBytes, path.Base(step.path), step.resource)
		r.old, r.replay, r.deletes = step.old, step.replay, step.deletes
		sound = r.file(data) && sound
	}
	if !sound {
		return nil
	}
	return newFeed(s, opt)
}

// Reasons why JSON is not read; they are no values of the file.
var (
	errNoObject = errors.New("a record is no object")
	errJSONDeep = errors.New("its values lie too deep in one another")
	errJSONMany = errors.New("a record has too many values")
)

// A jsonReader reads the records of one resource into a store.
type jsonReader struct {
	store      *store
	fieldBytes int
	name       string // of the file, for findings
	resource   *resource
	old        bool // see where
	replay     bool // a later record replaces an earlier
	deletes    bool // the records say what is deleted
	forbidden  map[string]bool

	dec    *jsontext.Decoder
	row    int
	values int // of the present record
}

func newJSONReader(s *store, fieldBytes int, name string, r *resource) *jsonReader {
	return &jsonReader{store: s, fieldBytes: fieldBytes, name: name, resource: r, forbidden: map[string]bool{}}
}

// file reads a file; false where it is unusable, and the report says why.
func (j *jsonReader) file(data []byte) bool {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) {
		j.store.report.Note(ingest.Place{File: j.name}, "", ingest.BadEncoding, "")
		return false
	}
	if j.resource.kind != descriptors {
		j.store.spoken[j.resource.kind] = true
	}
	err := j.read(data)
	if err == nil {
		return true
	}
	detail := ""
	if errors.Is(err, errNoObject) || errors.Is(err, errJSONDeep) || errors.Is(err, errJSONMany) {
		detail = err.Error()
	}
	j.store.report.Note(ingest.Place{File: j.name, Row: j.row + 1}, "", ingest.BadJSON, detail)
	return false
}

// read takes values until the end: arrays of records, or records.
func (j *jsonReader) read(data []byte) error {
	j.dec = jsontext.NewDecoder(bytes.NewBuffer(data))
	for {
		switch k := j.dec.PeekKind(); k {
		case '[':
			if err := j.array(); err != nil {
				return err
			}
		case '{':
			if err := j.top(); err != nil {
				return err
			}
		default:
			_, err := j.dec.ReadToken()
			if errors.Is(err, io.EOF) {
				return nil
			}
			return errorOr(err, errNoObject)
		}
	}
}

// errorOr is the error of what was read or, where it can be read and should not
// be there, the other.
func errorOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// array reads an array of records.
func (j *jsonReader) array() error {
	if _, err := j.dec.ReadToken(); err != nil {
		return err
	}
	for {
		switch j.dec.PeekKind() {
		case '{':
			if err := j.top(); err != nil {
				return err
			}
		case ']':
			_, err := j.dec.ReadToken()
			return err
		default:
			_, err := j.dec.ReadToken()
			return errorOr(err, errNoObject)
		}
	}
}

// top reads an object: a record, or one that holds an array of records under
// data or the name of the resource.
func (j *jsonReader) top() error {
	j.values = 0
	if _, err := j.dec.ReadToken(); err != nil {
		return err
	}
	e := &element{}
	held := false
	for j.dec.PeekKind() == '"' {
		t, err := j.dec.ReadToken()
		if err != nil {
			return err
		}
		member := t.String()
		if j.dec.PeekKind() == '[' && j.holds(member) && j.dec.StackDepth() == 1 {
			held = true
			if err := j.array(); err != nil {
				return err
			}
			continue
		}
		if err := j.member(e, member, 1); err != nil {
			return err
		}
	}
	if _, err := j.dec.ReadToken(); err != nil {
		return err
	}
	if !held {
		j.row++
		j.record(e)
	}
	return nil
}

func (j *jsonReader) holds(member string) bool {
	return member == "data" || resourceIn(member) == j.resource
}

// member reads the value of a member into its element, or skips it where its
// name is not one that is read.
func (j *jsonReader) member(e *element, raw string, depth int) error {
	name, ok := fold(raw)
	if j.store.drops(j.forbidden, j.name, raw) || !ok {
		return j.skip(depth)
	}
	return j.value(e, name, depth)
}

// value reads a value as elements of a name.
func (j *jsonReader) value(parent *element, name string, depth int) error {
	if err := j.count(depth); err != nil {
		return err
	}
	switch j.dec.PeekKind() {
	case '{':
		return j.object(parent, name, depth)
	case '[':
		return j.items(parent, name, depth)
	}
	t, err := j.dec.ReadToken()
	if err != nil {
		return err
	}
	if t.Kind() == 'n' {
		return nil
	}
	if text := strings.TrimSpace(t.String()); text != "" {
		parent.kids = append(parent.kids, &element{name: name, text: strings.Clone(text[:min(len(text), j.fieldBytes+1)])})
	}
	return nil
}

func (j *jsonReader) object(parent *element, name string, depth int) error {
	if _, err := j.dec.ReadToken(); err != nil {
		return err
	}
	e := &element{name: name}
	for j.dec.PeekKind() == '"' {
		t, err := j.dec.ReadToken()
		if err != nil {
			return err
		}
		if err := j.member(e, t.String(), depth+1); err != nil {
			return err
		}
	}
	if len(e.kids) > 0 {
		parent.kids = append(parent.kids, e)
	}
	_, err := j.dec.ReadToken()
	return err
}

func (j *jsonReader) items(parent *element, name string, depth int) error {
	if _, err := j.dec.ReadToken(); err != nil {
		return err
	}
	for k := j.dec.PeekKind(); k != ']' && k > 0; k = j.dec.PeekKind() {
		if err := j.value(parent, name, depth+1); err != nil {
			return err
		}
	}
	_, err := j.dec.ReadToken()
	return err
}

func (j *jsonReader) count(depth int) error {
	if j.values++; j.values > maxElements {
		return errJSONMany
	}
	if depth > maxDepth {
		return errJSONDeep
	}
	return nil
}

// skip goes over a value and says which of its members must never come in.
func (j *jsonReader) skip(depth int) error {
	for base := j.dec.StackDepth(); ; {
		t, err := j.dec.ReadToken()
		if err != nil {
			return err
		}
		if err := j.count(depth + j.dec.StackDepth() - base); err != nil {
			return err
		}
		// In an object, after its name a member's count is odd.
		if kind, n := j.dec.StackIndex(j.dec.StackDepth()); t.Kind() == '"' && kind == '{' && n%2 == 1 && j.dec.StackDepth() > base {
			j.store.drops(j.forbidden, j.name, t.String())
		}
		if j.dec.StackDepth() == base {
			return nil
		}
	}
}

// record stores a record or carries out a delete.
func (j *jsonReader) record(e *element) {
	at := where{file: j.name, row: j.row, json: true, old: j.old}
	for _, kid := range e.kids {
		if kid.name == "id" {
			at.id = strings.ToLower(strings.ReplaceAll(kid.text, "-", ""))
		}
	}
	switch {
	case j.deletes:
		j.store.remove(j.resource, at.id, j.resource.keyIn(e), at)
	case j.resource.kind == descriptors:
		rec, _ := resourceOf(descriptors).record(e, at)
		j.store.codes.add(descriptorKind(e.first("namespace"), j.name), rec)
	default:
		j.store.take(j.resource, e, at, j.replay)
	}
}

// keyIn is the natural key that a delete names beside the id: the members of
// keyValues are called as the last of their paths.
func (r *resource) keyIn(e *element) string {
	for _, kid := range e.kids {
		if kid.name != "keyvalues" {
			continue
		}
		parts := make([]string, len(r.key))
		for i, f := range r.key {
			parts[i] = r.part(f, kid)
		}
		if len(parts) > 0 {
			return keyOf(parts...)
		}
	}
	return ""
}

func (r *resource) part(f field, keys *element) string {
	if f == incidentKeys {
		return keyOf(keys.first("schoolid"), keys.first("incidentidentifier"))
	}
	for i := range r.fields {
		s := &r.fields[i]
		steps := s.steps
		if s.field != f || len(steps) == 0 {
			continue
		}
		if text := keys.first(steps[len(steps)-1]); text != "" {
			return s.clean(text)
		}
	}
	return ""
}
