package sds

import (
	"cmp"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

var (
	v1SchoolNames  = []string{"SIS ID", "Name", "Grade Low"}
	v1StudentNames = []string{"SIS ID", "First Name", "Last Name", "Birthdate"}
	v1StayNames    = []string{"SIS ID", "School SIS ID", "", "", "Grade"}
	v1SessionNames = []string{"Term SIS ID", "Term Name", "", "Term StartDate", "Term EndDate"}
)

func (x *export) readV1() bool {
	schools := x.readV1Schools()
	sessions := x.readV1Sessions()
	return schools && sessions && x.readV1Students()
}

func (x *export) readV1Schools() bool {
	rows, ok := x.records("school.csv", "SIS ID", "Name")
	if !ok {
		return false
	}
	x.rows["schools.csv"] = []ingest.Row{}
	for r := range rows {
		if id, there := x.id(r, "SIS ID"); there {
			level := gradeSpan(r.Get("Grade Low"), r.Get("Grade High"))
			x.emit("schools.csv", ingest.Row{At: r.At(id, v1SchoolNames), Fields: []string{id, r.Get("Name"), level}})
		}
	}
	return true
}

func gradeSpan(low, high string) string {
	switch {
	case low == "" || low == high:
		return high
	case high == "":
		return low
	}
	return low + "-" + high
}

// readV1Sessions gathers the terms that sections name.
func (x *export) readV1Sessions() bool {
	rows, ok := x.records("section.csv", "SIS ID", "School SIS ID")
	if !ok {
		return false
	}
	var list []session
	seen := map[[3]string]bool{}
	for r := range rows {
		s := session{id: r.Get("Term SIS ID"), title: r.Get("Term Name"), kind: "term", start: r.Get("Term StartDate"), end: r.Get("Term EndDate")}
		if s.id == "" || s.start == "" && s.end == "" || seen[s.key()] {
			continue
		}
		seen[s.key()] = true
		s.at = r.At(s.id, v1SessionNames)
		s.title = cmp.Or(s.title, s.id)
		list = append(list, s)
	}
	x.dateSessions(list)
	yearsAmong(list)
	x.emitSessions(list)
	return true
}

// key is a term without where it stands: terms that are told apart by it are
// more than one.
func (s session) key() [3]string { return [3]string{s.id, s.start, s.end} }

// dateSessions reads the days of terms, and brings the list into their order.
func (x *export) dateSessions(list []session) {
	var values []string
	for _, s := range list {
		values = append(values, s.start, s.end)
	}
	o := columnOrder(values)
	for i := range list {
		s := &list[i]
		s.start, s.end = x.day(s.at, "Term StartDate", s.start, o), x.day(s.at, "Term EndDate", s.end, o)
		s.from, s.to = dayOf(s.start), dayOf(s.end)
	}
	slices.SortStableFunc(list, func(a, b session) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to), cmp.Compare(a.id, b.id))
	})
}

// day reads a date of a column with an order, and notes one that could be two
// days.
func (x *export) day(at ingest.Place, column, text string, o order) string {
	if _, _, _, ok := slashed(text); ok && o == bothOrders {
		x.report.Note(at, column, ingest.AmbiguousDate, "the column has both orders")
		return ""
	}
	return isoDate(text, o)
}

func (x *export) readV1Students() bool {
	rows, ok := x.records("student.csv", "SIS ID", "School SIS ID", "First Name", "Last Name")
	if !ok {
		return false
	}
	for r := range rows {
		if id, there := x.id(r, "SIS ID"); there {
			x.v1Student(r, id)
		}
	}
	var births []string
	for _, s := range x.students {
		births = append(births, s.birth)
	}
	o := columnOrder(births)
	for _, s := range x.students {
		s.birth = x.day(s.at, "Birthdate", s.birth, o)
	}
	return true
}

func (x *export) v1Student(r ingest.Record, id string) {
	status := squash(r.Get("Status"))
	if status == "deleted" {
		return
	}
	s := x.add(&student{
		at: r.At(id, v1StudentNames), id: id, given: r.Get("First Name"), family: r.Get("Last Name"), birth: r.Get("Birthdate"),
	})
	school := r.Get("School SIS ID")
	if school == "" || slices.Contains(gone, status) {
		return
	}
	x.enter(stay{at: r.At(id, v1StayNames), student: s.id, school: school, grade: r.Get("Grade")})
}

// gone are the values of Status with which a student is at the school no more.
var gone = []string{"inactive", "withdrawn", "transferred", "graduated", "sunset", "expired"}
