package consent

import (
	"slices"
	"time"
)

// Alias records that two signers are one person, whom the district's files
// know under two names. What either may sign stays what the holders say of
// each. An alias joins what is said from EnteredAt on; what was said before
// stands as of two persons where that opens less.
type Alias struct {
	Signer    string    `json:"signer"`
	Other     string    `json:"other"`
	EnteredAt time.Time `json:"entered_at"`
}

// joins returns the signer whom an alias gives beside another.
func (a Alias) joins(signer string) (string, bool) {
	switch signer {
	case a.Signer:
		return a.Other, true
	case a.Other:
		return a.Signer, true
	}
	return "", false
}

// namesOf returns a signer and every other name that the aliases that count
// join to it, at once or through others, in no particular order.
func namesOf(signer string, aliases []Alias, counts func(Alias) bool) []string {
	same := []string{signer}
	for i := 0; i < len(same); i++ {
		for _, a := range aliases {
			if other, ok := a.joins(same[i]); ok && counts(a) && !slices.Contains(same, other) {
				same = append(same, other)
			}
		}
	}
	return same
}

// person is the one name that stands for all of a signer's, as the aliases are
// known: the least, so that neither their order nor their direction matters.
func (v view) person(signer string) string {
	if len(v.student.Aliases) == 0 {
		return signer
	}
	return slices.Min(namesOf(signer, v.student.Aliases, func(a Alias) bool { return !v.q.unknown(a.EnteredAt) }))
}

// joined reports whether a word is one of a signer's own: said under that
// name or, after the two names were known to be one person, under the other.
func (v view) joined(w said, signer string) bool {
	if w.grant.Signer == signer {
		return true
	}
	if len(v.student.Aliases) == 0 {
		return false
	}
	counts := func(a Alias) bool {
		return !v.q.unknown(a.EnteredAt) && (a.EnteredAt.Before(w.at) || v.without.uniteAnswers)
	}
	return slices.Contains(namesOf(signer, v.student.Aliases, counts), w.grant.Signer)
}
