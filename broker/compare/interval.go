package compare

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Span is a closed interval.
type Span struct{ Low, High float64 }

// z is the two-sided 95 % point of the normal distribution.
const z = 1.959963984540054

// Wilson returns the 95 % score interval of a rate p, between 0 and 1, observed
// in n > 0 students (Wilson, JASA 22, 1927; without continuity correction).
func Wilson(p float64, n int) Span {
	m := float64(n)
	centre := p + z*z/(2*m)
	half := z * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	scale := 1 + z*z/m
	return Span{max(0, (centre-half)/scale), min(1, (centre+half)/scale)}
}

// Newcombe returns the 95 % interval of the difference p − q of two independent
// rates from their score intervals (Newcombe, Statistics in Medicine 17, 1998,
// pp. 873–890, method 10).
func Newcombe(p float64, n int, q float64, m int) Span {
	a, b := Wilson(p, n), Wilson(q, m)
	return Span{
		p - q - math.Hypot(p-a.Low, b.High-q),
		p - q + math.Hypot(a.High-p, q-b.Low),
	}
}

// newcombeOver is the union of Newcombe's intervals over all rates of the two
// spans. Its lower end grows with p and falls with q (a Wilson bound moves less
// than twice as fast as its rate), so the corners suffice.
func newcombeOver(p Span, n int, q Span, m int) Span {
	return Span{Newcombe(p.Low, n, q.High, m).Low, Newcombe(p.High, n, q.Low, m).High}
}

// NoisyRate returns the 95 % interval of a rate p, between 0 and 1, that was
// observed in n > 0 students with noise of the given standard deviation in it:
// the adjusted Wald interval of Agresti and Coull (American Statistician 52,
// 1998: two students more with the outcome and two more without), to whose
// variance that of the noise is added.
func NoisyRate(p float64, n int, noise float64) Span {
	centre := adjusted(p, n)
	half := z * math.Sqrt(centre*(1-centre)/float64(n+4)+noise*noise)
	return Span{centre - half, centre + half}.within(0, 1)
}

// NoisyDifference returns the 95 % interval of the difference p − q of two
// independent rates with noise of the given standard deviation in their
// difference. The variance between students is taken at the adjusted rates, so
// that it is not zero where nobody, or everybody, was counted.
func NoisyDifference(p float64, n int, q float64, m int, noise float64) Span {
	a, b := adjusted(p, n), adjusted(q, m)
	half := z * math.Sqrt(a*(1-a)/float64(n)+b*(1-b)/float64(m)+noise*noise)
	return Span{p - q - half, p - q + half}.within(-1, 1)
}

// adjusted is a rate with two students more on either side.
func adjusted(p float64, n int) float64 { return (p*float64(n) + 2) / float64(n+4) }

// noisyRateOver is the union of the intervals over all rates of the span. The
// half of an interval moves less than its rate (by 0.7 of it at most, at the
// ends), so the corners suffice; so it is with a difference.
func noisyRateOver(p Span, n int, noise float64) Span {
	return Span{NoisyRate(p.Low, n, noise).Low, NoisyRate(p.High, n, noise).High}
}

func noisyDifferenceOver(p Span, n int, q Span, m int, noise float64) Span {
	return Span{NoisyDifference(p.Low, n, q.High, m, noise).Low, NoisyDifference(p.High, n, q.Low, m, noise).High}
}

// MeanHalf returns half the 95 % interval of a mean of n > 1 students with the
// given standard deviation.
func MeanHalf(sd float64, n int) float64 {
	return tQuantile(float64(n-1)) * sd / math.Sqrt(float64(n))
}

// WelchHalf returns half the 95 % interval of the difference of two means of n
// and m students, both above one, with standard deviations s and u (Welch,
// Biometrika 34, 1947).
func WelchHalf(s float64, n int, u float64, m int) float64 {
	a, b := s*s/float64(n), u*u/float64(m)
	return tQuantile(WelchDF(s, n, u, m)) * math.Sqrt(a+b)
}

// WelchDF returns the Welch–Satterthwaite degrees of freedom.
func WelchDF(s float64, n int, u float64, m int) float64 {
	a, b := s*s/float64(n), u*u/float64(m)
	return (a + b) * (a + b) / (a*a/float64(n-1) + b*b/float64(m-1))
}

func tQuantile(df float64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Quantile(0.975)
}

// HedgesG returns the standardised difference of two means with the
// small-sample factor 1 − 3/(4N − 9), N = n + m (Hedges, Journal of Educational
// Statistics 6, 1981).
func HedgesG(difference, sd float64, n, m int) float64 {
	return difference / sd * (1 - 3/(4*float64(n+m)-9))
}

// coxScale turns a difference of log odds into one of standard deviations.
const coxScale = 1.65

// CoxIndex returns ln(odds ratio)/1.65, the standardised difference of two rates
// strictly between 0 and 1 (Cox, Analysis of Binary Data, 1970; the index of
// the What Works Clearinghouse).
func CoxIndex(p, q float64) float64 { return (logit(p) - logit(q)) / coxScale }

func logit(p float64) float64 { return math.Log(p / (1 - p)) }

// added joins the distances of two estimates from the ends of their intervals
// to that of their difference, rho being the correlation of the estimates (Zou
// and Donner, Statistics in Medicine 27, 2008, pp. 1693–1702; with none it is
// how Newcombe joins score intervals).
func added(d, e, rho float64) float64 { return math.Sqrt(d*d + e*e - 2*rho*d*e) }
