package attack_test

import (
	"fmt"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
)

// quick are chains for short runs. Most of the students in them are the rest of the
// school, of whom nothing is asked.
func quick() attack.Sampling { return attack.Sampling{Chains: 2, BurnIn: 100, Sweeps: 800} }

// line is one of the table of posterior attacks: what the partner knows, how its
// figures are protected, and what that must and must not lead to. Protected
// figures must not exceed the bound of claims; weak ones must, and the shares of
// claims and of exposed yes must not be for certain under what was measured before.
type line struct {
	known          float64
	what           string
	print          protection
	bound          float64 // of the share of claims
	named, exposed float64 // least shares of claims, and of the yes, for weak ones
}

func (l line) weak() bool { return l.named > 0 }

func lines(t *testing.T) []line {
	t.Helper()
	return []line{
		{0, "the default", noised(t, 4), .03, 0, 0},
		{.7, "suppression alone", suppressed, .05, .30, 0},
		{.7, "the default", noised(t, 4), .05, 0, 0},
		{.95, "suppression alone", suppressed, .08, .88, .70},
		{.95, "ten-point bands", tenPointBands, .08, .45, .25},
		{.95, "published table", publishedTable, .08, .45, .25},
		{.95, "the default", noised(t, 4), .08, 0, 0},
		{.95, "noise of a budget", noised(t, 48), .08, 0, 0},
	}
}

// check judges a line of which the game has at least so many bits.
func (l line) check(t *testing.T, m measured, least int) {
	t.Helper()
	j := attack.House()
	j.Least = least
	over, err := j.ExceedsShare(m.game, l.bound)
	switch {
	case err != nil:
		t.Error(err)
	case l.weak():
		if !over || j.Upper(m.game.Claims, m.game.Bits()) < l.named || j.Upper(m.game.Exposed, m.game.Yes()) < l.exposed {
			t.Errorf("the attack is too weak: %s", m.game)
		}
	case over:
		t.Errorf("more claims than %.2f: %s", l.bound, m.game)
	case j.Lower(m.game.Exposed, m.game.Yes()) > .001: // with noise, one in a thousand is chance
		t.Errorf("%d of %d yes exposed", m.game.Exposed, m.game.Yes())
	}
	if m.mixed < m.runs*9/10 {
		t.Errorf("only %d of %d runs mixed", m.mixed, m.runs)
	}
}

func (m measured) String() string {
	return fmt.Sprintf("AUC %.3f to %.3f; %s; %d of %d runs mixed", m.prior, m.post, m.game, m.mixed, m.runs)
}

// Without noise, posteriors name students; with it, they name few and expose no yes.
// A budget says how many schools a line has, where almost all values are known;
// where fewer are, fewer schools give as many bits.
func TestHarnessPosteriors(t *testing.T) {
	t.Parallel()
	const short, full = 16, 6400 // full: as many as 20,000 bits need
	schools, how, least := rounds(t, "POSTERIORS", short), attack.Sampling{}, 30
	switch {
	case schools <= short:
		how = quick()
	case schools >= full:
		least = attack.House().Least
	}
	t.Run("line", func(t *testing.T) {
		for _, l := range lines(t) {
			t.Run(fmt.Sprintf("%s, %.0f %% known", l.what, 100*l.known), func(t *testing.T) {
				t.Parallel()
				m := attacked(t, 11, max(2, schools/map[float64]int{0: 8, .7: 4, .95: 1}[l.known]), l.known, how, l.print)
				t.Log(m)
				l.check(t, m, least)
			})
		}
	})
	t.Logf("harness posteriors: %d schools a line, %d lines", schools, len(lines(t)))
}
