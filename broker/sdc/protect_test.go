package sdc_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// rawOf sums a bit a student over the rows of a candidate.
func rawOf(c sdc.Candidate, outcome []int64) []sdc.RawFigure {
	f := sdc.RawFigure{Indicator: c.Figures[0].Indicator, Measure: sdc.Measure{Kind: sdc.Share}}
	sum := func(s *roaring.Bitmap) (r sdc.Raw) {
		for _, x := range s.ToArray() {
			r = sdc.Raw{N: r.N + 1, Num: r.Num + outcome[x], Den: r.Den + 1}
		}
		return r
	}
	for _, row := range c.Rows {
		x := tripleOf(row, c.Figures[0].Covered)
		f.Keys, f.Rows = append(f.Keys, row.Key), append(f.Rows, sdc.RawRow{Cohort: sum(x.p), Rest: sum(x.r)})
	}
	return []sdc.RawFigure{f}
}

func outcomes(n uint32, seed uint64) []int64 {
	r := rand.New(rand.NewPCG(seed, 7))
	out := make([]int64, n)
	for i := range out {
		if r.Float64() < 0.3 {
			out[i] = 1
		}
	}
	return out
}

func releases(t *testing.T, w world, outcome []int64) []sdc.Release {
	t.Helper()
	plans, _, err := sdc.PlanBatch(nil, w.candidates)
	if err != nil {
		t.Fatal(err)
	}
	var out []sdc.Release
	for i, p := range plans {
		r, err := sdc.Protect(p, rawOf(w.candidates[i], outcome), sdc.Protection{Profile: sdc.PublishedTable})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// shape is a release without its values.
func shape(releases []sdc.Release) string {
	var b strings.Builder
	for _, r := range releases {
		for _, f := range r.Figures {
			b.WriteString(r.Agreement + f.Indicator + string(f.Status))
			for _, row := range f.Rows {
				b.WriteString(row.Row + string(row.Status))
				for _, s := range []*sdc.ShownSide{row.Cohort, row.Rest, row.Whole} {
					if s == nil {
						b.WriteString("-")
						continue
					}
					n, _ := json.Marshal([]any{s.N, s.Coverage})
					b.Write(n)
				}
			}
		}
	}
	return b.String()
}

func TestShufflingEveryOutcomeChangesNoDecision(t *testing.T) {
	t.Parallel()
	changed := 0
	for seed := range uint64(1000) {
		w := makeWorld(seed)
		a := releases(t, w, outcomes(w.students, seed))
		b := releases(t, w, outcomes(w.students, seed+1_000_000))
		if shape(a) != shape(b) {
			t.Fatalf("world %d: other outcomes, other decisions:\n%s\n%s", seed, shape(a), shape(b))
		}
		if !reflect.DeepEqual(a, b) {
			changed++
		}
	}
	if changed < 500 {
		t.Errorf("only %d worlds showed any value: no test", changed)
	}
}

func TestTheSameInputsGiveTheSameBytes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		w := makeWorld(seed)
		for i, r := range releases(t, w, outcomes(w.students, seed)) {
			again := releases(t, w, outcomes(w.students, seed))[i]
			a, err := r.Encode()
			if err != nil {
				t.Fatal(err)
			}
			b, err := again.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if string(a) != string(b) {
				t.Fatalf("world %d: two encodings of one release", seed)
			}
			var back sdc.Release
			if err := json.Unmarshal(a, &back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(r, back); diff != "" {
				t.Fatalf("world %d: reading it back: %s", seed, diff)
			}
		}
	}
}

func example(t *testing.T) (sdc.Plan, sdc.Candidate) {
	t.Helper()
	c := candidate("A", flat(40, 40, 14, 14, 4), sdc.Known{}, nil)
	plans, _ := plan(t, sdc.Broken{}, c)
	return plans[0], c
}

func TestNoValueOfAWithheldRowReachesTheRelease(t *testing.T) {
	t.Parallel()
	p, c := example(t)
	raw := rawOf(c, outcomes(1000, 1))
	want, err := sdc.Protect(p, raw, sdc.Protection{Profile: sdc.PublishedTable})
	if err != nil {
		t.Fatal(err)
	}
	withheld := 0
	for i, v := range p.Figures[0].Verdicts {
		if !v.Shown && !v.WholeShown {
			raw[0].Rows[i].Cohort, raw[0].Rows[i].Rest = sdc.Raw{N: 1, Num: 77, Den: 78}, sdc.Raw{}
			withheld++
		}
	}
	got, err := sdc.Protect(p, raw, sdc.Protection{Profile: sdc.PublishedTable})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values of %d withheld rows came through: %s", withheld, diff)
	}
}

