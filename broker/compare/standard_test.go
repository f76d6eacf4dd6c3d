package compare_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// drawn is noise that was drawn beforehand.
type drawn map[noise.Group]int64

func (d drawn) Of(_ string, _ int64, g noise.Group) (int64, error) { return d[g], nil }

func (d drawn) Variance() noise.Variance { return noise.Variance{Num: 4, Den: 1} }

// groups are those of a cohort and of so many cells, all different.
func groups(t *rapid.T, cells int) []noise.Group {
	keys, err := noise.NewKeys(make([]byte, noise.SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	list := make([]noise.Group, 1+cells)
	for i := range list {
		list[i] = keys.Member(noise.Figure{}, [16]byte{byte(i)}, 0)
	}
	return list
}

// protectedStandard shows a cohort's sum and its rest's as a release of the
// profile standard does; noises are those of the cohort and of each cell. Parts
// are counted from where the measure's values begin.
func protectedStandard(t *rapid.T, m sdc.Measure, n int, a, b int64, noises []int64) sdc.ShownRow {
	all, d := groups(t, wholeCells), drawn{}
	for i, g := range all {
		d[g] = noises[i]
	}
	cohort := sdc.Raw{N: n, Num: a, Den: int64(n)}
	rest := sdc.Raw{N: restStudents, Num: b, Den: restStudents}
	row, signed := sdc.RawRow{Cohort: cohort, Rest: rest}, sdc.Signature{Group: all[0], Cells: []sdc.Cell{
		{Raw: cohort, Group: all[1]}, {Raw: rest, Group: all[2]}, {Group: all[3]}, {Group: all[4]},
	}}
	plan := sdc.Plan{Figures: []sdc.FigurePlan{{Indicator: "i", Verdicts: []sdc.Verdict{{
		Shown: true, Cohort: n, Rest: restStudents, CohortCovered: n, RestCovered: restStudents,
	}}}}}
	raw := []sdc.RawFigure{{Indicator: "i", Measure: m, Keys: []sdc.Key{{}}, Rows: []sdc.RawRow{row}, Signatures: []sdc.Signature{signed}}}
	r, err := sdc.Protect(plan, raw, sdc.Protection{Profile: sdc.Standard, Noise: d})
	if err != nil {
		t.Fatal(err)
	}
	return r.Figures[0].Rows[0]
}

// The harness makes its rows faster than a release does; they must be the same
// ones, to the thousandth.
func TestTheHarnessReadsRowsOfTheProfileStandard(t *testing.T) {
	t.Parallel()
	for _, q := range questions() {
		t.Run(q.name, rapid.MakeCheck(func(t *rapid.T) {
			n := rapid.IntRange(20, 500).Draw(t, "n")
			most := q.m.Range()
			a, b := rapid.Int64Range(0, most*int64(n)).Draw(t, "a"), rapid.Int64Range(0, most*restStudents).Draw(t, "b")
			reach := int64(8 * q.sd())
			noises := rapid.SliceOfN(rapid.Int64Range(-reach, reach), 1+wholeCells, 1+wholeCells).Draw(t, "noises")
			release := protectedStandard(t, q.m, n, a, b, noises)
			begin := int64(q.same.low) // of a student's parts: attendance begins at 50 points
			own, whole := noises[0], noises[1]+noises[2]+noises[3]+noises[4]
			harness := trial{q: q, n: n}.standard(begin*int64(n)+a+own, begin*restStudents+b+whole-own)
			if diff := cmp.Diff([]*sdc.ShownSide{release.Cohort, release.Rest}, []*sdc.ShownSide{harness.Cohort, harness.Rest}); diff != "" {
				t.Fatal(diff)
			}
		}))
	}
}
