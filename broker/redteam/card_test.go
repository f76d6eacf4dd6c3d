package redteam_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
)

// line is a line of the card: a way to learn about one student.
type line struct {
	number int
	name   string
	bound  string // what it may come to
	weak   []build
	run    func(*trial)
	long   bool // only in the full card
}

// attacks are those of the red-team suite that run here, in its numbering.
func attacks() []line {
	list := slices.Concat(
		smallGroups(), subtractions(), repetitions(), expressions(), rosterChanges(), consents(),
		blindness(), budgets(), printedNumbers(), channels(), insiders(), reconstructions(), searches(),
	)
	slices.SortStableFunc(list, func(a, b line) int { return cmp.Compare(a.number, b.number) })
	return list
}

// trial is one attack against one build.
type trial struct {
	t        *testing.T
	full     bool
	build    build
	lines    []string
	breaches int
	first    string
	town     *world // of the district opened last: the score, and public totals
	laws     map[float64]*attack.Law
	unmixed  int // posteriors that were given up
	library  *library
}

// open and closed make a district of the build under attack.
func (x *trial) open(s shape) *district {
	x.t.Helper()
	d := open(x.t, s, x.build)
	x.town = d.world
	return d
}

func (x *trial) closed(s shape) *district {
	x.t.Helper()
	d := x.open(s)
	d.close(d.periods()...)
	return d
}

// read is a district that is only read, with every figure of it. Attacks on the
// same build share it.
func (x *trial) read(s shape) (*district, []view) {
	x.t.Helper()
	b := x.library.of(s, x.build)
	x.town = b.district.world
	return b.district, b.views
}

// library are the districts that are only read. They last as long as the suite.
type library struct {
	suite testing.TB
	mu    sync.Mutex
	books map[string]*book
}

// book is a district that was read once.
type book struct {
	district *district
	views    []view
}

func (l *library) of(s shape, b build) *book {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := fmt.Sprint(b.name, s.seed, s.students, s.terms)
	if l.books[key] == nil {
		d := open(l.suite, s, b)
		d.close(d.periods()...)
		l.books[key] = &book{d, d.read(d.periods()...)}
	}
	return l.books[key]
}

// protected reports that the build is the one that ships.
func (x *trial) protected() bool { return x.build.name == "" }

// rounds is a count of the full card, or of the short one.
func (x *trial) rounds(full, short int) int {
	if x.full && x.protected() {
		return full
	}
	return short
}

// measured adds to what the card says was found.
func (x *trial) measured(format string, args ...any) {
	x.lines = append(x.lines, fmt.Sprintf(format, args...))
}

// must fails the test when an attack could not be made as it was meant.
func (x *trial) must(made bool, otherwise string) {
	x.t.Helper()
	if !made {
		x.t.Error(otherwise)
	}
}

// breach notes that the attacker got what it must not.
func (x *trial) breach(format string, args ...any) {
	if x.breaches++; x.breaches == 1 {
		x.first = fmt.Sprintf(format, args...)
	}
}

// judge notes a game on bits of which about half are a yes: 20,000 of them in
// the full card.
func (x *trial) judge(name string, g attack.Game, bound float64) {
	x.t.Helper()
	if x.full && x.protected() && g.Bits() > 0 {
		if _, err := attack.House().Exceeds(g, bound); err != nil {
			x.t.Errorf("%s: %v", name, err)
		}
	}
	x.judgeFew(name, g, bound)
}

// judgeFew notes a game that need not be long. The service loses a game when
// the lower limit of the share of right guesses is over the bound.
func (x *trial) judgeFew(name string, g attack.Game, bound float64) {
	if g.Bits() == 0 {
		x.measured("%s: nothing to guess from", name)
		return
	}
	limit := attack.House().Lower(g.Right(), g.Bits())
	x.measured("%s: %.3f of %d right, at least %.3f", name, g.Accuracy(), g.Bits(), limit)
	if limit > bound {
		x.breach("%s: %.3f of %d right", name, g.Accuracy(), g.Bits())
	}
}

// The best that an insider may do with one, four and eight figures on a bit
// that is as likely as not, with two hundredths for the measurement.
const (
	boundOne   = .60 + .02
	boundFour  = .69 + .02
	boundEight = .76 + .02
	boundCoin  = .53
)

// entry is an attack as it stands on the card.
type entry struct {
	line
	shipped *trial
	weakest []*trial
}

func (e entry) faults() []string {
	var list []string
	if e.shipped.breaches > 0 {
		list = append(list, fmt.Sprintf("%d times: %s", e.shipped.breaches, e.shipped.first))
	}
	for _, w := range e.weakest {
		if w.breaches == 0 {
			list = append(list, "the attack finds nothing in the weak build "+w.build.name+", so it tests nothing; it measured "+strings.Join(w.lines, "; "))
		}
	}
	return list
}

func (e entry) verdict() string {
	switch {
	case len(e.faults()) == 0:
		return "held"
	case e.shipped.breaches > 0:
		return "**broken**"
	}
	return "**proves nothing**"
}

