package compare

import (
	"math"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// Range is a closed interval of thousandths, rounded outwards.
type Range struct {
	Low  sdc.Milli `json:"low"`
	High sdc.Milli `json:"high"`
}

// Word is a reading of a difference.
type Word string

// The words, of the cohort beside the rest.
const (
	LikelyHigher      Word = "likely higher"
	LikelyLower       Word = "likely lower"
	NoClearDifference Word = "no clear difference"
	TooSmallToTell    Word = "too small to tell"
)

// Reading is what may be said about a shown row. All of it is computed from
// the shown codes, sizes and deviations of noise: where a code is a band, from
// both its ends, the wider way. So it says nothing that these do not.
//
// The effect size of figures without noise is as wide as their codes alone: it
// is that of these very students. With noise nobody knows theirs, and it is a
// 95 % interval that sampling widens too. Events have none.
type Reading struct {
	Cohort     Range  `json:"cohort_interval"`      // 95 %, in the unit of the figure
	Rest       Range  `json:"rest_interval"`        //
	Difference Range  `json:"difference"`           // cohort less rest, as the codes allow
	Interval   Range  `json:"difference_interval"`  // the same with sampling and noise, 95 %
	Effect     Range  `json:"effect_size,omitzero"` // Hedges' g of means, Cox index of shares
	Word       Word   `json:"word"`
	Needed     int    `json:"needed,omitempty"` // participants that would tell, with TooSmallToTell
	Text       string `json:"text"`
}

// Read reads the cohort of a shown row beside the rest. It returns false where
// there is nothing to compare: a withheld row, or events per hundred without
// noise, whose spread between students nobody can bound. Noisy ones count at
// most sdc.EventCap events a student, which bounds it.
func Read(r sdc.ShownRow, m sdc.Measure) (Reading, bool) { return read(r.Cohort, r.Rest, m) }

// ReadWeighted reads the cohort beside the rest at the cohort's mix of schools
// and grades. Where a row has one, that is the comparison, and Read's is the
// plainer one beside it: it may be that the groups differ in age and school only.
func ReadWeighted(r sdc.ShownRow, m sdc.Measure) (Reading, bool) {
	return read(r.Cohort, r.Weighted, m)
}

func read(cohort, rest *sdc.ShownSide, m sdc.Measure) (Reading, bool) {
	if cohort == nil || rest == nil || cohort.Value.Kind == sdc.KindWithheld || rest.Value.Kind == sdc.KindWithheld {
		return Reading{}, false
	}
	g := beside(*cohort, *rest)
	switch {
	case m.Kind == sdc.Mean:
		return readMeans(g, m), true
	case m.Kind == sdc.Share && g.noise > 0:
		return readNoisyShares(g), true
	case m.Kind == sdc.Share:
		return readShares(g), true
	case m.Kind == sdc.Per100 && g.noise > 0:
		return readNoisyRates(g, 100*sdc.EventCap), true
	}
	return Reading{}, false
}

// side is one shown side: the span in which its figure lies and the standard
// deviation of the noise in it, in its unit, and a lower bound of its students.
type side struct {
	Span
	noise float64
	n     int
}

func sideOf(s sdc.ShownSide) side {
	n := s.LeastN()
	if s.EffectiveN > 0 {
		n = max(2, s.EffectiveN)
	}
	return side{Span{units(s.Value.Low), units(s.Value.High)}, units(s.Noise), n}
}

func units(m sdc.Milli) float64 { return float64(m) / 1000 }

// pair is a cohort beside a rest. Noise is the standard deviation of that in
// their difference.
type pair struct {
	cohort, rest side
	noise        float64
}

func beside(cohort, rest sdc.ShownSide) pair {
	g := pair{sideOf(cohort), sideOf(rest), units(rest.DifferenceNoise)}
	if g.noise == 0 {
		g.noise = g.cohort.noise + g.rest.noise
	}
	return g
}

// shared is the variance of the noise in the difference beyond that of the two
// sides: twice their covariance, turned. It is above zero where the rest is the
// whole less the cohort.
func (g pair) shared() float64 {
	return g.noise*g.noise - g.cohort.noise*g.cohort.noise - g.rest.noise*g.rest.noise
}

// rates is the pair as parts of a whole.
func (g pair) rates(whole float64) pair {
	rate := func(s side) side { return side{s.within(0, whole).times(1 / whole), s.noise / whole, s.n} }
	return pair{rate(g.cohort), rate(g.rest), g.noise / whole}
}

func (s Span) times(f float64) Span { return Span{s.Low * f, s.High * f} }

func (s Span) minus(o Span) Span { return Span{s.Low - o.High, s.High - o.Low} }

func (s Span) wider(half float64) Span { return Span{s.Low - half, s.High + half} }

func (s Span) within(low, high float64) Span {
	return Span{min(max(low, s.Low), high), min(max(low, s.High), high)}
}

func (s Span) outward() Range {
	const grain = 1e-9 // an exact thousandth stays itself
	return Range{sdc.Milli(math.Floor(s.Low*1000 + grain)), sdc.Milli(math.Ceil(s.High*1000 - grain))}
}

func (s Span) half() float64 { return (s.High - s.Low) / 2 }

func readShares(g pair) Reading {
	p, q := g.cohort, g.rest
	a, b := p.times(0.01), q.times(0.01)
	interval := newcombeOver(a, p.n, b, q.n).times(100)
	out := Reading{
		Cohort:     Span{Wilson(a.Low, p.n).Low, Wilson(a.High, p.n).High}.times(100).outward(),
		Rest:       Span{Wilson(b.Low, q.n).Low, Wilson(b.High, q.n).High}.times(100).outward(),
		Difference: p.minus(q.Span).outward(),
		Interval:   interval.outward(),
		Effect:     coxOver(a, p.n, b, q.n).outward(),
	}
	v := max(spread(a), spread(b)) * 100 * 100
	return out.say(interval, aim{tellingRate, p.minus(q.Span).half(), v, finer[:]}, g)
}

// coxOver keeps each rate half a student away from the ends, where the index is
// infinite.
func coxOver(a Span, n int, b Span, m int) Span {
	a, b = a.within(0.5/float64(n), 1-0.5/float64(n)), b.within(0.5/float64(m), 1-0.5/float64(m))
	return Span{CoxIndex(a.Low, b.High), CoxIndex(a.High, b.Low)}
}

// spread is the largest p(1−p) in the span.
func spread(s Span) float64 {
	p := max(s.Low, min(0.5, s.High))
	return p * (1 - p)
}

func readNoisyShares(g pair) Reading {
	out := readNoisyRates(g, 100)
	out.Effect = noisyCoxOver(g.rates(100)).outward()
	return out
}

// readNoisyRates reads parts of a whole: of 100 % or, for events, of as many as
// can be counted. What lies between nothing and the whole with mean m varies by
// at most m(whole − m) (Bhatia and Davis, American Mathematical Monthly 107,
// 2000), which is how a share varies.
func readNoisyRates(g pair, whole float64) Reading {
	r := g.rates(whole)
	p, q := r.cohort, r.rest
	interval := noisyDifferenceOver(p.Span, p.n, q.Span, q.n, r.noise).times(whole)
	coded := p.minus(q.Span).times(whole)
	out := Reading{
		Cohort:     noisyRateOver(p.Span, p.n, p.noise).times(whole).outward(),
		Rest:       noisyRateOver(q.Span, q.n, q.noise).times(whole).outward(),
		Difference: coded.outward(),
		Interval:   interval.outward(),
	}
	v := max(spread(p.Span), spread(q.Span)) * whole * whole
	return out.say(interval, aim{tellingRate, coded.half(), v, noisyFiner[:]}, g)
}

// noisyCoxOver returns the interval of the Cox index of a pair of rates. Each
// rate stays half a student away from the ends.
func noisyCoxOver(g pair) Span {
	p, q := g.cohort, g.rest
	low := g.differ(p.logOdds(p.Low), q.logOdds(q.High)).Low
	high := g.differ(p.logOdds(p.High), q.logOdds(q.Low)).High
	return Span{low, high}.times(1 / coxScale)
}

// estimate is a point in its interval, and the standard deviation behind it.
type estimate struct {
	Span
	at, sd float64
}

func (s side) logOdds(p float64) estimate {
	centre, edge, n := adjusted(p, s.n), 0.5/float64(s.n), float64(s.n+4)
	i := NoisyRate(p, s.n, s.noise).within(edge, 1-edge)
	return estimate{Span{logit(i.Low), logit(i.High)}, logit(centre), math.Sqrt(centre*(1-centre)/n + s.noise*s.noise)}
}

// differ is the interval of x − y, with the covariance that the noise of the
// pair gives them.
func (g pair) differ(x, y estimate) Span {
	rho := max(-1, min(-g.shared()/2/(x.sd*y.sd), 1))
	return Span{
		x.at - y.at - added(x.at-x.Low, y.High-y.at, rho),
		x.at - y.at + added(x.High-x.at, y.at-y.Low, rho),
	}
}

func readMeans(g pair, m sdc.Measure) Reading {
	p, q := g.cohort, g.rest
	sd, low, high := units(m.Spread), units(m.Min), units(m.Max)
	difference := p.minus(q.Span)
	interval := difference.wider(math.Hypot(WelchHalf(sd, p.n, sd, q.n), z*g.noise))
	effect := difference
	if g.noise > 0 {
		effect = interval
	}
	out := Reading{
		Cohort:     p.wider(math.Hypot(MeanHalf(sd, p.n), z*p.noise)).within(low, high).outward(),
		Rest:       q.wider(math.Hypot(MeanHalf(sd, q.n), z*q.noise)).within(low, high).outward(),
		Difference: difference.outward(),
		Interval:   interval.outward(),
		Effect:     Span{HedgesG(effect.Low, sd, p.n, q.n), HedgesG(effect.High, sd, p.n, q.n)}.outward(),
	}
	a := aim{tellingMean * sd, difference.half(), sd * sd, finer[:]}
	return out.say(interval, a, g)
}
