package main

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/sample"
)

// An edition is one of two states of a district's records. They differ in every
// row of every file (but in a calendar's, on the holidays alone), so that a
// mixture of both is neither.
type edition int

const (
	firstEdition edition = iota
	secondEdition
	editions
)

// An export is the folder of an edition.
type export struct {
	folder  string
	edition edition
	faulty  ingest.Family // has a row in error; empty: none has
	digest  string        // as the record of a load names it
}

// A sheet is a file of the plain form, its header first.
type sheet [][]string

func (s sheet) column(name string) int { return slices.Index(s[0], name) }

func (s sheet) lists(row []string) bool {
	return slices.ContainsFunc(s, func(r []string) bool { return slices.Equal(r, row) })
}

// edit replaces the fields of a column.
func (s sheet) edit(column string, change func(string) string) {
	at := s.column(column)
	for _, row := range s[1:] {
		row[at] = change(row[at])
	}
}

// spoil adds a row in error: the last one again with one field that is wrong.
func (s sheet) spoil(column string) sheet {
	row := slices.Clone(s[len(s)-1])
	row[s.column(column)] = map[bool]string{true: "", false: "spoiled"}[strings.HasSuffix(column, "_id")]
	return append(s, row)
}

// book is an export by file.
type book map[string]sheet

// editionOf makes an edition of a made-up district.
func editionOf(t *testing.T, d *sample.District, e edition) book {
	t.Helper()
	dir := t.TempDir()
	if err := d.WriteCSV(dir); err != nil {
		t.Fatal(err)
	}
	b := book{"public_totals.csv": {{"school_id", "session_id", "indicator", "value", "precision", "row"}}}
	for _, s := range d.Schools {
		b["public_totals.csv"] = append(b["public_totals.csv"], []string{s.ID, d.Year.ID, "attendance_rate", "93", "1", "all"})
	}
	for _, form := range ingest.Forms() {
		f, err := os.Open(filepath.Join(dir, form))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		rows, failed := csv.NewReader(f).ReadAll()
		if err := errors.Join(err, failed, f.Close()); err != nil {
			t.Fatal(err)
		}
		b[form] = rows
	}
	if e == secondEdition {
		b.revise()
	}
	return b
}

// revise changes every record of every family, and none in such a measure that
// the load would wait for a second person.
func (b book) revise() {
	longer := func(s string) string { return s + " II" }
	b["schools.csv"].edit("name", longer)
	b["sessions.csv"].edit("title", longer)
	b["students.csv"].edit("family_name", longer)
	b["guardians.csv"].edit("family_name", longer)
	b["discipline.csv"].edit("incident_id", longer)
	b["enrollments.csv"].edit("grade_level", swap("6", "7"))
	b["attendance.csv"].edit("code", swap("absent_excused", "absent_unexcused", "tardy", "half_absent", "iss", "oss"))
	b["calendar.csv"].edit("instructional", func(string) string { return "yes" })
	for file, column := range map[string]string{"grades.csv": "value", "public_totals.csv": "value"} {
		b[file].edit(column, func(s string) string {
			n, _ := strconv.Atoi(s) // made up above
			return strconv.Itoa(min(n^1, 99))
		})
	}
}

// swap exchanges the two texts of each pair; any other becomes the first.
func swap(pairs ...string) func(string) string {
	return func(s string) string {
		if i := slices.Index(pairs, s); i >= 0 {
			return pairs[i^1]
		}
		return pairs[0]
	}
}

// faulty is the book with a row in error in a family.
func (b book) faulty(f ingest.Family) book {
	at := map[ingest.Family][2]string{
		ingest.People: {"students.csv", "student_id"}, ingest.Attendance: {"attendance.csv", "date"},
		ingest.Discipline: {"discipline.csv", "date"}, ingest.Grades: {"grades.csv", "value"},
		ingest.Guardians: {"guardians.csv", "guardian_id"}, ingest.Totals: {"public_totals.csv", "value"},
	}[f]
	next := book{}
	for file, rows := range b {
		if next[file] = rows; file == at[0] {
			next[file] = slices.Clone(rows).spoil(at[1])
		}
	}
	return next
}

// write makes a folder of the book.
func (b book) write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for file, rows := range b {
		f, err := os.Create(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(csv.NewWriter(f).WriteAll(rows), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
