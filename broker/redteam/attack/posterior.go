package attack

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Sampling says how long Markov chains run. The zero Sampling stands for four
// chains of 250 and 1,000 sweeps.
type Sampling struct {
	Chains int // independent, each from a draw of the prior; at least two
	BurnIn int // sweeps that do not count, a sweep being one proposal for each unknown student
	Sweeps int // sweeps that count

	broken struct{ noSwaps, stiff bool } // only tests set it
}

func (s Sampling) withDefaults() Sampling {
	if s.Chains == 0 {
		s.Chains = 4
	}
	if s.BurnIn == 0 {
		s.BurnIn = 250
	}
	if s.Sweeps == 0 {
		s.Sweeps = 1000
	}
	return s
}

// stiffness is what a state loses, in log probability, for each student by which
// it misses a figure without noise. Such states are passed through and do not
// count: with figures that must hold exactly, single steps would lead nowhere.
const stiffness = 2.5

// Posterior is what chains found. Ask Mixed before its numbers are believed.
type Posterior struct {
	Chances []float64 // by student: of a yes; zero or one where it is known
	Samples int       // states that fit all figures
	Fit     float64   // share of the states that fitted
	RHat    float64   // of the worst of some summaries, chains halved (Gelman and Rubin 1992; Vehtari et al. 2021)
	Apart   float64   // root of the mean squared difference of the chances of even and odd chains
}

// Mixed tells whether the chains agree: R-hat of at most 1.1, chances that are
// one tenth apart at most, and at least a hundred states that fit.
func (p Posterior) Mixed() bool { return p.RHat <= 1.1 && p.Apart <= .1 && p.Samples >= 100 }

// Sample draws the values of all unknown students from their posterior given every
// figure: exact ones hold exactly, bounds hold, and noise has its law. Proposals
// change one student or swap a yes with a no (Metropolis et al. 1953). An ErrView
// reports a malformed view or a figure that no values fit.
func Sample(v View, how Sampling, r *rand.Rand) (Posterior, error) {
	how = how.withDefaults()
	if how.Chains < 2 || how.BurnIn < 0 || how.Sweeps < 4 {
		return Posterior{}, fmt.Errorf("%w: sampling needs two chains and four sweeps at least", ErrView)
	}
	m, err := newModel(v, how)
	if err != nil {
		return Posterior{}, err
	}
	traces := make([]trace, how.Chains)
	for i := range traces {
		traces[i] = m.run(how, r)
	}
	return m.summary(v, traces), nil
}

// model is what all chains share: the figures as tables of log probabilities.
type model struct {
	students []int     // who is not known
	odds     []float64 // by unknown student: log odds of its prior
	in       [][]int   // by unknown student: its figures, ascending
	tables   []table   // by figure
	marks    [][]float64
}

// table is one figure: by the number of yes among its unknown members, the log
// probability of what is printed, and whether it can be at all.
type table struct {
	log  []float64
	fits []bool
}

func newModel(v View, how Sampling) (*model, error) {
	s, err := newSystem(v)
	if err != nil {
		return nil, err
	}
	lines, err := s.independent()
	if err != nil {
		return nil, err
	}
	m := &model{students: s.students, in: make([][]int, len(s.students))}
	for _, x := range s.students {
		p := v.prior(x)
		m.odds = append(m.odds, math.Log(p/(1-p)))
	}
	soft := stiffness
	if how.broken.stiff {
		soft = math.Inf(1)
	}
	laws := map[float64]*Law{}
	for _, l := range lines {
		if laws[l.noise] == nil {
			laws[l.noise] = Gaussian(l.noise)
		}
		t, ok := l.table(laws[l.noise], soft)
		if !ok {
			return nil, fmt.Errorf("%w: a figure of %d unknown students is printed that no values of theirs give", ErrView, len(l.at))
		}
		for _, i := range l.at {
			m.in[i] = append(m.in[i], len(m.tables))
		}
		m.tables = append(m.tables, t)
	}
	m.mark()
	return m, nil
}

// mark chooses the summaries by which chains are compared: the odds, and sums with
// signs that alternate over one, two, four and more students.
func (m *model) mark() {
	m.marks = [][]float64{m.odds}
	for shift := range 4 {
		signs := make([]float64, len(m.students))
		for i := range signs {
			signs[i] = float64(1 - 2*(i>>shift&1))
		}
		m.marks = append(m.marks, signs)
	}
}

// table is that of a line; it is not ok if no count fits.
func (l line) table(law *Law, soft float64) (table, bool) {
	t := table{log: make([]float64, len(l.at)+1), fits: make([]bool, len(l.at)+1)}
	first, last := -1, -1
	for c := range t.log {
		if p := law.Between(l.low-float64(c), l.high-float64(c)); p > 0 {
			t.log[c], t.fits[c] = math.Log(p), true
			last = c
			if first < 0 {
				first = c
			}
		}
	}
	if first < 0 {
		return t, false
	}
	for c := range t.log {
		switch {
		case c < first:
			t.log[c] = t.log[first] - soft*float64(first-c)
		case c > last:
			t.log[c] = t.log[last] - soft*float64(c-last)
		}
	}
	return t, true
}
