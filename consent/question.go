package consent

import "time"

// Question asks what the answers about one student come to for one party,
// purpose and category. At is the moment asked about: what came later has not
// happened. Known is the moment of knowledge: what was entered later is not
// known, so that the answer given at a past moment can be given again for ever.
// Zone is the district's; ages, expiry and restrictions go by its local date
// of At.
type Question struct {
	Party    string
	Purpose  Purpose
	Category Category
	At       time.Time
	Known    time.Time
	Zone     *time.Location
}

func (q Question) valid() bool {
	return q.Party != "" && q.Purpose.Valid() && q.Category.Valid() && !q.At.IsZero() && !q.Known.IsZero() && q.Zone != nil
}

// unknown reports whether what was entered at a moment is not yet known.
func (q Question) unknown(enteredAt time.Time) bool { return enteredAt.After(q.Known) }

// happened reports whether a later act is known and has taken effect.
func (q Question) happened(a *Act) bool {
	return a != nil && !q.unknown(a.EnteredAt) && !a.At.After(q.At)
}
