package noise_test

import (
	"encoding/binary"
	"errors"
	"iter"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

var chronic = noise.Figure{Indicator: "chronic_absence", Period: "2025-26"}

func keys(t testing.TB, text string) noise.Keys {
	t.Helper()
	secret := make([]byte, noise.SecretSize)
	copy(secret, text)
	k, err := noise.NewKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func pseudonym(i int) (sid [16]byte) {
	binary.BigEndian.PutUint64(sid[8:], uint64(i))
	return sid
}

// group is the group of students with their values.
func group(k noise.Keys, f noise.Figure, values map[int]int64) (g noise.Group) {
	for i, v := range values { // in whatever order
		g = g.Plus(k.Member(f, pseudonym(i), v))
	}
	return g
}

// few are the values of n students, of whom every fifth counts.
func few(n int) map[int]int64 {
	values := map[int]int64{}
	for i := range n {
		if values[i] = 0; i%5 == 0 {
			values[i] = 1
		}
	}
	return values
}

func TestTheSameGroupHasTheSameNoiseByWhateverRoute(t *testing.T) {
	t.Parallel()
	k, of := keys(t, "a district"), table(t, usual)
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.MapOfN(rapid.IntRange(0, 500), rapid.Int64Range(0, 5), 1, 60).Draw(t, "values")
		parts := rapid.IntRange(1, 4).Draw(t, "parts")
		split := make([]noise.Group, parts)
		for i, v := range values {
			split[i%parts] = split[i%parts].Plus(k.Member(chronic, pseudonym(i), v))
		}
		var joined noise.Group
		for _, part := range split {
			joined = joined.Plus(part)
		}
		if whole := group(k, chronic, values); whole != joined || k.Noise(of, chronic, whole) != k.Noise(of, chronic, joined) {
			t.Error("a group by another route has other noise")
		}
	})
}

func TestNoiseDependsOnAllThatIsSummedAndOnTheSecret(t *testing.T) {
	t.Parallel()
	k := keys(t, "a district")
	base := group(k, chronic, few(40))
	changed, less, zeroLess := few(40), few(40), few(40)
	changed[3] = 1
	delete(less, 5)
	delete(zeroLess, 3) // whose value is zero
	for what, g := range map[string]noise.Group{
		"another value":             group(k, chronic, changed),
		"a student less":            group(k, chronic, less),
		"a student with zero less":  group(k, chronic, zeroLess),
		"another indicator":         group(k, noise.Figure{Indicator: "gpa", Period: chronic.Period}, few(40)),
		"another period":            group(k, noise.Figure{Indicator: chronic.Indicator, Period: "2026-27"}, few(40)),
		"a name split another way":  group(k, noise.Figure{Indicator: "chronic_absence2", Period: "025-26"}, few(40)),
		"another district's secret": group(keys(t, "another"), chronic, few(40)),
	} {
		if g == base {
			t.Errorf("%s: the same group", what)
		}
	}
}

// together measures, over many groups of twelve, how the noise of a group and of
// one that is changed go together: their correlation, and how often they are
// equal.
func together(t *testing.T, change func(values map[int]int64)) (correlation, equal float64) {
	t.Helper()
	const groups, apart = 4000, 20
	k, of := keys(t, "a district"), table(t, usual)
	noiseOf := func(first int, values map[int]int64) int {
		var g noise.Group
		for i, v := range values {
			g = g.Plus(k.Member(chronic, pseudonym(first+i), v))
		}
		return k.Noise(of, chronic, g)
	}
	for i := range groups {
		values := few(12)
		before := noiseOf(i*apart, values)
		change(values)
		after := noiseOf(i*apart, values)
		correlation += float64(before*after) / groups / 4
		if before == after {
			equal += 1. / groups
		}
	}
	return correlation, equal
}

// Two draws of the table are equal with the sum of its squared chances.
const equalByChance = 0.14105

func TestAGroupThatDiffersByOneStudentHasNoiseOfItsOwnWhateverTheValue(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(map[int]int64){
		"without one of value 0": func(v map[int]int64) { delete(v, 1) },
		"without one of value 1": func(v map[int]int64) { delete(v, 5) },
		"with one more":          func(v map[int]int64) { v[12] = 0 },
		"with one value changed": func(v map[int]int64) { v[1] = 1 },
	} {
		correlation, equal := together(t, change)
		if math.Abs(correlation) > .06 || math.Abs(equal-equalByChance) > .02 {
			t.Errorf("%s: correlation %.3f, equal in %.3f where chance is %.3f", what, correlation, equal, equalByChance)
		}
	}
	if correlation, equal := together(t, func(map[int]int64) {}); math.Abs(correlation-1) > .1 || equal < .9999 {
		t.Errorf("of the same groups the noise is equal in %.3f, with a correlation of %.3f", equal, correlation)
	}
}

// What was released must come out the same when it is built again. The numbers are
// another program's, which was written from the formulas alone.
func TestReleasedNoiseNeverChanges(t *testing.T) {
	t.Parallel()
	k, of := keys(t, "a district"), table(t, usual)
	for n, want := range map[int]int{10: 2, 20: -2, 25: 0, 30: -3, 40: 0, 60: 0, 108: 0, 200: 4} {
		if got := k.Noise(of, chronic, group(k, chronic, few(n))); got != want {
			t.Errorf("noise of %d students is %d, was %d", n, got, want)
		}
	}
}

func TestASecretOfAnotherLengthIsRefused(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := noise.NewKeys(make([]byte, n)); !errors.Is(err, noise.ErrSecret) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func BenchmarkMember(b *testing.B) {
	k := keys(b, "a district")
	for b.Loop() {
		k.Member(chronic, pseudonym(1), 1)
	}
}

func TestABlurBelongsToTheStudentsAndNotToTheirOrder(t *testing.T) {
	t.Parallel()
	k := keys(t, "a district")
	rapid.Check(t, func(t *rapid.T) {
		students := rapid.SliceOfNDistinct(rapid.IntRange(0, 500), 1, 30, rapid.ID[int]).Draw(t, "students")
		other := rapid.Permutation(students).Draw(t, "order")
		if a, b := k.Blur(pseudonyms(students)), k.Blur(pseudonyms(other)); a != b {
			t.Fatalf("blur %d in one order, %d in another", a, b)
		}
	})
}

// The blur of a set and that of the set without one student do not go together.
func TestOneProbeOfABlurredFloorIsRightTwiceInThree(t *testing.T) {
	t.Parallel()
	k := keys(t, "a district")
	const draws = 20_000
	var count [noise.MostBlur + 1]int
	right := 0
	for i := range draws {
		set := []int{6 * i, 6*i + 1, 6*i + 2, 6*i + 3, 6*i + 4, 6*i + 5}
		with, without := k.Blur(pseudonyms(set)), k.Blur(pseudonyms(set[1:]))
		count[with]++
		// The floor is five: six are left or, if the first said yes to somebody, five.
		if said := i%2 == 0; said == (said && 5 < 5+without || !said && 6 < 5+with) {
			right++
		}
	}
	for b, n := range count {
		if got := float64(n) / draws; math.Abs(got-1./3) > .015 {
			t.Errorf("blur %d came %.3f of the time", b, got)
		}
	}
	if got := float64(right) / draws; math.Abs(got-2./3) > .015 {
		t.Errorf("a probe was right %.3f of the time", got)
	}
}

func pseudonyms(students []int) iter.Seq[[16]byte] {
	return func(yield func([16]byte) bool) {
		for _, i := range students {
			if !yield(pseudonym(i)) {
				return
			}
		}
	}
}
