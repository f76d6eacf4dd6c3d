package consent

// order is what the restrictions in effect come to on the day asked about.
type order struct {
	barred    map[string]bool
	decider   string
	mustAgree map[string]bool // nil unless all must agree
	conflict  bool
}

// order reads the restrictions. Once the rights have passed to the student,
// orders between the parents have nothing left to restrict; only one that
// bars the student by name still counts.
func (v view) order() order {
	o := order{barred: map[string]bool{}}
	all := false
	for _, r := range v.student.Restrictions {
		if v.without.ignoreRestrictions || !r.inEffect(v.today, v.q) {
			continue
		}
		switch {
		case r.Kind == MayNotDecide:
			o.barred[r.Signer] = true
		case v.eligible:
		case r.Kind == ThisPersonDecides:
			o.conflict = o.conflict || o.decider != "" && o.decider != r.Signer
			o.decider = r.Signer
		default: // both must agree; an unknown order restricts as much
			all = true
		}
	}
	o.conflict = o.conflict || o.decider != "" && (all || o.barred[o.decider])
	if all {
		o.mustAgree = v.holdersToday()
		for signer := range o.barred {
			delete(o.mustAgree, signer)
		}
	}
	return o
}

// heed keeps the words of those who may decide.
func (o order) heed(words []said, lost *Reason) []said {
	var kept []said
	for _, w := range words {
		if o.barred[w.grant.Signer] || o.decider != "" && w.grant.Signer != o.decider {
			nearer(lost, Restricted)
			continue
		}
		kept = append(kept, w)
	}
	return kept
}

func (o order) reason() Reason {
	if o.decider != "" {
		return DeciderSaidYes
	}
	return SaidYes
}
