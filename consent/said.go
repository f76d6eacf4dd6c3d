package consent

import (
	"cmp"
	"slices"
	"time"
)

// said is one thing a person said at one moment: the answer of a grant, or the
// no of its withdrawal.
type said struct {
	grant     *Grant
	answer    Answer
	at        time.Time
	entered   time.Time
	withdrawn bool
}

// listen turns grants into what each person said about the question, and tells
// the dropped ones to lost. A person is named as v.person does.
func (v view) listen(grants []Grant, lost *Reason) map[string][]said {
	people := map[string][]said{}
	for i := range grants {
		g := &grants[i]
		if !g.names(v.q) || v.q.unknown(g.EnteredAt) || g.SignedAt.After(v.q.At) {
			continue
		}
		who := v.person(g.Signer)
		if reason, ok := v.stands(g); ok {
			people[who] = append(people[who], said{grant: g, answer: g.Answer, at: g.SignedAt, entered: g.EnteredAt})
		} else {
			nearer(lost, reason)
		}
		if v.withdrawalStands(g) {
			w := g.Withdrawn
			people[who] = append(people[who], said{grant: g, answer: No, at: w.At, entered: w.EnteredAt, withdrawn: true})
		}
	}
	return people
}

// stands reports whether the answer of a grant counts at all, or why not.
func (v view) stands(g *Grant) (Reason, bool) {
	capacity, held := v.rights(g.Signer, v.date(g.SignedAt))
	if v.without.ignoreRights {
		capacity, held = g.Capacity, true
	}
	switch {
	case !v.inForce(g):
		return AnswerPending, false
	case g.Invalidated != nil && !v.q.unknown(g.Invalidated.EnteredAt) && !v.without.ignoreInvalidation:
		return AnswerInvalidated, false
	case v.eligible && capacity != EligibleStudent && g.Capacity != EligibleStudent:
		return RightsPassed, false
	case !held || v.eligible && capacity != EligibleStudent:
		return NoRights, false
	case g.Answer == Yes && g.Capacity != capacity: // a label that does not fit can only close
		return NoRights, false
	}
	return "", true
}

// inForce reports whether the district stood behind a grant by the moment of
// knowledge.
func (v view) inForce(g *Grant) bool {
	confirmed := g.Confirmed == nil || !v.q.unknown(g.Confirmed.EnteredAt)
	return v.without.countPending || g.Status == InForce && confirmed
}

// withdrawalStands reports whether a withdrawal counts. It is its own act: it
// counts even where the grant it ends was pending or is invalid, and it is
// enough that the person held the rights at the signing or at the withdrawal.
func (v view) withdrawalStands(g *Grant) bool {
	if !v.q.happened(g.Withdrawn) || v.without.ignoreWithdrawal {
		return false
	}
	return v.without.ignoreRights || v.mayStop(g.Signer, g.SignedAt) || v.mayStop(g.Signer, g.Withdrawn.At)
}

func (v view) mayStop(signer string, at time.Time) bool {
	capacity, held := v.rights(signer, v.date(at))
	return held && (capacity == EligibleStudent) == v.eligible
}

// newest returns the word of one person that counts: the newest by moment. Of
// one moment a no comes before a wish to talk and that before a yes; then the
// one entered last and, so that the order of grants never matters, the greater
// id. A wish to talk silences the person's earlier yes, but does not lift an
// earlier no; nor does a yes under another name, unless the two names were
// known to be one person when it was said.
func (v view) newest(words []said) said {
	slices.SortFunc(words, laterFirst)
	for i, w := range words {
		lifts := func(later said) bool { return later.answer == Yes && v.joined(later, w.grant.Signer) }
		if w.answer == No && !slices.ContainsFunc(words[:i], lifts) {
			return w
		}
	}
	return words[0]
}

func laterFirst(a, b said) int {
	return cmp.Or(b.at.Compare(a.at), cmp.Compare(closedness(b.answer), closedness(a.answer)),
		b.entered.Compare(a.entered), cmp.Compare(b.grant.ID, a.grant.ID))
}

func closedness(a Answer) int {
	switch a {
	case Yes:
		return 0
	case Talk:
		return 1
	}
	return 2
}

// nearer keeps the reason that is nearer to a yes.
func nearer(kept *Reason, r Reason) {
	if r.rank() > kept.rank() {
		*kept = r
	}
}
