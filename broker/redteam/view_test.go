package redteam_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// view is one row of one figure as the attacker holds it: what was printed, and
// whose values are behind it. The attacker knows its roster and, at worst, in
// which school and grade everybody is enrolled.
type view struct {
	agreement, period, indicator, row string
	school, grade, group              string
	status, profile                   string
	members
	cohort, rest, whole *side // nil where nothing was printed
	consented           *consentedSide
}

// members are whose values are behind a row: the partner's students, the
// others, and both together. They are read only: rows share them.
type members struct{ p, r, t []int }

// side is a cohort, a rest or a whole as printed.
type side struct {
	N        int   `json:"n"`
	Coverage shown `json:"coverage"`
	Value    shown `json:"value"`
	Size     shown `json:"size"`
}

type shown struct {
	Kind string  `json:"kind"`
	Code string  `json:"code"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	Text string  `json:"text"`
}

type consentedSide struct {
	N     int     `json:"n"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// comparison is what is read of the member data.
type comparison struct {
	Profile string `json:"profile"`
	Rows    []struct {
		Row     string `json:"row"`
		School  string `json:"school"`
		Grade   string `json:"grade"`
		Group   string `json:"group"`
		Figures []struct {
			Indicator string         `json:"indicator"`
			Status    string         `json:"status"`
			Cohort    *side          `json:"cohort"`
			Rest      *side          `json:"rest"`
			Whole     *side          `json:"whole"`
			Consented *consentedSide `json:"consented"`
		} `json:"figures"`
	} `json:"rows"`
}

// views reads all rows that a partner of this agreement can ask for in the
// periods, as somebody whose roster was this one when they were frozen.
func (a attacker) views(p pact, periods ...string) []view {
	a.d.t.Helper()
	var list []view
	for _, period := range periods {
		for _, school := range a.places(p) {
			got := a.comparison(period, school)
			if got.status != http.StatusOK {
				a.d.t.Fatalf("%s asked for %s at %s: %d %s", p.id, period, school, got.status, got.body)
			}
			list = append(list, a.d.decode(p, period, got)...)
		}
	}
	return list
}

// places are the values of the parameter school.
func (a attacker) places(p pact) []string {
	list := []string{"all"}
	if p.grain == nil || slices.Contains(p.grain, "school") {
		list = append(list, names(p.schools)...)
	}
	return list
}

// decode is what an answer tells.
func (d *district) decode(p pact, period string, got answer) []view {
	d.t.Helper()
	var list []view
	read := dataOf[comparison](d.t, got.body)
	for _, r := range read.Rows {
		sets := d.behind(p, place{r.School, r.Grade, r.Group})
		for _, f := range r.Figures {
			list = append(list, view{
				agreement: p.id, period: period, indicator: f.Indicator, row: r.Row, school: r.School, grade: r.Grade, group: r.Group,
				status: f.Status, profile: read.Profile, members: sets, cohort: f.Cohort, rest: f.Rest, whole: f.Whole, consented: f.Consented,
			})
		}
	}
	return list
}

// place is what a row is of. Empty stands for any.
type place struct{ school, grade, group string }

// behind works out who is in a row: the students of each school and grade in
// which the partner has somebody. At worst the attacker knows who is in what group.
func (d *district) behind(p pact, at place) members {
	key := fmt.Sprint(p.id, at, len(p.roster), &p.roster[0])
	if m, ok := d.sets[key]; ok {
		return m
	}
	var m members
	taken := map[[2]int]bool{}
	for _, i := range p.roster {
		if !slices.Contains(p.schools, d.school[i]) {
			continue
		}
		taken[[2]int{d.school[i], d.grade[i]}] = true
		if d.at(i, at) {
			m.p = append(m.p, i)
		}
	}
	for i := range d.students {
		if taken[[2]int{d.school[i], d.grade[i]}] && d.at(i, at) {
			m.t = append(m.t, i)
		}
	}
	m.r = slices.DeleteFunc(slices.Clone(m.t), func(i int) bool { return contains(m.p, i) })
	d.sets[key] = m
	return m
}

// at reports whether a row counts a student.
func (w *world) at(i int, p place) bool {
	return (p.school == "" || schoolID(w.school[i]) == p.school) && (p.grade == "" || gradeName(w.grade[i]) == p.grade) && (p.group == "" || w.group(i) == p.group)
}

// printed reports that a number or a band stands there.
func (s *side) printed() bool { return s != nil && s.Value.Kind != "withheld" }

// contains reports whether a set, in increasing order, has a member.
func contains(set []int, x int) bool {
	_, in := slices.BinarySearch(set, x)
	return in
}

// estimate is a sum over students as a printed figure gives it: the best guess
// and the bounds that its code allows.
type estimate struct{ sum, low, high float64 }

// sum makes a sum of what was printed for n students: of a share in percent, of
// a mean in its own unit, of events in events.
func (s *side) sum(indicator string, n int) (estimate, bool) {
	if !s.printed() || n == 0 {
		return estimate{}, false
	}
	per := float64(n)
	if indicator != gpa {
		per /= 100
	}
	low, high := s.Value.Low, s.Value.High
	if low == high { // printed to the thousandth
		low, high = low-.0005, high+.0005
	}
	low, high = low*per, high*per
	best := (low + high) / 2
	if v, err := strconv.ParseFloat(s.Value.Code, 64); err == nil {
		best = v * per
	}
	return estimate{best, low, high}, true
}

// total is the true sum of an indicator over students: to keep the score.
func (w *world) total(indicator, period string, students []int) float64 {
	sum := 0.
	for _, i := range students {
		num, _ := w.value(indicator, period, i)
		sum += num
	}
	if indicator == attendance {
		sum *= 100
	}
	return sum
}
