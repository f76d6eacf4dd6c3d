package broker

import (
	"fmt"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// lowPrecision is the size under which a side is shown as a wide band.
const lowPrecision = 20

// sees says in words what a partner will see of a plan: first the pooled row, then
// how much of each finer division.
func sees(p sdc.Plan) []string {
	var words []string
	for _, g := range sights(p.Figures) {
		words = append(words, "All schools together, "+strings.Join(g.indicators, ", ")+": "+g.what+".")
	}
	for _, level := range []struct {
		sdc.Level
		name string
	}{{sdc.LevelSchool, "School by school"}, {sdc.LevelGrade, "Grade by grade"}, {sdc.LevelSchoolGrade, "Each grade of each school"}, {sdc.LevelGroup, "Group by group"}} {
		if n := levelOf(p, level.Level); n.planned > 0 {
			words = append(words, fmt.Sprintf("%s: %d of %s shown%s.", level.name, n.shown, counted(n.planned, "figure"), n.beside()))
		}
	}
	return orEmptyList(words)
}

// sameSight are indicators of whose pooled row the partner sees the same.
type sameSight struct {
	what       string
	indicators []string
}

func sights(figures []sdc.FigurePlan) []sameSight {
	var list []sameSight
	for _, f := range figures {
		what := sightOf(f)
		i := 0
		for i < len(list) && list[i].what != what {
			i++
		}
		if i == len(list) {
			list = append(list, sameSight{what: what})
		}
		list[i].indicators = append(list[i].indicators, f.Indicator)
	}
	return list
}

func sightOf(f sdc.FigurePlan) string {
	if !f.Reported {
		return "not reported, for the district has no such records of the period"
	}
	for _, v := range f.Verdicts {
		switch {
		case v.Key != sdc.Key{}:
		case v.Shown && min(v.CohortCovered, v.RestCovered) < lowPrecision:
			return fmt.Sprintf("%d participants beside %d other students, in wide bands", v.Cohort, v.Rest)
		case v.Shown:
			return fmt.Sprintf("%d participants beside %d other students", v.Cohort, v.Rest)
		case v.WholeShown:
			return "withheld; in its place the participants whose families said yes, if any, beside the whole of all students"
		}
	}
	return "withheld; in its place the participants whose families said yes, if any"
}

// levelSight counts the figures of one level.
type levelSight struct{ planned, shown, wholes int }

func levelOf(p sdc.Plan, level sdc.Level) (n levelSight) {
	for _, f := range p.Figures {
		for _, v := range f.Verdicts {
			if !f.Reported || v.Key.Level() != level {
				continue
			}
			n.planned++
			if v.Shown {
				n.shown++
			} else if v.WholeShown {
				n.wholes++
			}
		}
	}
	return n
}

func (n levelSight) beside() string {
	if n.wholes == 0 {
		return ""
	}
	return fmt.Sprintf("; of %d withheld ones the whole stands alone", n.wholes)
}
