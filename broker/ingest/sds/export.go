package sds

import (
	"iter"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// An export is one set of files while it is read.
type export struct {
	files  *ingest.Files
	set    set
	opt    ingest.Options
	report *ingest.Report

	orgs     map[string]org
	sessions map[string]session
	people   map[string]*person
	students []*student
	byID     map[string]*student
	stays    []stay
	rows     map[string][]ingest.Row
	relate   func() bool // reads the guardians
}

// read reports whether the files could be used.
func (x *export) read(kind dialect) bool {
	x.byID = map[string]*student{}
	var ok bool
	switch kind {
	case v1:
		ok, x.relate = x.readV1(), x.readV1Guardians
	case v2:
		ok, x.relate = x.readV2(), func() bool { return true }
	default:
		ok, x.relate = x.readV21(), x.readGuardians
	}
	if !ok {
		return false
	}
	x.placeStays()
	x.emitStudents()
	return true
}

func (x *export) emit(form string, rows ...ingest.Row) {
	x.rows[form] = append(x.rows[form], rows...)
}

// records yields a file's rows; ok is false where it has not the columns it
// must. A file that is not there has no rows.
func (x *export) records(name string, columns ...string) (rows iter.Seq[ingest.Record], ok bool) {
	if !x.set.has(name) {
		return func(func(ingest.Record) bool) {}, true
	}
	sheet := x.files.Sheet(x.set[name])
	if sheet == nil || !sheet.Require(columns...) {
		return nil, false
	}
	return sheet.Records(), true
}

// id returns a record's id, and notes one that is empty.
func (x *export) id(r ingest.Record, column string) (string, bool) {
	id := r.Get(column)
	if id == "" {
		x.report.Note(r.At("", nil), column, ingest.MissingID, "")
	}
	return id, id != ""
}
