package redteam_test

import (
	"math"
	"slices"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// The attackers' knowledge of who is enrolled where, and the truth by which the
// score is kept, are those of the district: otherwise every attack would miss.
func TestTheScoreIsWhatTheDistrictCounts(t *testing.T) {
	t.Parallel()
	d := open(t, pair(400), weakBuild(sdc.WeakExact))
	d.close(d.periods()...)
	sums := map[string]int{}
	for _, v := range d.read(d.periods()...) {
		for _, part := range []struct {
			side    *side
			members []int
		}{{v.cohort, v.p}, {v.rest, v.r}} {
			if part.side == nil {
				continue
			}
			if part.side.N != len(part.members) && v.group == "" {
				t.Errorf("%s %s counts %d students, the attacker %d", v.agreement, v.row, part.side.N, len(part.members))
			}
			got, ok := part.side.sum(v.indicator, len(part.members))
			if want := d.total(v.indicator, v.period, part.members) / unit(v.indicator); ok && math.Abs(got.sum-want) > .001*float64(len(part.members)) {
				t.Errorf("%s %s %s of %s: printed %.3f, in truth %.3f", v.agreement, v.row, v.indicator, v.period, got.sum, want)
			}
			sums[v.indicator]++
		}
	}
	for _, indicator := range everything {
		if sums[indicator] == 0 {
			t.Errorf("no sum of %s was printed", indicator)
		}
	}
}

// unit is what a point of an indicator's sum is worth in its total.
func unit(indicator string) float64 {
	if indicator == attendance {
		return 100
	}
	return 1
}

func TestAnotherDealOfOutcomesChangesThemAndNobodysSchool(t *testing.T) {
	t.Parallel()
	s := pair(401)
	was := makeWorld(s)
	s.shuffled = 9
	dealt := makeWorld(s)
	s.shuffled, s.flipped = 0, true
	turned := makeWorld(s)
	for i := range s.students {
		if was.school[i] != dealt.school[i] || was.grade[i] != dealt.grade[i] {
			t.Fatalf("student %d moved", i)
		}
		if was.bit(suspended, termID(0), i) == turned.bit(suspended, termID(0), i) {
			t.Fatalf("student %d did not turn", i)
		}
	}
	everybody := all(s.students)
	if a, b := was.total(chronic, termID(0), everybody), dealt.total(chronic, termID(0), everybody); a != b || a == 0 {
		t.Errorf("%v students are chronically absent, %v after another deal", a, b)
	}
	if !slices.ContainsFunc(s.pacts[0].roster, func(i int) bool {
		return was.bit(chronic, termID(0), i) != dealt.bit(chronic, termID(0), i)
	}) {
		t.Error("another deal gave each of the partner's students the same outcome")
	}
}

func TestAWorldOfTheSameSeedIsTheSame(t *testing.T) {
	t.Parallel()
	a, b := makeWorld(town(5, 2)), makeWorld(town(5, 2))
	for term := range a.outcomes {
		for i := range a.outcomes[term] {
			if a.outcomes[term][i] != b.outcomes[term][i] {
				t.Fatalf("student %d differs", i)
			}
		}
	}
	if len(a.pacts) != 12 {
		t.Errorf("%d agreements, want twelve", len(a.pacts))
	}
}
