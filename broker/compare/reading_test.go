package compare_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// shown protects one row of raw sums.
func shown(t interface {
	Helper()
	Fatal(...any)
}, m sdc.Measure, cohort, rest sdc.Raw,
) sdc.ShownRow {
	t.Helper()
	p := sdc.Plan{Figures: []sdc.FigurePlan{{Indicator: "i", Verdicts: []sdc.Verdict{{
		Shown: true, Cohort: cohort.N, Rest: rest.N, CohortCovered: cohort.N, RestCovered: rest.N,
	}}}}}
	raw := []sdc.RawFigure{{Indicator: "i", Measure: m, Keys: []sdc.Key{{}}, Rows: []sdc.RawRow{{Cohort: cohort, Rest: rest}}}}
	r, err := sdc.Protect(p, raw, sdc.Protection{Profile: sdc.PublishedTable})
	if err != nil {
		t.Fatal(err)
	}
	return r.Figures[0].Rows[0]
}

func share(n int, num int64) sdc.Raw { return sdc.Raw{N: n, Num: num, Den: int64(n)} }

func TestReadingsSayWhatTheIntervalSays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		m            sdc.Measure
		cohort, rest sdc.Raw
		want         string
	}{
		{"a tenth against three tenths", sdc.Measure{Kind: sdc.Share}, share(400, 40), share(400, 120), "likely lower"},
		{"three tenths against a tenth", sdc.Measure{Kind: sdc.Share}, share(400, 120), share(400, 40), "likely higher"},
		{"nearly the same", sdc.Measure{Kind: sdc.Share}, share(400, 80), share(400, 84), "no clear difference"},
		{"a few students", sdc.Measure{Kind: sdc.Share}, share(12, 2), share(400, 80), "too small to tell: about 130 students would tell"},
		{"GPA of a point more", sdc.GPAMeasure(1000), share(100, 330), share(300, 690), "likely higher"},
		{"attendance of a few students", sdc.AttendanceMeasure(), sdc.Raw{N: 25, Num: 94, Den: 100}, sdc.Raw{N: 400, Num: 93, Den: 100}, "too small to tell: about 160 students would tell"},
	} {
		got, ok := compare.Read(shown(t, c.m, c.cohort, c.rest), c.m)
		if !ok || got.Text != c.want {
			t.Errorf("%s: %q (%+v), want %q", c.name, got.Text, got, c.want)
		}
	}
}

func TestThereIsNothingToReadInAWithheldRowOrEventsPerHundred(t *testing.T) {
	t.Parallel()
	if _, ok := compare.Read(sdc.ShownRow{Status: sdc.StatusWithheld}, sdc.Measure{Kind: sdc.Share}); ok {
		t.Error("a withheld row was read")
	}
	m := sdc.Measure{Kind: sdc.Per100}
	if _, ok := compare.Read(shown(t, m, share(100, 5), share(100, 9)), m); ok {
		t.Error("events per hundred were read")
	}
}

// Two sets of outcomes with the same codes must have the same reading, and the
// intervals must hold those of the true figures.
func TestAReadingFollowsFromTheCodesAndContainsTheTruth(t *testing.T) {
	t.Parallel()
	m := sdc.Measure{Kind: sdc.Share}
	rapid.Check(t, func(t *rapid.T) {
		n, r := rapid.IntRange(10, 500).Draw(t, "n"), rapid.IntRange(10, 500).Draw(t, "rest")
		a, b := rapid.Int64Range(0, int64(n)).Draw(t, "a"), rapid.Int64Range(0, int64(r)).Draw(t, "b")
		row := shown(t, m, share(n, a), share(r, b))
		got, _ := compare.Read(row, m)
		for other := range int64(n + 1) {
			twin := shown(t, m, share(n, other), share(r, b))
			if twin.Cohort.Value == row.Cohort.Value {
				if read, _ := compare.Read(twin, m); read != got {
					t.Fatalf("%d and %d of %d have one code and two readings", a, other, n)
				}
			}
		}
		p, q := float64(a)/float64(n), float64(b)/float64(r)
		holds(t, got.Cohort, compare.Wilson(p, n), 100)
		holds(t, got.Rest, compare.Wilson(q, r), 100)
		holds(t, got.Interval, compare.Newcombe(p, n, q, r), 100)
		holds(t, got.Difference, compare.Span{Low: p - q, High: p - q}, 100)
	})
}

