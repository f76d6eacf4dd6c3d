package broker_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	arithmetic "github.com/hallpass-edu/hallpass/broker/redteam/attack"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// An insider has put all suspended students of Grand Bend on its rosters, among others,
// and has every figure of three agreements: bands, noise and paid noise over the same
// students. It knows that nobody else was suspended, who is in which row, and how
// figures are made. It wants to know how many of its participants were suspended at each
// school, and who.

// counts are how many participants of each school were suspended.
type counts [len(grandSchools)]int

// clue is what one printed number says of the participants of some schools: their count,
// with noise or without, lies between two numbers.
type clue struct {
	schools   []int
	law       *arithmetic.Law // of the noise; nil: none
	low, high float64
}

// chance is how likely the printed number is with these counts.
func (c clue) chance(n counts) float64 {
	sum := 0.
	for _, s := range c.schools {
		sum += float64(n[s])
	}
	switch {
	case c.law != nil:
		return c.law.Between(c.low-sum, c.high-sum)
	case c.low-1e-9 <= sum && sum <= c.high+1e-9:
		return 1
	}
	return 0
}

// insider is somebody with such rosters and the figures of the closed year.
type insider struct {
	*grandBend
	sizes counts // of the rosters
	cells counts // grades in which somebody takes part
	clues []clue
}

// newInsider closes the year with the suspended among so many others of each school.
func newInsider(t testing.TB, others map[string]int, options ...func(*broker.Options)) *insider {
	t.Helper()
	in := &insider{grandBend: newGrandBend(t, 2, options...)}
	roster := in.among(others)
	in.signedWith(roster, "all", "school")
	in.closePeriod(grandYear)
	grades := map[string]bool{}
	year := yearByHand(in.files)
	for s, school := range grandSchools {
		for _, p := range in.at(school, roster) {
			_, grade, _ := year.place(p.id, day("2022-05-27"))
			if !grades[grade] {
				in.cells[s]++
			}
			grades[grade] = true
			in.sizes[s]++
		}
	}
	for id := range profiles {
		for _, indicator := range []string{"iss_students", "suspended_students"} { // nobody was suspended out of school: they are one fact
			in.read(id, indicator)
		}
	}
	return in
}

// read takes every printed number of an agreement's indicator.
func (in *insider) read(id, indicator string) {
	in.t.Helper()
	everybody := []int{0, 1, 2}
	in.row(id, in.compare(id, id, "", grandYear)["all"][indicator], everybody, id == "paid")
	if id == "paid" {
		return // it has no other row
	}
	for s, school := range grandSchools {
		in.row(id, in.compare(id, id, school, grandYear)["school:"+school][indicator], []int{s}, true)
	}
}

// row takes cohort and rest. Of the others nobody was suspended, so that with noise the
// two together are one more look at the participants: the noise of the whole. The whole
// of the pooled row is that of its schools, no other draw.
func (in *insider) row(id string, f shownFigure, schools []int, finest bool) {
	if f.Cohort == nil {
		return
	}
	deviation := f.Cohort.Noise / 100 * float64(f.Cohort.N)
	cohort, rest := bounds(f.Cohort), bounds(f.Rest)
	if deviation == 0 {
		in.clues = append(in.clues, clue{schools, nil, cohort.low, cohort.high})
		return
	}
	in.clues = append(in.clues, clue{schools, arithmetic.Gaussian(deviation * deviation), cohort.low, cohort.high})
	if finest {
		draws := 0
		for _, s := range schools {
			draws += in.cells[s]
		}
		whole := cohort.plus(rest)
		in.clues = append(in.clues, clue{schools, arithmetic.Gaussian(deviation * deviation * float64(draws)), whole.low, whole.high})
	}
}

// bounds are those of a count that a printed percentage leaves.
func bounds(s *side) span {
	n := float64(s.N) / 100
	out := span{s.Value.Low * n, s.Value.High * n}
	if s.Value.Low == s.Value.High { // printed to the thousandth
		out = span{(s.Value.Low - .0005) * n, (s.Value.High + .0005) * n}
	}
	if s.Noise > 0 && strings.HasPrefix(s.Value.Code, "LE") {
		out.low = math.Inf(-1)
	}
	if s.Noise > 0 && strings.HasPrefix(s.Value.Code, "GE") {
		out.high = math.Inf(1)
	}
	return out
}

// posterior is how likely each possible set of counts is after all clues, each being as
// likely before.
func (in *insider) posterior(clues []clue) map[counts]float64 {
	chances, total := map[counts]float64{}, 0.
	for a := range in.sizes[0] + 1 {
		for b := range in.sizes[1] + 1 {
			for c := range in.sizes[2] + 1 {
				n, p := counts{a, b, c}, 1.
				for _, clue := range clues {
					p *= clue.chance(n)
				}
				if p > 0 {
					chances[n] = p
					total += p
				}
			}
		}
	}
	for n := range chances {
		chances[n] /= total
	}
	return chances
}

// conclusion is what a posterior says: how likely the true counts are, of each school, in all
// and together, and how likely it holds that a participant of each school was suspended.
type conclusion struct {
	each, student [len(grandSchools)]float64
	all, together float64
	possible      [len(grandSchools)]map[int]bool
	sums          map[int]bool
}

