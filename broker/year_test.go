package broker_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// nightsAYear is how many nights one simulated district is loaded.
const nightsAYear = 180

// TestAYearOfNightlyLoadsHarness loads a district night after night and compares
// what its partners are shown with the truth that the exports were made from.
func TestAYearOfNightlyLoadsHarness(t *testing.T) {
	t.Parallel()
	want := harnessCount(t, "NIGHTS", 40)
	var sum yearTally
	for seed := uint64(1); sum.nights < want; seed++ {
		y := newSimulation(t, seed, max(40, min(nightsAYear, want-sum.nights)), broker.Sabotage{})
		if err := y.run(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		sum.add(y.sum)
	}
	t.Logf("harness nights: %s", sum)
}

func TestWithoutDoubtsAYearOfNightlyLoadsGoesWrong(t *testing.T) {
	t.Parallel()
	y := newSimulation(t, 1, 40, broker.Sabotage{NoDoubts: true})
	err := y.run()
	if err == nil {
		t.Fatal("no load was ever doubted, and nothing was seen")
	}
	t.Logf("without doubts: %v", err)
}

// yearTally counts what a simulation did.
type yearTally struct{ nights, loads, held, rejected, unchanged, approved, checks, children int }

func (s *yearTally) add(o yearTally) {
	s.nights += o.nights
	s.loads += o.loads
	s.held += o.held
	s.rejected += o.rejected
	s.unchanged += o.unchanged
	s.approved += o.approved
	s.checks += o.checks
	s.children += o.children
}

func (s yearTally) String() string {
	return fmt.Sprintf("%d nights, %d loads, %d with a family held, %d rejected, %d unchanged, %d approved; %d answers and %d children checked",
		s.nights, s.loads, s.held, s.rejected, s.unchanged, s.approved, s.checks, s.children)
}

// A yearPlan says on which dates the district exports and what happens then.
// Events lie at shares of the old year, so that a short year has them all.
type yearPlan struct {
	nights   []civil.Date
	old      int // nights of the old year; then comes the night of the rollover
	years    []schoolyear
	events   map[int]string
	sampled  map[int]bool // nights of chance on which the answers are checked
	uploaded map[int]bool // nights on which partners upload their rosters
}

func planYear(seed uint64, nights int) yearPlan {
	p := yearPlan{old: nights * 85 / 100, events: map[int]string{}, sampled: map[int]bool{}}
	first := day("2025-09-02")
	p.nights = weekdays(first, p.old)
	end := p.nights[p.old-1]
	next := end + 42
	for next.Weekday() != time.Monday {
		next++
	}
	p.nights = append(append(p.nights, end+10), weekdays(next, nights-p.old-1)...)
	p.years = []schoolyear{{"Y25", first, p.nights[p.old/2-1], end}, {"Y26", next, next + 140, next + 290}}
	for name, share := range map[string]float64{
		"attendance rows": 0.15, "double": 0.18, "discipline rows": 0.21, "renumber": 0.27, "snow": 0.33, "merge renumbered": 0.36,
		"required column": 0.40, "merge doubled": 0.43, "grades rows": 0.56, "optional column": 0.59, "lossy": 0.62, "broken people": 0.68, "half of the schools": 0.74,
		"column away": 0.77,
	} {
		p.events[int(share*float64(p.old))] = name
	}
	for i := range 5 { // more than half of the loads with which an export is compared
		p.events[int(0.77*float64(p.old))+1+i] = "column still away"
	}
	p.events[p.old-2], p.events[p.old] = "plan", "rollover"
	p.uploaded = map[int]bool{0: true, p.old/2 + 1: true, p.old + 3: true}
	for rng := rand.New(rand.NewPCG(seed, 20)); len(p.sampled) < min(20, nights/8); {
		p.sampled[rng.IntN(nights)] = true
	}
	return p
}

func weekdays(from civil.Date, n int) (list []civil.Date) {
	for at := from; len(list) < n; at++ {
		if w := at.Weekday(); w != time.Saturday && w != time.Sunday {
			list = append(list, at)
		}
	}
	return list
}

// quiet reports whether nothing happens on a night and nothing did on the one
// before.
func (p yearPlan) quiet(i int) bool { return p.events[i] == "" && p.events[i-1] == "" }

// checked reports whether the answers are compared with the truth on a night:
// on those of chance, around every event, in the new year's first days, and at
// the end.
func (p yearPlan) checked(i int) bool {
	return p.sampled[i] || !p.quiet(i) || i == p.old+1 || i == len(p.nights)-1
}

// A simulation is a district that is loaded night after night.
type simulation struct {
	*made
	plan      yearPlan
	world     *world
	partners  []*yearPartner
	good      map[ingest.Family]*goodNight
	published civil.Date // of the last night of which anything was loaded
	sum       yearTally
	night     int
	found     []error
}

func newSimulation(t *testing.T, seed uint64, nights int, s broker.Sabotage) *simulation {
	t.Helper()
	plan := planYear(seed, nights)
	y := &simulation{
		made: newMade(t, evening(plan.nights[0]), func(o *broker.Options) { o.Sabotage = s }),
		plan: plan, world: newWorld(seed, plan.years, 240), good: map[ingest.Family]*goodNight{},
	}
	for _, p := range []*yearPartner{
		{name: "club", schools: []string{"SA", "SB", "SC"}}, {name: "river", schools: []string{"SC", "SD", "SE"}}, {name: "lake", schools: y.world.schools},
	} {
		p.roster, p.consented = map[string]bool{}, map[string]bool{}
		y.partners = append(y.partners, p)
	}
	return y
}

func evening(d civil.Date) time.Time { return d.Time().Add(22 * time.Hour) }

// mostViolations ends a simulation: what went wrong once goes wrong all over.
const mostViolations = 8

func (y *simulation) violated(format string, args ...any) {
	if len(y.found) == mostViolations {
		return
	}
	y.found = append(y.found, fmt.Errorf("night %d, %s, %q: %w", y.night, y.world.day, y.plan.events[y.night], fmt.Errorf(format, args...)))
}

// run loads every night and returns what differed from the truth.
func (y *simulation) run() error {
	for i, at := range y.plan.nights {
		y.night, y.world.day = i, at
		y.clock.Set(evening(at))
		y.sum.nights++
		y.live()
		y.loadTonight()
		if y.plan.uploaded[i] {
			y.upload()
		}
		if y.plan.checked(i) {
			y.check()
		}
		if len(y.found) >= mostViolations {
			break
		}
		y.weekend()
	}
	if len(y.found) == 0 {
		y.oldYearIsUnchanged()
	}
	return errors.Join(y.found...)
}
