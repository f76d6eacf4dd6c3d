package attack_test

import (
	"errors"
	"math"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
)

// enumerated are the exact chances of a view: all assignments, weighed.
func enumerated(v attack.View) []float64 {
	total, yes := 0., make([]float64, v.Students)
	bits := make([]bool, v.Students)
	for code := range 1 << v.Students {
		for x := range bits {
			bits[x] = code>>x&1 == 1
		}
		w := weight(v, bits)
		total += w
		for x := range bits {
			yes[x] += w * float64(one(bits[x]))
		}
	}
	for x := range yes {
		yes[x] /= total
	}
	return yes
}

func weight(v attack.View, bits []bool) float64 {
	w := 1.
	for x, p := range v.Prior {
		if was, known := v.Known[x]; known {
			w *= float64(one(was == bits[x]))
			continue
		}
		w *= map[bool]float64{true: p, false: 1 - p}[bits[x]]
	}
	for _, e := range v.Equations {
		s := sum(e.Members, bits)
		w *= attack.Gaussian(e.Variance).Between(e.Low-s, e.High-s)
	}
	return w
}

// small is a view of twelve students with every kind of figure.
func small() attack.View {
	v := attack.View{Students: 12, Known: map[int]bool{3: true, 7: false}}
	for x := range v.Students {
		v.Prior = append(v.Prior, .1+.06*float64(x))
	}
	v.Equations = []attack.Equation{
		attack.Exactly([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 5),
		attack.Exactly([]int{0, 2, 4, 6, 8, 10}, 2),
		attack.Within([]int{0, 1, 2, 3, 4, 5}, 1, 3, 0),
		attack.Within([]int{4, 5, 8, 9}, math.Inf(-1), 2, usual),
		attack.Noisy([]int{1, 5, 9, 10}, 4, usual),
	}
	return v
}

func sampled(t *testing.T, v attack.View, how attack.Sampling, seed uint64) attack.Posterior {
	t.Helper()
	p, err := attack.Sample(v, how, coin(seed))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func furthest(a, b []float64) float64 {
	most := 0.
	for x := range a {
		most = max(most, math.Abs(a[x]-b[x]))
	}
	return most
}

func TestChainsFindTheExactPosterior(t *testing.T) {
	t.Parallel()
	v := small()
	p := sampled(t, v, attack.Sampling{Chains: 4, BurnIn: 500, Sweeps: 8000}, 1)
	if d := furthest(p.Chances, enumerated(v)); d > .02 || !p.Mixed() {
		t.Errorf("chances are up to %.3f off; fit %.2f, R-hat %.3f, apart %.3f", d, p.Fit, p.RHat, p.Apart)
	}
}

// A whole beside all of its parts says nothing new and must change nothing.
func TestImpliedFiguresLeaveThePosterior(t *testing.T) {
	t.Parallel()
	v := attack.View{Students: 8, Prior: []float64{.1, .2, .3, .4, .5, .6, .7, .8}}
	v.Equations = []attack.Equation{attack.Exactly([]int{0, 1, 2, 3}, 1), attack.Exactly([]int{4, 5, 6, 7}, 2), attack.Exactly([]int{0, 1, 4, 5}, 1)}
	want := enumerated(v)
	v.Equations = append(v.Equations, attack.Exactly(upTo(0, 8), 3), attack.Exactly([]int{2, 3, 6, 7}, 2))
	p := sampled(t, v, attack.Sampling{Chains: 4, BurnIn: 200, Sweeps: 6000}, 3)
	if d := furthest(p.Chances, want); d > .02 || !p.Mixed() {
		t.Errorf("chances are up to %.3f off; fit %.2f, R-hat %.3f, apart %.3f", d, p.Fit, p.RHat, p.Apart)
	}
}

func TestChainsThatCannotMoveAreNoticed(t *testing.T) {
	t.Parallel()
	v := small()
	how := attack.Sampling{Chains: 4, BurnIn: 500, Sweeps: 2000}
	if p := sampled(t, v, how, 2); !p.Mixed() {
		t.Fatalf("whole chains do not mix: fit %.2f, R-hat %.3f, apart %.3f", p.Fit, p.RHat, p.Apart)
	}
	stuck := sampled(t, v, how.Broken(true, true), 2)
	if stuck.Mixed() {
		t.Errorf("chains without swaps that never pass through misfits are said to mix: fit %.2f, R-hat %.3f, apart %.3f",
			stuck.Fit, stuck.RHat, stuck.Apart)
	}
}

func TestFiguresThatNothingFitsAreRefused(t *testing.T) {
	t.Parallel()
	for what, v := range map[string]attack.View{
		"more than its members": {Students: 2, Equations: []attack.Equation{attack.Exactly([]int{0, 1}, 3)}},
		"half a student":        {Students: 2, Equations: []attack.Equation{attack.Exactly([]int{0, 1}, .5)}},
		"parts unlike a whole": {Students: 4, Equations: []attack.Equation{
			attack.Exactly([]int{0, 1}, 1), attack.Exactly([]int{2, 3}, 1), attack.Exactly([]int{0, 1, 2, 3}, 3),
		}},
		"known values that contradict": {Students: 2, Known: map[int]bool{0: true}, Equations: []attack.Equation{attack.Exactly([]int{0}, 0)}},
		"a malformed one":              {Students: 2, Equations: []attack.Equation{attack.Exactly([]int{1, 0}, 1)}},
	} {
		if _, err := attack.Sample(v, attack.Sampling{}, coin(1)); !errors.Is(err, attack.ErrView) {
			t.Errorf("%s: %v", what, err)
		}
	}
	fine := attack.View{Students: 1}
	if _, err := attack.Sample(fine, attack.Sampling{Chains: 1, BurnIn: 1, Sweeps: 10}, coin(1)); !errors.Is(err, attack.ErrView) {
		t.Errorf("one chain, which nothing can be compared with: %v", err)
	}
}

func TestPartnersWhoShareAFigureCountItOnce(t *testing.T) {
	t.Parallel()
	noisy := attack.Noisy([]int{0, 1, 2}, 4, usual)
	a := attack.View{Students: 4, Known: map[int]bool{0: true}, Equations: []attack.Equation{noisy}}
	b := attack.View{Students: 4, Known: map[int]bool{3: false}, Equations: []attack.Equation{noisy, attack.Exactly([]int{2, 3}, 1)}}
	v, err := attack.Pooled(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Equations) != 2 || len(v.Known) != 2 {
		t.Errorf("%d figures and %d known students, want two and two", len(v.Equations), len(v.Known))
	}
	if len(a.Known) != 1 {
		t.Error("pooling changed a partner's own view")
	}
	for what, other := range map[string]attack.View{
		"another number of students": {Students: 5},
		"another value of a student": {Students: 4, Known: map[int]bool{0: false}},
	} {
		if _, err := attack.Pooled(a, other); !errors.Is(err, attack.ErrView) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
