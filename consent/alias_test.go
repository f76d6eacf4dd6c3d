package consent_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/consent"
)

// drawAliases draws aliases among few names, so that chains and rings are
// frequent.
func drawAliases(t *rapid.T) []consent.Alias {
	name := rapid.Custom(func(t *rapid.T) string { return fmt.Sprintf("g%d", rapid.IntRange(0, 7).Draw(t, "name")) })
	var list []consent.Alias
	for range rapid.IntRange(0, 12).Draw(t, "aliases") {
		list = append(list, consent.Alias{Signer: name.Draw(t, "signer"), Other: name.Draw(t, "other")})
	}
	return list
}

// namesOf are the names of a person, ascending.
func namesOf(signer string, list []consent.Alias) []string {
	names := consent.NamesOf(signer, list, func(consent.Alias) bool { return true })
	slices.Sort(names)
	return names
}

func TestAliasesResolveToOnePersonInWhateverOrderTheyStand(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := drawAliases(t)
		shuffled := rapid.Permutation(list).Draw(t, "shuffled")
		for i, a := range shuffled {
			if rapid.Bool().Draw(t, "turned") {
				shuffled[i].Signer, shuffled[i].Other = a.Other, a.Signer
			}
		}
		for i := range 8 {
			signer := fmt.Sprintf("g%d", i)
			names := namesOf(signer, list)
			if !slices.Contains(names, signer) || len(slices.Compact(slices.Clone(names))) != len(names) {
				t.Fatalf("the names of %s are %v", signer, names)
			}
			for _, name := range names {
				if others := namesOf(name, shuffled); !slices.Equal(names, others) {
					t.Fatalf("the names of %s are %v, and %s of them has %v in another order", signer, names, name, others)
				}
			}
		}
		for _, a := range list {
			if !slices.Contains(namesOf(a.Signer, list), a.Other) {
				t.Fatalf("%s and %s are joined and two people", a.Signer, a.Other)
			}
		}
	})
}

func TestNamesThatNothingJoinsAreApart(t *testing.T) {
	t.Parallel()
	list := []consent.Alias{{Signer: "g1", Other: "g2"}, {Signer: "g3", Other: "g4"}, {Signer: "g4", Other: "g3"}}
	for signer, want := range map[string][]string{"g1": {"g1", "g2"}, "g4": {"g3", "g4"}, "g5": {"g5"}} {
		if got := namesOf(signer, list); !slices.Equal(got, want) {
			t.Errorf("the names of %s are %v, want %v", signer, got, want)
		}
	}
}

func TestAnAliasThatDoesNotCountJoinsNobody(t *testing.T) {
	t.Parallel()
	list := []consent.Alias{{Signer: "g1", Other: "g2"}, {Signer: "g2", Other: "g3"}}
	first := func(a consent.Alias) bool { return a.Signer == "g1" }
	if names := consent.NamesOf("g3", list, first); len(names) != 1 {
		t.Errorf("the names of g3 are %v", names)
	}
}
