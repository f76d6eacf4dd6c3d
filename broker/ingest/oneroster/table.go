package oneroster

import (
	"iter"
	"time"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A state is what the status of a record says.
type state uint8

const (
	active state = iota
	inactive
	deleted
)

// A record is one row: its sourcedId, where it stands, and what is used of it.
type record[T comparable] struct {
	id       string
	at       spot
	state    state
	was      state // before it was deleted
	gone     spot  // where it was deleted
	modified string
	body     T
}

// A spot is a line of a file.
type spot struct {
	file *file
	line int32
}

// place is the spot of the record with an id, for findings and rows.
func (s spot) place(id string, names []string) ingest.Place {
	return ingest.Place{File: s.file.name, Row: int(s.line), ID: id, Names: names}
}

// A file is one file of one layer.
type file struct {
	name   string
	orders map[string]*order // by column of dates
}

// delete marks a record whose delete stands at a spot.
func (r *record[T]) delete(at spot) {
	if r.state != deleted {
		r.was = r.state
	}
	r.state, r.gone = deleted, at
}

// A table has the records of one kind, in the order of the files.
type table[T comparable] struct {
	rows []*record[T]
	byID map[string]*record[T]
	seen bool // a file of the kind was there
}

// find returns a record, deleted or not; nil where there is none.
func (t *table[T]) find(id string) *record[T] { return t.byID[id] }

// get returns a record that is not deleted.
func (t *table[T]) get(id string) *record[T] {
	if r := t.byID[id]; r != nil && r.state != deleted {
		return r
	}
	return nil
}

// living yields the records that are not deleted.
func (t *table[T]) living() iter.Seq[*record[T]] {
	return func(yield func(*record[T]) bool) {
		for _, r := range t.rows {
			if r.state != deleted && !yield(r) {
				return
			}
		}
	}
}

// dangles reports whether an id that is given names no record, although the
// export has the kind.
func (t *table[T]) dangles(id string) bool { return id != "" && t.seen && t.get(id) == nil }

func (t *table[T]) put(r *record[T]) {
	if t.byID == nil {
		t.byID = map[string]*record[T]{}
	}
	t.byID[r.id] = r
	t.rows = append(t.rows, r)
}

// replace lets a bulk file take the place of all before it.
func (t *table[T]) replace(layer *table[T]) { *t = *layer }

// change applies a delta file: an active record is entered or changed, a
// deleted one keeps what was known of it.
func (t *table[T]) change(layer *table[T]) {
	t.seen = true
	for _, r := range layer.rows {
		known := t.byID[r.id]
		switch {
		case known == nil:
			t.put(r)
		case r.state == deleted:
			known.delete(r.gone)
		default:
			*known = *r
		}
	}
}

// enter puts a row into the table of its layer. Of two with one id the last
// modified counts, else the first.
func (t *table[T]) enter(r *record[T], report *ingest.Report) {
	first := t.byID[r.id]
	switch {
	case first == nil:
		t.put(r)
	case first.body == r.body && first.state == r.state:
		report.Note(r.at.place(r.id, nil), "sourcedId", ingest.RepeatedRecord, "")
	case later(r.modified, first.modified):
		report.Note(first.at.place(r.id, nil), "sourcedId", ingest.DuplicateID, "the record last modified counts")
		*first = *r
	default:
		report.Note(r.at.place(r.id, nil), "sourcedId", ingest.DuplicateID, "")
	}
}

// later reports whether an instant is after another one, both being given.
func later(a, b string) bool {
	x, okX := instant(a)
	y, okY := instant(b)
	return okX && okY && x.After(y)
}

// instant reads a date with or without time.
func instant(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
