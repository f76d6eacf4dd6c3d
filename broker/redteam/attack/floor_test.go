package attack_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
)

func TestTheCurveOfFloors(t *testing.T) {
	t.Parallel()
	for _, p := range []float64{.5, .25} {
		text := attack.FloorCurve(10, p, attack.Gaussian(usual))
		t.Log("\n" + text)
		if lines := strings.Count(text, "\n"); lines != 12 {
			t.Errorf("%d lines, want a heading of two and ten floors", lines)
		}
	}
}

// What the document says of floors is what the curve says.
func TestTheDocumentHoldsTheCurveOfFloors(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/disclosure.md")
	if err != nil {
		t.Fatal(err)
	}
	noise := attack.Gaussian(usual)
	var table strings.Builder
	for left := 1; left <= 10; left++ {
		fmt.Fprintf(&table, "| %d |", left)
		for _, f := range []attack.Floor{
			attack.FloorOf(left, 1, .5, attack.Gaussian(0)), attack.FloorOf(left, 1, .5, noise),
			attack.FloorOf(left, 4, .5, noise), attack.FloorOf(left, 8, .5, noise),
		} {
			fmt.Fprintf(&table, " %.1f | %.1f |", 100*f.Accuracy, 100*f.Exposed)
		}
		table.WriteString("\n")
	}
	if !strings.Contains(string(page), table.String()) {
		t.Errorf("docs/disclosure.md does not hold\n%s", table.String())
	}
}

// Of one student left, the figure is all that an insider has; the numbers are those
// of the table of noise.
func TestOneStudentLeftIsAnInsidersGame(t *testing.T) {
	t.Parallel()
	house := newKeyed(t, 1, 1)
	for _, figures := range []int{1, 4, 8} {
		f := attack.FloorOf(1, figures, .5, attack.Gaussian(usual))
		if want := house.table.Insider(figures); math.Abs(f.Accuracy-want) > 1e-4 {
			t.Errorf("%d figures: %.5f, not %.5f", figures, f.Accuracy, want)
		}
	}
	if f := attack.FloorOf(1, 1, .5, attack.Gaussian(0)); f.Accuracy != 1 || f.Claimed != 1 || f.Exposed != 1 {
		t.Errorf("an exact figure of one student gives %+v", f)
	}
}

func TestExactFloorsAreThoseOfCounting(t *testing.T) {
	t.Parallel()
	for left := 1; left <= 10; left++ {
		want, all := 0., 0.
		for s := range left + 1 {
			ways := math.Round(math.Exp(lchoose(left, s)))
			all += ways
			want += ways * float64(max(s, left-s)) / float64(left)
		}
		f := attack.FloorOf(left, 1, .5, attack.Gaussian(0))
		if math.Abs(f.Accuracy-want/all) > 1e-9 {
			t.Errorf("%d left: %.6f, not %.6f", left, f.Accuracy, want/all)
		}
		if sure := 2 / all; left > 1 && left < 20 && math.Abs(f.Claimed-sure) > 1e-9 {
			t.Errorf("%d left: certain with %.6f, not when all or none is a yes, %.6f", left, f.Claimed, sure)
		}
	}
}

func lchoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// The game of the curve is played: a partner takes its consented students' values
// from the published figures of twelve.
func TestTheCurveIsWhatPartnersAchieve(t *testing.T) {
	t.Parallel()
	const cohort, games = 12, 20_000
	house := newKeyed(t, 2, population)
	for _, left := range []int{1, 3, 5, 10} {
		r := coin(uint64(left))
		bits := facts(r, population, .5)
		var noisy, exact attack.Game
		for i := range games {
			members := few(r, population, cohort)
			r.Shuffle(len(members), func(a, b int) { members[a], members[b] = members[b], members[a] })
			target := members[0]
			bits[target] = i%2 == 1
			rest := sum(members[left:], bits)
			for g, got := range map[*attack.Game]float64{&noisy: house.groupKeyed(members, bits) - rest, &exact: sum(members, bits) - rest} {
				g.Guess(2*got > float64(left) || 2*got == float64(left) && r.Uint64()&1 == 1, bits[target])
			}
		}
		want := attack.FloorOf(left, 1, .5, attack.Gaussian(usual)).Accuracy
		near(t, "noisy", noisy.Accuracy(), want, chance(games))
		sure := attack.FloorOf(left, 1, .5, attack.Gaussian(0)).Accuracy
		near(t, "exact", exact.Accuracy(), sure, chance(games))
		if exceeds(t, noisy, .60, games) {
			t.Errorf("%d left: %s", left, noisy)
		}
	}
}

func TestMoreStudentsLeftMeanWorseGuesses(t *testing.T) {
	t.Parallel()
	for _, noise := range []float64{0, 2.25, 4, 9} {
		for _, figures := range []int{1, 4, 8} {
			last := 1.1
			for left := 1; left <= 10; left++ {
				f := attack.FloorOf(left, figures, .5, attack.Gaussian(noise))
				if f.Accuracy > last+1e-9 {
					t.Errorf("variance %.2f, %d figures: %d left are guessed better than %d", noise, figures, left, left-1)
				}
				last = f.Accuracy
			}
		}
	}
}
