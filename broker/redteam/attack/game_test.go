package attack_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
)

// tail is the probability of at least so many successes, by adding up.
func tail(successes, trials int, p float64) float64 {
	sum := 0.
	for k := successes; k <= trials; k++ {
		sum += math.Exp(lchoose(trials, k) + float64(k)*math.Log(p) + float64(trials-k)*math.Log1p(-p))
	}
	return sum
}

func TestLimitsAreThoseOfTheBinomial(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 400).Draw(t, "trials")
		k := rapid.IntRange(1, n).Draw(t, "successes")
		j := attack.Judge{Least: 1, Doubt: rapid.SampledFrom([]float64{.001, .025, .05}).Draw(t, "doubt")}
		if got := tail(k, n, j.Lower(k, n)); math.Abs(got-j.Doubt) > 1e-6 {
			t.Fatalf("at the lower limit %.6f, %d of %d come with %.6f", j.Lower(k, n), k, n, got)
		}
		if low, high := j.Lower(k, n), j.Upper(k, n); !(low <= ratio(k, n) && ratio(k, n) <= high) {
			t.Fatalf("%d of %d lie outside of %.4f to %.4f", k, n, low, high)
		}
	})
}

func ratio(k, n int) float64 { return float64(k) / float64(n) }

// The limits that textbooks print of ten in a hundred, and of none in ten.
func TestLimitsAreThoseInPrint(t *testing.T) {
	t.Parallel()
	j := attack.Judge{Least: 1, Doubt: .025}
	got := fmt.Sprintf("%.4f %.4f %.4f %.4f", j.Lower(10, 100), j.Upper(10, 100), j.Lower(0, 10), j.Upper(0, 10))
	if want := "0.0490 0.1762 0.0000 0.3085"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

func TestAGameThatDecidesNothingIsSaidToBe(t *testing.T) {
	t.Parallel()
	j := attack.House()
	few := attack.Game{RightYes: 9_999, RightNo: 10_000}
	lopsided := attack.Game{RightYes: 12_000, RightNo: 12_000, WrongNo: 6000}
	oneKind := attack.Game{RightYes: 30_000}
	for what, ask := range map[string]func() (bool, error){
		"too few bits":              func() (bool, error) { return j.Exceeds(few, .5) },
		"too few for claims":        func() (bool, error) { return j.ExceedsShare(few, .5) },
		"no bits, of none needed":   func() (bool, error) { return attack.Judge{}.Exceeds(attack.Game{}, .5) },
		"more no than yes":          func() (bool, error) { return j.Exceeds(lopsided, .5) },
		"balance without a no":      func() (bool, error) { return j.ExceedsBalanced(oneKind, .5) },
		"too few for their base":    func() (bool, error) { return j.ExceedsBase(few, 0) },
		"too few for their balance": func() (bool, error) { return j.ExceedsBalanced(few, .5) },
	} {
		if over, err := ask(); over || !errors.Is(err, attack.ErrGame) {
			t.Errorf("%s: %v, %v", what, over, err)
		}
	}
	if over, err := j.ExceedsBase(lopsided, .1); err != nil || !over {
		t.Errorf("%.3f right does not exceed a base of %.3f by .1: %v", lopsided.Accuracy(), lopsided.Base(), err)
	}
	if over, err := j.ExceedsBase(lopsided, .21); err != nil || over {
		t.Errorf("%.3f right exceeds a base of %.3f by .21: %v", lopsided.Accuracy(), lopsided.Base(), err)
	}
	if over, err := j.ExceedsBalanced(lopsided, .8); err != nil || !over {
		t.Errorf("balanced accuracy of %.3f does not exceed .8: %v", lopsided.Balanced(), err)
	}
}

// A system exactly at its bound is accused in one run of a thousand; one a little
// over it in nearly all.
func TestASystemAtItsBoundPassesAndOneOverItDoesNot(t *testing.T) {
	t.Parallel()
	r, j := coin(1), attack.House()
	accused := func(p float64) (n int) {
		for range 300 {
			var g attack.Game
			for i := range 20_000 {
				truth := i%2 == 0
				g.Guess(truth == (r.Float64() < p), truth)
			}
			over, err := j.Exceeds(g, .60)
			if err != nil {
				t.Fatal(err)
			}
			n += one(over)
		}
		return n
	}
	if n := accused(.60); n > 4 {
		t.Errorf("%d of 300 systems at their bound are accused", n)
	}
	if n := accused(.62); n < 270 {
		t.Errorf("only %d of 300 systems two points over their bound are accused", n)
	}
}

func TestPlayingKeepsCount(t *testing.T) {
	t.Parallel()
	var g, other attack.Game
	r := coin(1)
	g.Play(.5, .96, true, r)
	g.Play(.5, .97, false, r)
	g.Play(.25, .03, false, r)
	g.Play(.5, .7, true, r)
	other.Play(.5, .2, true, r)
	g.Add(other)
	if g.Bits() != 5 || g.Right() != 3 || g.Yes() != 3 || g.Claims != 3 || g.Correct != 2 || g.Exposed != 1 {
		t.Errorf("%+v", g)
	}
	want := math.Log2(.96/.5) + math.Log2(.03/.5) + math.Log2(.97/.75) + math.Log2(.7/.5) + math.Log2(.2/.5)
	if math.Abs(g.Gained-want) > 1e-9 {
		t.Errorf("%.4f bits gained, not %.4f", g.Gained, want)
	}
	even := attack.Game{}
	for i := range 2000 {
		even.Play(.5, .5, i%2 == 0, r)
	}
	near(t, "even posteriors", even.Accuracy(), .5, .05)
	near(t, "even posteriors among the yes", ratio(even.RightYes, even.Yes()), .5, .07)
}

func TestCertaintyThatIsWrongCostsMuchButNotAll(t *testing.T) {
	t.Parallel()
	var g attack.Game
	g.Play(.5, 0, true, coin(1))
	if math.IsInf(g.Gained, 0) || g.Gained > -10 {
		t.Errorf("a wrong certainty gains %.3f bits", g.Gained)
	}
}

func TestScoresAreRankedByPairs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		scores := rapid.SliceOfN(rapid.Float64Range(0, 3), 1, 30).Draw(t, "scores")
		truth := rapid.SliceOfN(rapid.Bool(), len(scores), len(scores)).Draw(t, "truth")
		won, pairs := 0., 0.
		for x := range scores {
			scores[x] = math.Round(scores[x]) // so that there are ties
		}
		for x, yes := range truth {
			for y, other := range truth {
				if !yes || other {
					continue
				}
				pairs++
				switch {
				case scores[x] > scores[y]:
					won++
				case scores[x] == scores[y]:
					won += .5
				}
			}
		}
		want := .5
		if pairs > 0 {
			want = won / pairs
		}
		if got := attack.AUC(scores, truth); math.Abs(got-want) > 1e-9 {
			t.Fatalf("%.6f, not %.6f", got, want)
		}
	})
}

func TestACutLeavesTheShareAbove(t *testing.T) {
	t.Parallel()
	scores := []float64{.9, .1, .8, .2, .5}
	for share, want := range map[float64]int{0: 0, .2: 1, .4: 2, 1: 5} {
		above := 0
		for _, s := range scores {
			above += one(s > attack.Cut(scores, share))
		}
		if above != want {
			t.Errorf("%d of 5 lie over the cut of %.1f, want %d", above, share, want)
		}
	}
	if attack.Cut(nil, .5) != 0 {
		t.Error("no scores have a cut")
	}
}
