package budget

import "math/big"

// RhoOf is the largest amount that (ε, δ) allows, rounded down: whoever may spend
// it and no more is held to (ε, δ). It is for grants. An ε or a δ out of range is
// an ErrEpsilon or an ErrDelta.
//
// The conversion is that of Canonne, Kamath and Steinke (NeurIPS 2020, section
// 2.3). For every order α over one, an amount of ρ keeps every ε with the δ of
//
//	exp((α-1)(αρ - ε)) · (1 - 1/α)^α / (α - 1)
//
// so that each order alone gives a true bound, and the best one is searched for.
func RhoOf(e Epsilon, d Delta) (Rho, error) {
	if err := e.Validate(); err != nil {
		return 0, err
	}
	if err := d.Validate(); err != nil {
		return 0, err
	}
	epsilon, logDelta := quo(number(int64(e)), number(1_000_000)), d.ln()
	best := search(func(o order) loss { return loss{rho: o.rho(epsilon, logDelta), epsilon: epsilon} })
	return min(Rho(down(best.rho, int64(Billion))), MaxRho), nil
}

// EpsilonOf is the least ε that an amount keeps with δ, rounded up. It is for
// display. An amount or a δ out of range is an ErrRho or an ErrDelta.
func EpsilonOf(r Rho, d Delta) (Epsilon, error) {
	if r == 0 {
		return 0, d.Validate()
	}
	if err := r.validate(); err != nil {
		return 0, err
	}
	if err := d.Validate(); err != nil {
		return 0, err
	}
	rho, logDelta := quo(number(int64(r)), number(int64(Billion))), d.ln()
	best := search(func(o order) loss { return loss{rho: rho, epsilon: o.epsilon(rho, logDelta)} })
	return Epsilon(up(best.epsilon, 1_000_000)), nil
}

func (d Delta) ln() *big.Float { return sub(ln(number(d.Num)), ln(number(d.Den))) }

// order is an α over one with what the conversion needs of it.
type order struct {
	over       *big.Float // α - 1
	alpha      *big.Float
	logOver    *big.Float // ln(α - 1)
	logPortion *big.Float // ln(1 - 1/α)
}

func newOrder(over *big.Float) order {
	alpha := add(over, number(1))
	return order{over, alpha, ln(over), lnRatio(over, alpha)}
}

// epsilon is the ε of an amount at this order.
func (o order) epsilon(rho, logDelta *big.Float) *big.Float {
	rest := sub(sub(mul(o.alpha, o.logPortion), o.logOver), logDelta)
	return add(mul(o.alpha, rho), quo(rest, o.over))
}

// rho is the amount of an ε at this order.
func (o order) rho(epsilon, logDelta *big.Float) *big.Float {
	rest := sub(add(logDelta, o.logOver), mul(o.alpha, o.logPortion))
	return quo(add(epsilon, quo(rest, o.over)), o.alpha)
}

// loss is an amount and the ε that goes with it at some order.
type loss struct{ rho, epsilon *big.Float }

// tooHigh reports that the order is not under the best one: that the derivative
// of ln δ by α, which is (2α-1)ρ - ε + ln(1-1/α), is not negative. As ln δ is
// convex in α, there is one best order, for ε and for ρ as for δ.
func (o order) tooHigh(l loss) bool {
	twice := add(o.alpha, o.over)
	return add(sub(mul(twice, l.rho), l.epsilon), o.logPortion).Sign() >= 0
}

// halvings of the interval of the best order. The order is then right to nine digits
// and the bound to twice as many, as it is flat there.
const halvings = 30

// search finds the loss at the best order.
func search(at func(order) loss) loss {
	tooHigh := func(over *big.Float) bool {
		o := newOrder(over)
		return o.tooHigh(at(o))
	}
	high := number(1)
	for !tooHigh(high) {
		high = mul(high, number(2))
	}
	low := quo(high, number(2))
	for tooHigh(low) {
		low = quo(low, number(2))
	}
	for range halvings {
		if middle := quo(add(low, high), number(2)); tooHigh(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return at(newOrder(high))
}
