package sample_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/sample"
)

func digest(t *testing.T, d *sample.District) string {
	t.Helper()
	h := sha256.New()
	for _, f := range d.Files() {
		fmt.Fprintln(h, f.Name)
		if err := f.Write(h); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	o := sample.Options{Seed: 7, Students: 600}
	first := digest(t, sample.Generate(o))
	if again := digest(t, sample.Generate(o)); again != first {
		t.Error("two runs with one seed differ")
	}
	o.Seed = 8
	if other := digest(t, sample.Generate(o)); other == first {
		t.Error("two seeds give one district")
	}
}

func TestTheDefaultIsTheDemoDistrict(t *testing.T) {
	t.Parallel()
	d := sample.Generate(sample.Options{Seed: 1})
	if len(d.Students) != 5000 || len(d.Schools) != 10 || len(d.Partners) != 3 {
		t.Fatalf("%d students, %d schools, %d partners", len(d.Students), len(d.Schools), len(d.Partners))
	}
	expired, withdrawn := 0, 0
	for _, p := range d.Partners {
		if p.Agreement.TermTo < d.AsOf {
			expired++
		}
		for _, c := range p.Consents {
			if !c.Withdrawn.IsZero() {
				withdrawn++
			}
		}
	}
	if expired != 1 || withdrawn != 1 {
		t.Errorf("%d agreements are expired and %d consents withdrawn, want one of each", expired, withdrawn)
	}
}

func TestAnySizeGivesACoherentDistrict(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := sample.Options{
			Seed:     rapid.Uint64().Draw(t, "seed"),
			Students: rapid.IntRange(-1, 400).Draw(t, "students"),
			Schools:  rapid.IntRange(1, 14).Draw(t, "schools"),
			Year:     rapid.IntRange(1990, 2090).Draw(t, "year"),
		}
		if o.Students < 1 {
			o.Students = 1
		}
		d := sample.Generate(o)
		if len(d.Students) != o.Students || len(d.Schools) != o.Schools {
			t.Fatalf("%d students in %d schools", len(d.Students), len(d.Schools))
		}
		for _, fault := range faults(d) {
			t.Error(fault)
		}
	})
}

// faults lists what an import would refuse.
func faults(d *sample.District) []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	c := newCheck(d, say)
	for i := range d.Students {
		c.student(&d.Students[i])
	}
	for i := range d.Partners {
		c.partner(&d.Partners[i])
	}
	return all
}

type check struct {
	d        *sample.District
	say      func(string, ...any)
	schools  map[string]string
	sessions map[string]sample.Session
	open     map[civil.Date]bool
	students map[string]*sample.Student
}

func newCheck(d *sample.District, say func(string, ...any)) *check {
	c := &check{
		d: d, say: say, schools: map[string]string{}, sessions: map[string]sample.Session{},
		open: map[civil.Date]bool{}, students: map[string]*sample.Student{},
	}
	for _, s := range d.Schools {
		c.schools[s.ID] = s.Level
	}
	for _, s := range d.Sessions {
		c.sessions[s.ID] = s
	}
	for _, day := range d.Calendar {
		c.open[day.Date] = day.Instructional
	}
	return c
}

// at reports whether the child attends the school on an instructional day.
func (c *check) at(s *sample.Student, school string, day civil.Date) bool {
	for _, e := range s.Enrollments {
		if e.School == school && e.Entry <= day && (e.Exit.IsZero() || day <= e.Exit) {
			return c.open[day]
		}
	}
	return false
}

func (c *check) student(s *sample.Student) {
	if c.students[s.ID] != nil {
		c.say("student id %s twice", s.ID)
	}
	c.students[s.ID] = s
	if age := civil.Age(s.Birth, c.d.Year.Start); age < 4 || age > 19 {
		c.say("a child of %d", age)
	}
	last := civil.Date(0)
	for _, e := range s.Enrollments {
		if c.schools[e.School] == "" || !c.open[e.Entry] || e.Entry <= last {
			c.say("enrollment at %q from %s", e.School, e.Entry)
		}
		if last = e.Exit; last.IsZero() {
			last = c.d.Year.End
		}
	}
	seen := map[civil.Date]bool{}
	for _, m := range s.Marks {
		if !c.at(s, m.School, m.Date) || seen[m.Date] {
			c.say("mark on %s at %s", m.Date, m.School)
		}
		seen[m.Date] = true
	}
	for _, in := range s.Incidents {
		if !c.at(s, in.School, in.Date) {
			c.say("incident on %s at %s", in.Date, in.School)
		}
	}
	c.results(s)
	c.guardians(s)
}

