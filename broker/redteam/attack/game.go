package attack

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mathext"
)

// ErrGame is returned for a game from which nothing can be concluded.
var ErrGame = errors.New("the game decides nothing")

// Claim is the posterior from which an attacker names a value: 95 %.
const Claim = .95

// Game counts how an attack did on bits whose truth the scorer knows. The zero
// Game is ready to play.
type Game struct {
	RightYes, RightNo int // guesses that were right, by the truth
	WrongYes, WrongNo int // guesses that were wrong, by the truth
	// Gained is the information that the attack added to the prior, in bits over
	// all students: the sum of log2 of posterior over prior of the truth. It is
	// negative where the attack misled.
	Gained  float64
	Claims  int // students that the attacker named with a posterior of 95 % or more
	Correct int // claims that were right
	Exposed int // claims of a yes that were right
}

// Play scores the posterior of one bit. Where the posterior is even, the attacker
// tosses the coin.
func (g *Game) Play(prior, posterior float64, truth bool, coin *rand.Rand) {
	guess := posterior > .5 || posterior == .5 && coin.Uint64()&1 == 1
	g.Guess(guess, truth)
	g.Gained += math.Log2(of(posterior, truth) / of(prior, truth))
	if posterior >= Claim || posterior <= 1-Claim {
		g.Claims++
		g.Correct += int(bit(guess == truth))
		g.Exposed += int(bit(guess && truth))
	}
}

// of is the probability that a chance of a yes gives the truth, never quite zero
// or one, so that one wrong certainty does not count for everything.
func of(chance float64, truth bool) float64 {
	const least = 1e-6
	chance = min(max(chance, least), 1-least)
	if truth {
		return chance
	}
	return 1 - chance
}

// Guess scores a guess that comes without a posterior.
func (g *Game) Guess(guess, truth bool) {
	switch {
	case truth && guess:
		g.RightYes++
	case truth:
		g.WrongYes++
	case guess:
		g.WrongNo++
	default:
		g.RightNo++
	}
}

// Add puts the results of another game to those of this one.
func (g *Game) Add(other Game) {
	g.RightYes += other.RightYes
	g.RightNo += other.RightNo
	g.WrongYes += other.WrongYes
	g.WrongNo += other.WrongNo
	g.Gained += other.Gained
	g.Claims += other.Claims
	g.Correct += other.Correct
	g.Exposed += other.Exposed
}

// Bits is the number of guesses.
func (g Game) Bits() int { return g.RightYes + g.RightNo + g.WrongYes + g.WrongNo }

// Yes is the number of students whose truth is a yes.
func (g Game) Yes() int { return g.RightYes + g.WrongYes }

// Right is the number of guesses that were right.
func (g Game) Right() int { return g.RightYes + g.RightNo }

// Accuracy is the share of guesses that were right.
func (g Game) Accuracy() float64 { return ratio(g.Right(), g.Bits()) }

// Base is the accuracy of always naming the commoner value.
func (g Game) Base() float64 { return ratio(max(g.Yes(), g.Bits()-g.Yes()), g.Bits()) }

// Balanced is the mean of the shares that were right among the yes and among the
// no: one half for every attack that does not look.
func (g Game) Balanced() float64 {
	return (ratio(g.RightYes, g.Yes()) + ratio(g.RightNo, g.Bits()-g.Yes())) / 2
}

// BitsEach is the information gained per student, in bits.
func (g Game) BitsEach() float64 { return g.Gained / float64(max(1, g.Bits())) }

// ClaimShare is the share of students that the attacker named.
func (g Game) ClaimShare() float64 { return ratio(g.Claims, g.Bits()) }

// String tells the result in one line.
func (g Game) String() string {
	return fmt.Sprintf("%d bits: %.4f right (balanced %.4f), %.4f bits gained each, %.2f %% claimed, %d of %d yes exposed",
		g.Bits(), g.Accuracy(), g.Balanced(), g.BitsEach(), 100*g.ClaimShare(), g.Exposed, g.Yes())
}

func ratio(part, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(part) / float64(of)
}

// Judge is how a game is decided: what it measures exceeds its bound only if the
// lower one-sided limit of confidence does. A system under attack must not exceed
// it; a system made weak on purpose must, or the attack is too weak to show
// anything.
type Judge struct {
	Least int     // bits that a game needs
	Doubt float64 // chance that a system exactly at its bound is said to exceed it
}

// House is the judge of the red team: 20,000 bits and 99.9 % confidence.
func House() Judge { return Judge{Least: 20_000, Doubt: .001} }

// Exceeds tells whether the accuracy of a game on balanced bits lies over a bound
// for certain. An ErrGame reports too few bits, or unbalanced ones: for those ask
// ExceedsBalanced.
func (j Judge) Exceeds(g Game, bound float64) (bool, error) {
	if err := j.enough(g); err != nil {
		return false, err
	}
	if share := ratio(g.Yes(), g.Bits()); math.Abs(share-.5) > .02 {
		return false, fmt.Errorf("%w: %.3f of its bits are a yes; draw as many of both", ErrGame, share)
	}
	return j.Lower(g.Right(), g.Bits()) > bound, nil
}

// ExceedsBalanced is Exceeds for the balanced accuracy of bits of which more are
// of one kind: each kind takes half of the doubt.
func (j Judge) ExceedsBalanced(g Game, bound float64) (bool, error) {
	if err := j.enough(g); err != nil {
		return false, err
	}
	if g.Yes() == 0 || g.Yes() == g.Bits() {
		return false, fmt.Errorf("%w: all of its bits are of one kind", ErrGame)
	}
	half := Judge{j.Least, j.Doubt / 2}
	return (half.Lower(g.RightYes, g.Yes())+half.Lower(g.RightNo, g.Bits()-g.Yes()))/2 > bound, nil
}

// ExceedsBase tells whether the accuracy of a game lies for certain more than a
// margin over that of always naming the commoner value, for bits in any proportion.
func (j Judge) ExceedsBase(g Game, margin float64) (bool, error) {
	if err := j.enough(g); err != nil {
		return false, err
	}
	return j.Lower(g.Right(), g.Bits()) > g.Base()+margin, nil
}

// ExceedsShare is Exceeds for the share of students whom the attacker claimed.
func (j Judge) ExceedsShare(g Game, bound float64) (bool, error) {
	if err := j.enough(g); err != nil {
		return false, err
	}
	return j.Lower(g.Claims, g.Bits()) > bound, nil
}

func (j Judge) enough(g Game) error {
	if g.Bits() < max(1, j.Least) {
		return fmt.Errorf("%w: %d bits, and %d are needed", ErrGame, g.Bits(), j.Least)
	}
	return nil
}

// Lower is the lower one-sided limit of the probability behind so many successes
// (Clopper and Pearson, Biometrika 26, 1934): under it, that many would come with
// a chance of at most Doubt. Guesses must be independent.
func (j Judge) Lower(successes, trials int) float64 {
	if successes <= 0 {
		return 0
	}
	return mathext.InvRegIncBeta(float64(successes), float64(trials-successes+1), j.Doubt)
}

// Upper is the upper one-sided limit.
func (j Judge) Upper(successes, trials int) float64 {
	if successes >= trials {
		return 1
	}
	return 1 - j.Lower(trials-successes, trials)
}
