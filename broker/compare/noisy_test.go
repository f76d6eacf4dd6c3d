package compare_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

func TestNoisyIntervalsAreTheAdjustedOnesWithTheNoiseAdded(t *testing.T) {
	t.Parallel()
	for _, c := range tables(t).Adjusted {
		got := compare.NoisyRate(float64(c.Count)/float64(c.Students), c.Students, c.Noise)
		near(t, "low", got.Low, c.Low, 0.00006)
		near(t, "high", got.High, c.High, 0.00006)
	}
}

func TestIntervalsGrowWithTheNoiseAndKeepTheirSides(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, m := rapid.IntRange(10, 2000).Draw(t, "n"), rapid.IntRange(10, 2000).Draw(t, "m")
		p, q := rapid.Float64Range(0, 1).Draw(t, "p"), rapid.Float64Range(0, 1).Draw(t, "q")
		s := rapid.Float64Range(0, 0.3).Draw(t, "noise")
		a, b := compare.NoisyDifference(p, n, q, m, s), compare.NoisyDifference(p, n, q, m, s+0.01)
		if b.Low > a.Low || b.High < a.High || a.Low > p-q || a.High < p-q {
			t.Fatalf("difference %v: %v, with more noise %v", p-q, a, b)
		}
		back := compare.NoisyDifference(q, m, p, n, s)
		if math.Abs(a.Low+back.High) > 1e-12 || math.Abs(a.High+back.Low) > 1e-12 {
			t.Fatalf("not antisymmetric: %v, %v", a, back)
		}
		// Over a span of codes the ends are read at its corners only.
		further, next := compare.NoisyRate(min(1, p+0.01), n, s), compare.NoisyRate(p, n, s)
		if further.Low < next.Low-1e-12 || further.High < next.High-1e-12 {
			t.Fatal("a higher rate lowered an end of its interval")
		}
		shifted := compare.NoisyDifference(min(1, p+0.01), n, q, m, s)
		if shifted.Low < a.Low-1e-12 || shifted.High < a.High-1e-12 {
			t.Fatal("a higher rate lowered an end of the interval of the difference")
		}
	})
}

// noisyGroup is a group whose sum was noised: num of den, with the deviation of
// the noise in the sum.
type noisyGroup struct {
	n        int
	num, den int64
	sd       float64
}

// noisyRow codes two noisy groups as a release shows them. The noise of the rest
// is that of a whole less that of the cohort.
func noisyRow(m sdc.Measure, p, q noisyGroup, whole float64) sdc.ShownRow {
	unit := 100_000.0
	if m.Kind == sdc.Mean {
		unit = float64(m.Unit)
	}
	milli := func(v float64) sdc.Milli { return sdc.Milli(math.Ceil(v*unit - 1e-6)) }
	a, b := 1/float64(p.den), 1/float64(q.den)
	side := func(g noisyGroup) *sdc.ShownSide {
		all := sdc.Shown{Kind: sdc.KindValue, Low: 100_000, High: 100_000}
		return &sdc.ShownSide{N: g.n, Coverage: all, Value: sdc.CodeNoisy(m, g.num, g.den, g.n)}
	}
	r := sdc.ShownRow{Status: sdc.StatusOK, Cohort: side(p), Rest: side(q)}
	r.Cohort.Noise = milli(p.sd * a)
	r.Rest.Noise = milli(math.Hypot(p.sd, whole) * b)
	r.Rest.DifferenceNoise = milli(math.Hypot(p.sd*(a+b), whole*b))
	return r
}

// withoutNoise is the row as somebody would read it who has not heard of noise.
func withoutNoise(r sdc.ShownRow) sdc.ShownRow {
	p, q := *r.Cohort, *r.Rest
	p.Noise, q.Noise, q.DifferenceNoise = 0, 0, 0
	r.Cohort, r.Rest = &p, &q
	return r
}

func sharesOf(n int, num int64, sd float64) noisyGroup { return noisyGroup{n, num, int64(n), sd} }

