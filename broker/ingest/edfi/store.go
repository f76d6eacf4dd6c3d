package edfi

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A store gathers the records of an export. Where an export is replayed a
// later record takes the place of an earlier one of its id or key.
type store struct {
	report *ingest.Report
	limit  int
	size   int
	full   bool
	list   map[kind][]*record
	byID   map[kind]map[string]*record
	byKey  map[kind]map[string]*record
	spoken map[kind]bool
	codes  codebook
	texts  map[string]string // each text once
	form   string            // that what is noted is about
	notes  map[string][]note // by form
}

// A note is a finding that waits until its form is read, so that it counts for
// that form's records and no others.
type note struct {
	place  ingest.Place
	column string
	rule   ingest.Rule
	detail string
}

func newStore(opt ingest.Options, report *ingest.Report) *store {
	return &store{
		report: report, limit: max(1, opt.Limits.Rows),
		list: map[kind][]*record{}, byID: map[kind]map[string]*record{}, byKey: map[kind]map[string]*record{},
		spoken: map[kind]bool{}, codes: codebook{}, texts: map[string]string{}, notes: map[string][]note{},
	}
}

// take reads a record and stores it. replay says that it replaces another.
func (s *store) take(r *resource, e *element, at where, replay bool) {
	rec, missing := r.record(e, at)
	s.spoken[r.kind], s.form = true, r.form
	if missing {
		s.note(rec.where, columnOf(r, rec.where), ingest.MissingID)
		return
	}
	for i := range rec.values {
		rec.values[i].text = s.once(rec.values[i].text)
	}
	if s.size++; s.size > s.limit {
		if !s.full {
			s.full = true
			s.report.Note(ingest.Place{File: at.file}, "", ingest.TooManyRows, "")
		}
		return
	}
	s.put(rec, replay)
}

// once returns a text that is kept one time, however many records say it.
func (s *store) once(text string) string {
	if len(text) > 80 {
		return text
	}
	if kept, there := s.texts[text]; there {
		return kept
	}
	s.texts[text] = text
	return text
}

func (s *store) put(rec *record, replay bool) {
	if s.byKey[rec.kind] == nil {
		s.byKey[rec.kind], s.byID[rec.kind] = map[string]*record{}, map[string]*record{}
	}
	was := s.find(rec.kind, rec.id, rec.key, replay)
	if apart(was, rec) && (was.id == "" || was.id != rec.id) {
		was = nil
	}
	event := rec.kind == schoolAttendance || rec.kind == sectionAttendance
	switch {
	case was == nil || event && !replay: // two events of a day are weighed later
		s.list[rec.kind] = append(s.list[rec.kind], rec)
		s.index(rec, rec)
	case replay:
		if was.key != "" && s.byKey[rec.kind][was.key] == was {
			delete(s.byKey[rec.kind], was.key)
		}
		if was.id != "" && s.byID[rec.kind][was.id] == was {
			delete(s.byID[rec.kind], was.id)
		}
		s.retire(rec, was)
		*was = *rec
		s.index(rec, was)
	case slices.Equal(was.values, rec.values):
		s.note(rec.where, "", ingest.RepeatedRecord)
	default:
		s.note(rec.where, columnOf(resourceOf(rec.kind), rec.where), ingest.DuplicateID)
	}
}

// retire takes out the record that has the key of one that replaces another.
func (s *store) retire(rec, was *record) {
	other := s.byKey[rec.kind][rec.key]
	if rec.key == "" || other == nil || other == was || apart(other, rec) {
		return
	}
	other.gone = true
	delete(s.byID[rec.kind], other.id)
}

func (s *store) index(rec, kept *record) {
	if rec.id != "" {
		s.byID[rec.kind][rec.id] = kept
	}
	if first := s.byKey[rec.kind][rec.key]; rec.key != "" && !apart(first, kept) {
		s.byKey[rec.kind][rec.key] = kept
	}
}

// find returns the record of an id, if ids count, or of a key.
func (s *store) find(k kind, id, key string, ids bool) *record {
	if r := s.byID[k][id]; ids && id != "" && r != nil {
		return r
	}
	if key == "" {
		return nil
	}
	return s.byKey[k][key]
}

// apart reports whether two records of one key are two all the same: to 2.x a
// session is known by its term, and the terms of a year may share a name.
func apart(a, b *record) bool {
	return a != nil && a.kind == sessions && a.id == "" == (b.id == "") && a.get(term) != b.get(term)
}

// remove marks the record that a delete names. One that is not there was
// deleted before it was exported.
func (s *store) remove(r *resource, id, key string, at where) {
	s.spoken[r.kind], s.form = true, r.form
	if id == "" && key == "" {
		s.note(at, "id", ingest.MissingID)
		return
	}
	was := s.find(r.kind, id, key, true)
	if was == nil || id != "" && was.id != "" && was.id != id { // gone before, or made anew since
		return
	}
	was.deleted = &at
}

// settle carries the deletes out, those of records that are named by others
// last: a record that a living one names stays.
func (s *store) settle() {
	named := map[target]bool{}
	for i := len(resources) - 1; i >= 0; i-- {
		k := resources[i].kind
		s.form = resources[i].form
		for _, r := range s.list[k] {
			if r.deleted != nil && !r.gone && r.key != "" && named[target{k, r.key}] {
				s.note(*r.deleted, "id", ingest.OrphaningDelete)
				r.deleted = nil
			}
		}
		s.list[k] = slices.DeleteFunc(s.list[k], func(r *record) bool { return r.gone || r.deleted != nil })
		for _, r := range s.list[k] {
			for _, t := range r.names() {
				named[t] = true
			}
		}
	}
}

func (s *store) note(at where, column string, rule ingest.Rule) {
	s.hold(note{ingest.Place{File: at.file, Row: at.row, ID: at.id}, column, rule, ""})
}

func (s *store) hold(n note) { s.notes[s.form] = append(s.notes[s.form], n) }

// tell reports what was noted about a form.
func (s *store) tell(form string) {
	for _, n := range s.notes[form] {
		s.report.Note(n.place, n.column, n.rule, n.detail)
	}
	delete(s.notes, form)
}
