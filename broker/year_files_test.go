package broker_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// yearExport is an export of one school year in the plain CSV form.
type yearExport struct {
	files
	world *world
	year  schoolyear
	whole bool // every student of the year and every record, not the active ones alone
}

// export is tonight's export: active students only.
func (w *world) export() files {
	return w.exportOf(w.year(), false)
}

func (w *world) exportOf(y schoolyear, whole bool) files {
	e := yearExport{files: files{
		"schools": {{"school_id", "name", "level"}}, "sessions": {{"session_id", "title", "type", "start", "end", "parent"}},
		"calendar": {{"school_id", "date", "instructional"}}, "students": {{"student_id", "given_name", "family_name", "birthdate", "sex"}},
		"enrollments": {{"student_id", "school_id", "entry", "exit", "grade_level"}},
		"attendance":  {{"student_id", "school_id", "date", "code"}},
		"discipline":  {{"student_id", "school_id", "date", "incident_id", "incident_type", "action", "days"}},
		"grades":      {{"student_id", "school_id", "session_id", "course", "credits", "value", "scale"}},
		"guardians":   {{"student_id", "guardian_id", "given_name", "family_name", "relation", "capacity", "holds_rights"}},
	}, world: w, year: y, whole: whole}
	e.places()
	for _, l := range w.learners {
		if whole || !l.gone {
			e.learner(l)
		}
	}
	if len(w.merges) > 0 {
		e.files["merges"] = append([][]string{{"old_student_id", "new_student_id", "date"}}, w.merges...)
	}
	return e.files
}

func (e yearExport) places() {
	y := e.year
	e.add("sessions", y.id, "School year "+y.id, "schoolYear", y.start.String(), y.end.String(), "")
	e.add("sessions", y.semester(1), "First semester", "semester", y.start.String(), y.mid.String(), y.id)
	e.add("sessions", y.semester(2), "Second semester", "semester", (y.mid + 1).String(), y.end.String(), y.id)
	for _, school := range e.world.schools {
		e.add("schools", school, "School "+school, "middle")
		for day := y.start; day <= y.end; day++ {
			if open, listed := e.world.calendars[school][day]; listed {
				e.add("calendar", school, day.String(), map[bool]string{true: "yes", false: "no"}[open])
			}
		}
	}
}

// learner lists a child; one that has nothing in the year is listed by nothing.
func (e yearExport) learner(l *learner) {
	listed := false
	for i, s := range l.stays {
		if s.touches(e.year) && (e.whole || !l.terse || i == len(l.stays)-1) {
			listed = true
			e.add("enrollments", l.id, s.school, s.from.String(), dateOrEmpty(s.to), fmt.Sprint(l.grade))
		}
	}
	if !listed {
		return
	}
	e.add("students", l.id, l.given, l.family, l.birth.String(), []string{"f", "m"}[int(l.birth)%2])
	e.add("guardians", l.id, l.mother, "Mo", l.family, "mother", "parent", "yes")
	e.add("guardians", l.id, "fa"+l.mother, "Fa", l.family, "father", "parent", "yes")
	e.facts(l)
}

func dateOrEmpty(d civil.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

func (e yearExport) facts(l *learner) {
	lists := func(school string) bool { return e.whole || !l.terse || school == l.present().school }
	for _, m := range l.marks {
		if e.year.holds(m.day) && lists(m.school) {
			e.add("attendance", cmp.Or(m.under, l.id), m.school, m.day.String(), m.code)
		}
	}
	for _, in := range l.incidents {
		if e.year.holds(in.day) && lists(in.school) {
			e.add("discipline", l.id, in.school, in.day.String(), in.id, in.kind, in.action, "")
		}
	}
	for _, r := range l.results {
		if (r.session == e.year.semester(1) || r.session == e.year.semester(2)) && lists(r.school) {
			e.add("grades", l.id, r.school, r.session, r.course, "1", fmt.Sprint(r.value), "0-100")
		}
	}
}

// renameColumn gives a column of a table another name.
func (f files) renameColumn(table, was, is string) {
	f[table][0][slices.Index(f[table][0], was)] = is
}

// withoutSchools leaves half of the schools out of an export, with everybody who
// is there now.
func (w *world) withoutSchools(f files) {
	missing := w.schools[len(w.schools)/2:]
	out := map[string]bool{}
	for _, l := range w.learners {
		if !l.gone && slices.Contains(missing, l.present().school) {
			out[l.id] = true
		}
	}
	for table, rows := range f {
		f[table] = slices.DeleteFunc(rows, func(row []string) bool {
			at := slices.Index(rows[0], "school_id")
			return out[row[0]] || table == "merges" && len(row) > 1 && out[row[1]] || at >= 0 && slices.Contains(missing, row[at])
		})
	}
}

// cutShort truncates a file in the middle of a row.
func cutShort(t testing.TB, dir, name string) {
	t.Helper()
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	if err == nil {
		err = os.Truncate(path, info.Size()*6/10)
	}
	if err != nil {
		t.Fatal(err)
	}
}
