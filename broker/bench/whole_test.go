package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/sample"
)

// wholeStudents is the size of the district whose whole import is measured.
func wholeStudents(t testing.TB) int {
	t.Helper()
	text := os.Getenv("HALLPASS_BENCH_STUDENTS")
	if text == "" {
		return 20_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal("HALLPASS_BENCH_STUDENTS is not a number:", err)
	}
	return n
}

// loaded are the files that both sides load, with the columns by which a
// database would keep a row once.
var loaded = []struct{ file, key string }{
	{"students.csv", "student_id"},
	{"enrollments.csv", "student_id, school_id, entry"},
	{"calendar.csv", "school_id, date"},
	{"attendance.csv", "student_id, school_id, date"},
	{"discipline.csv", ""}, // a row is not told from another by any columns of it
	{"grades.csv", "student_id, school_id, session_id, course"},
	{"guardians.csv", "student_id, guardian_id"},
}

// copyAll loads the files of a folder into tables of text, with primary keys or
// without, all durable when it returns.
func (pg *postgres) copyAll(t testing.TB, folder string, keyed bool) side {
	t.Helper()
	var statements []string
	for _, l := range loaded {
		name := "whole_" + strings.TrimSuffix(l.file, ".csv")
		// quoted, because some columns are named by words that SQL keeps for itself
		columns := `"` + strings.Join(header(t, filepath.Join(folder, l.file)), `" text, "`) + `" text`
		if keyed && l.key != "" {
			columns += ", PRIMARY KEY (" + l.key + ")"
		}
		pg.do(t, "DROP TABLE IF EXISTS "+name)
		pg.do(t, "CREATE TABLE "+name+" ("+columns+")")
		statements = append(statements, "COPY "+name+" FROM STDIN (FORMAT csv, HEADER)")
	}
	pg.do(t, "CHECKPOINT")
	s := timed(1, func() {
		for i, l := range loaded {
			f, err := os.Open(filepath.Join(folder, l.file))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := pg.conn.PgConn().CopyFrom(t.Context(), f, statements[i]); err != nil {
				t.Fatal(l.file, err)
			}
			f.Close()
		}
	}, pg.pid)
	s.figure = s.wall.Seconds()
	return s
}

// header is the first row of a file without quotes.
func header(t testing.TB, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strings.Split(strings.TrimSpace(first), ",")
}

func benchWhole(t *testing.T) outcome {
	l := line{bench: "whole import, validated, sealed, durable", peer: "PostgreSQL COPY of the same rows into heaps", goal: 2, stretch: 5}
	pg, remedy := startPostgres(t)
	if pg == nil {
		return l.without(remedy)
	}
	made := sample.Generate(sample.Options{Students: wholeStudents(t), Schools: 40})
	folder := t.TempDir()
	rows := register(t, folder, made)
	var keyed []float64
	o := l.measure(t, func() side {
		s := imported(t, folder, noon(made))
		s.figure = s.wall.Seconds()
		keyed = append(keyed, pg.copyAll(t, folder, true).figure/s.figure)
		return s
	}, func() side { return pg.copyAll(t, folder, false) })
	o.notes = append(o.notes,
		fmt.Sprintf("%d students with guardians and results, %d marks: ours %v, heaps %v", len(made.Students), rows, medianFigure(o.ours), medianFigure(o.them)),
		fmt.Sprintf("beside COPY of the same rows into tables with primary keys: %.2f (goal 4, stretch 12)", median(keyed[1:])))
	return o
}
