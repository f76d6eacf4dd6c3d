package sdc_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// share is a measure of students among students.
var share = sdc.Measure{Kind: sdc.Share}

func noiseKeys(t testing.TB, seed uint64) noise.Keys {
	t.Helper()
	secret := make([]byte, noise.SecretSize)
	binary.BigEndian.PutUint64(secret, seed)
	k, err := noise.NewKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sticky(t testing.TB, k noise.Keys) *noise.Sticky {
	t.Helper()
	s, err := noise.NewSticky(k, "2025-26", noise.Variance{Num: 4, Den: 1}, sdc.Hidden()...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// valued are the values of students in one measure, as they count in sums.
type valued struct {
	keys  noise.Keys
	value func(x uint32) (parts, weight int64)
}

func (o valued) sum(set *roaring.Bitmap) (r sdc.Raw, g noise.Group) {
	for it := set.Iterator(); it.HasNext(); {
		x := it.Next()
		parts, weight := o.value(x)
		var sid [16]byte
		binary.BigEndian.PutUint32(sid[12:], x)
		r.N, r.Num, r.Den = r.N+1, r.Num+parts, r.Den+weight
		g = g.Plus(o.keys.Member(noise.Figure{Indicator: "i", Period: "2025-26"}, sid, parts<<8|weight))
	}
	return r, g
}

// raw sums the outcomes over rows. The cells of a row are those of the rows that
// divide it furthest.
func (o valued) raw(m sdc.Measure, rows []sdc.RowSets) sdc.RawFigure {
	out := sdc.RawFigure{Indicator: "i", Measure: m}
	for _, r := range rows {
		var row sdc.RawRow
		var signed sdc.Signature
		row.Cohort, signed.Group = o.sum(r.P)
		row.Rest, _ = o.sum(roaring.AndNot(r.T, r.P))
		for _, c := range finest(rows) {
			if roaring.AndNot(c.T, r.T).IsEmpty() {
				raw, g := o.sum(c.T)
				signed.Cells = append(signed.Cells, sdc.Cell{Raw: raw, Group: g})
			}
		}
		out.Keys, out.Rows, out.Signatures = append(out.Keys, r.Key), append(out.Rows, row), append(out.Signatures, signed)
	}
	return out
}

func finest(rows []sdc.RowSets) []sdc.RowSets {
	deepest := slices.MaxFunc(rows, func(a, b sdc.RowSets) int { return int(a.Key.Level()) - int(b.Key.Level()) }).Key.Level()
	return slices.DeleteFunc(slices.Clone(rows), func(r sdc.RowSets) bool { return r.Key.Level() != deepest })
}

// everything is a plan that shows all rows.
func everything(rows []sdc.RowSets) sdc.Plan {
	p := sdc.Plan{Agreement: "A", Figures: []sdc.FigurePlan{{Indicator: "i", Reported: true}}}
	for _, r := range rows {
		n, m := int(r.P.GetCardinality()), int(roaring.AndNot(r.T, r.P).GetCardinality())
		p.Figures[0].Verdicts = append(p.Figures[0].Verdicts, sdc.Verdict{
			Key: r.Key, Shown: true, Cohort: n, Rest: m, CohortCovered: n, RestCovered: m,
		})
	}
	return p
}

func fifths(x uint32) (int64, int64) {
	if x%5 == 0 {
		return 1, 1
	}
	return 0, 1
}

func TestCohortAndRestAreTogetherTheWhole(t *testing.T) {
	t.Parallel()
	rows := grid([][]int{{12, 20}, {0, 31}}, 40)
	for seed := range uint64(50) {
		o := valued{noiseKeys(t, seed), fifths}
		sums, err := sdc.NoisySums(share, sticky(t, o.keys), o.raw(share, rows))
		if err != nil {
			t.Fatal(err)
		}
		all := sums[sdc.Key{}].Whole[0]
		for k, s := range sums {
			if s.Cohort[0]+s.Rest[0] != s.Whole[0] || s.Cohort[1]+s.Rest[1] != s.Whole[1] {
				t.Fatalf("row %s: %v", k, s)
			}
			if k.Level() == sdc.LevelSchoolGrade {
				all -= s.Whole[0]
			}
		}
		if all != 0 {
			t.Fatalf("the wholes of the parts and of all differ by %d", all)
		}
	}
}

func TestTwoPartnersOfTheSameSchoolSeeTheSameWhole(t *testing.T) {
	t.Parallel()
	one, two := flat(60, 30), flat(60, 30)
	two[0].P, two[1].P = minus(two[0].T, two[0].P), minus(two[1].T, two[1].P) // the other students
	o := valued{noiseKeys(t, 1), fifths}
	a, err := sdc.NoisySums(share, sticky(t, o.keys), o.raw(share, one))
	if err != nil {
		t.Fatal(err)
	}
	b, err := sdc.NoisySums(share, sticky(t, o.keys), o.raw(share, two))
	if err != nil {
		t.Fatal(err)
	}
	if x, y := a[sdc.Key{}], b[sdc.Key{}]; x.Whole != y.Whole || x.Cohort[0]+x.Rest[0] != y.Cohort[0]+y.Rest[0] {
		t.Errorf("%v and %v", x, y)
	}
}

func TestTheSameInputsGiveTheSameNoise(t *testing.T) {
	t.Parallel()
	rows := grid([][]int{{12, 20}, {15, 31}}, 40)
	protect := func(seed uint64, turn bool) []byte {
		o := valued{noiseKeys(t, seed), fifths}
		raw := o.raw(share, rows)
		if turn {
			slices.Reverse(raw.Keys)
			slices.Reverse(raw.Rows)
			slices.Reverse(raw.Signatures)
			for _, r := range raw.Signatures {
				slices.Reverse(r.Cells)
			}
		}
		r, err := sdc.Protect(everything(rows), []sdc.RawFigure{raw}, sdc.Protection{Profile: sdc.Standard, Noise: sticky(t, o.keys)})
		if err != nil {
			t.Fatal(err)
		}
		b, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if first := protect(7, false); !bytes.Equal(first, protect(7, false)) || !bytes.Equal(first, protect(7, true)) {
		t.Error("the release depends on an order")
	} else if bytes.Equal(first, protect(8, false)) {
		t.Error("another secret gives the same release: there is no noise in it")
	}
}

// still is noise that is always zero, so that a test can calculate.
type still struct{}

func (still) Of(string, int64, noise.Group) (int64, error) { return 0, nil }

func (still) Variance() noise.Variance { return noise.Variance{Num: 4, Den: 1} }

func TestTheRestIsWeightedToTheCohortsMix(t *testing.T) {
	t.Parallel()
	// Nine of ten participants are at S0, where nobody of the rest is absent; at
	// S1 all of the rest are.
	rows := flat(100, 90, 10)
	s1 := find(rows, sdc.Key{School: "S1"})
	o := valued{noiseKeys(t, 1), func(x uint32) (int64, int64) {
		if s1.T.Contains(x) {
			return 1, 1
		}
		return 0, 1
	}}
	r, err := sdc.Protect(everything(rows), []sdc.RawFigure{o.raw(share, rows)}, sdc.Protection{Profile: sdc.Standard, Noise: still{}})
	if err != nil {
		t.Fatal(err)
	}
	all := r.Figures[0].Rows[0]
	if all.Rest.Value.Code != "50" || all.Weighted.Value.Code != "10" || all.Cohort.Value.Code != "10" {
		t.Errorf("cohort %s, rest %s, weighted %s; want 10, 50, 10", all.Cohort.Value.Code, all.Rest.Value.Code, all.Weighted.Value.Code)
	}
	if want := 121; all.Weighted.EffectiveN != want { // 1 / (0.81/100 + 0.01/100)
		t.Errorf("the weighted rest is worth %d students, want %d", all.Weighted.EffectiveN, want)
	}
	if school := r.Figures[0].Rows[1]; school.Weighted != nil {
		t.Error("a school that is not divided has a weighted rest")
	}
}

func TestAHiddenSchoolCountsInTheMixAsPartOfWhatRemains(t *testing.T) {
	t.Parallel()
	rows := flat(100, 50, 30, 20)
	plan := everything(rows)
	for i := range plan.Figures[0].Verdicts {
		if k := plan.Figures[0].Verdicts[i].Key; k.School == "S1" || k.School == "S2" {
			plan.Figures[0].Verdicts[i].Shown = false
		}
	}
	s0 := find(rows, sdc.Key{School: "S0"})
	o := valued{noiseKeys(t, 1), func(x uint32) (int64, int64) {
		if s0.T.Contains(x) {
			return 1, 1
		}
		return 0, 1
	}}
	r, err := sdc.Protect(plan, []sdc.RawFigure{o.raw(share, rows)}, sdc.Protection{Profile: sdc.Standard, Noise: still{}})
	if err != nil {
		t.Fatal(err)
	}
	if all := r.Figures[0].Rows[0]; all.Weighted.Value.Code != "50" || all.Rest.Value.Code != "33" {
		t.Errorf("weighted %s, raw %s; want 50 and 33", all.Weighted.Value.Code, all.Rest.Value.Code)
	}
}

func TestAPublishedTotalTakesThePlaceOfTheNoisyOne(t *testing.T) {
	t.Parallel()
	rows := flat(60, 40)
	o := valued{noiseKeys(t, 3), fifths}
	raw := o.raw(share, rows)
	public := sdc.Milli(30_000) // the truth is a fifth: the printed one counts
	for i := range raw.Signatures {
		raw.Signatures[i].Cells[0].Public = &public
	}
	sums, err := sdc.NoisySums(share, sticky(t, o.keys), raw)
	if err != nil {
		t.Fatal(err)
	}
	if s := sums[sdc.Key{}]; s.Whole[0] != 30 || s.Cohort[0]+s.Rest[0] != 30 {
		t.Errorf("got %v, want a whole of 30 in 100", s)
	}
}

// The deviation that a side claims is the one that many districts would see.
func TestTheClaimedNoiseIsTheNoise(t *testing.T) {
	t.Parallel()
	rows := flat(100, 60, 50)
	plan := everything(rows)
	var cohort, rest, weighted, difference, apart []float64
	var claimed sdc.ShownRow
	for seed := range uint64(4000) {
		o := valued{noiseKeys(t, seed), fifths}
		raw := o.raw(share, rows)
		n := sticky(t, o.keys)
		sums, err := sdc.NoisySums(share, n, raw)
		if err != nil {
			t.Fatal(err)
		}
		rate := func(k sdc.Key, side func(sdc.Sums) [2]int64) float64 {
			s := side(sums[k])
			return 100_000 * float64(s[0]) / float64(s[1])
		}
		p := rate(sdc.Key{}, func(s sdc.Sums) [2]int64 { return s.Cohort })
		r := func(k sdc.Key) float64 { return rate(k, func(s sdc.Sums) [2]int64 { return s.Rest }) }
		w := (60*r(sdc.Key{School: "S0"}) + 50*r(sdc.Key{School: "S1"})) / 110
		cohort, rest, weighted = append(cohort, p), append(rest, r(sdc.Key{})), append(weighted, w)
		difference, apart = append(difference, p-r(sdc.Key{})), append(apart, p-w)
		if seed == 0 {
			release, err := sdc.Protect(plan, []sdc.RawFigure{raw}, sdc.Protection{Profile: sdc.Standard, Noise: n})
			if err != nil {
				t.Fatal(err)
			}
			claimed = release.Figures[0].Rows[0]
		}
	}
	for name, c := range map[string]struct {
		seen []float64
		said sdc.Milli
	}{
		"cohort":                  {cohort, claimed.Cohort.Noise},
		"rest":                    {rest, claimed.Rest.Noise},
		"weighted rest":           {weighted, claimed.Weighted.Noise},
		"difference":              {difference, claimed.Rest.DifferenceNoise},
		"difference from the mix": {apart, claimed.Weighted.DifferenceNoise},
	} {
		if got := deviationOf(c.seen); math.Abs(got/float64(c.said)-1) > 0.06 { // five deviations of an estimate from 4,000 draws
			t.Errorf("%s: %.0f thousandths seen, %d claimed", name, got, c.said)
		}
	}
}

func deviationOf(list []float64) float64 {
	mean, sum := 0., 0.
	for _, v := range list {
		mean += v / float64(len(list))
	}
	for _, v := range list {
		sum += (v - mean) * (v - mean)
	}
	return math.Sqrt(sum / float64(len(list)-1))
}

func TestANoisyProfileWithoutNoiseShowsNothing(t *testing.T) {
	t.Parallel()
	for _, p := range []sdc.Profile{sdc.Standard, sdc.Budgeted} {
		if r, err := sdc.Protect(sdc.Plan{}, nil, sdc.Protection{Profile: p}); !errors.Is(err, sdc.ErrNoise) || len(r.Figures) > 0 {
			t.Errorf("%s: %v", p, err)
		}
	}
}

// spent is a source of noise that has none left.
type spent struct{ still }

func (spent) Of(string, int64, noise.Group) (int64, error) { return 0, errors.New("no more") }

func TestWhereNoNoiseCanBeHadNothingIsShown(t *testing.T) {
	t.Parallel()
	rows := flat(60, 40)
	o := valued{noiseKeys(t, 3), fifths}
	r, err := sdc.Protect(everything(rows), []sdc.RawFigure{o.raw(share, rows)}, sdc.Protection{Profile: sdc.Standard, Noise: spent{}})
	if !errors.Is(err, sdc.ErrNoise) || len(r.Figures) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// However far a student's value lies outside, it changes a sum by no more than the
// measure's range.
func TestNoStudentAddsMoreThanTheRange(t *testing.T) {
	t.Parallel()
	measures := map[string]sdc.Measure{
		"share": share, "results": {Kind: sdc.Share, Results: true}, "events": {Kind: sdc.Per100},
		"attendance": sdc.AttendanceMeasure(), "gpa": sdc.GPAMeasure(1000), "0-20": sdc.ScaleMeasure(0, 20_000, 1000), "1-6": sdc.ScaleMeasure(1000, 6000, 1000),
	}
	for name, m := range measures {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			den := rapid.Int64Range(1, 400).Draw(t, "den")
			num := rapid.Int64Range(-1000, 100_000).Draw(t, "num")
			parts, weight := m.Parts(num, den)
			if parts < 0 || parts > m.Range() || weight < 1 || weight > m.Range() {
				t.Fatalf("%d / %d counts as %d of %d; the range is %d", num, den, parts, weight, m.Range())
			}
		}))
	}
}

func TestAnOrdinaryValueKeepsItsPlaceAmongTheParts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		m             sdc.Measure
		num, den      int64
		parts, weight int64
	}{
		"absent":                   {share, 1, 1, 1, 1},
		"93.4 % of days":           {sdc.AttendanceMeasure(), 934, 1000, 43, 1},
		"31 % of days":             {sdc.AttendanceMeasure(), 31, 100, 0, 1},
		"a GPA of 3.14":            {sdc.GPAMeasure(1000), 314, 100, 31, 1},
		"13 of 20":                 {sdc.ScaleMeasure(0, 20_000, 1000), 13, 1, 26, 1},
		"4 on a scale of 1 to 6":   {sdc.ScaleMeasure(1000, 6000, 1000), 4, 1, 24, 1},
		"two of seven failed":      {sdc.Measure{Kind: sdc.Share, Results: true}, 2, 7, 2, 7},
		"six of twelve failed":     {sdc.Measure{Kind: sdc.Share, Results: true}, 6, 12, 4, 8},
		"seven incidents of a day": {sdc.Measure{Kind: sdc.Per100}, 7, 1, 3, 1},
	} {
		if parts, weight := c.m.Parts(c.num, c.den); parts != c.parts || weight != c.weight {
			t.Errorf("%s counts as %d of %d, want %d of %d", name, parts, weight, c.parts, c.weight)
		}
	}
}