func (e entry) print() string {
	var weak []string
	for _, w := range e.weakest {
		weak = append(weak, w.build.name+": "+cmp.Or(w.first, "nothing"))
	}
	return fmt.Sprintf("| %d | %s | %s | %s | %s | %s |", e.number, e.name, strings.Join(e.shipped.lines, "; "), e.bound, e.verdict(), strings.Join(weak, "; "))
}

// card is the report: every attack, what it came to, and whether that is in
// its bound.
func card(entries []entry) string {
	var b strings.Builder
	b.WriteString("# The red team's report card\n\n")
	b.WriteString("`make redteam` writes this page. A partner's person with nothing but a token attacks a made-up district over HTTP.\n")
	b.WriteString("*Held* means that the build that ships stayed in the bound **and** that every weak build was broken by the same attack.\n")
	b.WriteString("A game is lost if the lower one-sided 99.9 % limit of the share of right guesses is over its bound.\n\n")
	b.WriteString("| # | attack | measured | bound | verdict | what weak builds gave away |\n|--:|---|---|---|---|---|\n")
	rows := map[int][]string{}
	for _, e := range entries {
		rows[e.number] = append(rows[e.number], e.print())
	}
	for n := range 100 {
		for _, line := range rows[n] {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

const cardPath = "../../docs/redteam.md"

// TestTheRedTeam runs every attack. With HALLPASS_REDTEAM it runs them at full
// count and writes the card.
func TestTheRedTeam(suite *testing.T) {
	full := os.Getenv("HALLPASS_REDTEAM") != ""
	shelf := &library{suite: suite, books: map[string]*book{}}
	var mu sync.Mutex
	var entries []entry
	suite.Run("attacks", func(t *testing.T) {
		for _, a := range attacks() {
			if a.long && !full {
				continue
			}
			t.Run(fmt.Sprintf("%02d %s", a.number, a.name), func(t *testing.T) {
				t.Parallel()
				e := a.against(t, full, shelf)
				mu.Lock()
				defer mu.Unlock()
				entries = append(entries, e)
			})
		}
	})
	if !full || len(entries) < len(attacks()) {
		return // a card has all attacks or is none
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.number, b.number) })
	text := card(entries)
	suite.Log("\n" + text)
	if err := os.WriteFile(cardPath, []byte(text), 0o600); err != nil {
		suite.Error(err)
	}
}

// against runs an attack against the build that ships and against weak ones.
func (a line) against(t *testing.T, full bool, shelf *library) entry {
	try := func(b build) *trial {
		x := &trial{t: t, full: full, build: b, library: shelf}
		a.run(x)
		return x
	}
	e := entry{line: a, shipped: try(build{})}
	for _, w := range a.weak {
		if full || !w.long {
			e.weakest = append(e.weakest, try(w))
		}
	}
	for _, fault := range e.faults() {
		t.Error(fault)
	}
	t.Log(e.print())
	return e
}

// Every attack of the suite is run, against a weak build too.
func TestNoAttackOfTheSuiteIsLeftOut(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for _, a := range attacks() {
		seen[a.number] = true
		if len(a.weak) == 0 {
			t.Errorf("attack %d has no weak build: it may find nothing anywhere", a.number)
		}
	}
	for n := 1; n <= 38; n++ {
		if !seen[n] {
			t.Errorf("attack %d is not run", n)
		}
	}
}

func TestAGameIsLostByItsLowerLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		right, all int
		bound      float64
		lost       bool
	}{
		{61, 100, .60, false}, // sixty-one of a hundred may be luck
		{12_400, 20_000, .60, true},
		{12_000, 20_000, .60, false},
		{100, 100, .90, true},
		{0, 100, .50, false},
	} {
		var g attack.Game
		for i := range c.all {
			g.Guess((i < c.right) == (i%2 == 0), i%2 == 0)
		}
		x := &trial{t: t}
		x.judge("", g, c.bound)
		if lost := x.breaches > 0; lost != c.lost {
			t.Errorf("%d of %d against %.2f: lost %t", c.right, c.all, c.bound, lost)
		}
	}
}

func TestACardSaysWhatIsBrokenAndWhatProvesNothing(t *testing.T) {
	t.Parallel()
	broken, quiet := &trial{}, &trial{}
	broken.breach("a child")
	for _, c := range []struct {
		entry
		want string
	}{
		{entry{shipped: quiet, weakest: []*trial{broken}}, "held"},
		{entry{shipped: broken, weakest: []*trial{broken}}, "**broken**"},
		{entry{shipped: quiet, weakest: []*trial{broken, quiet}}, "**proves nothing**"},
	} {
		if got := c.verdict(); got != c.want {
			t.Errorf("verdict %s, want %s", got, c.want)
		}
		if !strings.Contains(card([]entry{c.entry}), c.want) {
			t.Errorf("the card does not say %s", c.want)
		}
	}
}
