package redteam_test

import (
	"context"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
	"github.com/hallpass-edu/hallpass/broker/sdc/budget"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// budgets are attacks 33 to 35: more than was granted, more than was claimed,
// noise of another shape than was claimed. The last two are on draws and need no
// district.
func budgets() []line {
	return []line{
		{33, "ledger race", "never over the grant, nothing unpaid", []build{freeDraws()}, ledgerRace, false},
		{34, "audit of differential privacy", "at most the epsilon that is claimed", []build{quarterVariance()}, privacyAudit, false},
		{35, "the sampler", "p > .001, variance within 3.3 errors", []build{roundedBell()}, samplerFit, false},
	}
}

func freeDraws() build {
	return build{name: "draws without a reservation", sabotage: func(o *broker.Options) { o.Sabotage.FreeDraws = true }}
}

func quarterVariance() build { return build{name: "a quarter of the variance"} }

func roundedBell() build { return build{name: "rounded numbers of a bell curve"} }

// spenders are four partners of sixty students each, whose budgets pay for two of
// five periods.
func spenders() shape {
	s := shape{seed: 33, students: 1000, schools: 2, terms: 4}
	s.pacts = clubs(makeWorld(s), 60, 2, []string{chronic}, []string{"all"})
	for i := range s.pacts {
		s.pacts[i].epsilon = 40
	}
	return s
}

// ledgerRace closes all periods again and again while the partners ask for them,
// two hundred at once.
func ledgerRace(x *trial) {
	d := x.open(spenders())
	var all sync.WaitGroup
	for i := range 200 {
		period := d.periods()[i%len(d.periods())]
		p := d.pacts[i%len(d.pacts)]
		all.Go(func() {
			if i%4 == 0 {
				a, err := d.broker.ClosePeriod(context.Background(), officer, period)
				a.Drop()
				if err != nil {
					x.t.Errorf("close %d: %v", i, err)
				}
			}
			d.attacker(p.id).comparison(period, "all")
		})
	}
	all.Wait()
	d.close(d.periods()...)
	settled, printed := d.settled(x), 0
	for _, v := range d.read(d.periods()...) {
		if !v.cohort.printed() {
			continue
		}
		if printed++; !settled[strconv.Quote(v.agreement)+strconv.Quote(v.period)] {
			x.breach("a figure of %s is printed and was not paid for", v.period)
		}
	}
	x.must(printed > 0, "nothing was printed")
	x.must(!x.protected() || printed < len(d.pacts)*len(d.periods()), "the budgets pay for everything")
	x.measured("%d figures printed of %d that were asked for, the rest not paid for", printed, len(d.pacts)*len(d.periods()))
}

// yearBooks are the privacy budgets as an officer reads them.
type yearBooks struct {
	Years []struct {
		Accounts []struct {
			Name     string `json:"name"`
			Granted  string `json:"granted"`
			Reserved string `json:"reserved"`
			Spent    string `json:"spent"`
			Releases []struct {
				ID    string       `json:"id"`
				State budget.State `json:"state"`
			} `json:"releases"`
		} `json:"accounts"`
	} `json:"years"`
}

// settled are the releases that were paid for, as agreement and period. No account
// may have spent or reserved more than it was granted.
func (d *district) settled(x *trial) map[string]bool {
	d.t.Helper()
	out := map[string]bool{}
	for _, y := range dataOf[yearBooks](d.t, d.must(d.broker.Budgets(d.t.Context(), officer)).Body()).Years {
		for _, a := range y.Accounts {
			if sum := new(big.Rat).Add(rat(d.t, a.Reserved), rat(d.t, a.Spent)); sum.Cmp(rat(d.t, a.Granted)) > 0 {
				x.breach("an account of %s has spent %s", a.Granted, sum.FloatString(3))
			}
			for _, r := range a.Releases {
				session, err := strconv.QuotedPrefix(r.ID)
				if err != nil {
					d.t.Fatal(err)
				}
				if r.State == budget.Settled {
					out[strconv.Quote(a.Name)+session] = true
				}
			}
		}
	}
	x.must(len(out) > 0 || !x.protected(), "nothing was paid for")
	return out
}

func rat(t testing.TB, text string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%q is no amount", text)
	}
	return r
}

// draws are noise of a variance: by the sampler that ships, from a seeded stream
// of cryptographic quality, or by what the weak build has instead.
func (x *trial) draws(n int, v noise.Variance, seed byte) []int {
	x.t.Helper()
	list := make([]int, n)
	if x.build.name == roundedBell().name {
		r := rand.New(rand.NewPCG(uint64(seed), 6))
		for i := range list {
			list[i] = int(2*r.NormFloat64()+100.5) - 100
		}
		return list
	}
	if x.build.name == quarterVariance().name {
		v.Den *= 4
	}
	s, err := noise.NewSampler(rand.NewChaCha8([32]byte{seed}), v)
	if err != nil {
		x.t.Fatal(err)
	}
	for i := range list {
		if list[i], err = s.Draw(); err != nil {
			x.t.Fatal(err)
		}
	}
	return list
}

// privacyAudit draws a count, of all and of a grade, of two districts that differ in
// one student 20,000 times each. Both figures differ by one, so their sum tells the
// districts apart best.
func privacyAudit(x *trial) {
	figures := budget.Figures{Sensitivity: 1, Public: 2, Variance: noise.Variance{Num: 2, Den: 1}}
	cost, err := budget.Cost(figures)
	if err != nil {
		x.t.Fatal(err)
	}
	const draws = 20_000
	count := func(true, seed int) []int {
		list := x.draws(2*draws, figures.Variance, byte(seed))
		out := make([]int, draws)
		for i := range out {
			out[i] = 2*true + list[2*i] + list[2*i+1]
		}
		return out
	}
	first, then := count(10, 1), count(11, 2)
	for _, d := range []budget.Delta{{Num: 1, Den: 100}, {Num: 1, Den: 1000}} {
		claim, err := budget.EpsilonOf(cost, d)
		if err != nil {
			x.t.Fatal(err)
		}
		delta := float64(d.Num) / float64(d.Den)
		found, claimed := attack.Epsilon(first, then, delta, .001), float64(claim)/1e6
		x.measured("delta %g: epsilon at least %.2f, claimed %.2f", delta, found, claimed)
		if found > claimed {
			x.breach("delta %g: epsilon is %.2f at least, and %.2f is claimed", delta, found, claimed)
		}
	}
}

func samplerFit(x *trial) {
	list := x.draws(400_000, noise.Variance{Num: 4, Den: 1}, 3)
	law := attack.Gaussian(4)
	p, off := attack.Fit(list, law), attack.Spread(list, law)
	x.measured("%d draws: chi-square p %.3f, variance off by %.1f errors", len(list), p, off)
	if p < .001 || off > 3.3 || off < -3.3 {
		x.breach("%d draws: chi-square p %s, variance off by %.1f errors", len(list), fmt.Sprintf("%.4f", p), off)
	}
}
