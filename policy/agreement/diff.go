package agreement

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/consent"
)

// Change is one difference between two versions in a plain sentence.
// NeedsNewConsent tells that it widens what families agreed to (the party, the
// purpose, the kinds of record or their dates), so that what is new opens only
// under new consents (34 CFR 99.30(b)).
type Change struct {
	Clause          string `json:"clause"` // the id of the clause that changes
	Sentence        string `json:"sentence"`
	NeedsNewConsent bool   `json:"needs_new_consent"`
}

// NeedsNewConsent reports whether any of the changes needs new consents.
func NeedsNewConsent(changes []Change) bool {
	return slices.ContainsFunc(changes, func(c Change) bool { return c.NeedsNewConsent })
}

// Diff returns what changes from one version's clauses to the next, in the
// order of the text. Lists are compared as sets. Equal clauses differ in
// nothing.
func Diff(old, next Clauses) []Change { return diff(old, next, sabotage{}) }

func diff(old, next Clauses, without sabotage) []Change {
	d := &differ{without: without}
	d.ground(old, next)
	d.study(old, next)
	d.comparison(old, next)
	d.categories(old.Categories, next.Categories)
	d.duties(old, next)
	d.term(old, next)
	return d.changes
}

type differ struct {
	changes []Change
	without sabotage
}

func (d *differ) add(kind string, consents bool, format string, args ...any) {
	d.changes = append(d.changes, Change{clauseID(kind), fmt.Sprintf(format, args...), consents && !d.without.ignoreWidening})
}

func (d *differ) ground(old, next Clauses) {
	switch {
	case old.Basis != next.Basis:
		d.add("basis", true, "The legal basis changes from %s to %s.", or(string(old.Basis)), or(string(next.Basis)))
	case old.Template != next.Template:
		d.add("basis", false, "The agreement follows the template %s instead of %s.", or(next.Template), or(old.Template))
	}
	if old.Purpose != next.Purpose {
		d.add("purpose", true, "The purpose changes from %s to %s.", old.Purpose, next.Purpose)
	}
	if old.PurposeText != next.PurposeText {
		d.add("purpose", true, "The purpose is described in other words than families have read.")
	}
	if a, b := deref(old.Attestations), deref(next.Attestations); a != b || (old.Attestations == nil) != (next.Attestations == nil) {
		d.add("basis", false, "The district's attestations about the partner as a school official change.")
	}
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func (d *differ) study(old, next Clauses) {
	a, b := deref(old.Study), deref(next.Study)
	if (old.Study == nil) != (next.Study == nil) {
		d.add("study", next.Study != nil, "The terms of a study are %s.", either(next.Study != nil, "added", "dropped"))
	}
	if a.Scope != b.Scope {
		d.add("study", true, "The scope of the study changes.")
	}
	added, removed := delta(a.Representatives, b.Representatives)
	if len(added) > 0 {
		d.add("study", true, "More people may see records: %s.", spoken(added))
	}
	if len(removed) > 0 {
		d.add("study", false, "These people may no longer see records: %s.", spoken(removed))
	}
	if a.DestroyBy != b.DestroyBy {
		d.add("study", false, "The day by which the study's records are destroyed changes from %s to %s.", or(a.DestroyBy.String()), or(b.DestroyBy.String()))
	}
}

func (d *differ) comparison(old, next Clauses) {
	d.number("dosage", "The session dates from which a participant counts change", old.DosageFloor, next.DosageFloor)
	d.set("schools", "The schools", old.Schools, next.Schools)
	d.set("indicators", "The indicators", old.Indicators, next.Indicators)
	d.set("grain", "The grains", old.Grain, next.Grain)
	d.number("thresholds", "The least number of students in a figure changes", old.MinCohort, next.MinCohort)
	d.number("thresholds", "The least number of students without consent in a figure changes", old.UnconsentedFloor, next.UnconsentedFloor)
	if old.Profile != next.Profile {
		d.add("profile", false, "The protection profile changes from %s to %s.", or(string(old.Profile)), or(string(next.Profile)))
	}
	if old.Epsilon != next.Epsilon {
		d.add("profile", false, "The privacy budget of a school year changes from epsilon %s to %s.", tenths(old.Epsilon), tenths(next.Epsilon))
	}
}

func (d *differ) categories(old, next []consent.Category) {
	added, removed := delta(old, next)
	for _, c := range added {
		d.add(string(c), true, "Shared in addition: %s.", readable(c))
	}
	for _, c := range removed {
		d.add(string(c), false, "No longer shared: %s.", readable(c))
	}
}

func readable(c consent.Category) string { return or(strings.ReplaceAll(string(c), "_", " ")) }

func (d *differ) duties(old, next Clauses) {
	if old.Redisclosure != next.Redisclosure {
		d.add("redisclosure", true, "To whom records may be passed on changes.")
	}
	if old.Administrator != next.Administrator {
		d.add("administrator", false, "Another person keeps the partner's list of people with access.")
	}
}

func (d *differ) term(old, next Clauses) {
	if old.TermFrom != next.TermFrom {
		d.add("term", next.TermFrom < old.TermFrom, "The term begins on %s instead of %s.", or(next.TermFrom.String()), or(old.TermFrom.String()))
	}
	if old.TermTo != next.TermTo {
		later := next.TermTo > old.TermTo
		d.add("term", later, "The term ends on %s instead of %s%s.", or(next.TermTo.String()), or(old.TermTo.String()),
			either(later, "; consents still end on their own days", ""))
	}
	d.number("destruction", "The days within which records are destroyed after the end change", old.DestructionDays, next.DestructionDays)
}

func (d *differ) number(kind, whatChanges string, old, next int) {
	if old != next {
		d.add(kind, false, "%s from %d to %d.", whatChanges, old, next)
	}
}

func (d *differ) set(kind, what string, old, next []string) {
	added, removed := delta(old, next)
	if len(added) > 0 {
		d.add(kind, false, "%s gain %s.", what, spoken(added))
	}
	if len(removed) > 0 {
		d.add(kind, false, "%s lose %s.", what, spoken(removed))
	}
}

// delta returns what only the next and what only the old list holds.
func delta[T comparable](old, next []T) (added, removed []T) {
	without := func(from, other []T) []T {
		return slices.DeleteFunc(slices.Clone(from), func(v T) bool { return slices.Contains(other, v) })
	}
	return without(next, old), without(old, next)
}

func or(s string) string { return either(s == "", "none", s) }

func either(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}
