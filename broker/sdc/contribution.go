package sdc

// What one student may add to a noisy sum is bounded, so that the noise that hides
// one student in a count hides every student in every sum. The bounds are those of
// the specification: attendance between 50 and 100 in whole points, grades in
// tenths of a point or fortieths of a scale, three incidents, eight course results.
const (
	leastAttendance = 50 * percent
	mostResults     = 8
	gradeParts      = 40

	attendancePoints = 20 // the change of one student that noise hides as it hides one in a count
)

// EventCap is the most events of one student that a noisy figure per hundred
// counts.
const EventCap = 3

// A contribution is what one student adds to a sum: parts, of a weight. The
// figure of a group is low + part × parts / weight.
type contribution struct {
	low, high Milli // values outside count as the nearest of the two
	part      Milli // what one part is worth in a group of weight one, in thousandths of the printed unit
	hidden    int64 // the change that noise hides as well as it hides one student in a count, in parts
}

// Hidden lists the changes that noise has to hide in the sums of all measures, in
// parts: the sizes that a source of noise must know.
func Hidden() []int64 { return []int64{1, EventCap, mostResults, attendancePoints, gradeParts / 4} }

// bounded returns how the measure's values enter noisy sums.
func (m Measure) bounded() contribution {
	switch {
	case m.Kind == Per100:
		return contribution{0, EventCap * 100 * percent, 100 * percent, EventCap}
	case m.Results:
		return contribution{0, 100 * percent, 100 * percent, mostResults}
	case m.Kind == Share:
		return contribution{0, 100 * percent, 100 * percent, 1}
	case m.Floor > m.Min: // attendance
		return contribution{m.Floor, m.Max, percent, attendancePoints}
	}
	part := (m.Max - m.Min) / gradeParts
	return contribution{m.Min, m.Max, part, gradeParts / 4}
}

// Range is the most that one student's value can change a noisy sum, in parts: the
// sensitivity for which a privacy budget pays.
func (m Measure) Range() int64 {
	if m.Results {
		return mostResults
	}
	c := m.bounded()
	return int64((c.high - c.low) / c.part)
}

// Parts turns a student's exact value num / den, den > 0, into what it adds to
// noisy sums. Course results beyond the eighth count as the first eight do on
// average.
func (m Measure) Parts(num, den int64) (parts, weight int64) {
	switch {
	case m.Kind == Per100:
		return max(0, min(num, EventCap)), 1
	case m.Results:
		weight = min(den, mostResults)
		return int64(clamp(rounded(num*weight, den), int(weight))), weight
	case m.Kind == Share:
		return max(0, min(num, 1)), 1
	}
	c := m.bounded()
	v := max(c.low, min(Milli(rounded(num*m.Unit, den)), c.high))
	return int64(rounded(int64(v-c.low), int64(c.part))), 1
}
