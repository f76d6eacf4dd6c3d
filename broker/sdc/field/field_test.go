package field_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/sdc/field"
)

func element() *rapid.Generator[uint64] {
	edges := rapid.SampledFrom([]uint64{0, 1, 2, 1 << 32, 1 << 60, field.Prime - 2, field.Prime - 1})
	return rapid.OneOf(edges, rapid.Uint64Range(0, field.Prime-1))
}

func whole(a uint64) *big.Int { return new(big.Int).SetUint64(a) }

// reduced is what big arithmetic makes of a number in the field.
func reduced(n *big.Int) uint64 { return n.Mod(n, whole(field.Prime)).Uint64() }

func TestTheOrderOfTheFieldIsPrime(t *testing.T) {
	t.Parallel()
	if !whole(field.Prime).ProbablyPrime(0) { // exact for numbers of 64 bits
		t.Error("the order is not prime")
	}
}

func TestProductsAndDifferencesAreThoseOfBigArithmetic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := element().Draw(t, "a"), element().Draw(t, "b")
		if got, want := field.Mul(a, b), reduced(new(big.Int).Mul(whole(a), whole(b))); got != want {
			t.Errorf("%d times %d is %d, not %d", a, b, got, want)
		}
		if got, want := field.Sub(a, b), reduced(new(big.Int).Sub(whole(a), whole(b))); got != want {
			t.Errorf("%d less %d is %d, not %d", a, b, got, want)
		}
	})
}

func TestAnElementTimesItsInverseIsOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := element().Draw(t, "a")
		want := min(a, 1) // zero has none
		if got := field.Mul(a, field.Inverse(a)); got != want {
			t.Errorf("%d times its inverse is %d", a, got)
		}
	})
}

func TestDeterminantsOfOrderThirtySixStayUnderThePrime(t *testing.T) {
	t.Parallel()
	bits := func(n float64) float64 { return (n+1)/2*math.Log2(n+1) - n }
	if bits(36) >= 61 || bits(37) < 61 {
		t.Errorf("Hadamard's bound has %.2f bits at order 36 and %.2f at 37", bits(36), bits(37))
	}
}