func (in *insider) conclusion(chances map[counts]float64) conclusion {
	out := conclusion{sums: map[int]bool{}}
	truth, sum := counts{}, 0
	for s, school := range grandSchools {
		truth[s] = grandSuspended[school]
		sum += truth[s]
		out.possible[s] = map[int]bool{}
	}
	for n, p := range chances {
		for s := range n {
			out.possible[s][n[s]] = true
			out.student[s] += p * float64(n[s]) / float64(in.sizes[s])
			if n[s] == truth[s] {
				out.each[s] += p
			}
		}
		out.sums[n[0]+n[1]+n[2]] = true
		if n[0]+n[1]+n[2] == sum {
			out.all += p
		}
		if n == truth {
			out.together += p
		}
	}
	return out
}

func (c conclusion) String() string {
	return fmt.Sprintf("the true counts are held for %.2f likely by school, %.2f in all, %.2f together; a participant's suspension for %.2f", c.each, c.all, c.together, c.student)
}

// certain is from when on somebody is said to know.
const certain = .95

// Two rosters: the suspended among forty others, and among twenty-six.
var grandRosters = map[string]map[string]int{
	"among forty others": {grandHigh: 20, grandMiddle: 10, grandElementary: 10},
	"among twenty-six":   {grandHigh: 10, grandMiddle: 7, grandElementary: 9},
}

func TestTheSuspendedOfGrandBendCannotBeToldFromAllThatIsPublished(t *testing.T) {
	t.Parallel()
	for name, others := range grandRosters {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newInsider(t, others)
			in.examine(grandYear, witness{year: yearByHand(in.files)})
			if len(in.clues) != 26 {
				t.Fatalf("%d numbers were printed, want 26: eight without noise, ten cohorts and eight wholes with it", len(in.clues))
			}
			in.noiseHidesCounts(t)
			in.bandsLeaveMore(t)
			in.allTogetherProvesNothing(t)
		})
	}
}

// noiseHidesCounts checks that from the figures with noise, of both agreements that have
// it, no true count is held for certain: that of a school, that of all, all at once.
func (in *insider) noiseHidesCounts(t *testing.T) {
	t.Helper()
	got := in.conclude(func(c clue) bool { return c.law != nil })
	t.Log("from noise: ", got)
	for s, school := range grandSchools {
		if got.each[s] >= certain || got.student[s] >= certain {
			t.Errorf("%s: the count is held for %.3f likely, a participant's suspension for %.3f", school, got.each[s], got.student[s])
		}
	}
	if got.all >= certain || got.together >= certain {
		t.Errorf("the counts are held for %.3f likely in all, %.3f together", got.all, got.together)
	}
}

// allTogetherProvesNothing checks that bands and noise over the same students still
// leave more than one count, and no participant whose suspension is certain. How likely
// the true count of a school becomes is not bounded here: bands cut off what noise alone
// would leave, and in a few draws of a thousand it is over 95 %. The preflight of the
// agreement under noise says that it does not count the bands.
func (in *insider) allTogetherProvesNothing(t *testing.T) {
	t.Helper()
	got := in.conclude(func(clue) bool { return true })
	t.Log("from all: ", got)
	for s, school := range grandSchools {
		if len(got.possible[s]) < 2 || got.student[s] >= certain {
			t.Errorf("%s: all figures together leave %v, and a participant's suspension for %.3f likely", school, got.possible[s], got.student[s])
		}
	}
	if len(got.sums) < 2 {
		t.Errorf("all figures together leave %v in all", got.sums)
	}
}

// conclude is what follows from some of the clues.
func (in *insider) conclude(use func(clue) bool) conclusion {
	var some []clue
	for _, c := range in.clues {
		if use(c) {
			some = append(some, c)
		}
	}
	return in.conclusion(in.posterior(some))
}

// bandsLeaveMore checks what the figures without noise say alone: more than one count of
// each school and in all, and no student's value.
func (in *insider) bandsLeaveMore(t *testing.T) {
	t.Helper()
	view := arithmetic.View{}
	from := counts{0, in.sizes[0], in.sizes[0] + in.sizes[1]}
	for _, n := range in.sizes {
		view.Students += n
	}
	for _, c := range in.clues {
		if c.law != nil {
			continue
		}
		var members []int
		for _, s := range c.schools {
			for i := range in.sizes[s] {
				members = append(members, from[s]+i)
			}
		}
		view.Equations = append(view.Equations, arithmetic.Within(members, c.low, c.high, 0))
	}
	got := in.conclude(func(c clue) bool { return c.law == nil })
	for s, school := range grandSchools {
		if len(got.possible[s]) < 2 {
			t.Errorf("%s: the bands leave %v", school, got.possible[s])
		}
	}
	if len(view.Equations) == 0 || len(got.sums) < 2 {
		t.Errorf("%d bands leave %v in all", len(view.Equations), got.sums)
	}
	proven, err := arithmetic.Certain(view, 20_000)
	if err != nil || len(proven.Claims) > 0 || proven.Undecided > 0 {
		t.Errorf("from the bands follow %v, %d undecided: %v", proven.Claims, proven.Undecided, err)
	}
}

// Without protection the same reading gives every count away.
func TestAnExactBuildGivesTheSuspendedOfGrandBendAway(t *testing.T) {
	t.Parallel()
	in := newInsider(t, grandRosters["among forty others"], sabotaged(broker.Sabotage{Weak: sdc.WeakExact}))
	got := in.conclude(func(clue) bool { return true })
	if got.together < certain || len(got.sums) != 1 {
		t.Errorf("of exact figures the true counts are held for %.3f likely; %v in all", got.together, got.sums)
	}
	for s, school := range grandSchools {
		if want := map[int]bool{grandSuspended[school]: true}; fmt.Sprint(got.possible[s]) != fmt.Sprint(want) {
			t.Errorf("%s: exact figures leave %v", school, got.possible[s])
		}
	}
}
