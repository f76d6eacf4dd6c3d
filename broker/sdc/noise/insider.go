package noise

// Insider is how often somebody guesses right at best, as a share, who knows every
// value but one, holds that one for as likely as not, and sees so many figures in
// which it counts once. For everybody else it is an upper bound. It is a number
// for people: nothing is decided by it.
//
// The likelihood of such figures depends on their sum alone, so that the best
// guess is whether the noise in it would be under or over half of their number.
func (t *Table) Insider(figures int) float64 {
	sum := []float64{1}
	for range figures {
		sum = convolved(sum, t.chances())
	}
	middle := figures * t.reach // where the sum is zero
	share := 0.
	for i, chance := range sum {
		switch twice := 2 * (i - middle); {
		case twice < figures:
			share += chance
		case twice == figures:
			share += chance / 2
		}
	}
	return share
}

// chances are the probabilities of noise from -reach to reach.
func (t *Table) chances() []float64 {
	list := make([]float64, 0, len(t.bounds)+1)
	last := uint64(0)
	for _, bound := range t.bounds {
		list = append(list, float64(bound-last)/(1<<64))
		last = bound
	}
	return append(list, float64(-last)/(1<<64))
}

func convolved(a, b []float64) []float64 {
	sum := make([]float64, len(a)+len(b)-1)
	for i, x := range a {
		for j, y := range b {
			sum[i+j] += x * y
		}
	}
	return sum
}
