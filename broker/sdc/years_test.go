package sdc_test

import (
	"math"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

func noisyRelease(t *testing.T, seed uint64, rows []sdc.RowSets, value func(uint32) (int64, int64)) sdc.Release {
	t.Helper()
	o := valued{noiseKeys(t, seed), value}
	r, err := sdc.Protect(everything(rows), []sdc.RawFigure{o.raw(share, rows)}, sdc.Protection{Profile: sdc.Standard, Noise: sticky(t, o.keys)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTwoYearsTogetherAreTheSumsOfBoth(t *testing.T) {
	t.Parallel()
	rows := flat(100, 50, 50)
	one, two := noisyRelease(t, 1, rows, fifths), noisyRelease(t, 2, rows, fifths)
	if len(one.Pooled) != 1 {
		t.Fatalf("%d pooled sums", len(one.Pooled))
	}
	a, b := one.Pooled[0], two.Pooled[0]
	row := sdc.TwoYears(a, b, share, noise.Variance{Num: 4, Den: 1})
	if row.Cohort.N != 200 || row.Rest.N != 400 || row.Row != "all" || row.Status != sdc.StatusOK {
		t.Fatalf("%+v", row)
	}
	want := 100 * float64(a.Cohort.Parts+b.Cohort.Parts) / 200
	if low, high := float64(row.Cohort.Value.Low)/1000, float64(row.Cohort.Value.High)/1000; want < low || want > high {
		t.Errorf("%v %% is shown as %s", want, row.Cohort.Value.Text)
	}
	rest := 100 * float64(a.Whole.Parts+b.Whole.Parts-a.Cohort.Parts-b.Cohort.Parts) / 400
	if low, high := float64(row.Rest.Value.Low)/1000, float64(row.Rest.Value.High)/1000; rest < low || rest > high {
		t.Errorf("%v %% is shown as %s", rest, row.Rest.Value.Text)
	}
	// Two draws of two students among 200; for a year it is one among 100.
	year := one.Figures[0].Rows[0]
	if got, want := float64(row.Cohort.Noise), 1000*100*math.Sqrt(8)/200; math.Abs(got-want) > 1 {
		t.Errorf("noise of %v thousandths, want %v", got, want)
	} else if row.Cohort.Noise >= year.Cohort.Noise || row.Rest.DifferenceNoise >= year.Rest.DifferenceNoise {
		t.Error("two years are noisier than one")
	}
}

func TestAPooledRowThatIsWithheldHasNoSums(t *testing.T) {
	t.Parallel()
	rows := flat(100, 50, 50)
	plan := everything(rows)
	plan.Figures[0].Verdicts[0].Shown = false
	o := valued{noiseKeys(t, 1), fifths}
	r, err := sdc.Protect(plan, []sdc.RawFigure{o.raw(share, rows)}, sdc.Protection{Profile: sdc.Standard, Noise: sticky(t, o.keys)})
	if err != nil || len(r.Pooled) != 0 {
		t.Errorf("%+v, %v", r.Pooled, err)
	}
}