func TestNoisyReadingsSayWhatTheIntervalSays(t *testing.T) {
	t.Parallel()
	incidents, share := sdc.Measure{Kind: sdc.Per100}, sdc.Measure{Kind: sdc.Share}
	gpa, attendance := sdc.GPAMeasure(1000), sdc.AttendanceMeasure()
	for _, c := range []struct {
		name string
		m    sdc.Measure
		p, q noisyGroup
		want string
	}{
		{"a tenth against three tenths", share, sharesOf(400, 40, 2), sharesOf(400, 120, 2), "likely lower"},
		{"nearly the same", share, sharesOf(400, 80, 2), sharesOf(400, 84, 2), "no clear difference"},
		{"a few students", share, sharesOf(25, 6, 2), sharesOf(450, 90, 2), "too small to tell: about 150 students would tell"},
		{"GPA of a point more", gpa, noisyGroup{100, 3300, 1000, 20}, noisyGroup{300, 6900, 3000, 20}, "likely higher"},
		{"attendance of a few", attendance, noisyGroup{25, 2350, 2500, 40}, noisyGroup{450, 41_800, 45_000, 40}, "too small to tell: about 120 students would tell"},
		{"incidents of many", incidents, sharesOf(400, 20, 2), sharesOf(450, 140, 2), "likely lower"},
		{"incidents of a few", incidents, sharesOf(60, 3, 2), sharesOf(450, 40, 2), "too small to tell: about 520 students would tell"},
	} {
		got, ok := compare.Read(noisyRow(c.m, c.p, c.q, 4*c.p.sd/2), c.m)
		if !ok || got.Text != c.want {
			t.Errorf("%s: %q (%+v), want %q", c.name, got.Text, got, c.want)
		}
	}
}

// One code, with noise and without: noise never makes a reading surer, and never
// changes its direction.
func TestNoiseNeverMakesAReadingSurer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, r := anyNoisyRow(t)
		got, _ := compare.Read(r, m)
		quiet := r
		half := func(s sdc.ShownSide) *sdc.ShownSide {
			s.Noise, s.DifferenceNoise = (s.Noise+1)/2, (s.DifferenceNoise+1)/2
			return &s
		}
		quiet.Cohort, quiet.Rest = half(*r.Cohort), half(*r.Rest)
		less, _ := compare.Read(quiet, m)
		if got.Interval.Low > less.Interval.Low || got.Interval.High < less.Interval.High {
			t.Fatalf("more noise, and a narrower interval: %+v, %+v", got, less)
		}
		if clear := got.Word == compare.LikelyHigher || got.Word == compare.LikelyLower; clear && got.Word != less.Word {
			t.Fatalf("more noise, and a surer word: %+v, %+v", got, less)
		}
		if higher := got.Interval.Low > 0; higher && got.Word != compare.LikelyHigher || got.Interval.Low < 0 && got.Word == compare.LikelyHigher {
			t.Fatalf("%q of %+v", got.Word, got.Interval)
		}
	})
}

// anyNoisyRow is a row of shares, attendance or events.
func anyNoisyRow(t *rapid.T) (sdc.Measure, sdc.ShownRow) {
	n, r := rapid.IntRange(10, 600).Draw(t, "n"), rapid.IntRange(10, 600).Draw(t, "rest")
	m := rapid.SampledFrom([]sdc.Measure{{Kind: sdc.Share}, {Kind: sdc.Per100}, sdc.AttendanceMeasure()}).Draw(t, "measure")
	sd := rapid.Float64Range(0.5, 8).Draw(t, "sd")
	p := sharesOf(n, rapid.Int64Range(-5, int64(n)).Draw(t, "a"), sd)
	q := sharesOf(r, rapid.Int64Range(-5, int64(r)).Draw(t, "b"), sd)
	return m, noisyRow(m, p, q, rapid.Float64Range(0, 8).Draw(t, "whole"))
}

