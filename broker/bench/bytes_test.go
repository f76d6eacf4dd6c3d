package bench_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sample"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

// mostBytes bounds the sealed bytes of a student-year (spec/performance).
const mostBytes = 160

// segments is where the broker keeps sealed school years: attendance,
// results and discipline. Identities lie elsewhere.
const segments store.Collection = "segments"

// stored sums keys and values of a collection of a district that is closed.
func stored(t testing.TB, dir string, c store.Collection) (total int) {
	t.Helper()
	e, err := bolt.Open(filepath.Join(dir, "store.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	tx, err := e.Begin(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	err = tx.Scan(c, store.Range{}, func(k, v []byte) (bool, error) {
		total += len(k) + len(v)
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}

// perStudent returns the sealed bytes of a student-year of a made-up district
// as its import stored them, from a register of exceptions or of every day.
func perStudent(t *testing.T, made *sample.District, dir string, marking records.Marking) float64 {
	folder := filepath.Join(dir, "csv")
	if err := made.WriteCSV(folder); err != nil {
		t.Fatal(err)
	}
	if marking == records.EveryDay {
		register(t, folder, made)
	}
	var home string
	t.Run("import", func(t *testing.T) { // the district is closed at its end
		home = initDistrict(t, dir, noon(made))
		openDistrict(t, home, noon(made)).load(folder, marking)
	})
	return float64(stored(t, home, segments)) / float64(len(made.Students))
}

func benchBytes(t *testing.T) outcome {
	l := line{bench: "sealed bytes a student-year (180 days, results, discipline)", peer: "–", goal: mostBytes, atMost: true}
	made := sample.Generate(sample.Options{})
	results, incidents, marks := 0, 0, 0
	for _, s := range made.Students {
		results, incidents, marks = results+len(s.Results), incidents+len(s.Incidents), marks+len(s.Marks)
	}
	n := float64(len(made.Students))
	daily, exceptions := perStudent(t, made, t.TempDir(), records.EveryDay), perStudent(t, made, t.TempDir(), records.Exceptions)
	return l.single(max(daily, exceptions), fmt.Sprintf("%.0f bytes from a register of every day, %.0f from one of exceptions; %d days, %.1f marks that differ from present, %.1f results and %.2f incidents a student; sealing takes 28 bytes and the place in the index 18 of them",
		daily, exceptions, len(schoolDays(made)), float64(marks)/n, float64(results)/n, float64(incidents)/n))
}

func TestAStudentYearTakesFewBytes(t *testing.T) {
	t.Parallel()
	made := sample.Generate(sample.Options{Students: 300, Schools: 1})
	for _, marking := range []records.Marking{records.EveryDay, records.Exceptions} {
		if got := perStudent(t, made, inMemory(t), marking); got > mostBytes {
			t.Errorf("a student-year of a register of %s takes %.0f bytes, more than %d", marking, got, mostBytes)
		}
	}
}
