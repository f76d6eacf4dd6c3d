package redteam_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// shape says which district to make. A world of the same shape is the same to
// the last bit.
type shape struct {
	seed     uint64
	students int
	schools  int
	terms    int
	pacts    []pact
	share    float64 // of students with each outcome, by chance alone; 0: outcomes hang together as in life
	constant bool    // every term is as the first
	discreet bool    // the district publishes no totals of its own
	shuffled uint64  // a deal of the outcomes to other students; 0: as drawn
	flipped  bool    // who had an outcome has it not, and the other way round
	change   func(term, student int, o *outcome)
	mark     func(student int) (special bool) // nil: by chance
}

// pact is one agreement, of a partner of the same name.
type pact struct {
	id         string
	schools    []int
	indicators []string
	grain      []string
	roster     []int // students, as the partner names them
	yes        []int // whose families agreed before anything was closed
	target     int   // of whom the partner wants to know something
	epsilon    int   // in tenths, of a budgeted agreement; 0: standard
}

// Indicators that an attack asks for. The first three are bits of a student.
const (
	chronic    = records.ChronicAbsence
	suspended  = records.OSSStudents
	inSchool   = records.ISSStudents
	attendance = records.AttendanceRate
	gpa        = records.GPA
	incidents  = records.IncidentsPer100
)

// bits are the indicators of which a student either has the outcome or not.
var bits = []string{chronic, suspended, inSchool}

// outcome is what the district records about a student of a term.
type outcome struct {
	absent  int  // of the days enrolled
	out, in bool // suspensions
	mark    int  // tenths of the four-point scale
	more    int  // incidents that led to no suspension
}

// enrolled is how many days a term has in the summaries, and a tenth of it how
// many make a student chronically absent.
const enrolled = 40

// counted is how many incidents a term has.
func (o outcome) counted() int { return o.more + int(truth(o.out)+truth(o.in)) }

// world is the truth: where students are enrolled, which the attackers know,
// and what came of them, which they are after.
type world struct {
	shape
	school   []int // by student
	grade    []int
	special  []bool      // in special education
	outcomes [][]outcome // by term and student
}

const firstGrade, grades = 9, 4

func makeWorld(s shape) *world {
	w := &world{shape: s}
	rng := rand.New(rand.NewPCG(s.seed, 1))
	for i := range s.students {
		w.school = append(w.school, i*s.schools/s.students) // of one size
		w.grade = append(w.grade, firstGrade+i%grades)
		w.special = append(w.special, rng.Float64() < .15)
		if s.mark != nil {
			w.special[i] = s.mark(i)
		}
	}
	risk := make([]float64, s.students)
	for i := range risk {
		risk[i] = rng.NormFloat64() + .3*float64(w.grade[i]-firstGrade)
	}
	for t := range s.terms {
		term := make([]outcome, s.students)
		for i := range term {
			term[i] = s.draw(rng, risk[i])
		}
		if s.constant && t > 0 {
			copy(term, w.outcomes[0])
		}
		w.outcomes = append(w.outcomes, term)
	}
	return w.alter()
}

// draw draws one term of one student.
func (s shape) draw(rng *rand.Rand, risk float64) outcome {
	coin := func(share float64) bool {
		if s.share > 0 {
			share = s.share
		}
		return rng.Float64() < share
	}
	o := outcome{mark: 28 - int(4*risk) + rng.IntN(9)}
	o.mark = max(0, min(40, o.mark))
	o.absent = rng.IntN(3)
	if coin(.14 + .18*max(0, risk)) {
		o.absent = enrolled/10 + rng.IntN(6)
	}
	o.out, o.in = coin(.02+.05*max(0, risk)), coin(.02+.05*max(0, risk))
	return o
}

// alter makes of the outcomes what the shape asks for.
func (w *world) alter() *world {
	rng := rand.New(rand.NewPCG(w.shuffled, 2))
	for t, term := range w.outcomes {
		if w.shuffled > 0 {
			rng.Shuffle(len(term), func(i, j int) { term[i], term[j] = term[j], term[i] })
		}
		for i := range term {
			if w.flipped {
				term[i].flip()
			}
			if w.change != nil {
				w.change(t, i, &term[i])
			}
		}
	}
	return w
}

