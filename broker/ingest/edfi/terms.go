package edfi

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A session is a term or a grading period of one school, or of several that
// agree in its days.
type session struct {
	where
	id, title, kind string
	school, year    string
	begin, end      string
	parent          string
	name, code, seq string // of a grading period, as grades may name it
	used            bool   // a grading period that a result names
}

// terms are the sessions and grading periods, one a record.
type terms struct {
	sessions []*session
	periods  []*session
	byName   map[string]*session // by school, year and name
	byTerm   map[string]*session // by school, year and term; nil where there are two
	found    map[string]*session // periods by what grades say of them
}

func (f *feed) termsOf() *terms {
	t := &terms{byName: map[string]*session{}, byTerm: map[string]*session{}, found: map[string]*session{}}
	shared := f.sharedNames()
	for _, r := range f.list[sessions] {
		f.session(t, r, shared)
	}
	for _, r := range f.list[gradingPeriods] {
		f.period(t, r)
	}
	delete(t.byName, "") // of sessions without a school
	delete(t.byTerm, "")
	agree(t.sessions)
	agree(t.periods)
	return t
}

// sharedNames are the names, with their years, that a school gives to several
// terms.
func (f *feed) sharedNames() map[string]bool {
	terms, shared := map[string]string{}, map[string]bool{}
	for _, r := range f.list[sessions] {
		named := words(codeOf(r.get(term)))
		if was, there := terms[r.key]; there && was != named && r.key != "" {
			shared[keyOf(r.get(year), r.get(name))] = true
		}
		terms[r.key] = named
	}
	return shared
}

func (f *feed) session(t *terms, r *record, shared map[string]bool) {
	label := f.codes.label("term", r.get(term))
	title := cmp.Or(r.get(name), label)
	if title == "" {
		f.note(r.where, spelled("SessionName", r.where), ingest.MissingID)
		return
	}
	kind, ok := f.codes.meaning("term", r.get(term), termWords)
	if !ok {
		kind = "term"
	}
	several := shared[keyOf(r.get(year), r.get(name))]
	if several {
		title += " " + label
	}
	s := sessionOf(r, title, kind)
	t.sessions = append(t.sessions, s)
	if !several {
		t.byName[keyOf(s.school, s.year, title)] = s
	}
	key := keyOf(s.school, s.year, words(codeOf(r.get(term))))
	if _, twice := t.byTerm[key]; twice {
		s = nil
	}
	t.byTerm[key] = s
}

func termWords(words string) (string, bool) {
	if strings.Contains(words, "semester") {
		return "semester", true
	}
	return "term", words != "" && strings.ContainsAny(words, "aeiou")
}

func (f *feed) period(t *terms, r *record) {
	title := r.get(name)
	if title == "" {
		title = strings.TrimSpace(f.codes.label("gradingperiod", r.get(code)) + " " + r.get(sequence))
	}
	if title == "" {
		f.note(r.where, spelled("GradingPeriodName", r.where), ingest.MissingID)
		return
	}
	p := sessionOf(r, title, "gradingPeriod")
	p.name, p.code, p.seq = r.get(name), words(codeOf(r.get(code))), r.get(sequence)
	t.periods = append(t.periods, p)
}

func sessionOf(r *record, title, kind string) *session {
	s := &session{
		where: r.where, title: title, kind: kind, school: r.get(schoolID), year: r.get(year), begin: r.get(begin), end: r.get(end),
	}
	if s.year == "" {
		s.year = yearOfDay(s.begin)
	}
	s.id = sessionID(s.year, title)
	return s
}

// yearOfDay names the school year from July to June that holds a day.
func yearOfDay(day string) string {
	d, err := civil.Parse(day)
	if err != nil {
		return ""
	}
	return ingest.AssumedYearRow(d).Fields[0]
}

// sessionID is the year and the title, or the title where it says the year.
func sessionID(year, title string) string {
	long := year
	if first, last, two := strings.Cut(year, "-"); two && len(first) == 4 && len(last) == 2 {
		long = first + "-" + first[:2] + last
		if last == "00" {
			long = year
		}
	}
	if title != year && (strings.Contains(title, year) || strings.Contains(title, long)) {
		return title
	}
	return year + " " + title
}

