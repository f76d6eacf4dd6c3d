package compare_test

import "math"

// law is a distribution over whole numbers: the i-th chance is that of low + i.
type law struct {
	low     int
	chances []float64
}

// either is a student who adds size with a chance, and otherwise nothing.
func either(chance float64, size int) law {
	l := law{0, make([]float64, size+1)}
	l.chances[0], l.chances[size] = 1-chance, chance
	return l
}

// gaussian is the discrete Gaussian of a deviation.
func gaussian(sd float64) law {
	reach := int(8 * sd)
	l := law{-reach, make([]float64, 2*reach+1)}
	total := 0.0
	for i := range l.chances {
		k := float64(i - reach)
		l.chances[i] = math.Exp(-k * k / (2 * sd * sd))
		total += l.chances[i]
	}
	for i := range l.chances {
		l.chances[i] /= total
	}
	return l
}

// plus is the law of the sum of two independent numbers, without what is less
// likely than once in 10^18.
func (l law) plus(o law) law {
	out := law{l.low + o.low, make([]float64, len(l.chances)+len(o.chances)-1)}
	for i, p := range l.chances {
		for j, q := range o.chances {
			out.chances[i+j] += p * q
		}
	}
	return out.trimmed(1e-18)
}

func (l law) trimmed(least float64) law {
	for l.chances[0] < least {
		l.low, l.chances = l.low+1, l.chances[1:]
	}
	for l.chances[len(l.chances)-1] < least {
		l.chances = l.chances[:len(l.chances)-1]
	}
	return l
}

// of is the law of the sum of n independent students.
func (l law) of(n int) law {
	sum, power := law{0, []float64{1}}, l
	for ; n > 0; n /= 2 {
		if n%2 == 1 {
			sum = sum.plus(power)
		}
		power = power.plus(power)
	}
	return sum
}

func (l law) mean() float64 {
	sum := 0.0
	for i, p := range l.chances {
		sum += p * float64(l.low+i)
	}
	return sum
}
