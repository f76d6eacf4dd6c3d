package broker_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A goodNight is the truth on the last night on which a record family was
// loaded.
type goodNight struct {
	*world
	held civil.Date // the first night since then that was not
}

// yearAnswer is what is read of a partner's answer.
type yearAnswer struct {
	DataAsOf civil.Date  `json:"data_as_of"`
	Stale    []yearStale `json:"stale"`
	Rows     []yearRow   `json:"rows"`
}

type yearStale struct {
	Family   ingest.Family `json:"family"`
	LoadedOn civil.Date    `json:"loaded_on"`
	HeldOn   civil.Date    `json:"held_on"`
}

type yearRow struct {
	Ref        string           `json:"participant_ref"`
	School     string           `json:"school"`
	Attendance *shownAttendance `json:"attendance"`
	Grades     []struct {
		Course  string `json:"course"`
		Session string `json:"session"`
		Value   string `json:"value"`
	} `json:"grades"`
	Discipline []struct {
		Date   civil.Date `json:"date"`
		Type   string     `json:"incident_type"`
		Action string     `json:"action"`
	} `json:"discipline"`
}

// childFigures are one child's in words: two that are equal say the same.
type childFigures struct {
	school             string
	enrolled, absent   float64
	grades, discipline string
}

func (r yearRow) figures() childFigures {
	f := childFigures{school: r.School}
	if r.Attendance != nil {
		f.enrolled, f.absent = r.Attendance.Enrolled, r.Attendance.Absent
	}
	var grades, incidents []string
	for _, g := range r.Grades {
		grades = append(grades, fmt.Sprint(g.Session, " ", g.Course, " ", g.Value))
	}
	for _, in := range r.Discipline {
		incidents = append(incidents, fmt.Sprint(in.Date, " ", in.Type, " ", in.Action))
	}
	slices.Sort(grades)
	slices.Sort(incidents)
	f.grades, f.discipline = fmt.Sprint(grades), fmt.Sprint(incidents)
	return f
}

// yearPartner is a partner with one agreement, both of one name.
type yearPartner struct {
	name      string
	schools   []string
	roster    map[string]bool // by reference
	consented map[string]bool
}

// yearOn is the school year that an answer of a day is about: the one that
// holds it or, between two, the last that ended.
func (w *world) yearOn(day civil.Date) schoolyear {
	if w.current > 0 && day < w.year().start {
		return w.years[w.current-1]
	}
	return w.year()
}

// expected are the rows that a partner must be shown on a day, from the truth of
// each family's last good night.
func (y *simulation) expected(p *yearPartner, day civil.Date) map[string]childFigures {
	want := map[string]childFigures{}
	people := y.good[ingest.People]
	year := people.yearOn(day)
	for _, l := range people.learners {
		if l.ref == "" || !p.roster[l.ref] || !p.consented[l.ref] {
			continue
		}
		there := slices.ContainsFunc(l.stays, func(s stay) bool { return s.touches(year) && slices.Contains(p.schools, s.school) })
		if there {
			want[l.ref] = y.figuresOf(p, l, year, day)
		}
	}
	return want
}

func (y *simulation) figuresOf(p *yearPartner, l *learner, year schoolyear, day civil.Date) childFigures {
	f := childFigures{school: l.placeAmong(p.schools, min(day, year.end))}
	attendance := y.good[ingest.Attendance]
	for _, school := range p.schools {
		for at := year.start; at <= min(year.end, attendance.day); at++ {
			if l.wasAt(school, at) && attendance.calendars[school][at] {
				f.enrolled++
				f.absent += attendance.missed(l.id, school, at)
			}
		}
	}
	f.grades, f.discipline = y.gradesOf(p, l.id, year), y.incidentsOf(p, l.id, year)
	return f
}

// placeAmong is the school of an agreement at which the child is or was last.
func (l *learner) placeAmong(schools []string, day civil.Date) string {
	last := ""
	for _, s := range l.stays {
		if slices.Contains(schools, s.school) && s.from <= max(day, l.stays[0].from) {
			last = s.school
		}
	}
	return last
}

func (w *world) missed(id, school string, day civil.Date) float64 {
	l := w.find(id)
	if l == nil {
		return 0
	}
	for _, m := range l.marks {
		if m.school == school && m.day == day {
			return missedOf[m.code]
		}
	}
	return 0
}

func (y *simulation) gradesOf(p *yearPartner, id string, year schoolyear) string {
	var list []string
	if l := y.good[ingest.Grades].find(id); l != nil {
		for _, r := range l.results {
			if (r.session == year.semester(1) || r.session == year.semester(2)) && slices.Contains(p.schools, r.school) {
				list = append(list, fmt.Sprint(r.session, " ", r.course, " ", r.value))
			}
		}
	}
	slices.Sort(list)
	return fmt.Sprint(list)
}

func (y *simulation) incidentsOf(p *yearPartner, id string, year schoolyear) string {
	var list []string
	if l := y.good[ingest.Discipline].find(id); l != nil {
		for _, in := range l.incidents {
			if year.holds(in.day) && slices.Contains(p.schools, in.school) {
				list = append(list, fmt.Sprint(in.day, " ", in.kind, " ", in.action))
			}
		}
	}
	slices.Sort(list)
	return fmt.Sprint(list)
}

// stale are the families that an answer must say are held, in the product's
// order.
func (y *simulation) stale() (list []yearStale) {
	for _, f := range []ingest.Family{ingest.People, ingest.Attendance, ingest.Discipline, ingest.Grades} {
		if g := y.good[f]; !g.held.IsZero() {
			list = append(list, yearStale{f, g.day, g.held})
		}
	}
	return list
}

// check compares what every partner is shown tonight with the truth.
func (y *simulation) check() {
	for _, p := range y.partners {
		req := broker.StudentsRequest{Agreement: p.name, Period: broker.PeriodCurrent}
		got := data[yearAnswer](y.t, y.must(y.Students(y.t.Context(), partnerOf(p.name), req)))
		y.sum.checks++
		if want := y.stale(); !slices.Equal(got.Stale, want) {
			y.violated("%s: the answer says %v is stale, the truth %v", p.name, got.Stale, want)
		}
		if got.DataAsOf != y.published {
			y.violated("%s: the records are said to be of %s, not of %s", p.name, got.DataAsOf, y.published)
		}
		y.compare(p, got)
	}
}

func (y *simulation) compare(p *yearPartner, got yearAnswer) {
	want := y.expected(p, y.world.day)
	shown := map[string]childFigures{}
	for _, r := range got.Rows {
		shown[r.Ref] = r.figures()
	}
	for _, ref := range slices.Sorted(maps.Keys(want)) {
		y.sum.children++
		is, there := shown[ref]
		delete(shown, ref)
		switch {
		case !there:
			y.violated("%s: %s has no row", p.name, ref)
		case is != want[ref]:
			y.violated("%s: %s is shown %+v, the truth is %+v", p.name, ref, is, want[ref])
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(shown)) {
		y.violated("%s: %s has a row and nothing to show", p.name, ref)
	}
}