func TestARowShowsBothSidesOrNeither(t *testing.T) {
	t.Parallel()
	p, c := example(t)
	r, err := sdc.Protect(p, rawOf(c, outcomes(1000, 1)), sdc.Protection{Profile: sdc.PublishedTable})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]sdc.Status{
		"all": sdc.StatusOK, "school:S0": sdc.StatusOK, "school:S1": sdc.StatusLowPrecision,
		"school:S2": sdc.StatusWithheld, "school:S3": sdc.StatusWithheld,
	}
	for _, row := range r.Figures[0].Rows {
		if row.Status != want[row.Row] {
			t.Errorf("%s is %s, want %s", row.Row, row.Status, want[row.Row])
		}
		withheld := row.Status == sdc.StatusWithheld
		if (row.Cohort == nil) != withheld || (row.Rest == nil) != withheld || row.Whole != nil && !withheld {
			t.Errorf("%s shows %v %v %v", row.Row, row.Cohort, row.Rest, row.Whole)
		}
	}
}

func TestAnIndicatorNobodyHasIsNotReported(t *testing.T) {
	t.Parallel()
	c := candidate("A", flat(40, 40), sdc.Known{}, roaring.New())
	plans, _ := plan(t, sdc.Broken{}, c)
	r, err := sdc.Protect(plans[0], nil, sdc.Protection{Profile: sdc.PublishedTable})
	if err != nil {
		t.Fatal(err)
	}
	want := []sdc.ShownFigure{{Indicator: "chronic", Family: family, Status: sdc.StatusNotReported}}
	if diff := cmp.Diff(want, r.Figures); diff != "" {
		t.Error(diff)
	}
}

func TestTheNumberOfStudentsWithoutAValueIsCoded(t *testing.T) {
	t.Parallel()
	rows := flat(40, 30)
	two := roaring.BitmapOf(rows[0].P.ToArray()[:2]...)
	c := candidate("A", rows, sdc.Known{}, minus(rows[0].T, two))
	plans, _ := plan(t, sdc.Broken{}, c)
	r, err := sdc.Protect(plans[0], rawOf(c, outcomes(100, 1)), sdc.Protection{Profile: sdc.PublishedTable})
	if err != nil {
		t.Fatal(err)
	}
	side := r.Figures[0].Rows[0].Cohort
	if side.N != 30 || side.Coverage.Code != "GE80" || side.LeastN() != 23 {
		t.Errorf("n %d, coverage %s, at least %d; want 30, GE80, 23", side.N, side.Coverage.Code, side.LeastN())
	}
}

func TestRawFiguresThatDoNotFitThePlanAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func([]sdc.RawFigure) []sdc.RawFigure
		want   error
	}{
		"another indicator": {func(f []sdc.RawFigure) []sdc.RawFigure { f[0].Indicator = "other"; return f }, sdc.ErrRaw},
		"a row missing":     {func(f []sdc.RawFigure) []sdc.RawFigure { f[0].Keys, f[0].Rows = f[0].Keys[1:], f[0].Rows[1:]; return f }, sdc.ErrRaw},
		"other students":    {func(f []sdc.RawFigure) []sdc.RawFigure { f[0].Rows[0].Rest.N++; return f }, sdc.ErrRaw},
		"no measure":        {func(f []sdc.RawFigure) []sdc.RawFigure { f[0].Measure = sdc.Measure{}; return f }, sdc.ErrMeasure},
		"a mean on no scale": {func(f []sdc.RawFigure) []sdc.RawFigure {
			f[0].Measure = sdc.Measure{Kind: sdc.Mean}
			return f
		}, sdc.ErrMeasure},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, cand := example(t)
			if _, err := sdc.Protect(p, c.change(rawOf(cand, outcomes(1000, 1))), sdc.Protection{Profile: sdc.PublishedTable}); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, err := sdc.Protect(sdc.Plan{}, nil, sdc.Protection{Profile: "none"}); !errors.Is(err, sdc.ErrProfile) {
		t.Errorf("a profile that does not exist: %v", err)
	}
}
