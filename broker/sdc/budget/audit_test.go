package budget_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/hallpass-edu/hallpass/broker/sdc/budget"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// An audit of the whole release (attack 34): two districts that differ in one
// student's records are released again and again, somebody who knows everything else
// tells them apart as well as can be, and how well that goes bounds ε from below.

// neighbours are two districts that differ in the records of the first student.
type neighbours struct {
	name        string
	figures     budget.Figures
	first, then pupil
}

func (n neighbours) of(p pupil) []int {
	pupils := []pupil{p}
	for i := range 40 {
		pupils = append(pupils, pupil{value: i % 4 / 3 * int(n.figures.Sensitivity), grade: i % 2, group: i % 3 / 2})
	}
	return released(pupils, n.figures)
}

// audited are neighbours whose figures differ as much as they can, with a deviation
// of as much as the claimed difference, so that each release costs a half.
func audited() []neighbours {
	byGrade := budget.Figures{Sensitivity: 1, Public: 2, Variance: noise.Variance{Num: 2, Den: 1}}
	byGroup := budget.Figures{Sensitivity: 1, Public: 2, Sensitive: 1, Variance: noise.Variance{Num: 4, Den: 1}}
	incidents := budget.Figures{Sensitivity: 3, Public: 2, Variance: noise.Variance{Num: 18, Den: 1}}
	return []neighbours{
		{"a count of all and by grade", byGrade, pupil{value: 0}, pupil{value: 1}},
		{"incidents of all and by grade", incidents, pupil{value: 0}, pupil{value: 3}},
		{"a count that moves to another group", byGroup, pupil{value: 0}, pupil{value: 1, group: 1}},
	}
}

const drawsAudited = 20_000

// tally counts releases by what tells the districts apart best, the logarithm of the
// likelihood ratio. With noise of the same variance everywhere that is, but for a
// factor and a constant, the sum of each figure times its difference.
type tally map[int]int

// tallies are those of both halves of the draws of one district, with noise of a
// variance from a seeded stream of cryptographic quality.
func (n neighbours) tallies(t *testing.T, p pupil, v noise.Variance, seed string) (choose, measure tally) {
	t.Helper()
	var key [32]byte
	copy(key[:], seed+n.name)
	s, err := noise.NewSampler(rand.NewChaCha8(key), v)
	if err != nil {
		t.Fatal(err)
	}
	sums, from, to := n.of(p), n.of(n.first), n.of(n.then)
	halves := [2]tally{{}, {}}
	for i := range drawsAudited {
		statistic := 0
		for row, sum := range sums {
			drawn, err := s.Draw()
			if err != nil {
				t.Fatal(err)
			}
			statistic += (to[row] - from[row]) / int(n.figures.Sensitivity) * (sum + drawn)
		}
		halves[i%2][statistic]++
	}
	return halves[0], halves[1]
}

// event is that the statistic is in an interval.
type event struct{ from, to int }

func (c tally) in(e event) (n float64) {
	for statistic, count := range c {
		if e.from <= statistic && statistic <= e.to {
			n += float64(count)
		}
	}
	return n
}

// doubt is the chance, in each audit, that its bound is too high.
const doubt = .001

// bound is the lower bound of ε with δ from an event that was seen so often with one
// and with the other district, by Clopper and Pearson (1934): whatever keeps (ε, δ) has
// P(event) ≤ e^ε Q(event) + δ.
func bound(seen, other, delta float64) float64 {
	const n = drawsAudited / 2
	if seen == 0 || other == n {
		return 0
	}
	least := distuv.Beta{Alpha: seen, Beta: n - seen + 1}.Quantile(doubt / 2)
	most := distuv.Beta{Alpha: other + 1, Beta: n - other}.Quantile(1 - doubt/2)
	if least <= delta {
		return 0
	}
	return max(math.Log((least-delta)/most), 0)
}