func (c *check) results(s *sample.Student) {
	seen := map[sample.Result]bool{}
	for _, r := range s.Results {
		key := sample.Result{School: r.School, Session: r.Session, Course: r.Course}
		session, known := c.sessions[r.Session]
		if !known || !c.at(s, r.School, session.End) || seen[key] || r.Value < 0 || r.Value > 100 || r.Credits <= 0 {
			c.say("result %+v", r)
		}
		seen[key] = true
	}
}

func (c *check) guardians(s *sample.Student) {
	ids := map[string]bool{}
	for _, g := range s.Guardians {
		if ids[g.ID] {
			c.say("guardian %s twice for one child", g.ID)
		}
		ids[g.ID] = true
		if g.HoldsRights && (g.Capacity == "emergency_contact" || g.Capacity == "agency_caseworker") {
			c.say("a %s holds rights", g.Capacity)
		}
	}
}

func (c *check) partner(p *sample.Partner) {
	refs := map[string]bool{}
	named := map[string]bool{}
	for _, child := range p.Roster {
		if refs[child.Ref] {
			c.say("participant_ref %s twice", child.Ref)
		}
		refs[child.Ref] = true
		named[child.StudentID] = true
		last := civil.Date(0)
		for _, day := range child.Sessions {
			s := c.students[child.StudentID]
			if day.Date <= last || !slices.Contains(p.Agreement.Schools, day.School) || s != nil && !c.at(s, day.School, day.Date) {
				c.say("session of %s on %s at %s", child.Ref, day.Date, day.School)
			}
			last = day.Date
		}
	}
	for _, form := range p.Consents {
		c.consent(p, form, named)
	}
}

func (c *check) consent(p *sample.Partner, form sample.Consent, named map[string]bool) {
	s := c.students[form.StudentID]
	if s == nil || !named[form.StudentID] {
		c.say("form %s is about a child not on the roster", form.ID)
		return
	}
	if form.Capacity == "eligible_student" {
		if form.Signer != s.ID || civil.Age(s.Birth, form.Signed) < 18 {
			c.say("form %s is signed by a student under 18", form.ID)
		}
	} else if !slices.ContainsFunc(s.Guardians, func(g sample.Guardian) bool {
		return g.ID == form.Signer && g.HoldsRights && g.Capacity == form.Capacity
	}) {
		c.say("form %s is signed by one who holds no rights", form.ID)
	}
	if len(form.Categories) == 0 || form.RecordsTo < form.RecordsFrom || form.Expires < form.Signed || form.Expires > p.Agreement.TermTo {
		c.say("form %s names no categories or a wrong span", form.ID)
	}
}

// TestTheCheckSeesWhatItIsThereFor breaks a district in each way in turn.
func TestTheCheckSeesWhatItIsThereFor(t *testing.T) {
	t.Parallel()
	for name, sabotage := range map[string]func(*sample.District){
		"an id twice": func(d *sample.District) { d.Students[1].ID = d.Students[0].ID },
		"a mark on a Sunday": func(d *sample.District) {
			d.Students[0].Marks = []sample.Mark{{School: "101", Date: civil.Make(2025, 10, 5)}}
		},
		"a school that is not there": func(d *sample.District) { d.Students[0].Enrollments[0].School = "999" },
		"a caseworker with rights": func(d *sample.District) {
			d.Students[0].Guardians = []sample.Guardian{{Capacity: "agency_caseworker", HoldsRights: true}}
		},
		"a foreign signer":      func(d *sample.District) { d.Partners[0].Consents[0].Signer = "nobody" },
		"a session out of term": func(d *sample.District) { d.Partners[0].Roster[0].Sessions[0].Date = 1 },
		"a mark of 103": func(d *sample.District) {
			for i := range d.Students {
				for j := range d.Students[i].Results {
					d.Students[i].Results[j].Value = 103
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := sample.Generate(sample.Options{Seed: 3, Students: 300})
			if before := faults(d); len(before) > 0 {
				t.Fatal(before[0])
			}
			sabotage(d)
			if len(faults(d)) == 0 {
				t.Error("was not seen")
			}
		})
	}
}

func TestTheCalendarHas180Days(t *testing.T) {
	t.Parallel()
	for year := 1995; year < 2060; year++ {
		d := sample.Generate(sample.Options{Students: 1, Year: year})
		n := 0
		for _, day := range d.Calendar {
			if day.Instructional {
				n++
			}
		}
		start, end := d.Year.Start, d.Year.End
		if n != 180 || start.Time().Month() != time.September || end.Time().Month() != time.June || end.Time().Day() > 20 {
			t.Errorf("%d: %d days from %s to %s", year, n, start, end)
		}
		if d.Sessions[1].End >= d.Sessions[2].Start || d.Sessions[2].End != end {
			t.Errorf("%d: the semesters do not make up the year", year)
		}
	}
}

func TestTheLastCompleteYearIsOverOnItsDay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		today := civil.Make(2000, 1, 1) + civil.Date(rapid.IntRange(0, 36500).Draw(t, "days"))
		year := sample.YearEndedBy(today)
		this := sample.Generate(sample.Options{Students: 1, Year: year})
		next := sample.Generate(sample.Options{Students: 1, Year: year + 1})
		if this.AsOf > today || next.AsOf <= today {
			t.Fatalf("on %s the year from %d is not the last complete one", today, year)
		}
	})
}

