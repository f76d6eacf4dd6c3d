package broker_test

import (
	"encoding/csv"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// The real schools' figures, worked out from the CSV files in plain Go. What
// follows shares no code with the program.

// handStudent is a student as the files have it.
type handStudent struct {
	id, name, school, grade string
	adult                   bool
	enrolled, absent        int64
	results                 []int64 // of 20, all terms
	dates                   map[string]bool
}

// handTable reads a CSV file as maps from column to cell.
func handTable(t testing.TB, dir string, name ...string) []map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join(append([]string{dir}, name...)...))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, column := range lines[0] {
			row[column] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func handNumber(t testing.TB, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// handStudents reads the real schools and their participants. Everybody is
// enrolled all year at one school.
func handStudents(t testing.TB) map[string]*handStudent {
	t.Helper()
	dir := sharedData(t, "uci-por")
	byID, byName := map[string]*handStudent{}, map[string]*handStudent{}
	for _, r := range handTable(t, dir, "students.csv") {
		s := &handStudent{id: r["student_id"], name: r["given_name"] + "|" + r["family_name"] + "|" + r["birthdate"], dates: map[string]bool{}}
		s.adult = r["birthdate"] <= "1988-06-30" // eighteen by 2006-06-30
		byID[s.id], byName[s.name] = s, s
	}
	for _, r := range handTable(t, dir, "enrollments.csv") {
		byID[r["student_id"]].school, byID[r["student_id"]].grade = r["school_id"], r["grade_level"]
	}
	for _, r := range handTable(t, dir, "attendance_summary.csv") {
		s := byID[r["student_id"]]
		s.enrolled, s.absent = handNumber(t, r["days_enrolled"]), handNumber(t, r["days_absent"])
	}
	for _, r := range handTable(t, dir, "grades.csv") {
		byID[r["student_id"]].results = append(byID[r["student_id"]].results, handNumber(t, r["value"]))
	}
	for _, r := range handTable(t, dir, "partner", "participation.csv") {
		byName[r["given_name"]+"|"+r["family_name"]+"|"+r["birthdate"]].dates[r["date"]] = true
	}
	return byID
}

// handGroup are the sums of a cohort or a rest.
type handGroup struct {
	n, chronic, failed, results int64
	attended, mean              *big.Rat // sums of student ratios
}

func sumByHand(students map[string]*handStudent, in func(*handStudent) bool) handGroup {
	g := handGroup{attended: new(big.Rat), mean: new(big.Rat)}
	for _, s := range students {
		if !in(s) {
			continue
		}
		g.n++
		g.attended.Add(g.attended, big.NewRat(s.enrolled-s.absent, s.enrolled))
		if 10*s.absent >= s.enrolled {
			g.chronic++
		}
		var sum int64
		for _, v := range s.results {
			sum += v
			if v < 10 {
				g.failed++
			}
		}
		g.results += int64(len(s.results))
		g.mean.Add(g.mean, big.NewRat(sum, int64(len(s.results))))
	}
	return g
}

// average is a sum of student ratios over the students, times a unit.
func (g handGroup) average(sum *big.Rat, unit int64) *big.Rat {
	return new(big.Rat).Mul(sum, big.NewRat(unit, g.n))
}

// roundedTo rounds half up to a whole number of steps.
func roundedTo(v, step *big.Rat) int64 {
	q := new(big.Rat).Quo(v, step)
	q.Add(q, big.NewRat(1, 2))
	return new(big.Int).Div(q.Num(), q.Denom()).Int64()
}

// bandByHand is the EDFacts band of a share, from the table of the
// specification of disclosure control, section 1.
func bandByHand(num, den, n int64) string {
	p := roundedTo(big.NewRat(100*num, den), big.NewRat(1, 1))
	between := func(end int64, cells ...[2]int64) string {
		if p <= end {
			return fmt.Sprintf("LE%d", end)
		}
		if p >= 100-end {
			return fmt.Sprintf("GE%d", 100-end)
		}
		for _, c := range cells {
			if c[0] <= p && p <= c[1] {
				return fmt.Sprintf("%d-%d", c[0], c[1])
			}
		}
		return strconv.FormatInt(p, 10)
	}
	cells := func(first, width int64) (list [][2]int64) {
		for at := first; at < 100; {
			end := at/width*width + width - 1
			list = append(list, [2]int64{at, end})
			at = end + 1
		}
		return list
	}
	switch {
	case n <= 15 && p < 50:
		return "LT50"
	case n <= 15:
		return "GE50"
	case n <= 30:
		return between(20, cells(21, 20)...)
	case n <= 60:
		return between(10, cells(11, 10)...)
	case n <= 300:
		return between(5, cells(6, 5)...)
	}
	return between(1)
}

// meanByHand is a mean rounded to its step, with the ends of its scale open:
// two parts of a hundred for sixty students and fewer, one to three hundred,
// half a one above.
func meanByHand(v *big.Rat, n int64, top, step float64, decimals string) string {
	unit := new(big.Rat).SetFloat64(step)
	if step == 0.2 {
		unit = big.NewRat(1, 5) // binary fractions have no fifth
	}
	end := 0.005
	switch {
	case n < 20:
		panic("no row of the real schools is so small")
	case n <= 60:
		end = 0.02
	case n <= 300:
		end = 0.01
	}
	steps := roundedTo(v, unit)
	whole := int64(top/step + 0.5)
	near := int64(end*top/step + 1e-9) // steps at each end that are not told apart
	print := func(k int64) string { return fmt.Sprintf(decimals, float64(k)*step) }
	switch {
	case steps <= near:
		return "LE" + print(near)
	case steps >= whole-near:
		return "GE" + print(whole-near)
	}
	return print(steps)
}

// codes are the four protected figures of a group.
func (g handGroup) codes() map[string]string {
	return map[string]string{
		"attendance_rate":      meanByHand(g.average(g.attended, 100), g.n, 100, 0.5, "%.1f"),
		"chronic_absence":      bandByHand(g.chronic, g.n, g.n),
		"mean_course_result":   meanByHand(g.average(g.mean, 1), g.n, 20, 0.2, "%.1f"),
		"course_failure_share": bandByHand(g.failed, g.results, g.n),
	}
}
