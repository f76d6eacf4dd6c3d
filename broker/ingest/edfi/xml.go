package edfi

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// XML is the format of Ed-Fi interchange files, of any data standard from 2.x
// to 5.x, in one folder or several.
func XML() ingest.Format { return ingest.Format{Name: "ed-fi xml", Depth: 4, Open: openXML} }

// Bounds of one record; the standard's own need 12 and some hundreds.
const (
	maxDepth    = 32
	maxElements = 20_000
)

func openXML(files *ingest.Files, opt ingest.Options, report *ingest.Report) ingest.Feed {
	x := &xmlSet{store: newStore(opt, report), fieldBytes: files.Limits().FieldBytes, ids: map[string][]*identified{}}
	used, sound := 0, true
	for _, name := range files.Names() {
		if strings.ToLower(path.Ext(name)) != ".xml" {
			continue
		}
		data, ok := files.Bytes(name)
		if !ok {
			sound = false
			continue
		}
		f := &xmlFile{set: x, name: path.Base(name), path: name, forbidden: map[string]bool{}}
		switch err := f.read(data); {
		case errors.Is(err, errNotInterchange):
			report.Note(ingest.Place{File: f.name}, "", ingest.IgnoredFile, "")
		case err != nil:
			f.refuse(err)
			sound = false
		default:
			used++
		}
	}
	if used == 0 && sound {
		report.Note(ingest.Place{}, "", ingest.NotThisFormat, "no file has an Interchange element as its root")
	}
	if used == 0 || !sound {
		return nil
	}
	x.resolveAll()
	return newFeed(x.store, opt)
}

// An xmlSet is what the files of an export say together.
type xmlSet struct {
	store      *store
	fieldBytes int
	ids        map[string][]*identified
	waiting    []waiting // records that name others by their ids
	room       int       // elements that the present record may still get from others
}

// A waiting record is read once the ids of all files are known.
type waiting struct {
	resource *resource
	element  *element
	at       where
	path     string
}

// Reasons why a file is not read.
var (
	errNotInterchange = errors.New("not an interchange file")
	errEncoding       = errors.New("not in its encoding")
	errDoctype        = errors.New("it has a document type")
	errDeep           = errors.New("its elements lie too deep in one another")
	errMany           = errors.New("a record has too many elements")
	errSecondRoot     = errors.New("it has more than one root")
)

// An xmlFile is one file while it is read.
type xmlFile struct {
	set       *xmlSet
	name      string
	path      string
	dec       *xml.Decoder
	elements  int // of the present record
	forbidden map[string]bool
}

func (f *xmlFile) refuse(err error) {
	row := 0
	if f.dec != nil {
		row, _ = f.dec.InputPos()
	}
	rule, detail := ingest.BadXML, ""
	switch {
	case errors.Is(err, errEncoding):
		rule, row = ingest.BadEncoding, 0
	case errors.Is(err, errDoctype), errors.Is(err, errDeep), errors.Is(err, errMany), errors.Is(err, errSecondRoot):
		detail = err.Error()
	}
	f.set.store.report.Note(ingest.Place{File: f.name, Row: row}, "", rule, detail)
}

// read takes a file token by token; of each record only what is read is kept.
func (f *xmlFile) read(data []byte) error {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return errEncoding
	}
	f.dec = xml.NewDecoder(bytes.NewReader(data))
	f.dec.CharsetReader = f.charset
	declared := bytes.Contains(data[:min(len(data), 200)], []byte("encoding="))
	if !declared && !utf8.Valid(data) {
		return errEncoding
	}
	root, err := f.start()
	if errors.Is(err, io.EOF) {
		return errNotInterchange
	}
	if err != nil {
		return err
	}
	if !interchange(root.Name) {
		return errNotInterchange
	}
	f.speaks(root.Name.Local)
	if err := f.records(); err != nil {
		return err
	}
	if _, err := f.start(); !errors.Is(err, io.EOF) {
		return errorOr(err, errSecondRoot)
	}
	return nil
}

func interchange(n xml.Name) bool {
	return strings.HasPrefix(n.Local, "Interchange") && (n.Space == "" || strings.Contains(n.Space, "ed-fi.org"))
}

