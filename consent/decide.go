// Package consent is the law of consent to disclose education records: who
// holds a student's rights, what a signed grant covers, and how the answers of
// several people, court orders and time combine into one state (34 CFR 99.4,
// 99.5, 99.30; Wis. Stat. 118.125(2)(e)). It is pure: it knows no clock, store
// or network, and every moment is a parameter.
package consent

import (
	"cmp"
	"maps"
	"slices"
)

// State is what all answers come to for one question. Own tells that the
// deciding yes is the student's own. Windows has one window for each yes in
// force, by grant id; Deciding names the grants whose answers made it so, and
// is empty while unasked.
type State struct {
	Answer   StateAnswer `json:"answer"`
	Reason   Reason      `json:"reason"`
	Own      bool        `json:"own,omitzero"`
	Windows  []Window    `json:"windows,omitzero"`
	Deciding []string    `json:"deciding,omitzero"`
}

// Decide combines the grants of one student into the state of one question.
// In order: answers that are pending, invalidated or of people who held no
// rights at signing are dropped; restrictions apply; each person's newest
// remains; then any no is a no, else a pause closes, else any yes is a yes, else
// nobody was asked. Of a
// person with two names a no under one outlives a yes under the other, unless
// that was said when the names were known to be one person's. From
// the local date on which the rights pass to the student (34 CFR 99.5(a)(1))
// only the student's own answers count. A yes ends after its last day and
// becomes silence; a no does not lapse. The grants must be the student's own;
// neither their order nor anything later than the question's two times changes
// the state.
func Decide(s Student, grants []Grant, q Question) State {
	return decide(s, grants, q, sabotage{})
}

func decide(s Student, grants []Grant, q Question, without sabotage) State {
	if !q.valid() {
		return State{Answer: StateUnasked, Reason: QuestionNotValid}
	}
	v := newView(s, q, without)
	if v.ageUnknown() {
		return State{Answer: StateUnasked, Reason: AgeUnknown}
	}
	lost := NotAsked
	order := v.order()
	if order.conflict {
		return State{Answer: StateUnasked, Reason: RestrictionsConflict}
	}
	yes, no := v.sort(v.newestOfEach(grants, order, &lost), &lost)
	switch {
	case len(no) > 0 && !(without.ignoreRefusal && len(yes) > 0):
		return refused(no)
	case v.paused():
		return State{Answer: StateUnasked, Reason: SharingPaused}
	case len(yes) == 0:
		return State{Answer: StateUnasked, Reason: lost}
	case order.mustAgree != nil:
		return v.agreed(order, yes)
	}
	return v.consented(yes, order.reason())
}

// newestOfEach keeps one word of each person who may decide. The no that a
// barred person said under a name that no order bars stays: two names must not
// open what it closes.
func (v view) newestOfEach(grants []Grant, o order, lost *Reason) []said {
	var words []said
	for person, said := range v.listen(grants, lost) {
		said = v.heed(said, o, lost)
		if len(said) == 0 {
			continue
		}
		w := v.newest(said)
		if o.barredPeople[person] && w.answer != No {
			nearer(lost, Restricted)
			continue
		}
		words = append(words, w)
	}
	slices.SortFunc(words, func(a, b said) int { return cmp.Compare(a.grant.ID, b.grant.ID) })
	return words
}

// sort keeps the yeses in force and the noes; silence goes to lost.
func (v view) sort(words []said, lost *Reason) (yes, no []said) {
	for _, w := range words {
		switch {
		case w.answer == No:
			no = append(no, w)
		case w.answer != Yes:
			nearer(lost, WantsToTalk)
		case v.today > w.grant.Expires && !v.without.ignoreExpiry:
			nearer(lost, AnswerExpired)
		default:
			yes = append(yes, w)
		}
	}
	return yes, no
}

func refused(no []said) State {
	reason := Withdrawn
	if slices.ContainsFunc(no, func(w said) bool { return !w.withdrawn }) {
		reason = SaidNo
	}
	return State{Answer: StateNo, Reason: reason, Deciding: ids(no)}
}

func (v view) consented(yes []said, reason Reason) State {
	if v.eligible {
		reason = StudentSaidYes
	}
	return State{Answer: StateYes, Reason: reason, Own: v.eligible, Windows: v.windows(yes), Deciding: ids(yes)}
}

// agreed needs a yes of everyone who has to agree, and opens only what all of
// them opened.
func (v view) agreed(o order, yes []said) State {
	missing := maps.Clone(o.mustAgree)
	people := map[string]bool{}
	for signer := range o.mustAgree {
		people[v.person(signer)] = true
		if slices.ContainsFunc(yes, func(w said) bool { return v.joined(w, signer) }) {
			delete(missing, signer)
		}
	}
	if len(missing) > 0 || len(people) < 2 {
		return State{Answer: StateUnasked, Reason: OthersSilent}
	}
	state := v.consented(yes, AllAgreed)
	state.Windows = common(state.Windows)
	if state.Windows == nil {
		return State{Answer: StateUnasked, Reason: NoCommonRecords}
	}
	return state
}

func (v view) windows(yes []said) []Window {
	overridden := func(h Hold) bool { return v.without.ignoreHolds || h.overriddenBy(v.q.Known) }
	windows := make([]Window, len(yes))
	for i, w := range yes {
		windows[i] = w.grant.window(v.q.Category.Family(), overridden)
	}
	return windows
}

func ids(words []said) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w.grant.ID
	}
	return out
}