func holds(t *rapid.T, r compare.Range, s compare.Span, unit float64) {
	if float64(r.Low) > s.Low*unit*1000+1e-6 || float64(r.High) < s.High*unit*1000-1e-6 {
		t.Fatalf("[%s, %s] does not hold [%v, %v]", r.Low, r.High, s.Low*unit, s.High*unit)
	}
}

func TestTurningTheSidesRoundTurnsTheReading(t *testing.T) {
	t.Parallel()
	turned := map[compare.Word]compare.Word{
		compare.LikelyHigher: compare.LikelyLower, compare.LikelyLower: compare.LikelyHigher,
		compare.NoClearDifference: compare.NoClearDifference, compare.TooSmallToTell: compare.TooSmallToTell,
	}
	rapid.Check(t, func(t *rapid.T) {
		m := sdc.AttendanceMeasure()
		if rapid.Bool().Draw(t, "share") {
			m = sdc.Measure{Kind: sdc.Share}
		}
		n, r := rapid.IntRange(10, 500).Draw(t, "n"), rapid.IntRange(10, 500).Draw(t, "rest")
		p, q := share(n, rapid.Int64Range(0, int64(n)).Draw(t, "a")), share(r, rapid.Int64Range(0, int64(r)).Draw(t, "b"))
		there, _ := compare.Read(shown(t, m, p, q), m)
		back, _ := compare.Read(shown(t, m, q, p), m)
		if back.Word != turned[there.Word] || back.Interval.Low != -there.Interval.High || back.Effect.Low != -there.Effect.High {
			t.Fatalf("%+v turned is %+v", there, back)
		}
	})
}

// A reading never claims a direction that the truth contradicts more often than
// a 95 % interval may: the coverage of the true rates over every outcome of a
// fixed pair of sizes, summed exactly.
func TestIntervalsOfCodedSharesCoverAtLeastNineteenTimesInTwenty(t *testing.T) {
	t.Parallel()
	m := sdc.Measure{Kind: sdc.Share}
	for _, c := range []struct {
		n, rest int
		p, q    float64
	}{{12, 40, 0.1, 0.1}, {25, 60, 0.15, 0.25}, {60, 100, 0.05, 0.05}, {108, 150, 0.2, 0.1}} {
		covered := 0.0
		for a := range c.n + 1 {
			for b := range c.rest + 1 {
				got, _ := compare.Read(shown(t, m, share(c.n, int64(a)), share(c.rest, int64(b))), m)
				if d := 100_000 * (c.p - c.q); float64(got.Interval.Low) <= d && d <= float64(got.Interval.High) {
					covered += binomial(a, c.n, c.p) * binomial(b, c.rest, c.q)
				}
			}
		}
		if covered < 0.95 {
			t.Errorf("n %d and %d, rates %v and %v: covered %.4f", c.n, c.rest, c.p, c.q, covered)
		}
	}
}

func binomial(k, n int, p float64) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return math.Exp(a - b - c + float64(k)*math.Log(p) + float64(n-k)*math.Log(1-p))
}

func TestReadingsAreEqualForEqualRows(t *testing.T) {
	t.Parallel()
	m := sdc.GPAMeasure(1000)
	row := shown(t, m, share(40, 101), share(70, 188))
	a, _ := compare.Read(row, m)
	b, _ := compare.Read(row, m)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Error(diff)
	}
}
