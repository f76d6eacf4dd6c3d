package rank_test

import (
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"go.yaml.in/yaml/v3"

	"github.com/hallpass-edu/hallpass/broker/sdc/rank"
)

// tracker is an attack by sums over groups of so many students.
type tracker struct {
	Name     string
	Groups   map[string]int
	Released []string
	Sets     [][]string
	Exposed  int
}

func trackers(t *testing.T) []tracker {
	t.Helper()
	file, err := os.Open("testdata/trackers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var out []tracker
	d := yaml.NewDecoder(file)
	d.KnownFields(true)
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// set returns the union of some groups. Their students are numbered in the
// order of their names.
func (c tracker) set(t *testing.T, names []string) *roaring.Bitmap {
	t.Helper()
	out, from := roaring.New(), 0
	for _, g := range slices.Sorted(maps.Keys(c.Groups)) {
		if slices.Contains(names, g) {
			out.AddRange(uint64(from), uint64(from+c.Groups[g]))
		}
		from += c.Groups[g]
	}
	for _, n := range names {
		if c.Groups[n] == 0 {
			t.Fatalf("%s: no group %s", c.Name, n)
		}
	}
	return out
}

func TestATrackerIsRefusedAtItsLastSet(t *testing.T) {
	t.Parallel()
	for _, c := range trackers(t) {
		a := rank.New(c.set(t, c.Released), 10)
		last := len(c.Sets) - 1
		for _, s := range c.Sets[:last] {
			set := c.set(t, s)
			if !a.Admits(set) {
				t.Errorf("%s: %v is refused", c.Name, s)
			}
			a.Add(set)
		}
		if got := a.Admits(c.set(t, c.Sets[last])); got != (c.Exposed == 0) {
			t.Errorf("%s: the last set is admitted: %t", c.Name, got)
		}
		a.Add(c.set(t, c.Sets[last]))
		if got := a.Exposed(); got != c.Exposed {
			t.Errorf("%s: exposed %d, not %d", c.Name, got, c.Exposed)
		}
	}
}

func TestATrackerIsRefusedInAnyOrderAndAtOnce(t *testing.T) {
	t.Parallel()
	for _, c := range trackers(t) {
		for turn := range c.Sets {
			var sets []*roaring.Bitmap
			for i := range c.Sets {
				sets = append(sets, c.set(t, c.Sets[(i+turn)%len(c.Sets)]))
			}
			a := rank.New(c.set(t, c.Released), 10)
			if got := a.Admits(sets...); got != (c.Exposed == 0) {
				t.Errorf("%s, turned by %d: admitted: %t", c.Name, turn, got)
			}
		}
	}
}