// best is the event of all intervals and thresholds from which the bound is highest.
func best(p, q tally, delta float64) (chosen event) {
	low, high := math.MaxInt, math.MinInt
	for _, c := range []tally{p, q} {
		for statistic := range c {
			low, high = min(low, statistic), max(high, statistic)
		}
	}
	highest := -1.
	for from := low; from <= high; from++ {
		for to := from; to <= high; to++ {
			e := event{from, to}
			if from == low {
				e.from = math.MinInt
			}
			if to == high {
				e.to = math.MaxInt
			}
			if b := bound(p.in(e), q.in(e), delta); b > highest {
				chosen, highest = e, b
			}
		}
	}
	return chosen
}

// shown is the lower bound of ε that an audit finds, when the noise has a variance:
// the event is chosen on one half of the draws and measured on the other.
func (n neighbours) shown(t *testing.T, v noise.Variance, seed string, deltas []float64) []float64 {
	t.Helper()
	chooseP, measureP := n.tallies(t, n.first, v, seed+"first")
	chooseQ, measureQ := n.tallies(t, n.then, v, seed+"then")
	list := make([]float64, len(deltas))
	for i, delta := range deltas {
		forth, back := best(chooseP, chooseQ, delta), best(chooseQ, chooseP, delta)
		list[i] = max(bound(measureP.in(forth), measureQ.in(forth), delta), bound(measureQ.in(back), measureP.in(back), delta))
	}
	return list
}

// claimed is the ε that the ledger claims for the figures.
func claimed(t *testing.T, f budget.Figures, d budget.Delta) float64 {
	t.Helper()
	cost, err := budget.Cost(f)
	if err != nil {
		t.Fatal(err)
	}
	return float64(epsilonOf(t, cost, d)) / 1e6
}

func seeds() []string { return []string{"one", "two", "three"} }

func TestNoAuditFindsMoreThanIsClaimed(t *testing.T) {
	t.Parallel()
	deltas := []budget.Delta{{Num: 1, Den: 100}, {Num: 1, Den: 1000}, million}
	for _, n := range audited() {
		for _, seed := range seeds() {
			t.Run(n.name+" "+seed, func(t *testing.T) {
				t.Parallel()
				for i, found := range n.shown(t, n.figures.Variance, seed, []float64{.01, .001, 1e-6}) {
					claim := claimed(t, n.figures, deltas[i])
					t.Logf("delta %d/%d: at least %.2f, claimed %.2f", deltas[i].Num, deltas[i].Den, found, claim)
					if found > claim {
						t.Errorf("epsilon is at least %.3f, claimed is %.3f", found, claim)
					}
					if found < .5 {
						t.Errorf("epsilon is at least %.3f, so little that the audit looks at the wrong thing", found)
					}
				}
			})
		}
	}
}

// With a quarter of the variance that is claimed the same audit must find more than is
// claimed. With a δ of one in a million it cannot: of events so rare that they tell the
// districts apart so well, 20,000 draws hold too few. There
// TestWhatIsPromisedOfAFigureWouldNotHoldForAQuarterOfTheVariance does it without draws.
func TestAnAuditFindsOutAQuarterOfTheVariance(t *testing.T) {
	t.Parallel()
	deltas := []budget.Delta{{Num: 1, Den: 100}, {Num: 1, Den: 1000}}
	for _, n := range audited()[:2] { // those whose figures differ by all of what is claimed
		for _, seed := range seeds() {
			t.Run(n.name+" "+seed, func(t *testing.T) {
				t.Parallel()
				quarter := noise.Variance{Num: n.figures.Variance.Num, Den: 4}
				for i, found := range n.shown(t, quarter, seed, []float64{.01, .001}) {
					if claim := claimed(t, n.figures, deltas[i]); found <= claim {
						t.Errorf("delta %d/%d: epsilon is at least %.3f, and %.3f is claimed", deltas[i].Num, deltas[i].Den, found, claim)
					} else {
						t.Logf("delta %d/%d: at least %.2f, claimed %.2f", deltas[i].Num, deltas[i].Den, found, claim)
					}
				}
			})
		}
	}
}
