package ingest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Drift is one way in which an export differs from the last ones: the files
// may be well-formed and yet mean something else.
type Drift struct {
	Family Family `json:"family"`
	What   string `json:"what"`
	Was    string `json:"was"` // the median of the last loads
	Is     string `json:"is"`
	Hold   bool   `json:"hold"` // so far off that the family is held
	Remedy string `json:"remedy"`
}

// The bounds of drift. Loads vary from week to week; what is held is what no
// week of a working school looks like.
const (
	warnRate, holdRate     = 1.5, 3    // factor between rates
	warnShare, holdShare   = 0.2, 0.5  // difference between shares
	fewRows                = 200       // under so many marks rates say little
	fewCells               = 50        // under so many rows a column says little
	warnAbsent, holdAbsent = 1.75, 3.5 // factor between shares absent
)

// Drift compares an export with the last loads, oldest first. Without any it
// finds nothing.
func (s Stats) Drift(last []Stats) []Drift {
	if len(last) == 0 {
		return nil
	}
	d := drifts{is: s, last: last}
	d.schools()
	d.marks()
	d.codes()
	d.columns()
	slices.SortStableFunc(d.found, func(a, b Drift) int { return cmp.Compare(rankOf(b), rankOf(a)) })
	return d.found
}

func rankOf(d Drift) int {
	if d.Hold {
		return 1
	}
	return 0
}

type drifts struct {
	is    Stats
	last  []Stats
	found []Drift
}

func (d *drifts) add(f Family, hold bool, what, was, is, remedy string) {
	d.found = append(d.found, Drift{f, what, was, is, hold, remedy})
}

// median is the middle of a figure over the last loads that have it.
func (d *drifts) median(figure func(Stats) (float64, bool)) (float64, bool) {
	var list []float64
	for _, s := range d.last {
		if v, ok := figure(s); ok {
			list = append(list, v)
		}
	}
	if len(list) == 0 {
		return 0, false
	}
	slices.Sort(list)
	return list[len(list)/2], true
}

// schools looks for schools that are not there any more.
func (d *drifts) schools() {
	placed := d.newest(func(s Stats) map[string]int { return s.Placed })
	d.missing(People, "schools without an enrollment that had some", placed, d.is.Placed,
		"look whether the export left schools out; a school that closed leaves with the year")
	if d.is.Rows["attendance.csv"] > 0 {
		marked := d.newest(func(s Stats) map[string]int { return s.Schools })
		d.missing(Attendance, "schools without a mark that had some", marked, d.is.Schools,
			"look whether the export left schools out")
	}
}

// newest is the last count by school that was loaded.
func (d *drifts) newest(count func(Stats) map[string]int) map[string]int {
	for _, s := range slices.Backward(d.last) {
		if c := count(s); len(c) > 0 {
			return c
		}
	}
	return nil
}

func (d *drifts) missing(f Family, what string, was, is map[string]int, remedy string) {
	lost := 0
	for school, n := range was {
		if n > 0 && is[school] == 0 {
			lost++
		}
	}
	if lost > 0 {
		d.add(f, true, what, fmt.Sprint(len(was)), fmt.Sprintf("%d missing", lost), remedy)
	}
}

// marks looks at the register: rows a day, share absent, marks on days without
// school.
func (d *drifts) marks() {
	if !enough(d.is) {
		return
	}
	perDay := func(s Stats) (float64, bool) { return ratio(s.Rows["attendance.csv"], s.Days), enough(s) && s.Days > 0 }
	d.rate(Attendance, "marks a day of instruction", perDay, warnRate, holdRate,
		"look whether the files list every day or exceptions only, and whether weeks are missing")
	absent := func(s Stats) (float64, bool) {
		return ratio(s.Absent, max(s.Days*placed(s), 1)), enough(s) && s.Days > 0
	}
	d.rate(Attendance, "absences a student and day", absent, warnAbsent, holdAbsent,
		"look whether a code changed its meaning, or a column its name")
	stray := func(s Stats) (float64, bool) { return ratio(s.Stray, s.Rows["attendance.csv"]), enough(s) }
	d.share(Attendance, "marks on a day without school or outside an enrollment", stray,
		"look whether day and month were swapped, or the calendar is of another year")
}

func enough(s Stats) bool { return s.Rows["attendance.csv"] >= fewRows }

func placed(s Stats) (n int) {
	for _, v := range s.Placed {
		n += v
	}
	return n
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func (d *drifts) rate(f Family, what string, figure func(Stats) (float64, bool), warn, hold float64, remedy string) {
	was, known := d.median(figure)
	is, ok := figure(d.is)
	if !known || !ok || was == 0 && is == 0 {
		return
	}
	low, high := min(was, is), max(was, is)
	if low == 0 || high/low >= warn {
		d.add(f, low == 0 || high/low >= hold, what, fmt.Sprintf("%.3g", was), fmt.Sprintf("%.3g", is), remedy)
	}
}

func (d *drifts) share(f Family, what string, figure func(Stats) (float64, bool), remedy string) {
	was, known := d.median(figure)
	is, ok := figure(d.is)
	if known && ok && is-was >= warnShare {
		d.add(f, is-was >= holdShare, what, percent(was), percent(is), remedy)
	}
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// codes looks for codes that no load had.
func (d *drifts) codes() {
	for _, file := range slices.Sorted(maps.Keys(d.is.Codes)) {
		fresh := 0
		for code := range d.is.Codes[file] {
			if !slices.ContainsFunc(d.last, func(s Stats) bool { return s.Codes[file][code] > 0 }) {
				fresh++
			}
		}
		had := slices.ContainsFunc(d.last, func(s Stats) bool { return len(s.Codes[file]) > 0 })
		if had && fresh > 0 {
			d.add(FamilyOf(file), false, "codes in "+file+" that no load had", "0", fmt.Sprint(fresh), "look whether the information system began to use a new code")
		}
	}
}

// columns looks for columns that are emptier than they were.
func (d *drifts) columns() {
	for _, column := range slices.Sorted(maps.Keys(d.is.Empty)) {
		file, name, _ := strings.Cut(column, " ")
		figure := func(s Stats) (float64, bool) {
			v, ok := s.Empty[column]
			return v, ok && s.Rows[file] >= fewCells
		}
		d.share(FamilyOf(file), "empty fields in column "+name+" of "+file, figure, "look whether the column has another name now")
	}
}
