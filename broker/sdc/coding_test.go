package sdc_test

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

type meanCase struct {
	Measure  string
	Students int
	Num, Den int64
	Text     string
}

func measureNamed(name string) sdc.Measure {
	switch name {
	case "attendance":
		return sdc.AttendanceMeasure()
	case "0-20":
		return sdc.ScaleMeasure(0, 20_000, 1000)
	case "1-4":
		return sdc.ScaleMeasure(1000, 4000, 1000)
	case "gpa":
		return sdc.GPAMeasure(1000)
	case "incidents":
		return sdc.Measure{Kind: sdc.Per100}
	}
	return sdc.Measure{Kind: sdc.Share}
}

// show runs one figure of a cohort of n beside a large rest through the whole
// package.
func show(t *testing.T, m sdc.Measure, n int, num, den int64) sdc.Shown {
	t.Helper()
	p := sdc.Plan{Agreement: "A", Figures: []sdc.FigurePlan{{Indicator: "i", Verdicts: []sdc.Verdict{{
		Shown: true, Cohort: n, Rest: 500, CohortCovered: n, RestCovered: 500,
	}}}}}
	raw := []sdc.RawFigure{{Indicator: "i", Measure: m, Keys: []sdc.Key{{}}, Rows: []sdc.RawRow{{
		Cohort: sdc.Raw{N: n, Num: num, Den: den}, Rest: sdc.Raw{N: 500, Num: 1, Den: 2},
	}}}}
	r, err := sdc.Protect(p, raw, sdc.Protection{Profile: sdc.PublishedTable})
	if err != nil {
		t.Fatal(err)
	}
	return r.Figures[0].Rows[0].Cohort.Value
}

func TestMeansAndRatesAreRoundedAsTheCaseFileSays(t *testing.T) {
	t.Parallel()
	var cases []meanCase
	readYAML(t, "testdata/means.yaml", &cases)
	for _, c := range cases {
		if got := show(t, measureNamed(c.Measure), c.Students, c.Num, c.Den).Text; got != c.Text {
			t.Errorf("%s, %d students, %d / %d: %q, want %q", c.Measure, c.Students, c.Num, c.Den, got, c.Text)
		}
	}
}

func TestACodedMeanHoldsTheTrueOneAndAtLeastOneStepAround(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"attendance", "0-20", "1-4", "gpa"} {
		m := measureNamed(name)
		t.Run(name, rapid.MakeCheck(func(r *rapid.T) {
			n := rapid.IntRange(10, 700).Draw(r, "students")
			den := int64(n) * 1000
			lowest, highest := int64(m.Min)*den/m.Unit, int64(m.Max)*den/m.Unit
			num := rapid.Int64Range(lowest, highest).Draw(r, "num")
			got := show(t, m, n, num, den)
			if num*m.Unit < int64(got.Low)*den || num*m.Unit > int64(got.High)*den {
				r.Fatalf("%d / %d is not in [%s, %s]", num, den, got.Low, got.High)
			}
			if got.High-got.Low < m.Step/2 {
				r.Fatalf("%s is finer than half a step", got.Text)
			}
		}))
	}
}

func TestFullAttendanceIsNeverShownAsSuch(t *testing.T) {
	t.Parallel()
	for n := 10; n <= 700; n++ {
		got := show(t, sdc.AttendanceMeasure(), n, 100, 100)
		if shortfall := int64(100_000-got.Low) * int64(n); got.Kind != sdc.KindBand || shortfall < 10_000 {
			t.Fatalf("%d students: %q leaves %d thousandths of a point in all", n, got.Text, shortfall)
		}
	}
}

func TestThousandthsPrintAsPlainDecimals(t *testing.T) {
	t.Parallel()
	for m, want := range map[sdc.Milli]string{
		0: "0", 1: "0.001", -1: "-0.001", 500: "0.5", 97_750: "97.75", -2_250: "-2.25", 100_000: "100", -1 << 63: "-9223372036854775.808",
	} {
		if got := m.String(); got != want {
			t.Errorf("%d prints %s, want %s", int64(m), got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		m := sdc.Milli(rapid.Int64Range(-1e14, 1e14).Draw(t, "m"))
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var back sdc.Milli
		if err := json.Unmarshal(b, &back); err != nil || back != m {
			t.Fatalf("%s read back as %d: %v", b, back, err)
		}
	})
	for _, bad := range []string{`1.2345`, `1e3`, `"1"`, `1234567890123456`, `true`} {
		var m sdc.Milli
		if json.Unmarshal([]byte(bad), &m) == nil {
			t.Errorf("%s was read as %s", bad, m)
		}
	}
}