func TestANoiseOfTheDifferenceThatIsNotShownIsTakenAsTheMostItCanBe(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, r := anyNoisyRow(t)
		exact, _ := compare.Read(r, m)
		rest := *r.Rest
		rest.DifferenceNoise = 0
		r.Rest = &rest
		most, _ := compare.Read(r, m)
		const rounding = 10 // thousandths, of three roundings upwards
		if most.Interval.Low > exact.Interval.Low+rounding || most.Interval.High < exact.Interval.High-rounding {
			t.Fatalf("unknown noise gave %+v, known noise %+v", most.Interval, exact.Interval)
		}
	})
}

func TestTurningNoisySidesRoundTurnsTheReading(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, r := anyNoisyRow(t)
		p, q := *r.Cohort, *r.Rest
		p.DifferenceNoise, q.DifferenceNoise = q.DifferenceNoise, 0
		there, _ := compare.Read(r, m)
		back, _ := compare.Read(sdc.ShownRow{Cohort: &q, Rest: &p}, m)
		if back.Interval.Low != -there.Interval.High || back.Effect.Low != -there.Effect.High || back.Cohort != there.Rest {
			t.Fatalf("%+v turned is %+v", there, back)
		}
	})
}

// As many students as a reading asks for must do: with them the interval is
// within the telling difference, but for what the coding of the larger group
// and a changed rate take.
func TestTheNumberThatWouldTellTells(t *testing.T) {
	t.Parallel()
	share := sdc.Measure{Kind: sdc.Share}
	for _, sd := range []float64{2, 5, 20} {
		for _, n := range []int{20, 40, 60, 90} {
			small, _ := compare.Read(noisyRow(share, sharesOf(n, int64(n/5), sd), sharesOf(900, 180, sd), sd), share)
			if small.Word != compare.TooSmallToTell {
				continue
			}
			k := small.Needed
			rest := max(900, k) // as large where no number beside the rest there is would do
			got, _ := compare.Read(noisyRow(share, sharesOf(k, int64(k/5), sd), sharesOf(rest, int64(rest/5), sd), sd), share)
			if half := float64(got.Interval.High-got.Interval.Low) / 2000; half > 10.5 || half < 7 {
				t.Errorf("noise %v: %d of %d students would tell, and the interval is ± %.1f points", sd, n, k, half)
			}
			if wrong, _ := compare.Read(withoutNoise(noisyRow(share, sharesOf(n, int64(n/5), sd), sharesOf(900, 180, sd), sd)), share); wrong.Needed >= k {
				t.Errorf("noise %v asks for %d students, no noise for %d", sd, k, wrong.Needed)
			}
		}
	}
}

func TestAWeightedRestIsReadBesideThePlainOne(t *testing.T) {
	t.Parallel()
	m := sdc.Measure{Kind: sdc.Share}
	r := noisyRow(m, sharesOf(100, 30, 2), sharesOf(450, 90, 2), 4)
	plain, _ := compare.Read(r, m)
	if _, ok := compare.ReadWeighted(r, m); ok {
		t.Error("a weighted rest that is not there was read")
	}
	weighted := *r.Rest
	r.Weighted = &weighted
	if got, ok := compare.ReadWeighted(r, m); !ok || got != plain {
		t.Errorf("the same rest reads %+v and %+v", plain, got)
	}
	weighted.EffectiveN = 60
	got, _ := compare.ReadWeighted(r, m)
	if got.Interval.Low >= plain.Interval.Low || got.Cohort != plain.Cohort || got.Rest == plain.Rest {
		t.Errorf("of fewer effective students: %+v, plain %+v", got, plain)
	}
	if again, _ := compare.Read(r, m); again != plain {
		t.Error("the weighted rest changed the plain reading")
	}
}

func TestEventsHaveNoEffectSize(t *testing.T) {
	t.Parallel()
	m := sdc.Measure{Kind: sdc.Per100}
	got, ok := compare.Read(noisyRow(m, sharesOf(150, 12, 2), sharesOf(450, 30, 2), 4), m)
	if !ok || got.Effect != (compare.Range{}) || got.Cohort.Low < 0 || got.Cohort.High > 300_000 {
		t.Errorf("%+v", got)
	}
}
