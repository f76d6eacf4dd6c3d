package consent

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// Opens reports whether a grant in force opens to the question's party, for
// its purpose, the records of at least one category of an indicator family on
// at least one day of a span (both ends included), whether or not the party
// ever reads them: the student is in V_self. The question's own category is
// not read.
func Opens(s Student, grants []Grant, q Question, family string, from, to civil.Date) bool {
	return opens(s, grants, q, family, from, to, sabotage{})
}

func opens(s Student, grants []Grant, q Question, family string, from, to civil.Date, without sabotage) bool {
	return slices.ContainsFunc(inFamily(family), func(c Category) bool {
		q.Category = c
		state := decide(s, grants, q, without)
		return slices.ContainsFunc(state.Windows, func(w Window) bool { return w.opensPart(from, to) })
	})
}

// EverOpened reports whether any grant ever opened, to anyone, a category of
// an indicator family on at least one day of a span (both ends included): the
// student is in V_any. A yes that was withdrawn, has expired or was found
// invalid stays, since what it opened may have been read. So does a yes that
// other answers, restrictions or missing rights kept closed as the facts stand
// now, since they may have stood otherwise when a partner asked: counting one
// student too many withholds a figure, counting one too few exposes a child.
// That is why nothing about the student is read. A grant that is pending, and
// days that are held and were never opened by an override, do not count.
func EverOpened(_ Student, grants []Grant, family string, from, to civil.Date) bool {
	return slices.ContainsFunc(grants, func(g Grant) bool {
		named := slices.ContainsFunc(g.Categories, func(c Category) bool { return c.Family() == family })
		if family == "" || !named || g.Answer != Yes || g.Status != InForce {
			return false
		}
		everOverridden := func(h Hold) bool { return h.Override != "" }
		return g.window(family, everOverridden).opensPart(from, to)
	})
}
