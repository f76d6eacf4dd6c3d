package sdc

import (
	"fmt"
	"strconv"
)

// Schedule chooses where EDFacts starts to publish whole percents.
type Schedule int

const (
	// Subgroup is for a part of a school: whole percents from 301 students.
	// Cohorts, rests and grades are parts.
	Subgroup Schedule = iota
	// AllStudents is for the whole of a school: whole percents from 201.
	AllStudents
)

// ShownKind says what is shown.
type ShownKind string

// The kinds.
const (
	KindValue    ShownKind = "value"    // a rounded number
	KindBand     ShownKind = "band"     // a range
	KindWithheld ShownKind = "withheld" // nothing
)

// Shown is a protected figure. Low and High bound what was coded, both included,
// in thousandths of its unit, and follow from Code alone. Without noise that is
// the true figure; with noise it is the noisy one, held within its scale.
type Shown struct {
	Kind ShownKind `json:"kind"`
	Code string    `json:"code,omitempty"` // "94", "90-94", "GE95", "LE5", "LT50"
	Low  Milli     `json:"low"`
	High Milli     `json:"high"`
	Text string    `json:"text"`
}

const percent Milli = 1000 // thousandths of a percentage point in one

// finest is the width of the bands of a group by its size, zero for whole
// percents, with the open end at each side. Groups of fifteen and fewer have
// two halves only. The cut points are those of the EDFacts school files of
// adjusted cohort graduation rates, 2010-11 to 2013-14.
type grid struct{ width, end int }

func gridFor(n int, s Schedule) grid {
	top := 300
	if s == AllStudents {
		top = 200
	}
	switch {
	case n <= 15:
		return grid{width: 50}
	case n <= 30:
		return grid{width: 20, end: 20}
	case n <= 60:
		return grid{width: 10, end: 10}
	case n <= top:
		return grid{width: 5, end: 5}
	}
	return grid{width: 1, end: 1}
}

// Band codes the share num / den of a group of n students as EDFacts does.
// The share is first rounded to a whole percent, a half upwards. Fewer than six
// students, or a denominator that is not positive, are withheld.
func Band(num, den int64, n int, s Schedule) Shown {
	if n < 6 || den <= 0 {
		return withheld()
	}
	return bandOf(clamp(rounded(num*100, den), 100), gridFor(n, s), " %")
}

// bandOf places a whole number from 0 to 100 on a grid.
func bandOf(p int, g grid, unit string) Shown {
	switch {
	case g.width == 50 && p < 50:
		return Shown{KindBand, "LT50", 0, 49*percent + percent/2, "under 50" + unit}
	case g.width == 50:
		return atLeast(50, unit)
	case p <= g.end:
		return Shown{KindBand, fmt.Sprintf("LE%d", g.end), 0, whole(g.end) + percent/2, fmt.Sprintf("%d%s or less", g.end, unit)}
	case p >= 100-g.end:
		return atLeast(100-g.end, unit)
	case g.width == 1:
		return Shown{KindValue, strconv.Itoa(p), whole(p) - percent/2, whole(p) + percent/2, strconv.Itoa(p) + unit}
	}
	lo := p / g.width * g.width
	hi := lo + g.width - 1
	lo = max(lo, g.end+1)
	return Shown{KindBand, fmt.Sprintf("%d-%d", lo, hi), whole(lo) - percent/2, whole(hi) + percent/2, fmt.Sprintf("%d–%d%s", lo, hi, unit)}
}

func atLeast(p int, unit string) Shown {
	return Shown{KindBand, fmt.Sprintf("GE%d", p), whole(p) - percent/2, 100 * percent, fmt.Sprintf("%d%s or more", p, unit)}
}

func withheld() Shown { return Shown{Kind: KindWithheld, Text: "withheld"} }

func whole(p int) Milli { return Milli(p) * percent }

// rounded returns a / b for b > 0, a half upwards.
func rounded(a, b int64) int {
	q := (2*a + b) / (2 * b)
	if (2*a+b)%(2*b) < 0 {
		q--
	}
	return int(q)
}

func clamp(v, most int) int { return max(0, min(v, most)) }
