package consent

// Division is who stands on which side of one question: the grants of the yeses in
// force, and of the noes and withdrawals.
type Division struct{ Yes, No []string }

// Divided reports whether those who may decide disagree. A no outweighs any yes, so
// that what is divided stays closed.
func (d Division) Divided() bool { return len(d.Yes) > 0 && len(d.No) > 0 }

// Divide weighs the grants of one student as Decide does, and tells who is on which
// side.
func Divide(s Student, grants []Grant, q Question) Division {
	if !q.valid() {
		return Division{}
	}
	v := newView(s, q, sabotage{})
	if v.ageUnknown() {
		return Division{}
	}
	lost := NotAsked
	order := v.order()
	if order.conflict {
		return Division{}
	}
	yes, no := v.sort(v.newestOfEach(grants, order, &lost), &lost)
	return Division{Yes: ids(yes), No: ids(no)}
}

// OrdersContradict reports whether the documents on a student's file say at a moment
// that different people decide.
func (s Student) OrdersContradict(m Moment) bool { return s.seen(m).order().conflict }
