package ingest

import "io"

// ParseSessions reads sessions.csv for the participants of a roster that was
// uploaded before, under the contract of ParseRoster.
func ParseSessions(sessions io.Reader, roster []Participant, lists Lists, limits Limits) (*Participation, *Report, error) {
	p := newPartnerFile(lists, limits)
	for i, c := range roster {
		p.refs[c.Ref] = i
	}
	p.out.Participants = roster
	return p.result(p.read(sessionLogForm, sessions, p.session))
}

// ParseRosterAlone reads roster.csv when its sessions.csv comes later.
func ParseRosterAlone(roster io.Reader, lists Lists, limits Limits) (*Participation, *Report, error) {
	p := newPartnerFile(lists, limits)
	return p.result(p.read(rosterForm, roster, p.roster))
}