// flip turns an outcome into its opposite.
func (o *outcome) flip() {
	o.out, o.in, o.mark = !o.out, !o.in, 40-o.mark
	if o.absent >= enrolled/10 {
		o.absent = 0
	} else {
		o.absent = enrolled/10 + 1
	}
}

// in lists the students of a school and grade; -1 means any.
func (w *world) in(school, grade int) []int {
	var list []int
	for i := range w.students {
		if (school < 0 || w.school[i] == school) && (grade < 0 || w.grade[i] == grade) {
			list = append(list, i)
		}
	}
	return list
}

// value is a student's exact value of an indicator over a period, as the parts
// of a ratio: num of den.
func (w *world) value(indicator, period string, student int) (num, den float64) {
	var total outcome
	list := w.termsOf(period)
	for _, t := range list {
		o := w.outcomes[t][student]
		total.absent, total.mark, total.more = total.absent+o.absent, total.mark+o.mark, total.more+o.counted()
		total.out, total.in = total.out || o.out, total.in || o.in
	}
	days := float64(enrolled * len(list))
	switch indicator {
	case chronic:
		return truth(float64(total.absent)*10 >= days), 1
	case suspended:
		return truth(total.out), 1
	case inSchool:
		return truth(total.in), 1
	case attendance:
		return (days - float64(total.absent)) / days, 1
	case incidents:
		return float64(total.more), 1
	}
	return float64(total.mark) / 10 / float64(len(list)), 1
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// bit reports whether a student has the outcome of one of bits.
func (w *world) bit(indicator, period string, student int) bool {
	num, _ := w.value(indicator, period, student)
	return num == 1
}

// termsOf lists the terms of a period: the year has all.
func (w *world) termsOf(period string) []int {
	for t := range w.outcomes {
		if termID(t) == period {
			return []int{t}
		}
	}
	all := make([]int, len(w.outcomes))
	for t := range all {
		all[t] = t
	}
	return all
}

// The school year and its terms, as long as one another.
const yearID = "2025-26"

func termID(t int) string { return yearID + "-T" + strconv.Itoa(t+1) }

func yearStart() civil.Date { return civil.Make(2025, time.August, 1) }

const termDays = 80

func (s shape) termStart(t int) civil.Date { return yearStart() + civil.Date(t*termDays) }
func (s shape) termEnd(t int) civil.Date   { return s.termStart(t+1) - 1 }
func (s shape) yearEnd() civil.Date        { return s.termEnd(s.terms - 1) }

// periods lists the terms and then the year.
func (s shape) periods() []string {
	var list []string
	for t := range s.terms {
		list = append(list, termID(t))
	}
	return append(list, yearID)
}

func schoolID(s int) string { return fmt.Sprintf("S%02d", s) }

// A student's number, names, birth date and mother follow from its place.
func studentID(i int) string   { return fmt.Sprintf("77%06d", i) }
func given(i int) string       { return "Given" + letters(i) }
func family(i int) string      { return "Family" + letters(i) }
func ref(i int) string         { return fmt.Sprintf("ref-%05d", i) }
func mother(i int) string      { return fmt.Sprintf("mo%05d", i) }
func birth(i int) civil.Date   { return civil.Make(2010, time.March, 1) + civil.Date(i%700) }
func studentAt(ref string) int { i, _ := strconv.Atoi(strings.TrimPrefix(ref, "ref-")); return i }
func gradeName(g int) string   { return strconv.Itoa(g) }
func names(ids []int) []string { return mapped(ids, schoolID) }

// group is the row of a student's group.
func (w *world) group(i int) string {
	if w.special[i] {
		return "special_education:yes"
	}
	return "special_education:no"
}

func mapped[A, B any](list []A, f func(A) B) []B {
	out := make([]B, len(list))
	for i, x := range list {
		out[i] = f(x)
	}
	return out
}

// letters writes a number as letters, since names have no digits.
func letters(n int) string {
	return strings.Map(func(r rune) rune { return 'a' + r - '0' }, strconv.Itoa(n))
}

// sample draws k of the students, in increasing order.
func sample(rng *rand.Rand, from []int, k int) []int {
	list := slices.Clone(from)
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	list = list[:min(k, len(list))]
	slices.Sort(list)
	return list
}

// without is a set less one of its members.
func without(set []int, x ...int) []int {
	return slices.DeleteFunc(slices.Clone(set), func(i int) bool { return slices.Contains(x, i) })
}

// all is every number under n.
func all(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
