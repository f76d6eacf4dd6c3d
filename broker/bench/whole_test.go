package bench_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker/sample"
)

// wholeStudents is the size of the district whose whole import is measured.
func wholeStudents(t testing.TB) int {
	t.Helper()
	text := os.Getenv("HALLPASS_BENCH_STUDENTS")
	if text == "" {
		return 100_000
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

// copied is how long COPY of all files took, and of attendance.csv alone.
type copied struct{ whole, attendance time.Duration }

// copyAll loads the files of a folder into tables of text, with primary keys or
// without, all durable when it returns.
func (pg *postgres) copyAll(t testing.TB, folder string, keyed bool) (took copied) {
	t.Helper()
	for _, l := range loaded {
		name := "whole_" + strings.TrimSuffix(l.file, ".csv")
		// quoted, because some columns are named by words that SQL keeps for itself
		columns := `"` + strings.Join(header(t, filepath.Join(folder, l.file)), `" text, "`) + `" text`
		if keyed && l.key != "" {
			columns += ", PRIMARY KEY (" + l.key + ")"
		}
		pg.do(t, "DROP TABLE IF EXISTS "+name)
		pg.do(t, "CREATE TABLE "+name+" ("+columns+")")
	}
	pg.do(t, "CHECKPOINT")
	for _, l := range loaded {
		f, err := os.Open(filepath.Join(folder, l.file))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := pg.conn.PgConn().CopyFrom(t.Context(), f, "COPY whole_"+strings.TrimSuffix(l.file, ".csv")+" FROM STDIN (FORMAT csv, HEADER)"); err != nil {
			t.Fatal(l.file, err)
		}
		one := time.Since(start)
		f.Close()
		took.whole += one
		if l.file == "attendance.csv" {
			took.attendance = one
		}
	}
	return took
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

// program builds hallpass.
func program(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hallpass")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "../../cmd/hallpass").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// commanded loads a folder into a new district as a person does, by commands of
// the program; the load alone counts. peak is the most memory it had, in bytes.
func commanded(t testing.TB, program, folder string, made *sample.District) (s side, peak int64) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "district")
	defer os.RemoveAll(dir)
	run := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), program, args...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		var watching sync.WaitGroup
		watching.Go(func() { peak = mostMemory(cmd.Process.Pid, done) })
		err := cmd.Wait()
		close(done)
		if watching.Wait(); err != nil {
			t.Fatalf("%v: %.2000s", err, out.String())
		}
		return cmd
	}
	run("init", "--dir", dir, "--name", "Lakeland Public Schools", "--host", "data.lakeland.example", "--timezone", "America/Chicago")
	start := time.Now()
	cmd := run("import", "csv", "--dir", dir, "--snapshot", "all", "--attendance", "every-day", "--exported", made.AsOf.String(), folder)
	s = side{wall: time.Since(start), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), ops: 1}
	s.figure = s.wall.Seconds()
	return s, peak
}

// mostMemory asks the system, until done, for the most memory that a process had
// since it began: what it says of an ended one counts its parent's in.
func mostMemory(pid int, done <-chan struct{}) (peak int64) {
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	for {
		select {
		case <-done:
			return peak
		case <-every.C:
			if most := inStatus(pid, "VmHWM:"); most > 0 {
				peak = most
			}
		}
	}
}

// wholeRounds is how often both sides of a whole import take turns: a round of
// it is long.
const wholeRounds = 3

// benchWhole measures a whole import, and of it the attendance alone.
func benchWhole(t *testing.T) []outcome {
	n := wholeStudents(t)
	lines := []line{
		{bench: "whole import, validated, sealed, durable", peer: "PostgreSQL COPY of the same rows into heaps", goal: 2, stretch: 5},
		{bench: "whole import, validated, sealed, durable", peer: "PostgreSQL COPY into tables with primary keys", goal: 4, stretch: 12},
		{bench: "attendance of it alone", peer: "PostgreSQL COPY of the same file into a heap", goal: 4},
		{bench: "attendance of it alone", peer: "PostgreSQL COPY into a table with a primary key", goal: 8},
		{bench: fmt.Sprintf("most memory of a whole import, %d students", n), peer: "– (MB)", goal: 400, atMost: true},
		{bench: fmt.Sprintf("cost a row, 10,000 → %d students", n), peer: "itself", goal: 1.2, atMost: true},
	}
	all := make([]outcome, len(lines))
	pg, remedy := startPostgres(t)
	for i, l := range lines {
		if all[i] = (outcome{line: l}); pg == nil {
			all[i] = l.without(remedy)
		}
	}
	if pg == nil {
		return all
	}
	w := &wholeImport{t: t, pg: pg, program: program(t), large: wholeFolder(t, n), small: wholeFolder(t, 10_000)}
	for i := range wholeRounds + 1 {
		ratios := w.round()
		for j, r := range ratios {
			if i > 0 { // the first warms up
				all[j].ratios = append(all[j].ratios, r)
			}
		}
	}
	for i := range all {
		all[i].load = loadAverage()
	}
	all[0].ours, all[0].them = w.ours[1:], w.heaps[1:]
	all[0].notes = append(all[0].notes, fmt.Sprintf("%d students with guardians and results, %d marks; the command hallpass import csv, from its start to its end", n, w.large.rows))
	return all
}

// wholeExport is a made-up export, and the same with no mark in it.
type wholeExport struct {
	made       *sample.District
	full, bare string
	rows       int // marks
}

func wholeFolder(t testing.TB, students int) wholeExport {
	t.Helper()
	made := sample.Generate(sample.Options{Students: students, Schools: max(students/500, 2)})
	e := wholeExport{made: &sample.District{AsOf: made.AsOf}, full: t.TempDir()}
	e.rows = register(t, e.full, made)
	e.bare = emptied(t, e.full)
	return e
}

type wholeImport struct {
	t            testing.TB
	pg           *postgres
	program      string
	large, small wholeExport
	ours, heaps  []side
}

// round is one turn of both sides: the ratios in the order of the lines.
func (w *wholeImport) round() []float64 {
	heaps := w.pg.copyAll(w.t, w.large.full, false)
	ours, peak := commanded(w.t, w.program, w.large.full, w.large.made)
	keyed := w.pg.copyAll(w.t, w.large.full, true)
	bare, _ := commanded(w.t, w.program, w.large.bare, w.large.made)
	little, _ := commanded(w.t, w.program, w.small.full, w.small.made)
	w.ours = append(w.ours, ours)
	w.heaps = append(w.heaps, side{wall: heaps.whole, ops: 1, figure: heaps.whole.Seconds()})
	attendance := (ours.wall - bare.wall).Seconds()
	perRow := func(s side, e wholeExport) float64 { return s.figure / float64(e.rows) }
	return []float64{
		heaps.whole.Seconds() / ours.figure, keyed.whole.Seconds() / ours.figure,
		heaps.attendance.Seconds() / attendance, keyed.attendance.Seconds() / attendance,
		float64(peak) / 1e6,
		perRow(ours, w.large) / perRow(little, w.small),
	}
}
