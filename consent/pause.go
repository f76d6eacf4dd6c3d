package consent

import (
	"slices"
	"time"
)

// Pause closes everything of a student from a moment until it is ended, whoever said
// yes: somebody who was asked says that this is not their child, or that an answer
// was not theirs, and nobody knows yet whose it was.
type Pause struct {
	At        time.Time `json:"at"`
	EnteredAt time.Time `json:"entered_at"`
	Ended     *Act      `json:"ended,omitzero"`
}

func (p Pause) inEffect(q Question) bool {
	return !q.unknown(p.EnteredAt) && !p.At.After(q.At) && !q.happened(p.Ended)
}

// paused reports whether a pause is in effect at the moment asked about.
func (v view) paused() bool {
	return !v.without.ignorePauses && slices.ContainsFunc(v.student.Pauses, func(p Pause) bool { return p.inEffect(v.q) })
}
