package budget

import "math/big"

// Conversions calculate with numbers of fixed precision and not with those of the
// machine, so that a grant is the same on every machine.

// precision of the arithmetic, in bits. Conversions lose less than fifty of them.
const precision = 160

func number(n int64) *big.Float { return new(big.Float).SetPrec(precision).SetInt64(n) }

func add(a, b *big.Float) *big.Float { return number(0).Add(a, b) }
func sub(a, b *big.Float) *big.Float { return number(0).Sub(a, b) }
func mul(a, b *big.Float) *big.Float { return number(0).Mul(a, b) }
func quo(a, b *big.Float) *big.Float { return number(0).Quo(a, b) }

// ln is the natural logarithm of a positive number, which is taken apart into a part
// from a half to one and a power of two.
func ln(x *big.Float) *big.Float {
	part := number(0)
	exponent := x.MantExp(part)
	log := lnRatio(part, number(1))
	if exponent != 0 {
		log.Add(log, mul(lnRatio(number(2), number(1)), number(int64(exponent))))
	}
	return log
}

// lnRatio is ln(a/b) = 2 artanh((a-b)/(a+b)), which loses no digits where they are
// close. Where one is more than twice the other, it takes them one by one.
func lnRatio(a, b *big.Float) *big.Float {
	z := quo(sub(a, b), add(a, b))
	if number(0).Abs(z).Cmp(quo(number(1), number(3))) > 0 {
		return sub(ln(a), ln(b))
	}
	half := artanh(z)
	return half.Add(half, half)
}

// artanh is z + z³/3 + z⁵/5 + …, for a z of at most a third.
func artanh(z *big.Float) *big.Float {
	sum, power, square := number(0), number(0).Set(z), mul(z, z)
	for i := int64(1); power.Sign() != 0 && power.MantExp(nil) > -precision; i += 2 {
		sum.Add(sum, quo(power, number(i)))
		power.Mul(power, square)
	}
	return sum
}

// margin is more than what conversions are off by.
func margin() *big.Float { return number(0).SetMantExp(number(1), -100) }

// down is a positive number in units of 1/one, rounded down; zero for others.
func down(x *big.Float, one int64) int64 {
	units, _ := mul(sub(x, margin()), number(one)).Int64()
	return max(units, 0)
}

// up is a positive number in units of 1/one, rounded up; zero for others.
func up(x *big.Float, one int64) int64 {
	if x.Sign() <= 0 {
		return 0
	}
	exact := mul(add(x, margin()), number(one))
	units, _ := exact.Int64()
	if exact.Cmp(number(units)) > 0 {
		units++
	}
	return units
}
