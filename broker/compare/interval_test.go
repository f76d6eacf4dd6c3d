package compare_test

import (
	"math"
	"os"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/compare"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.Abs(got-want) > within {
		t.Errorf("%s = %.6f, want %.6f", what, got, want)
	}
}

type published struct {
	Wilson []struct {
		Count, Students int
		Low, High       float64
	}
	Newcombe []struct {
		A, N, B, M int
		Low, High  float64
	}
	T []struct{ N, M, Half float64 }
	G []struct {
		Difference, SD float64
		N, M           int
		G              float64
	}
	Cox      []struct{ P, Q, Index float64 }
	Adjusted []struct {
		Count, Students  int
		Noise, Low, High float64
	}
}

func tables(t *testing.T) published {
	t.Helper()
	b, err := os.ReadFile("testdata/published_intervals.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var p published
	if err := yaml.Unmarshal(b, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWilsonIntervalsArePublishedOnes(t *testing.T) {
	t.Parallel()
	for _, c := range tables(t).Wilson {
		got := compare.Wilson(float64(c.Count)/float64(c.Students), c.Students)
		near(t, "low", got.Low, c.Low, 0.00006)
		near(t, "high", got.High, c.High, 0.00006)
	}
}

func TestNewcombeIntervalsArePublishedOnes(t *testing.T) {
	t.Parallel()
	for _, c := range tables(t).Newcombe {
		got := compare.Newcombe(float64(c.A)/float64(c.N), c.N, float64(c.B)/float64(c.M), c.M)
		near(t, "low", got.Low, c.Low, 0.00006)
		near(t, "high", got.High, c.High, 0.00006)
	}
}

func TestMeanIntervalsUseStudentsT(t *testing.T) {
	t.Parallel()
	for _, c := range tables(t).T {
		near(t, "half", compare.WelchHalf(1, int(c.N), 1, int(c.M)), c.Half*math.Sqrt(1/c.N+1/c.M), 0.0006)
	}
	near(t, "one mean of eleven", compare.MeanHalf(1, 11), 2.228/math.Sqrt(11), 0.0003)
	near(t, "degrees of freedom", compare.WelchDF(2, 10, 2, 10), 18, 1e-9)
	near(t, "unequal spread", compare.WelchDF(1, 5, 3, 5), math.Pow(10.0/5, 2)/((1.0/25+81.0/25)/4), 1e-9)
}

func TestEffectSizesAreTheDefinedOnes(t *testing.T) {
	t.Parallel()
	for _, c := range tables(t).G {
		near(t, "g", compare.HedgesG(c.Difference, c.SD, c.N, c.M), c.G, 0.00006)
	}
	for _, c := range tables(t).Cox {
		near(t, "Cox index", compare.CoxIndex(c.P, c.Q), c.Index, 0.00006)
	}
}

func TestIntervalsKeepTheirSides(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, m := rapid.IntRange(1, 2000).Draw(t, "n"), rapid.IntRange(1, 2000).Draw(t, "m")
		p, q := rapid.Float64Range(0, 1).Draw(t, "p"), rapid.Float64Range(0, 1).Draw(t, "q")
		w := compare.Wilson(p, n)
		if w.Low < 0 || w.High > 1 || w.Low > p+1e-12 || w.High < p-1e-12 {
			t.Fatalf("Wilson(%v, %d) = %v", p, n, w)
		}
		d, back := compare.Newcombe(p, n, q, m), compare.Newcombe(q, m, p, n)
		if math.Abs(d.Low+back.High) > 1e-12 || math.Abs(d.High+back.Low) > 1e-12 {
			t.Fatalf("Newcombe is not antisymmetric: %v, %v", d, back)
		}
		if d.Low > p-q+1e-12 || d.High < p-q-1e-12 || d.Low < -1-1e-12 || d.High > 1+1e-12 {
			t.Fatalf("Newcombe(%v, %d, %v, %d) = %v", p, n, q, m, d)
		}
		if further := compare.Newcombe(min(1, p+0.01), n, q, m); further.Low < d.Low-1e-12 || further.High < d.High-1e-12 {
			t.Fatal("a higher rate lowered an end of the interval of the difference")
		}
	})
}
