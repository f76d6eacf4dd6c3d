package agreement

import "github.com/hallpass-edu/hallpass/broker/civil"

// Sabotage is a build of the lifecycle without one of its guards.
type Sabotage = sabotage

// Sabotages returns each guard's removal by the name of the guard.
func Sabotages() map[string]Sabotage {
	return map[string]Sabotage{
		"the term":                {ignoreTerm: true},
		"what the basis needs":    {ignoreElements: true},
		"the text's hash":         {ignoreText: true},
		"each party signs once":   {ignoreParty: true},
		"the table of the states": {extra: []transition[State, Event]{{Closed, EventReturn, Active}, {Terminated, EventReturn, Active}}},
	}
}

// DiffBlind and RenderRaw are Diff without its eye for widening and Render
// without its reduction of free text to one line.
func DiffBlind(old, next Clauses) []Change {
	return diff(old, next, sabotage{ignoreWidening: true})
}

func RenderRaw(p Partner, a Agreement, districtName string) string {
	return render(p, a, districtName, sabotage{ignoreLines: true})
}

// StateOnWithout, AdvanceWithout and SignWithout are the methods without a
// guard.
func StateOnWithout(a Agreement, today civil.Date, w Sabotage) State { return a.stateOn(today, w) }

func AdvanceWithout(a Agreement, e Event, today civil.Date, w Sabotage) (Agreement, error) {
	return a.advance(e, today, w)
}

func SignWithout(a Agreement, s Signature, today civil.Date, w Sabotage) (Agreement, error) {
	return a.sign(s, today, w)
}
