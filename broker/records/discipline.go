package records

func disciplineIndicators() []Indicator {
	share := func(id, name, what string, counts func(Action) bool) Indicator {
		return Indicator{
			ID: id, Version: 1, Family: DisciplineFamily, Name: name, Unit: "share of students",
			Direction: LowerIsBetter, Kind: ShareOfStudents,
			Numerator: "students with at least one " + what, Denominator: "students enrolled in the period",
			Notes: []string{"A student counts once, however many incidents and actions."}, compute: withAction(counts),
		}
	}
	return []Indicator{
		share(ISSStudents, "Students with an in-school suspension", "in-school suspension",
			func(a Action) bool { return a == ActionISS }),
		share(OSSStudents, "Students with an out-of-school suspension", "out-of-school suspension",
			func(a Action) bool { return a == ActionOSS }),
		share(SuspendedStudents, "Students with any suspension", "in-school or out-of-school suspension",
			func(a Action) bool { return a == ActionISS || a == ActionOSS }),
		{
			ID: IncidentsPer100, Version: 1, Family: DisciplineFamily, Name: "Incidents per 100 students",
			Unit: "incidents a student", Direction: LowerIsBetter, Kind: PerHundred,
			Numerator: "incidents in which a student was disciplined", Denominator: "students enrolled in the period",
			Notes: []string{
				"An incident with several students counts once for each of them; several actions of one incident count once.",
				"Lines without an incident id are one incident for each school, day and type.",
			},
			compute: incidentCount,
		},
	}
}

// disciplined tells whether discipline was reported where the student was
// enrolled in the period.
func (q query) disciplined() Status {
	status := NotEnrolled
	for _, c := range q.student.claims(q.period) {
		if !q.at(c.school) {
			continue
		}
		status = NotReported
		for _, year := range q.district.years {
			cover, ok := q.district.Covered(DisciplineFamily, c.school, year.ID)
			if ok && cover.From <= c.to && c.from <= cover.To {
				return Reported
			}
		}
	}
	return status
}

// incidents returns the lines of the period, in canonical order.
func (q query) incidents() []Incident {
	var lines []Incident
	for _, in := range q.student.Incidents {
		if q.at(in.School) && q.period.Holds(in.Day) {
			lines = append(lines, in)
		}
	}
	return lines
}

func withAction(counts func(Action) bool) func(query) (Value, Status) {
	return func(q query) (Value, Status) {
		v := Value{Den: 1}
		for _, in := range q.incidents() {
			if counts(in.Action) {
				v.Num = 1
			}
		}
		return v, q.disciplined()
	}
}

func incidentCount(q query) (Value, Status) {
	seen := map[Incident]bool{}
	for _, in := range q.incidents() {
		key := Incident{School: in.School, ID: in.ID}
		if in.ID == "" {
			key = Incident{School: in.School, Day: in.Day, Type: in.Type}
		}
		seen[key] = true
	}
	return Value{Num: int64(len(seen)), Den: 1}, q.disciplined()
}
