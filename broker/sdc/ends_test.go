package sdc_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

func TestNoisySumsAreCodedAsTheCaseFileSays(t *testing.T) {
	t.Parallel()
	var cases []meanCase
	readYAML(t, "testdata/noisy_codes.yaml", &cases)
	for _, c := range cases {
		if got := sdc.CodeNoisy(measureNamed(c.Measure), c.Num, c.Den, c.Students).Text; got != c.Text {
			t.Errorf("%s, %d students, %d / %d: %q, want %q", c.Measure, c.Students, c.Num, c.Den, got, c.Text)
		}
	}
}

// A code must hold the noisy rate it was made of, once that is back on its
// scale, and must not say that nobody or everybody had the outcome.
func TestANoisyCodeHoldsItsRateAndNeverSaysNobodyOrEverybody(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(10, 2000).Draw(t, "students")
		num := rapid.Int64Range(-20, int64(n)+20).Draw(t, "num")
		got := sdc.CodeNoisy(sdc.Measure{Kind: sdc.Share}, num, int64(n), n)
		rate := max(0, min(100, 100*float64(num)/float64(n)))
		if low, high := float64(got.Low)/1000, float64(got.High)/1000; rate < low-1e-9 || rate > high+1e-9 {
			t.Fatalf("%v %% of %d students is not in [%v, %v]", rate, n, low, high)
		}
		if one := 1000 * min(1, 100/float64(n)); float64(got.High) < one || float64(got.Low) > 100_000-one {
			t.Fatalf("%s of %d students leaves no room for one", got.Text, n)
		}
	})
}

func TestANoisyMeanStaysOnItsScale(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"attendance", "0-20", "1-4", "gpa"} {
		m := measureNamed(name)
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			n := rapid.IntRange(10, 700).Draw(t, "students")
			raw := sdc.Raw{N: n, Num: rapid.Int64Range(-1000, 50_000).Draw(t, "num"), Den: int64(n) * 10}
			got := sdc.CodeNoisy(m, raw.Num, raw.Den, n)
			value := float64(raw.Num*m.Unit) / float64(raw.Den)
			value = max(float64(m.Min), min(value, float64(m.Max)))
			if value < float64(got.Low)-1 || value > float64(got.High)+1 || got.Low < m.Min || got.High > m.Max || math.IsNaN(value) {
				t.Fatalf("%v thousandths are shown as %s, [%s, %s]", value, got.Text, got.Low, got.High)
			}
		}))
	}
}