// agree gives sessions of one name in one year that differ in their days the
// school in their id.
func agree(list []*session) {
	days := map[string]string{}
	differ := map[string]bool{}
	for _, s := range list {
		span := s.begin + " " + s.end
		if was, there := days[s.id]; there && was != span {
			differ[s.id] = true
		}
		days[s.id] = span
	}
	for _, s := range list {
		if differ[s.id] {
			s.id += " (" + s.school + ")"
		}
	}
}

// around is the session of the school in which a grading period begins.
func (t *terms) around(p *session) string {
	if p.parent != "" {
		return p.parent
	}
	for _, s := range t.sessions {
		if s.school == p.school && s.year == p.year && s.begin <= p.begin && p.begin <= s.end {
			p.parent = s.id
			break
		}
	}
	return p.parent
}

// A yearSpan is a school year as the days of an export bound it.
type yearSpan struct {
	where
	id         string
	begin, end civil.Date
}

// yearSpans are the school years of the sessions, grading periods and days of
// instruction, in order of time.
func (f *feed) yearSpans(t *terms) []*yearSpan {
	byID := map[string]*yearSpan{}
	for _, s := range slices.Concat(t.sessions, t.periods) {
		stretch(byID, s.where, s.year, s.begin, s.end)
	}
	for _, r := range f.list[calendarDates] {
		if id := cmp.Or(r.get(year), yearOfDay(r.get(date))); f.instructs(r) {
			stretch(byID, r.where, id, r.get(date), r.get(date))
		}
	}
	var list []*yearSpan
	for _, id := range sortedKeys(byID) {
		list = append(list, byID[id])
	}
	slices.SortStableFunc(list, func(a, b *yearSpan) int { return cmp.Compare(a.begin, b.begin) })
	for i := range len(list) - 1 {
		if next := list[i+1]; list[i].end >= next.begin && list[i].begin < next.begin {
			list[i].end = next.begin - 1
		}
	}
	return list
}

func stretch(byID map[string]*yearSpan, at where, id string, days ...string) {
	first, err := civil.Parse(days[0])
	last, errLast := civil.Parse(days[1])
	if err != nil || errLast != nil || last < first || id == "" {
		return
	}
	y := byID[id]
	if y == nil {
		y = &yearSpan{where: at, id: id, begin: first, end: last}
		byID[id] = y
	}
	y.begin, y.end = min(y.begin, first), max(y.end, last)
}

// sessions gives the school years, then the terms, then the grading periods
// that results name. Without any, the years that the records touch.
func (f *feed) sessions(t *terms) {
	years := f.yearSpans(t)
	known := map[string]bool{}
	for _, y := range years {
		known[y.id] = true
		f.add("sessions.csv", y.where, y.id, "School year "+y.id, "schoolYear", y.begin.String(), y.end.String(), "")
	}
	given := map[string]bool{}
	for _, s := range slices.Concat(t.sessions, t.periods) {
		if given[s.id] || s.kind == "gradingPeriod" && !s.used {
			continue
		}
		given[s.id] = true
		if s.kind == "gradingPeriod" {
			t.around(s)
		}
		if s.parent == "" && known[s.year] {
			s.parent = s.year
		}
		f.add("sessions.csv", s.where, s.id, s.title, s.kind, s.begin, s.end, s.parent)
	}
	if len(years) == 0 && len(given) == 0 {
		f.otherYears()
	}
}

// otherYears gives the declared year, else those that records touch.
func (f *feed) otherYears() {
	if !f.opt.SchoolYear.IsZero() {
		f.rows["sessions.csv"] = append(f.rows["sessions.csv"], ingest.DeclaredYearRow(f.opt.SchoolYear))
		return
	}
	touched := map[string]ingest.Row{}
	days := slices.Concat(f.days("attendance.csv", 2), f.days("discipline.csv", 2))
	if len(days) == 0 {
		days = f.days("enrollments.csv", 2, 3)
	}
	for _, d := range days {
		row := ingest.AssumedYearRow(d)
		touched[row.Fields[0]] = row
	}
	if len(touched) == 0 {
		touched["export"] = ingest.AssumedYearRow(f.opt.ExportDate)
	}
	for _, id := range sortedKeys(touched) {
		f.rows["sessions.csv"] = append(f.rows["sessions.csv"], touched[id])
	}
	f.hold(note{rule: ingest.AssumedYear})
}
