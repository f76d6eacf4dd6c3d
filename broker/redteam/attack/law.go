package attack

import "math"

// Law is the distribution of noise that an attacker assumes: whole numbers from
// -reach to reach.
type Law struct {
	reach int
	upTo  []float64 // the i-th: the probability of noise under i-reach
}

// Gaussian is the law of discrete Gaussian noise, cut off at eight deviations,
// rounded up. A variance of zero or less is no noise.
func Gaussian(variance float64) *Law {
	if !(variance > 0) {
		return lawOf([]float64{1})
	}
	reach := int(math.Ceil(8 * math.Sqrt(variance)))
	chances := make([]float64, 2*reach+1)
	for i := range chances {
		k := float64(i - reach)
		chances[i] = math.Exp(-k * k / (2 * variance))
	}
	return lawOf(chances)
}

// lawOf is the law of 2·reach+1 weights.
func lawOf(weights []float64) *Law {
	total := 0.
	for _, w := range weights {
		total += w
	}
	l := &Law{reach: len(weights) / 2, upTo: make([]float64, 1, len(weights)+1)}
	sum := 0.
	for _, w := range weights {
		sum += w
		l.upTo = append(l.upTo, sum/total)
	}
	return l
}

// At is the probability of noise k.
func (l *Law) At(k int) float64 { return l.within(k, k) }

// Between is the probability of noise between two numbers, both included.
func (l *Law) Between(low, high float64) float64 {
	low, high = max(low, float64(-l.reach)), min(high, float64(l.reach))
	if !(low-grain <= high+grain) {
		return 0
	}
	return l.within(int(math.Ceil(low-grain)), int(math.Floor(high+grain)))
}

// grain is what bounds may be off by from arithmetic with fractions.
const grain = 1e-9

func (l *Law) within(low, high int) float64 {
	low, high = max(low, -l.reach), min(high, l.reach)
	if low > high {
		return 0
	}
	return l.upTo[high+l.reach+1] - l.upTo[low+l.reach]
}

// Minus is the law of the difference of two independent draws, of this law and of
// another.
func (l *Law) Minus(o *Law) *Law {
	out := make([]float64, 2*(l.reach+o.reach)+1)
	for i := -l.reach; i <= l.reach; i++ {
		for j := -o.reach; j <= o.reach; j++ {
			out[i-j+l.reach+o.reach] += l.At(i) * o.At(j)
		}
	}
	return lawOf(out)
}

// Variance of the law.
func (l *Law) Variance() float64 {
	sum := 0.
	for k := -l.reach; k <= l.reach; k++ {
		sum += float64(k*k) * l.At(k)
	}
	return sum
}
