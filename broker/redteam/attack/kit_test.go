package attack_test

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// coin is a source of chance that is the same in each run.
func coin(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x5eed)) }

// usual is the variance of every count by default: two students.
const usual = 4.

// rounds is how much of a harness the budget asks for, or otherwise.
func rounds(t *testing.T, harness string, otherwise int) int {
	t.Helper()
	text := os.Getenv("HALLPASS_BUDGET_" + harness)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("HALLPASS_BUDGET_%s is %q, not a number of rounds", harness, text)
	}
	return n
}

// publisher prints sums of bits as a build does, strong or weak.
type publisher func(members []int, bits []bool) float64

func sum(members []int, bits []bool) float64 {
	n := 0.
	for _, x := range members {
		if bits[x] {
			n++
		}
	}
	return n
}

// roundedToFive prints the nearest multiple of five.
func roundedToFive(members []int, bits []bool) float64 {
	return 5 * float64(int(sum(members, bits)/5+.5))
}

// keyed is a district that adds sticky noise of the usual variance.
type keyed struct {
	keys   noise.Keys
	table  *noise.Table
	groups [][2]noise.Group // by student and bit
}

var chronic = noise.Figure{Indicator: "chronic_absence", Period: "2025-26"}

func newKeyed(t testing.TB, seed byte, students int) keyed {
	t.Helper()
	keys, err := noise.NewKeys(append(make([]byte, noise.SecretSize-1), seed))
	if err != nil {
		t.Fatal(err)
	}
	table, err := noise.NewTable(noise.Variance{Num: int64(usual), Den: 1})
	if err != nil {
		t.Fatal(err)
	}
	k := keyed{keys, table, make([][2]noise.Group, students)}
	for x := range students {
		var name [16]byte
		binary.BigEndian.PutUint64(name[:], uint64(x))
		for value := range k.groups[x] {
			k.groups[x][value] = keys.Member(chronic, name, int64(value))
		}
	}
	return k
}

// groupKeyed is the house's noise: its key is the whole group with its values.
func (k keyed) groupKeyed(members []int, bits []bool) float64 {
	var g noise.Group
	for _, x := range members {
		g = g.Plus(k.groups[x][one(bits[x])])
	}
	return sum(members, bits) + float64(k.keys.Noise(k.table, chronic, g))
}

// textbook is the noise of cell keys as they are usually made: from the records
// that were counted.
func (k keyed) textbook(members []int, bits []bool) float64 {
	var g noise.Group
	for _, x := range members {
		if bits[x] {
			g = g.Plus(k.groups[x][1])
		}
	}
	return sum(members, bits) + float64(k.keys.Noise(k.table, chronic, g))
}

// unsticky draws anew at every look.
func unsticky(t testing.TB, r *rand.Rand) publisher {
	t.Helper()
	table, err := noise.NewTable(noise.Variance{Num: int64(usual), Den: 1})
	if err != nil {
		t.Fatal(err)
	}
	return func(members []int, bits []bool) float64 {
		return sum(members, bits) + float64(table.At(r.Uint64()))
	}
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// facts draws a bit for each student, a yes with the given chance.
func facts(r *rand.Rand, students int, chance float64) []bool {
	bits := make([]bool, students)
	for x := range bits {
		bits[x] = r.Float64() < chance
	}
	return bits
}

// some draws each student with a chance, ascending.
func some(r *rand.Rand, students int, chance float64) []int {
	var out []int
	for x := range students {
		if r.Float64() < chance {
			out = append(out, x)
		}
	}
	return out
}

// few draws so many different students, ascending.
func few(r *rand.Rand, students, n int) []int {
	out := make([]int, 0, n+1)
	for len(out) < n {
		x := r.IntN(students)
		if i, in := slices.BinarySearch(out, x); !in {
			out = slices.Insert(out, i, x)
		}
	}
	return out
}

// without leaves one student out of ascending ones.
func without(members []int, x int) []int {
	if i, in := slices.BinarySearch(members, x); in {
		return slices.Delete(slices.Clone(members), i, i+1)
	}
	return members
}

// joined puts one student into ascending ones that do not have it.
func joined(members []int, x int) []int {
	i, _ := slices.BinarySearch(members, x)
	return slices.Insert(slices.Clone(members), i, x)
}

// exceeds judges a game as the house does, with fewer bits where the test says so.
func exceeds(t *testing.T, g attack.Game, bound float64, least int) bool {
	t.Helper()
	j := attack.House()
	j.Least = least
	over, err := j.Exceeds(g, bound)
	if err != nil {
		t.Fatal(err)
	}
	return over
}

// near fails unless a measured number lies within slack of another.
func near(t *testing.T, what string, got, want, slack float64) {
	t.Helper()
	if got < want-slack || got > want+slack {
		t.Errorf("%s: %.4f, not within %.4f of %.4f", what, got, slack, want)
	}
}
