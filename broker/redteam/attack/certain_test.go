package attack_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
)

// forced are the values that all assignments of a small view share.
func forced(v attack.View) (map[int]bool, int) {
	var seen [2][]bool
	seen[0], seen[1] = make([]bool, v.Students), make([]bool, v.Students)
	fits := 0
	bits := make([]bool, v.Students)
	for code := range 1 << v.Students {
		for x := range bits {
			bits[x] = code>>x&1 == 1
		}
		if !allowed(v, bits) {
			continue
		}
		fits++
		for x, yes := range bits {
			seen[one(yes)][x] = true
		}
	}
	out := map[int]bool{}
	for x := range bits {
		if _, known := v.Known[x]; !known && seen[0][x] != seen[1][x] {
			out[x] = seen[1][x]
		}
	}
	return out, fits
}

func allowed(v attack.View, bits []bool) bool {
	for x, yes := range v.Known {
		if bits[x] != yes {
			return false
		}
	}
	for _, e := range v.Equations {
		reach := math.Ceil(8 * math.Sqrt(e.Variance))
		if s := sum(e.Members, bits); s < e.Low-reach || s > e.High+reach {
			return false
		}
	}
	return true
}

// puzzles draws figures of at most ten students: some exact, some in bounds, some
// noisy, nearly always true of the same values.
func puzzles() *rapid.Generator[attack.View] {
	return rapid.Custom(func(t *rapid.T) attack.View {
		bits := rapid.SliceOfN(rapid.Bool(), 1, 10).Draw(t, "bits")
		v := attack.View{Students: len(bits), Known: map[int]bool{}}
		for n := rapid.IntRange(1, 6).Draw(t, "figures"); n > 0; n-- {
			var members []int
			for x := range bits {
				if rapid.Bool().Draw(t, "member") {
					members = append(members, x)
				}
			}
			s := sum(members, bits)
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				v.Equations = append(v.Equations, attack.Within(members, s-1, s+.5, 0))
			case 1:
				v.Equations = append(v.Equations, attack.Noisy(members, s+8, 1))
			case 2:
				v.Equations = append(v.Equations, attack.Within(members, s+1, s+2, 0)) // a lie
			default:
				v.Equations = append(v.Equations, attack.Exactly(members, s))
			}
		}
		if rapid.Bool().Draw(t, "knows one") {
			v.Known[0] = bits[0]
		}
		return v
	})
}

func TestWhatIsClaimedHoldsInEverySolutionAndNothingElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := puzzles().Draw(t, "view")
		want, fits := forced(v)
		got, err := attack.Certain(v, 10_000)
		if fits == 0 {
			if !errors.Is(err, attack.ErrView) {
				t.Fatalf("nothing fits, and the answer is %v, %v", got, err)
			}
			return
		}
		if err != nil || got.Undecided > 0 {
			t.Fatalf("%v, %d undecided", err, got.Undecided)
		}
		if len(got.Claims) != len(want) || got.Open != v.Students-len(v.Known)-len(want) {
			t.Fatalf("claims %v and %d open, want %v", got.Claims, got.Open, want)
		}
		for x, yes := range want {
			if claimed, there := got.Claims[x]; !there || claimed != yes {
				t.Fatalf("claims %v, want %v", got.Claims, want)
			}
		}
	})
}

func TestATinyBudgetClaimsNothingFalse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := puzzles().Draw(t, "view")
		want, fits := forced(v)
		got, err := attack.Certain(v, rapid.IntRange(0, 3).Draw(t, "budget"))
		if err != nil || fits == 0 {
			return
		}
		for x, yes := range got.Claims {
			if w, there := want[x]; !there || w != yes {
				t.Fatalf("claims %v, want at most %v", got.Claims, want)
			}
		}
	})
}

// released plays schools whose partner knows 95 % of its students.
func released(t *testing.T, print protection) (claims, wrong int) {
	t.Helper()
	r := coin(21)
	for range 12 {
		s := newSchool(r)
		v := s.view(r, .95, s.shown(), print(s, r))
		got, err := attack.Certain(v, 2000)
		if err != nil {
			t.Fatal(err)
		}
		for x, yes := range got.Claims {
			claims++
			wrong += one(s.absent[x] != yes)
		}
	}
	return claims, wrong
}

func TestExactReleasesProveStudentsAndNoisyOnesNone(t *testing.T) {
	t.Parallel()
	if n, wrong := released(t, suppressed); n == 0 || wrong > 0 {
		t.Errorf("exact figures prove %d values, %d wrongly", n, wrong)
	}
	if n, _ := released(t, noised(t, 4)); n != 0 {
		t.Errorf("noisy figures prove %d values", n)
	}
}

// A whole less its parts leaves one student.
func TestDifferencesArePropagatedThroughManyFigures(t *testing.T) {
	t.Parallel()
	v := attack.View{Students: 30, Equations: []attack.Equation{
		attack.Exactly(upTo(0, 30), 11), attack.Exactly(upTo(0, 15), 6), attack.Exactly(upTo(15, 29), 5),
	}}
	got, err := attack.Certain(v, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if yes, there := got.Claims[29]; !there || yes || len(got.Claims) != 1 || got.Open != 29 {
		t.Errorf("claims %v and %d open, want a no of student 29 alone", got.Claims, got.Open)
	}
}

func upTo(from, to int) []int {
	var out []int
	for x := from; x < to; x++ {
		out = append(out, x)
	}
	return out
}