// speaks takes an interchange without a record as saying that there is none.
func (f *xmlFile) speaks(root string) {
	switch root {
	case "InterchangeStudentDiscipline":
		f.set.store.spoken[incidents] = true
	case "InterchangeStudentAttendance":
		f.set.store.spoken[schoolAttendance] = true
	}
}

// start returns the next element that begins, outside of any other.
func (f *xmlFile) start() (xml.StartElement, error) {
	for {
		t, err := f.token()
		if err != nil {
			return xml.StartElement{}, err
		}
		if s, ok := t.(xml.StartElement); ok {
			return s, nil
		}
	}
}

func (f *xmlFile) token() (xml.Token, error) {
	t, err := f.dec.Token()
	if _, ok := t.(xml.Directive); ok {
		return nil, errDoctype
	}
	return t, err
}

// records reads the children of the root.
func (f *xmlFile) records() error {
	for {
		t, err := f.token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			if err := f.child(t); err != nil {
				return err
			}
		}
	}
}

// child reads a child of the root: a record, or one that others may name.
func (f *xmlFile) child(start xml.StartElement) error {
	f.elements = 0
	row, _ := f.dec.InputPos()
	if f.drops(start.Name.Local) {
		return f.skip(1)
	}
	e, err := f.element(start, "", 1)
	if err == nil {
		f.record(start.Name.Local, e, row)
	}
	return err
}

// element reads an element whose start tag was read, to its end.
func (f *xmlFile) element(start xml.StartElement, name string, depth int) (*element, error) {
	if err := f.count(depth); err != nil {
		return nil, err
	}
	e := &element{name: name}
	for _, a := range start.Attr {
		switch a.Name.Local {
		case "id":
			e.id = strings.TrimSpace(a.Value)
		case "ref":
			e.ref = strings.TrimSpace(a.Value)
		}
	}
	var text []byte
	for {
		t, err := f.token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.EndElement:
			e.text = strings.TrimSpace(string(text))
			return e, nil
		case xml.CharData:
			if room := f.set.fieldBytes + 1 - len(text); room > 0 && (len(text) > 0 || len(bytes.TrimSpace(t)) > 0) {
				text = append(text, t[:min(room, len(t))]...)
			}
		case xml.StartElement:
			if err := f.kid(e, t, depth+1); err != nil {
				return nil, err
			}
		}
	}
}

// kid reads an element inside another, or skips it where its name is not one
// that is read.
func (f *xmlFile) kid(parent *element, start xml.StartElement, depth int) error {
	name, ok := fold(start.Name.Local)
	if f.drops(start.Name.Local) || !ok {
		return f.skip(depth)
	}
	kid, err := f.element(start, name, depth)
	if err == nil && (kid.text != "" || len(kid.kids) > 0 || kid.ref != "") {
		parent.kids = append(parent.kids, kid)
	}
	return err
}

func (f *xmlFile) count(depth int) error {
	if f.elements++; f.elements > maxElements {
		return errMany
	}
	if depth > maxDepth {
		return errDeep
	}
	return nil
}

// skip goes to the end of an element whose start tag was read.
func (f *xmlFile) skip(depth int) error {
	for deep := depth; ; {
		t, err := f.token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			deep++
			f.drops(t.Name.Local)
			if err := f.count(deep); err != nil {
				return err
			}
		case xml.EndElement:
			if deep--; deep < depth {
				return nil
			}
		}
	}
}

// drops reports whether an element must never come in, and says so once.
func (f *xmlFile) drops(name string) bool { return f.set.store.drops(f.forbidden, f.name, name) }

// record stores a record, or lets it wait for those that it names by id.
func (f *xmlFile) record(raw string, e *element, row int) {
	at := where{file: f.name, row: row, id: e.id, old: strings.Contains(raw, "Parent")}
	f.index(e)
	if what, ok := strings.CutSuffix(strings.ToLower(raw), "descriptor"); ok {
		rec, _ := resourceOf(descriptors).record(e, at)
		f.set.store.codes.add(what, rec)
		return
	}
	r := resourceNamed(strings.ToLower(raw))
	if r == nil || r.kind == descriptors {
		return
	}
	if e.refers() {
		f.set.store.spoken[r.kind] = true
		f.set.waiting = append(f.set.waiting, waiting{r, e, at, f.path})
		return
	}
	f.set.store.take(r, e, at, false)
}
