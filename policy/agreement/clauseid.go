package agreement

// clauseTitles are the clauses of the rendered text by kind. A clause has one
// number for ever, in every template and basis, so that a decision of years
// ago still names the clause that decided it.
var clauseTitles = []struct{ kind, number, title string }{
	{"district", "1.1", "The district"},
	{"partner", "1.2", "The partner"},
	{"basis", "2.1", "Legal basis"},
	{"purpose", "2.2", "Purpose"},
	{"study", "2.3", "Study or evaluation"},
	{"comparison", "3.1", "Comparisons"},
	{"dosage", "3.2", "Dosage"},
	{"schools", "3.3", "Schools"},
	{"indicators", "3.4", "Indicators"},
	{"grain", "3.5", "Grain"},
	{"thresholds", "3.6", "Thresholds"},
	{"profile", "3.7", "Protection profile"},
	{"students", "4.1", "Whose records"},
	{"attendance", "4.2", "Attendance"},
	{"grades", "4.3", "Grades"},
	{"discipline_incident", "4.4", "Discipline: the incident"},
	{"discipline_action", "4.5", "Discipline: the action"},
	{"discipline_dates", "4.6", "Discipline: the dates"},
	{"suspension", "4.7", "Days of suspension"},
	{"never", "5.1", "Never shared"},
	{"consent", "6.1", "Whose consent"},
	{"withdrawal", "6.2", "Withdrawal"},
	{"silence", "6.3", "What the partner does not learn"},
	{"hold", "6.4", "Records held back"},
	{"use", "7.1", "Use"},
	{"redisclosure", "7.2", "Redisclosure"},
	{"identification", "7.3", "No attempt to identify"},
	{"breach", "7.4", "Breach"},
	{"administrator", "8.1", "People's administrator"},
	{"people", "8.2", "People"},
	{"incident", "8.3", "Incidents"},
	{"log", "9.1", "The log"},
	{"audit", "9.2", "Audit"},
	{"term", "10.1", "Term"},
	{"ending", "10.2", "Ending early"},
	{"destruction", "10.3", "Destruction"},
	{"amendment", "10.4", "Amendments"},
	{"contacts", "11.1", "Contacts"},
	{"signatures", "11.2", "Signatures"},
}

// ClauseFor returns the id of the clause that decides a kind of question, such
// as "3.2 dosage" for "dosage": its number in the text and its kind. Kinds are
// the two actions ("comparison", "students"), the record categories and the
// matters an agreement settles (ClauseKinds). It is "" for an unknown kind.
func (a Agreement) ClauseFor(kind string) string { return clauseID(kind) }

// ClauseKinds returns every kind for which there is a clause, in the order of
// the text.
func ClauseKinds() []string {
	kinds := make([]string, len(clauseTitles))
	for i, c := range clauseTitles {
		kinds[i] = c.kind
	}
	return kinds
}

func clauseID(kind string) string {
	for _, c := range clauseTitles {
		if c.kind == kind {
			return c.number + " " + c.kind
		}
	}
	return ""
}

// heading is how a clause begins in the text: "3.2 Dosage.", or "" for a kind
// that has no clause.
func heading(kind string) string {
	for _, c := range clauseTitles {
		if c.kind == kind {
			return c.number + " " + c.title + "."
		}
	}
	return ""
}
