package consent_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/consent"
)

func always(consent.Alias) bool { return true }

// names and aliases among few people, so that chains and rings are frequent.
func drawAliases(t *rapid.T) []consent.Alias {
	name := rapid.Custom(func(t *rapid.T) string { return fmt.Sprintf("g%d", rapid.IntRange(0, 7).Draw(t, "name")) })
	var list []consent.Alias
	for range rapid.IntRange(0, 12).Draw(t, "aliases") {
		list = append(list, consent.Alias{Signer: name.Draw(t, "signer"), Other: name.Draw(t, "other")})
	}
	return list
}

func TestAliasesResolveToOnePersonInWhateverOrderTheyStand(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := drawAliases(t)
		shuffled := rapid.Permutation(list).Draw(t, "shuffled")
		for i := range shuffled {
			if rapid.Bool().Draw(t, "turned") {
				shuffled[i].Signer, shuffled[i].Other = shuffled[i].Other, shuffled[i].Signer
			}
		}
		for i := range 8 {
			signer := fmt.Sprintf("g%d", i)
			person := consent.Person(signer, list, always)
			if other := consent.Person(signer, shuffled, always); other != person {
				t.Fatalf("%s is %s, and %s in another order", signer, person, other)
			}
			if again := consent.Person(person, list, always); again != person {
				t.Fatalf("%s is %s, who is %s", signer, person, again)
			}
			if person > signer {
				t.Fatalf("%s is %s, which is not the least name", signer, person)
			}
		}
		for _, a := range list {
			if one, other := consent.Person(a.Signer, list, always), consent.Person(a.Other, list, always); one != other {
				t.Fatalf("%s and %s are joined and are %s and %s", a.Signer, a.Other, one, other)
			}
		}
	})
}

func TestWhoSharesAPersonIsReachedFromEachOfItsNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := drawAliases(t)
		for i := range 8 {
			same := consent.Persons(fmt.Sprintf("g%d", i), list, always)
			slices.Sort(same)
			for _, name := range same {
				others := consent.Persons(name, list, always)
				slices.Sort(others)
				if !slices.Equal(same, others) {
					t.Fatalf("g%d is %v, and %s of them is %v", i, same, name, others)
				}
			}
		}
	})
}

func TestAnAliasThatDoesNotCountJoinsNobody(t *testing.T) {
	t.Parallel()
	list := []consent.Alias{{Signer: "g1", Other: "g2"}, {Signer: "g2", Other: "g3"}}
	first := func(a consent.Alias) bool { return a.Signer == "g1" }
	if p := consent.Person("g3", list, first); p != "g3" {
		t.Errorf("g3 is %s", p)
	}
	if p := consent.Person("g2", list, first); p != "g1" {
		t.Errorf("g2 is %s", p)
	}
}
