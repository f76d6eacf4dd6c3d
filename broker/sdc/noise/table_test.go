package noise_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// two students: the deviation of every count by default.
var usual = noise.Variance{Num: 4, Den: 1}

func table(t testing.TB, v noise.Variance) *noise.Table {
	t.Helper()
	made, err := noise.NewTable(v)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// first is the least number that gives noise k or more.
func first(of *noise.Table, k int) uint64 {
	low, high := uint64(0), uint64(math.MaxUint64)
	for low < high {
		middle := low + (high-low)/2
		if of.At(middle) < k {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// chance is the probability of noise k, from the table alone.
func chance(of *noise.Table, k int) float64 {
	if k == of.Reach() {
		return (1<<64 - float64(first(of, k))) / (1 << 64)
	}
	return float64(first(of, k+1)-first(of, k)) / (1 << 64)
}

func TestTheUsualTableHasTheFrozenChances(t *testing.T) {
	t.Parallel()
	of := table(t, usual)
	if of.Reach() != 16 {
		t.Errorf("noise reaches %d, not 16", of.Reach())
	}
	want := []string{"0.19947", "0.17603", "0.12099", "0.06476", "0.02700", "0.00876", "0.00222", "0.00044", "0.00007"}
	for k, text := range want {
		for _, signed := range []int{k, -k} {
			if got := strconv.FormatFloat(chance(of, signed), 'f', 5, 64); got != text {
				t.Errorf("noise of %d comes with %s, not %s", signed, got, text)
			}
		}
	}
}

// frozen are the least numbers that give noise of -15 to 16 with a variance of
// four, from another calculation: decimal arithmetic with 90 digits.
var frozen = map[int]uint64{
	-15: 46598,
	-14: 2291863,
	-13: 86544788,
	-12: 2548776171,
	-11: 58588904147,
	-10: 1051923940347,
	-9:  14764491139194,
	-8:  162188481908952,
	-7:  1396554443914757,
	-6:  9445631610446885,
	-5:  50322218324695149,
	-4:  211992254950662975,
	-3:  709971025731164292,
	-2:  1904559995876613458,
	-1:  4136346010143970683,
	0:   7383575500167950042,
	1:   11063168573541601573,
	2:   14310398063565580932,
	3:   16542184077832938157,
	4:   17736773047978387323,
	5:   18234751818758888640,
	6:   18396421855384856466,
	7:   18437298442099104730,
	8:   18445347519265636858,
	9:   18446581885227642663,
	10:  18446729309218412421,
	11:  18446743021785611268,
	12:  18446744015120647468,
	13:  18446744071160775444,
	14:  18446744073623006827,
	15:  18446744073707259752,
	16:  18446744073709505017,
}

// The bounds of released noise never change: a figure that is built again must
// come out the same.
func TestTheUsualBoundsNeverChange(t *testing.T) {
	t.Parallel()
	of := table(t, usual)
	for k, want := range frozen {
		if got := first(of, k); got != want {
			t.Errorf("noise of %d begins at %d, not %d", k, got, want)
		}
	}
}

func TestTablesHaveTheVarianceOfTheDistribution(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		variance noise.Variance
		want     string
	}{ // of the authors' code, as printed beside their paper
		{noise.Variance{Num: 1, Den: 4}, "0.215012675"},
		{noise.Variance{Num: 1, Den: 2}, "0.498979131"},
		{noise.Variance{Num: 1, Den: 1}, "0.999999789"},
		{usual, "4.000000000"},
		{noise.Variance{Num: 1600, Den: 1}, "1600.000000000"},
	} {
		of := table(t, c.variance)
		var sum float64
		for k := -of.Reach(); k < of.Reach(); k++ {
			sum += float64(k*k) * chance(of, k)
		}
		if got := strconv.FormatFloat(sum, 'f', 9, 64); got != c.want {
			t.Errorf("%d/%d: variance %s, want %s", c.variance.Num, c.variance.Den, got, c.want)
		}
	}
}

func TestNoiseLeansToNoSide(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := noise.Variance{Num: rapid.Int64Range(1, 400).Draw(t, "num"), Den: rapid.Int64Range(1, 9).Draw(t, "den")}
		of, err := noise.NewTable(v)
		if err != nil {
			t.Fatal(err)
		}
		u := rapid.Uint64().Draw(t, "u")
		if a, b := of.At(u), of.At(^u); a != -b && first(of, a) != u && first(of, a+1)-1 != u {
			t.Errorf("%d of one side, %d of the other", a, b)
		}
	})
}

func TestAVarianceOutOfRangeIsRefused(t *testing.T) {
	t.Parallel()
	for _, v := range []noise.Variance{{}, {-4, 1}, {4, 0}, {4, -1}, {40_001, 1}, {80_001, 2}, {1, 1001}} {
		if _, err := noise.NewTable(v); !errors.Is(err, noise.ErrVariance) {
			t.Errorf("%v: %v", v, err)
		}
		if _, err := noise.NewSampler(rand.NewChaCha8([32]byte{}), v); !errors.Is(err, noise.ErrVariance) {
			t.Errorf("a sampler of %v: %v", v, err)
		}
	}
	if _, err := noise.NewTable(noise.Variance{Num: 40_000, Den: 1}); err != nil {
		t.Error(err)
	}
}

func BenchmarkTable(b *testing.B) {
	for _, v := range []noise.Variance{usual, {1600, 1}, {10_000, 1}} {
		b.Run(strconv.FormatInt(v.Num, 10), func(b *testing.B) {
			for b.Loop() {
				table(b, v)
			}
		})
	}
}
