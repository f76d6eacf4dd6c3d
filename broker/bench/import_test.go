package bench_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sample"
)

// register writes a district's plain CSV with an attendance.csv that lists
// every day of every child, and returns the number of its rows.
func register(t testing.TB, dir string, made *sample.District) (rows int) {
	t.Helper()
	if err := made.WriteCSV(dir); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, "attendance.csv"))
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	w.WriteString("student_id,school_id,date,code\n")
	days := schoolDays(made)
	for i := range made.Students {
		rows += marks(w, &made.Students[i], days)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return rows
}

// marks writes a row for each day that a child was enrolled.
func marks(w *bufio.Writer, s *sample.Student, days []sample.Day) (rows int) {
	code := map[int]string{}
	for _, m := range s.Marks {
		code[int(m.Date)] = m.Code
	}
	for _, e := range s.Enrollments {
		for _, d := range days {
			if d.Date < e.Entry || !e.Exit.IsZero() && d.Date > e.Exit {
				continue
			}
			given, ok := code[int(d.Date)]
			if !ok {
				given = "present"
			}
			fmt.Fprintf(w, "%s,%s,%s,%s\n", s.ID, e.School, d.Date, given)
			rows++
		}
	}
	return rows
}

func schoolDays(made *sample.District) (days []sample.Day) {
	for _, d := range made.Calendar {
		if d.Instructional {
			days = append(days, d)
		}
	}
	return days
}

// emptied is a copy of a folder whose attendance.csv has no row.
func emptied(t testing.TB, dir string) string {
	t.Helper()
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(copied, "attendance.csv"), []byte("student_id,school_id,date,code\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return copied
}

// imported loads a folder into a new district. Only the import counts.
func imported(t *testing.T, folder string, at time.Time) (s side) {
	dir := t.TempDir()
	t.Run("once", func(t *testing.T) { // the district is closed at the end of each
		d := openDistrict(t, initDistrict(t, dir, at), at)
		s = timed(1, func() { d.load(folder, records.EveryDay) })
	})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	return s
}

func benchImport(t *testing.T) outcome {
	l := line{bench: "plain CSV attendance, validated, durable", peer: "PostgreSQL COPY of the same file into a heap", goal: 3, stretch: 6}
	pg, remedy := startPostgres(t)
	if pg == nil {
		return l.without(remedy)
	}
	made := sample.Generate(sample.Options{Students: 10_000, Schools: 20})
	folder := t.TempDir()
	rows := register(t, folder, made)
	bare := emptied(t, folder)
	file := filepath.Join(folder, "attendance.csv")
	var whole []side
	o := l.measure(t, func() side {
		rest := imported(t, bare, noon(made))
		all := imported(t, folder, noon(made))
		whole = append(whole, all)
		s := side{wall: all.wall - rest.wall, cpu: all.cpu - rest.cpu, ops: rows}
		s.figure = s.wall.Seconds()
		return s
	}, func() side { return pg.copy(t, file, rows) })
	for i := range whole {
		whole[i].figure = whole[i].wall.Seconds()
	}
	size, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	total, peer := medianFigure(whole[1:]), medianFigure(o.them)
	o.notes = append(o.notes, fmt.Sprintf("%d rows, %d MB: ours %v (an import of the folder less one with an empty attendance.csv), peer %v", rows, size.Size()>>20, medianFigure(o.ours), peer),
		fmt.Sprintf("the whole import, with %d children, guardians, grades and keys that the peer does not load: %v, %.2f × COPY of the attendance alone", len(made.Students), total, peer.Seconds()/total.Seconds()))
	return o
}
