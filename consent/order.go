package consent

import "slices"

// order is what the restrictions in effect come to on the day asked about.
type order struct {
	barred       map[string]bool // by the name in the order
	barredPeople map[string]bool // whatever their names
	decider      string
	mustAgree    map[string]bool // nil unless all must agree
	conflict     bool
}

// order reads the restrictions. Once the rights have passed to the student,
// orders between the parents have nothing left to restrict; only one that
// bars the student by name still counts.
func (v view) order() order {
	o := order{barred: map[string]bool{}, barredPeople: map[string]bool{}}
	all := false
	for _, r := range v.student.Restrictions {
		if v.without.ignoreRestrictions || !r.inEffect(v.today, v.q) {
			continue
		}
		switch {
		case r.Kind == MayNotDecide:
			o.barred[r.Signer], o.barredPeople[v.person(r.Signer)] = true, true
		case v.eligible:
		case r.Kind == ThisPersonDecides:
			o.conflict = o.conflict || o.decider != "" && o.decider != r.Signer
			o.decider = r.Signer
		default: // both must agree; an unknown order restricts as much
			all = true
		}
	}
	o.conflict = o.conflict || o.decider != "" && (all || o.barredPeople[v.person(o.decider)])
	if all {
		o.mustAgree = v.holdersToday()
		for signer := range o.barred {
			delete(o.mustAgree, signer)
		}
	}
	return o
}

// heed keeps the words said under a name that may decide. It takes the slice
// over.
func (v view) heed(words []said, o order, lost *Reason) []said {
	return slices.DeleteFunc(words, func(w said) bool {
		unheard := o.barred[w.grant.Signer] || o.decider != "" && !v.joined(w, o.decider)
		if unheard {
			nearer(lost, Restricted)
		}
		return unheard
	})
}

func (o order) reason() Reason {
	if o.decider != "" {
		return DeciderSaidYes
	}
	return SaidYes
}
