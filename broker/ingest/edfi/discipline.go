package edfi

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A sanction is a kind of action against a student for an incident.
type sanction struct {
	at   where
	days string
}

// A part is a student's part in an incident.
type part struct {
	at       where
	student  string
	incident *record // nil for an action without one
	day      string
	school   string
	behavior string
	done     map[string]*sanction // by the plain form's word
}

// unstated is the type of an incident of which none is given.
const unstated = "not stated"

// gravestAction is the order of the actions.
var gravestAction = []string{"expulsion", "oss", "iss", "restorative", "other", "none"}

// A docket holds the parts in the order of the export.
type docket struct {
	order []*part
	byKey map[string]*part
}

func (f *feed) discipline() {
	known := map[string]*record{}
	for _, r := range f.list[incidents] {
		known[keyOf(r.get(schoolID), r.get(incidentID))] = r
	}
	d := &docket{byKey: map[string]*part{}}
	for _, r := range f.list[involvements] {
		f.involve(d, r, known)
	}
	for _, r := range f.list[actions] {
		f.act(d, r, known)
	}
	for _, p := range d.order {
		f.sentence(p)
	}
}

// of returns the student's part in an incident, new where there is none.
func (d *docket) of(at where, student string, incident *record) *part {
	key := strings.Join([]string{student, incident.get(schoolID), incident.get(incidentID)}, "\x00")
	p := d.byKey[key]
	if p == nil {
		p = &part{
			at: at, student: student, incident: incident, day: incident.get(date), school: incident.get(schoolID),
			behavior: incident.get(behavior), done: map[string]*sanction{},
		}
		d.order, d.byKey[key] = append(d.order, p), p
	}
	return p
}

// involve takes a student's association with an incident as a perpetrator.
func (f *feed) involve(d *docket, r *record, known map[string]*record) {
	if !f.perpetrator(r) {
		return
	}
	keys := r.all(incidentKeys)
	if len(keys) == 0 || known[keys[0]] == nil {
		f.note(r.where, spelled("DisciplineIncidentReference", r.where), ingest.UnknownReference)
		return
	}
	p := d.of(r.where, r.get(studentID), known[keys[0]])
	if own := r.get(behavior); own != "" {
		p.behavior = own
	}
}

// perpetrator reports whether one of the roles is that; the association with a
// behavior is one of offenders where it gives no role.
func (f *feed) perpetrator(r *record) bool {
	roles := r.all(role)
	for _, c := range roles {
		if _, ok := f.codes.meaning("disciplineincidentparticipationcode", c, perpetratorWords); ok {
			return true
		}
		if _, ok := f.codes.meaning("studentparticipationcode", c, perpetratorWords); ok {
			return true
		}
	}
	return len(roles) == 0
}

func perpetratorWords(words string) (string, bool) {
	return words, strings.Contains(words, "perpetrator") || strings.Contains(words, "offender") && !strings.Contains(words, "non")
}

// act adds an action to the student's part in each incident that it names.
func (f *feed) act(d *docket, r *record, known map[string]*record) {
	named := r.all(incidentKeys)
	if len(named) == 0 {
		p := &part{
			at: r.where, student: r.get(studentID), day: r.get(date), school: r.get(schoolID), behavior: unstated,
			done: map[string]*sanction{},
		}
		d.order = append(d.order, p)
		f.punish(p, r, 0)
		return
	}
	for i, key := range named {
		if known[key] == nil {
			f.note(r.where, spelled("DisciplineIncidentReference", r.where), ingest.UnknownReference)
			continue
		}
		f.punish(d.of(r.where, r.get(studentID), known[key]), r, i)
	}
}

// punish adds the kinds of an action. Its days stand once: at the gravest kind
// and the first incident.
func (f *feed) punish(p *part, r *record, nth int) {
	var kinds []string
	for _, c := range r.all(discipline) {
		kinds = append(kinds, f.actionOf(c))
	}
	if len(kinds) == 0 {
		kinds = []string{"other"}
	}
	slices.SortFunc(kinds, func(a, b string) int { return slices.Index(gravestAction, a) - slices.Index(gravestAction, b) })
	for i, k := range slices.Compact(kinds) {
		length := ""
		if i == 0 && nth == 0 && k != "none" {
			length = plainNumber(r.get(days))
		}
		if s := p.done[k]; s != nil {
			s.days = sum(s.days, length)
			continue
		}
		p.done[k] = &sanction{at: r.where, days: length}
	}
}

func (f *feed) actionOf(text string) string {
	if action, ok := f.codes.meaning("discipline", text, actionWords); ok {
		return action
	}
	return "other"
}

func actionWords(words string) (string, bool) {
	has := func(list ...string) bool {
		return slices.ContainsFunc(list, func(w string) bool { return strings.Contains(words, w) })
	}
	switch {
	case has("expulsion", "expelled"):
		return "expulsion", true
	case has("out of school susp") || words == "oss":
		return "oss", true
	case has("in school susp") || words == "iss":
		return "iss", true
	case has("no action"):
		return "none", true
	case has("restorative", "mediation"):
		return "restorative", true
	case has("detention", "removal", "community service", "other", "conference", "warning", "reprimand", "probation"):
		return "other", true
	}
	return "", false
}

// plainNumber cuts zeros behind the point, as the API writes them.
func plainNumber(text string) string {
	if strings.Contains(text, ".") {
		return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// sum adds two lengths; the one that is no number is left out.
func sum(a, b string) string {
	x, errA := strconv.ParseFloat(a, 64)
	y, errB := strconv.ParseFloat(b, 64)
	switch {
	case errB != nil && b == "" || b == a && errA != nil:
		return a
	case errA != nil && a == "":
		return b
	case errA != nil:
		return a
	case errB != nil:
		return b
	}
	return strconv.FormatFloat(x+y, 'f', -1, 64)
}

// sentence gives the rows of a student's part: one a kind of action, or one
// without.
func (f *feed) sentence(p *part) {
	if len(p.done) > 1 {
		delete(p.done, "none")
	}
	if len(p.done) == 0 {
		p.done["none"] = &sanction{at: p.at}
	}
	incident := ""
	if p.incident != nil {
		incident = p.incident.get(incidentID)
	}
	kind := f.codes.label("behavior", p.behavior)
	if kind == "" {
		kind = unstated
	}
	for _, action := range gravestAction {
		if s := p.done[action]; s != nil {
			f.add("discipline.csv", s.at, p.student, p.school, p.day, kind, action, incident, s.days)
		}
	}
}
