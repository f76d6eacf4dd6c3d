package compare_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// versions are two data versions of one district: some students of the first
// are not in the second, and some came.
type versions struct {
	placing, newer *records.District
	session        records.Session
	census         civil.Date
}

func drawVersions(t *rapid.T) versions {
	v := versions{placing: drawRecords(t), newer: drawRecords(t), census: firstDay + civil.Date(rapid.Int32Range(0, 79).Draw(t, "census"))}
	v.session, _ = v.placing.Session("Y1")
	return v
}

// bySID are the values of all students of a district who were placed by another,
// wherever they stand in their own.
func (v versions) bySID(d *records.District, r compare.Report) map[uint32]one {
	out := map[uint32]one{}
	for _, p := range compare.Place(v.placing.Students, v.census) {
		student := d.Find(v.placing.Students[p.Ordinal].SID)
		if student == nil || !slices.Contains(r.Schools, p.School) {
			continue
		}
		value, status := r.Indicator.Compute(d, student, v.session, nil, records.Settings{Scale: r.Scale})
		switch {
		case status != records.Reported || value.Den <= 0:
		case r.Indicator.Kind == records.MeanOfRatios:
			out[p.Ordinal] = one{(2_000_000*value.Num + value.Den) / (2 * value.Den), 1_000_000}
		default:
			out[p.Ordinal] = one{value.Num, value.Den}
		}
	}
	return out
}

func reportsOfAll() (list []compare.Report) {
	for _, ind := range records.Registry() {
		list = append(list, compare.Report{Indicator: ind, Schools: schoolIDs, Scale: "0-100"})
	}
	return list
}

func TestValuesOfAnotherVersionAreThoseOfTheSameChildrenWhereTheFirstPlacedThem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := drawVersions(t)
		p := compare.NewPeriod(v.placing, v.session, v.census)
		p.ReadFrom(v.newer)
		for _, r := range reportsOfAll() {
			if diff := cmp.Diff(v.bySID(v.newer, r), together(t, p, r)); diff != "" {
				t.Fatalf("%s: %s", r.Indicator.ID, diff)
			}
		}
	})
}

func TestACorrectionChangesValuesAndNeverWhoHasOne(t *testing.T) {
	t.Parallel()
	changed, kept, stayedOut := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		v := drawVersions(t)
		p := compare.NewPeriod(v.placing, v.session, v.census)
		p.Correct(v.newer)
		for _, r := range reportsOfAll() {
			first, second := v.bySID(v.placing, r), v.bySID(v.newer, r)
			want := maps.Clone(first)
			for x := range want {
				if now, ok := second[x]; ok {
					want[x] = now
					changed++
				} else {
					kept++
				}
			}
			for x := range second {
				if _, was := first[x]; !was {
					stayedOut++
				}
			}
			if diff := cmp.Diff(want, together(t, p, r)); diff != "" {
				t.Fatalf("%s: %s", r.Indicator.ID, diff)
			}
		}
	})
	if changed == 0 || kept == 0 || stayedOut == 0 {
		t.Errorf("the districts are no test: %d values changed, %d kept, %d stayed out", changed, kept, stayedOut)
	}
}

func TestTheScaleIsThatOfTheVersionWithTheValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := drawVersions(t)
		p := compare.NewPeriod(v.placing, v.session, v.census)
		p.ReadFrom(v.newer)
		if got, want := p.Scale(schoolIDs), mainScale(v.newer, v.session, schoolIDs); got != want {
			t.Fatalf("the scale is %q, want %q", got, want)
		}
	})
}