func TestEveryFileIsRegularCSV(t *testing.T) {
	t.Parallel()
	d := sample.Generate(sample.Options{Seed: 5, Students: 500})
	for _, f := range d.Files() {
		if filepath.Ext(f.Name) != ".csv" {
			continue
		}
		var b bytes.Buffer
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil || len(rows) < 2 {
			t.Errorf("%s: %d rows, %v", f.Name, len(rows), err)
			continue
		}
		for _, cell := range slices.Concat(rows...) {
			if cell != strings.TrimSpace(cell) {
				t.Errorf("%s: a cell is padded", f.Name)
				break
			}
		}
	}
}

// TestTheFormsAreRequestsOfTheInterface holds the members that the service asks
// for; the service's own tests hold their values.
func TestTheFormsAreRequestsOfTheInterface(t *testing.T) {
	t.Parallel()
	d := sample.Generate(sample.Options{Seed: 5, Students: 500})
	p := d.Partners[0]
	own, guardians := 0, 0
	for _, c := range p.Consents {
		raw, err := c.Body(p.Agreement.ID)
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Agreement, Answer string
			Student           struct {
				StudentID string `json:"student_id"`
			}
			Signer   map[string]any
			SignedAt time.Time `json:"signed_at"`
			Expires  civil.Date
			Text     struct{ SHA256 string }
		}
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Fatal(err)
		}
		if body.Agreement != p.Agreement.ID || body.Student.StudentID != c.StudentID || body.Answer != c.Answer ||
			civil.Of(body.SignedAt, time.UTC) != c.Signed || body.Expires != c.Expires || len(body.Text.SHA256) != 64 || len(body.Signer) != 1 {
			t.Errorf("form %s became another", c.ID)
		}
		own += count(body.Signer["self"] == true)
		guardians += count(body.Signer["guardian_id"] == c.Signer)
	}
	if own+guardians != len(p.Consents) || guardians == 0 {
		t.Errorf("%d forms are signed by students and %d by guardians, of %d", own, guardians, len(p.Consents))
	}
}

func TestWritingReplacesWholeFilesAndLeavesNothingBeside(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "here")
	for _, seed := range []uint64{1, 2} {
		if err := sample.Generate(sample.Options{Seed: seed, Students: 100}).WriteCSV(dir); err != nil {
			t.Fatal(err)
		}
	}
	d := sample.Generate(sample.Options{Seed: 2, Students: 100})
	found := 0
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found++
		}
		return err
	})
	if err != nil || found != len(d.Files()) {
		t.Errorf("%d files, want %d, %v", found, len(d.Files()), err)
	}
	for _, f := range d.Files() {
		var want bytes.Buffer
		if err := f.Write(&want); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.Name))); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s is not what was written last: %v", f.Name, err)
		}
	}
}

func TestAFolderThatCannotBeMadeIsAnError(t *testing.T) {
	t.Parallel()
	inTheWay := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sample.Generate(sample.Options{Students: 1}).WriteCSV(inTheWay); err == nil {
		t.Error("no error")
	}
}

func TestAWriterThatFailsIsAnError(t *testing.T) {
	t.Parallel()
	reader, writer := io.Pipe()
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	for _, f := range sample.Generate(sample.Options{Students: 400}).Files() {
		if err := f.Write(writer); err == nil {
			t.Errorf("%s: no error", f.Name)
		}
	}
}

func BenchmarkGenerate(b *testing.B) {
	for b.Loop() {
		sample.Generate(sample.Options{Seed: 1})
	}
}

func BenchmarkWrite(b *testing.B) {
	d := sample.Generate(sample.Options{Seed: 1})
	for b.Loop() {
		for _, f := range d.Files() {
			if err := f.Write(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	}
}
