package compare

import (
	"fmt"
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
// the shown codes and sizes: where a code is a band, from both its ends, the
// wider way. So it says nothing that the codes do not.
type Reading struct {
	Cohort     Range  `json:"cohort_interval"`     // 95 %, in the unit of the figure
	Rest       Range  `json:"rest_interval"`       //
	Difference Range  `json:"difference"`          // cohort less rest, as the codes allow
	Interval   Range  `json:"difference_interval"` // the same with sampling, 95 %
	Effect     Range  `json:"effect_size"`         // Hedges' g of means, Cox index of shares
	Word       Word   `json:"word"`
	Needed     int    `json:"needed,omitempty"` // participants that would tell, with TooSmallToTell
	Text       string `json:"text"`
}

// Read reads a shown row. It returns false where there is nothing to compare:
// a withheld row, or events per hundred, whose spread between students nobody
// can bound.
func Read(r sdc.ShownRow, m sdc.Measure) (Reading, bool) {
	if r.Cohort == nil || r.Rest == nil || r.Cohort.Value.Kind == sdc.KindWithheld || r.Rest.Value.Kind == sdc.KindWithheld {
		return Reading{}, false
	}
	p, q := sideOf(*r.Cohort), sideOf(*r.Rest)
	switch m.Kind {
	case sdc.Share:
		return readShares(p, q), true
	case sdc.Mean:
		return readMeans(p, q, m), true
	}
	return Reading{}, false
}

// side is one shown side: the span in which its figure lies, in its unit, and
// a lower bound of its students.
type side struct {
	Span
	n int
}

func sideOf(s sdc.ShownSide) side {
	return side{Span{float64(s.Value.Low) / 1000, float64(s.Value.High) / 1000}, s.LeastN()}
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

func readShares(p, q side) Reading {
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
	return out.say(interval, aim{tellingShare, p.minus(q.Span).half(), v}, p.n, q.n)
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

func readMeans(p, q side, m sdc.Measure) Reading {
	sd, low, high := float64(m.Spread)/1000, float64(m.Min)/1000, float64(m.Max)/1000
	difference := p.minus(q.Span)
	interval := difference.wider(WelchHalf(sd, p.n, sd, q.n))
	out := Reading{
		Cohort:     p.wider(MeanHalf(sd, p.n)).within(low, high).outward(),
		Rest:       q.wider(MeanHalf(sd, q.n)).within(low, high).outward(),
		Difference: difference.outward(),
		Interval:   interval.outward(),
		Effect:     Span{HedgesG(difference.Low, sd, p.n, q.n), HedgesG(difference.High, sd, p.n, q.n)}.outward(),
	}
	return out.say(interval, aim{tellingMean * sd, difference.half(), sd * sd}, p.n, q.n)
}

// A difference worth telling: ten points of a share, a quarter of the spread of
// a mean (the What Works Clearinghouse calls groups further apart than that not
// comparable at the start). An interval whose half is wider is too wide to rule
// it out.
const (
	tellingShare = 10.0
	tellingMean  = 0.25
)

// aim is a difference worth telling, how much of half an interval the coding
// alone takes, and the variance between students.
type aim struct{ telling, coding, variance float64 }

// say puts the interval in words. Nothing but the interval decides between
// higher, lower and neither.
func (r Reading) say(interval Span, a aim, n, m int) Reading {
	switch {
	case interval.Low > 0:
		r.Word = LikelyHigher
	case interval.High < 0:
		r.Word = LikelyLower
	case interval.half() > a.telling:
		r.Word = TooSmallToTell
		r.Needed = a.needed(n, m)
		r.Text = fmt.Sprintf("%s: about %d students would tell", r.Word, r.Needed)
		return r
	default:
		r.Word = NoClearDifference
	}
	r.Text = string(r.Word)
	return r
}

// finer are the sizes from which figures are coded less coarsely.
var finer = [...]int{20, 31, 61, 301}

// needed returns how many participants would bring half the interval down to
// the telling difference beside the rest there is or, where no number would,
// beside a rest as large. Where the coding alone takes more than half of it, the
// answer is at least the size from which the coding is finer.
func (a aim) needed(n, m int) int {
	room := a.telling - a.coding
	least := n + 1
	if room < a.telling/2 {
		room, least = a.telling, nextFiner(n)
	}
	per := room * room / (z * z * a.variance)
	size := 2 / per
	if left := per - 1/float64(m); left > 0 {
		size = min(size, 1/left)
	}
	return (max(int(math.Ceil(size)), least) + 9) / 10 * 10
}

func nextFiner(n int) int {
	for _, cut := range finer {
		if cut > n {
			return cut
		}
	}
	return n + 1
}
