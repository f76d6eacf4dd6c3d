package ingest

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// small is a district of one student; columns are added to students.csv.
func small(header, cells string) fstest.MapFS {
	return fstest.MapFS{
		"schools.csv":     {Data: []byte("school_id,name\nA,Alder\n")},
		"sessions.csv":    {Data: []byte("session_id,title,type,start,end\nY,Year,schoolYear,2025-09-01,2026-06-30\n")},
		"students.csv":    {Data: []byte("student_id,given_name,family_name,birthdate" + header + "\nS,Ada,Okafor,2014-01-02" + cells + "\n")},
		"enrollments.csv": {Data: []byte("student_id,school_id,entry\nS,A,2025-09-01\n")},
	}
}

func sabotaged(s sabotage) Options {
	return Options{Snapshot: SnapshotAll, ExportDate: civil.Make(2026, 6, 30), Limits: Limits{sabotage: s}}
}

func TestForbiddenColumnsNeverComeIn(t *testing.T) {
	t.Parallel()
	refused := func(s sabotage) bool {
		im, _, err := Read(small(",ssn", ",123"), Plain(), sabotaged(s))
		if err != nil {
			t.Fatal(err)
		}
		return im == nil
	}
	if !refused(sabotage{}) {
		t.Error("a file with a forbidden column was read")
	}
	if refused(sabotage{admitForbidden: true}) {
		t.Error("the test does not miss its guard")
	}
}

func TestErrorRowsNeverComeIn(t *testing.T) {
	t.Parallel()
	out := func(s sabotage) bool {
		im, report, err := Read(small(",english_learner", ",perhaps"), Plain(), sabotaged(s))
		if err != nil || im == nil || report.Errors() == 0 {
			t.Fatal(err)
		}
		return len(im.Students) == 0
	}
	if !out(sabotage{}) {
		t.Error("a row in error came in")
	}
	if out(sabotage{acceptErrors: true}) {
		t.Error("the test does not miss its guard")
	}
}

func TestAStudentsOwnContactIsKeptFromSeventeenOn(t *testing.T) {
	t.Parallel()
	contact := func(exported civil.Date, email string, s sabotage) (string, int) {
		o := sabotaged(s)
		o.ExportDate = exported
		im, report, err := Read(small(",student_email,student_phone", ","+email+",+1 414 555 0142"), Plain(), o)
		if err != nil || im == nil || len(im.Students) != 1 {
			t.Fatal(err)
		}
		p := im.Students[0].Profile.Person
		return p.Email + " " + p.Phone, report.Warnings()
	}
	for _, c := range []struct {
		name, email, want string
		exported          civil.Date
		warnings          int
	}{
		{"the day before", "ada@example.org", " ", civil.Make(2031, 1, 1), 0},
		{"the birthday", "ada@example.org", "ada@example.org +1 414 555 0142", civil.Make(2031, 1, 2), 0},
		{"no address", "ada", " +1 414 555 0142", civil.Make(2031, 1, 2), 1},
		{"nobody looks at a child's", "ada", " ", civil.Make(2026, 6, 30), 0},
	} {
		if got, warnings := contact(c.exported, c.email, sabotage{}); got != c.want || warnings != c.warnings {
			t.Errorf("%s: %q with %d warnings", c.name, got, warnings)
		}
	}
	if got, _ := contact(civil.Make(2026, 6, 30), "ada@example.org", sabotage{keepContacts: true}); got == " " {
		t.Error("the test does not miss its guard")
	}
}

func TestZipsOutOfBoundsAreNeverUnpacked(t *testing.T) {
	t.Parallel()
	files := small("", "")
	files["schools.csv"].Data = []byte("school_id,name\nA,Alder\n" + strings.Repeat("\n", 1<<20))
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if err := w.AddFS(files); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	refused := func(s sabotage) bool {
		im, _, err := ReadZip(bytes.NewReader(b.Bytes()), int64(b.Len()), Plain(), sabotaged(s))
		if err != nil {
			t.Fatal(err)
		}
		return im == nil
	}
	if !refused(sabotage{}) {
		t.Error("a zip bomb was unpacked")
	}
	if refused(sabotage{unpackAll: true}) {
		t.Error("the test does not miss its guard")
	}
}
