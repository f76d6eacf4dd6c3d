// Package attack computes what a partner can conclude from published figures:
// the arithmetic of the attacks of the red team, without the asking. What was
// read stands in a View (which students each figure sums, the bounds that its
// printed code gives, the variance of its noise, values known from elsewhere);
// an attack turns it into posterior probabilities, and a Game compares those
// with the truth.
//
// One student:
//
//	Gaussian(variance) *Law                              the noise that is assumed
//	Insider(prior, Fact, ...Sighting) float64            all others known
//	Differencing(prior, *Law, ...Pair) float64           S against S without x, others unknown
//	Equality{IfNo, IfYes}.Posterior(prior, same...)      the same answer for both?
//	Distinct(sightings) []Sighting                       reloads that say nothing new
//	Combine(...Term) Combination                         year less terms, whole less rest
//	Averaged(...Estimate) Estimate                       partitions of one total
//
// All students at once:
//
//	LeastSquares(View) ([]float64, error)                ridge towards the prior
//	Rounding(View, rounds) ([]float64, error)            L1 decoding in the unit box
//	Sample(View, Sampling, *rand.Rand) (Posterior, error) Markov chains over all values
//	Certain(View, budget) (Certainty, error)             what holds in every solution
//	Pooled(...View) (View, error)                        colluding partners
//
// Printed numbers: Counts and Sizes (what percentages and means give away), and
// FloorCurve (how few unconsented students a figure can bear). Behaviour:
// BestProbe (thresholds), Smirnov (side channels), Evolve (search over query
// programs with an oracle).
//
// An attack must be strong enough to succeed where protection is weak, or it
// shows nothing where protection holds. Each is tested on both.
//
// The package is pure: randomness is passed in, and it knows no clock, storage
// or network. Nothing that ships imports it.
package attack
