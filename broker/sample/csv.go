package sample

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// File is one file of the district in the plain CSV form.
type File struct {
	Name  string // a slash-separated path below the folder
	Write func(io.Writer) error
}

// Files returns the district's files in the order an import reads them, then
// those of the partners, below partners/ID: participation.csv, which the
// partner uploads, and the bodies of the requests an officer makes, in
// partner.json, agreement.json and, one a line, consents.jsonl.
func (d *District) Files() []File {
	files := []File{
		{"schools.csv", d.table(d.schools)},
		{"sessions.csv", d.table(d.sessions)},
		{"students.csv", d.table(d.students)},
		{"enrollments.csv", d.table(d.enrollments)},
		{"calendar.csv", d.table(d.calendar)},
		{"attendance.csv", d.table(d.attendance)},
		{"discipline.csv", d.table(d.discipline)},
		{"grades.csv", d.table(d.grades)},
		{"guardians.csv", d.table(d.guardians)},
	}
	for i := range d.Partners {
		p := &d.Partners[i]
		files = append(files,
			File{"partners/" + p.ID + "/participation.csv", p.WriteParticipation},
			File{"partners/" + p.ID + "/partner.json", p.writePartner},
			File{"partners/" + p.ID + "/agreement.json", p.writeAgreement},
			File{"partners/" + p.ID + "/consents.jsonl", p.writeConsents},
		)
	}
	return files
}

// WriteCSV writes every file below dir, which it makes where it is missing. A
// file appears whole under its name or not at all; one that stood there is
// replaced.
func (d *District) WriteCSV(dir string) error {
	for _, f := range d.Files() {
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(f.Name)), f.Write); err != nil {
			return fmt.Errorf("writing %s: %w", f.Name, err)
		}
	}
	return nil
}

func writeFile(path string, write func(io.Writer) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".sample-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	if err := errors.Join(write(temp), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}

// rows writes a header and then whatever it is handed.
type rows struct {
	w     *csv.Writer
	err   error
	dates map[civil.Date]string // a year has few days and many rows
}

func (r *rows) add(fields ...string) {
	if r.err == nil {
		r.err = r.w.Write(fields)
	}
}

func (r *rows) date(d civil.Date) string {
	s, known := r.dates[d]
	if !known {
		s = d.String()
		r.dates[d] = s
	}
	return s
}

func (d *District) table(fill func(*rows)) func(io.Writer) error {
	return func(w io.Writer) error { return writeRows(w, fill) }
}

func writeRows(w io.Writer, fill func(*rows)) error {
	r := &rows{w: csv.NewWriter(w), dates: map[civil.Date]string{}}
	fill(r)
	r.w.Flush()
	return errors.Join(r.err, r.w.Error())
}

func (d *District) schools(r *rows) {
	r.add("school_id", "name", "level")
	for _, s := range d.Schools {
		r.add(s.ID, s.Name, s.Level)
	}
}

func (d *District) sessions(r *rows) {
	r.add("session_id", "title", "type", "start", "end", "parent")
	for _, s := range d.Sessions {
		r.add(s.ID, s.Title, s.Type, r.date(s.Start), r.date(s.End), s.Parent)
	}
}

func (d *District) students(r *rows) {
	r.add("student_id", "given_name", "family_name", "birthdate", "sex", "race_ethnicity",
		"english_learner", "special_education", "economically_disadvantaged")
	for i := range d.Students {
		s := &d.Students[i]
		r.add(s.ID, s.GivenName, s.FamilyName, r.date(s.Birth), s.Sex, s.RaceEthnicity,
			s.EnglishLearner, s.SpecialEducation, s.EconomicallyDisadvantaged)
	}
}

func (d *District) enrollments(r *rows) {
	r.add("student_id", "school_id", "entry", "exit", "grade_level", "primary")
	for i := range d.Students {
		s := &d.Students[i]
		for _, e := range s.Enrollments {
			r.add(s.ID, e.School, r.date(e.Entry), r.date(e.Exit), s.Grade, "yes")
		}
	}
}

func (d *District) calendar(r *rows) {
	r.add("school_id", "date", "instructional")
	for _, s := range d.Schools {
		for _, day := range d.Calendar {
			r.add(s.ID, r.date(day.Date), yesNo(day.Instructional))
		}
	}
}

func (d *District) attendance(r *rows) {
	r.add("student_id", "school_id", "date", "code")
	for i := range d.Students {
		s := &d.Students[i]
		for _, m := range s.Marks {
			r.add(s.ID, m.School, r.date(m.Date), m.Code)
		}
	}
}

func (d *District) discipline(r *rows) {
	r.add("student_id", "school_id", "date", "incident_id", "incident_type", "action", "days")
	for i := range d.Students {
		s := &d.Students[i]
		for _, in := range s.Incidents {
			days := ""
			if in.Days > 0 {
				days = strconv.Itoa(in.Days)
			}
			r.add(s.ID, in.School, r.date(in.Date), in.ID, in.Type, in.Action, days)
		}
	}
}

func (d *District) grades(r *rows) {
	r.add("student_id", "school_id", "session_id", "course", "credits", "value", "scale")
	for i := range d.Students {
		s := &d.Students[i]
		for _, g := range s.Results {
			r.add(s.ID, g.School, g.Session, g.Course, hundredths(g.Credits), strconv.Itoa(g.Value), "0-100")
		}
	}
}

func (d *District) guardians(r *rows) {
	r.add("student_id", "guardian_id", "given_name", "family_name", "relation", "capacity",
		"language", "email", "phone", "holds_rights")
	for i := range d.Students {
		s := &d.Students[i]
		for _, g := range s.Guardians {
			r.add(s.ID, g.ID, g.GivenName, g.FamilyName, g.Relation, g.Capacity,
				g.Language, g.Email, g.Phone, yesNo(g.HoldsRights))
		}
	}
}

// WriteParticipation writes what the partner uploads: a row for each session,
// in order of the day.
func (p *Partner) WriteParticipation(w io.Writer) error {
	type line struct {
		of  *Participant
		day Attended
	}
	var lines []line
	for i := range p.Roster {
		for _, day := range p.Roster[i].Sessions {
			lines = append(lines, line{&p.Roster[i], day})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return int(a.day.Date - b.day.Date) })
	return writeRows(w, func(r *rows) {
		r.add("participant_ref", "given_name", "family_name", "birthdate", "school_id", "date", "program", "minutes", "funder")
		for _, l := range lines {
			r.add(l.of.Ref, l.of.GivenName, l.of.FamilyName, r.date(l.of.Birth), l.day.School, r.date(l.day.Date),
				l.of.Program, strconv.Itoa(l.of.Minutes), l.of.Funder)
		}
	})
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func hundredths(n int) string {
	return strconv.FormatFloat(float64(n)/100, 'f', -1, 64)
}
