package records

import (
	"slices"
	"unique"
)

func gradeIndicators() []Indicator {
	scale := "Only results on the figure's scale count; scales never mix. A value outside its scale counts as recorded."
	return []Indicator{{
		ID: MeanCourseResult, Version: 1, Family: GradesFamily, Name: "Mean course result", Unit: "points of the scale",
		Direction: HigherIsBetter, Kind: MeanOfRatios, Numerator: "sum of course results",
		Denominator: "course results", Notes: []string{scale}, compute: meanResult,
	}, {
		ID: GPA, Version: 1, Family: GradesFamily, Name: "Grade point average", Unit: "points of 4.0",
		Direction: HigherIsBetter, Kind: MeanOfRatios, Numerator: "points × credits", Denominator: "credits",
		Notes:   []string{scale, "Not reported on a scale without a 4.0 table. A result without credits has one."},
		compute: gradePoints,
	}, {
		ID: CourseFailureShare, Version: 1, Family: GradesFamily, Name: "Failed course results", Unit: "share of course results",
		Direction: LowerIsBetter, Kind: RatioOfSums, Numerator: "course results under the pass mark",
		Denominator: "course results", Notes: []string{scale, "Not reported on a scale without a pass mark."},
		compute: failureShare,
	}}
}

// results returns the student's results that stand for the period, on one
// scale.
func (q query) results() ([]Result, Scale, Status) {
	var all []Result
	for _, r := range q.student.Results {
		c := r.Course()
		if q.at(c.School) && slices.Contains(q.district.Sources(GradesFamily, c.School, q.period.ID), c.Session) {
			all = append(all, r)
		}
	}
	name := q.settings.Scale
	if name == "" {
		name = mostUsed(countScales(all))
	}
	all = slices.DeleteFunc(all, func(r Result) bool { return r.Course().Scale != name })
	if len(all) == 0 {
		return nil, Scale{}, q.noResults()
	}
	scale, _ := FindScale(name, q.settings.Scales)
	return all, scale, Reported
}

// noResults tells why a student has none: because the schools have none.
func (q query) noResults() Status {
	status := NotEnrolled
	for _, c := range q.student.claims(q.period) {
		switch {
		case !q.at(c.school):
		case len(q.district.Sources(GradesFamily, c.school, q.period.ID)) > 0:
			return NoRecord
		default:
			status = NotReported
		}
	}
	return status
}

func meanResult(q query) (Value, Status) {
	results, scale, status := q.results()
	v := Value{Den: 100 * int64(len(results)), Scale: scale.Name}
	for _, r := range results {
		v.Num += int64(r.Value)
	}
	return v, status
}

func gradePoints(q query) (Value, Status) {
	results, scale, status := q.results()
	v := Value{Scale: scale.Name}
	for _, r := range results {
		points, ok := scale.Points(r.Value)
		if !ok {
			return Value{}, NotReported
		}
		credits := int64(r.Course().Credits)
		v.Num += int64(points) * credits
		v.Den += 100 * credits
	}
	if status == Reported && v.Den == 0 {
		return Value{}, NoRecord
	}
	return v, status
}

func failureShare(q query) (Value, Status) {
	results, scale, status := q.results()
	if status == Reported && !scale.HasPass {
		return Value{}, NotReported
	}
	v := Value{Den: int64(len(results)), Scale: scale.Name}
	for _, r := range results {
		if r.Value < scale.Pass {
			v.Num++
		}
	}
	return v, status
}

// MainScale returns the scale that most course results of the period at the
// schools (none given means all) stand on; the first by name where two have as
// many, and empty where there is none. A report computes it once, passes it in
// Settings.Scale and names it beside the figure.
func (d *District) MainScale(period Session, schools []string) string {
	return d.ScalesIn(period).Main(schools)
}

// ScaleCounts are the course results of a period by school and scale.
type ScaleCounts map[string]map[string]int

// ScalesIn counts the results that stand for a period, for many reports on it.
func (d *District) ScalesIn(period Session) ScaleCounts {
	courses := map[unique.Handle[Course]]int{}
	for i := range d.Students {
		for _, r := range d.Students[i].Results {
			courses[r.course]++
		}
	}
	counts := ScaleCounts{}
	for course, n := range courses {
		c := course.Value()
		if !slices.Contains(d.Sources(GradesFamily, c.School, period.ID), c.Session) {
			continue
		}
		if counts[c.School] == nil {
			counts[c.School] = map[string]int{}
		}
		counts[c.School][c.Scale] += n
	}
	return counts
}

// Main is MainScale of the period that was counted.
func (s ScaleCounts) Main(schools []string) string {
	total := map[string]int{}
	for school, counts := range s {
		if len(schools) > 0 && !slices.Contains(schools, school) {
			continue
		}
		for scale, n := range counts {
			total[scale] += n
		}
	}
	return mostUsed(total)
}

func countScales(results []Result) map[string]int {
	counts := map[string]int{}
	for _, r := range results {
		counts[r.Course().Scale]++
	}
	return counts
}

func mostUsed(counts map[string]int) string {
	best := ""
	for name, n := range counts {
		if n > counts[best] || n == counts[best] && name < best {
			best = name
		}
	}
	return best
}