func TestTheExposureOfAStudentIsCapped(t *testing.T) {
	t.Parallel()
	batch := func() (list []sdc.Candidate) {
		r := rand.New(rand.NewPCG(1, 1))
		for a := range 12 {
			rows := flat(400, 40)
			for x := range uint32(440) { // about as many again, others each time
				if r.IntN(5) == 0 {
					rows[0].P.Add(x)
					rows[1].P.Add(x)
				}
			}
			c := candidate(string(rune('A'+a)), rows[:1], sdc.Known{}, nil)
			c.Profile, c.Thresholds = sdc.Standard, sdc.Standard.Thresholds()
			list = append(list, c)
		}
		return list
	}
	most := func(b sdc.Broken) (n int) {
		candidates := batch()
		plans, _ := plan(t, b, candidates...)
		seen := map[uint32]int{}
		for i, p := range plans {
			if !p.Figures[0].Verdicts[0].Shown {
				continue
			}
			for _, x := range candidates[i].Rows[0].P.ToArray() {
				seen[x]++
				n = max(n, seen[x])
			}
		}
		return n
	}
	if n := most(sdc.Broken{}); n > sdc.ExposureCap || n == 0 {
		t.Errorf("a student is in %d figures", n)
	}
	if n := most(sdc.Broken{NoExposure: true}); n <= sdc.ExposureCap {
		t.Errorf("without the cap a student is in %d figures only: the test tests nothing", n)
	}
}
