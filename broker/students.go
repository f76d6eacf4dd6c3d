package broker

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// PeriodCurrent asks for the school year that holds today or, between years,
// the last that ended.
const PeriodCurrent = "current"

// redisclosureNotice goes with every record of a child (34 CFR 99.33).
const redisclosureNotice = "These are education records, disclosed with the family's consent for the purpose of the agreement only. They may not be passed on to anyone else without consent (34 CFR 99.33)."

// Students answers with the consented records of an agreement's participants
// (the partner's people).
func (b *Broker) Students(ctx context.Context, c Caller, req StudentsRequest) (*Answer, error) {
	if req.Period != PeriodCurrent {
		return nil, invalidField("period", "is not one that rows exist for", `use "current"`)
	}
	for _, category := range req.Categories {
		if !category.Valid() {
			return nil, invalidField("categories", "names an unknown category", "use attendance, grades, discipline_incident, discipline_action, discipline_dates")
		}
	}
	return b.answer(ctx, c, studentsQuestion{req})
}

type studentsQuestion struct{ req StudentsRequest }

func (q studentsQuestion) agreement() string { return q.req.Agreement }

func (q studentsQuestion) asked() any {
	return map[string]any{"action": policy.ActionStudents, "agreement": q.req.Agreement, "period": q.req.Period, "categories": q.req.Categories}
}

func (q studentsQuestion) page(*snapshot) *Page { return nil }

func (q studentsQuestion) facts(s *snapshot, f *policy.Facts) error {
	year, ok := s.data.district.CurrentYear(s.today)
	if !ok {
		return unavailable("the district has loaded no school year yet", nil)
	}
	f.Action = policy.ActionStudents
	f.Request = policy.Request{
		School: policy.AllSchools, Period: PeriodCurrent, PeriodFrom: year.Start, PeriodTo: year.End,
		Categories: orList(q.req.Categories, s.agreement.Agreement.Clauses.Categories),
	}
	f.RosterPresent = s.agreement.Roster > 0
	return nil
}

// studentsData is the member data of the answer.
type studentsData struct {
	Agreement  string             `json:"agreement"`
	Period     periodView         `json:"period"`
	AsOf       civil.Date         `json:"as_of"`
	DataAsOf   civil.Date         `json:"data_as_of"`
	Categories []consent.Category `json:"categories"`
	Stale      []staleFamily      `json:"stale,omitzero"`
	Rows       []studentRow       `json:"rows"`
	Notice     string             `json:"notice"`
}

type periodView struct {
	SessionID string     `json:"session_id"`
	Title     string     `json:"title"`
	Start     civil.Date `json:"start"`
	End       civil.Date `json:"end"`
}

func viewPeriod(s records.Session) periodView { return periodView{s.ID, s.Title, s.Start, s.End} }

// studentRow is one child: the partner's own reference and what its family
// opened. A category that is not open is absent, whatever the reason.
type studentRow struct {
	Ref        string          `json:"participant_ref"`
	School     string          `json:"school"`
	Attendance *attendanceCell `json:"attendance,omitzero"`
	Grades     []gradeCell     `json:"grades,omitzero"`
	Discipline []incidentCell  `json:"discipline,omitzero"`
	Spans      []spanCell      `json:"spans"`            // which days each category covers
	EndsOn     civil.Date      `json:"ends_on,omitzero"` // the last day on which any of it may be read, once that is near
}

// noticeDays is how long before its last day a row says when that is.
const noticeDays = 30

func (q studentsQuestion) build(s *snapshot, d policy.Decision) (finished, error) {
	w, err := s.walk(d.Categories)
	if err != nil {
		return finished{}, err
	}
	data := studentsData{
		Agreement: q.req.Agreement, Period: viewPeriod(w.year), AsOf: s.today,
		DataAsOf: civil.Of(s.data.manifest.ImportedAt, s.b.zone), Categories: d.Categories, Stale: s.stale(recordFamilies(d.Categories)...), Rows: []studentRow{}, Notice: redisclosureNotice,
	}
	p := finished{consented: true, places: len(w.roster), kept: new(atomic.Bool)}
	seen := roaring.New()
	for _, c := range w.children {
		row, ok, err := w.row(c)
		if err != nil {
			return finished{}, err
		}
		if !ok {
			continue
		}
		data.Rows = append(data.Rows, row)
		p.subjects = append(p.subjects, c.sid)
		seen.AddMany(c.ordinals)
		copied, err := json.Marshal(row, json.Deterministic(true))
		if err != nil {
			return finished{}, internal(err)
		}
		p.copies = append(p.copies, s.b.copyOf(s, d.Categories, c.sid, copied))
	}
	if p.detail, err = shownTo(s, seen, d.Categories); err != nil {
		return finished{}, err
	}
	p.data, err = json.Marshal(data, json.Deterministic(true))
	return p, err
}

// shown names the students of an answer by a bitmap over the ordinals of a
// roster version.
type shown struct {
	Roster  uint64             `json:"roster"`
	Members []byte             `json:"members"`
	Columns []consent.Category `json:"columns"`
}

func shownTo(s *snapshot, seen *roaring.Bitmap, columns []consent.Category) (shown, error) {
	raw, err := seen.ToBytes()
	return shown{Roster: s.agreement.Roster, Members: raw, Columns: columns}, err
}

// walk goes over roster ∩ consent. A cell is filled only if the compiled
// filter of its category and the ceiling both hold.
type walk struct {
	s          *snapshot
	year       records.Session
	roster     []member
	children   []child
	who        *persons
	filters    *policy.Filters
	decided    *decidedCohort
	categories []consent.Category
	settings   records.Settings
}

func (s *snapshot) walk(categories []consent.Category) (*walk, error) {
	w := &walk{s: s, categories: categories}
	var ok bool
	if w.year, ok = s.data.district.CurrentYear(s.today); !ok {
		return nil, unavailable("the district has loaded no school year yet", nil)
	}
	all, err := s.b.openRoster(s.r, s.agreement.Agreement.ID, s.agreement.Roster)
	if err != nil {
		return nil, err
	}
	w.roster, w.children = all.members, all.children
	if len(s.caller.Sites)+len(s.caller.Programs) > 0 {
		w.children = slices.DeleteFunc(slices.Clone(w.children), func(c child) bool { return !c.visible(s.caller) })
	}
	if w.who, err = s.b.persons(s.r); err != nil {
		return nil, err
	}
	if w.filters, err = s.b.engine.Filters(s.b.prepared.of(s.agreement), s.today); err != nil {
		return nil, fmt.Errorf("%w: %w", errRules, err)
	}
	w.decided, err = s.b.decided.of(s, categories)
	return w, err
}

// opened is what one child's family opened to this agreement: for each
// category the open days, school by school, as the rules and the ceiling
// released them.
type opened struct {
	student *records.Student
	parts   map[consent.Category][]openPart
	until   civil.Date // the last day on which any of it may be read, as things stand
}

// openPart is the open days of a category's records at one school, ascending
// and apart from each other.
type openPart struct {
	school string
	spans  []consent.Span
}

func (o opened) empty() bool { return len(o.parts) == 0 }

// spans are the open days of a category at whatever school.
func (o opened) spans(c consent.Category) []consent.Span {
	var all []consent.Span
	for _, p := range o.parts[c] {
		all = append(all, p.spans...)
	}
	return consent.Merge(all)
}

// holds reports whether a session's records of a category at a school are open
// as a whole.
func (o opened) holds(c consent.Category, school string, s records.Session) bool {
	return slices.ContainsFunc(o.parts[c], func(p openPart) bool { return p.school == school && inside(s, p.spans) })
}

// day reports whether one day's records of a category at a school are open.
func (o opened) day(c consent.Category, school string, day civil.Date) bool {
	return o.holds(c, school, records.Session{Start: day, End: day})
}

// open tells what one child's family opened, as it was decided before or is now.
func (w *walk) open(c child) (opened, error) {
	student := w.s.data.district.Find(c.sid)
	if student == nil {
		return opened{}, nil
	}
	if o, ok := w.decided.get(c.sid); ok {
		o.student = student
		return o, nil
	}
	o, err := w.decide(c, student)
	if err == nil {
		w.decided.put(c.sid, o)
	}
	return o, err
}

// decide asks the law of consent, the rules and the ceiling about one child.
func (w *walk) decide(c child, student *records.Student) (opened, error) {
	o := opened{student: student, parts: map[consent.Category][]openPart{}}
	grants, err := w.s.b.grants(w.s.r, c.sid)
	if err != nil || len(grants) == 0 {
		return o, err
	}
	profile, err := w.s.b.profile(w.s.r, c.sid)
	if err != nil {
		return o, err
	}
	recorded, err := w.s.b.rightsOf(w.s.r, c.sid)
	if err != nil {
		return o, err
	}
	law := w.s.b.lawOf(w.who, profile, recorded, grants, w.s.now)
	clauses := w.s.agreement.Agreement.Clauses
	for _, category := range w.categories {
		state := consent.Decide(law, grants, consent.Question{
			Party: w.s.partner.Partner.ID, Purpose: clauses.Purpose, Category: category,
			At: w.s.now, Known: w.s.now, Zone: w.s.b.zone,
		})
		w.admit(&o, category, state, law)
	}
	return o, nil
}

// admit adds what one category's state opens: school by school, the windows
// that the rules and the ceiling release there.
func (w *walk) admit(o *opened, category consent.Category, state consent.State, law consent.Student) {
	kind, portion := policy.Portion(category)
	for _, school := range w.schoolsOf(o.student) {
		part := openPart{school: school}
		for _, window := range state.Windows {
			row := policy.Row{
				Consent: string(state.Answer), Expires: window.Expires, OnRoster: true,
				Age: ageFor(law, w.s.today), OwnAnswer: state.Own, School: school,
				RecordFrom: window.RecordsFrom, RecordTo: window.RecordsTo, Category: kind, Portion: portion,
				Banned: w.s.banned || w.s.partner.Partner.State != agreement.Accepted,
			}
			if w.filters.Releases(category, &row) {
				o.until = max(o.until, lastDay(window, state, law))
				part.spans = append(part.spans, consent.Open(window, w.year.Start, w.year.End)...)
			}
		}
		part.spans = slices.DeleteFunc(consent.Merge(part.spans), func(s consent.Span) bool { return s.From > w.s.today })
		if len(part.spans) > 0 {
			o.parts[category] = append(o.parts[category], part)
		}
	}
}

// lastDay is the last day of a window: its own or, under the yes of somebody else,
// the last before the rights pass to the student (34 CFR 99.5(a)(1)).
func lastDay(window consent.Window, state consent.State, law consent.Student) civil.Date {
	if passes := law.RightsPass(); !state.Own && !passes.IsZero() {
		return min(window.Expires, passes-1)
	}
	return window.Expires
}

// ageFor is the age the rules see: who holds rights early counts as of age.
func ageFor(law consent.Student, today civil.Date) int {
	if law.Eligible(today) {
		return max(consent.Majority, civil.Age(law.Birth, today))
	}
	return civil.Age(law.Birth, today)
}

// schoolsOf lists the agreement's schools at which the child was enrolled in
// the year.
func (w *walk) schoolsOf(st *records.Student) []string {
	var list []string
	for _, e := range st.Enrollments {
		within := e.Entry <= w.year.End && (e.Exit.IsZero() || e.Exit >= w.year.Start)
		if within && slices.Contains(w.s.agreement.Agreement.Clauses.Schools, e.School) {
			list = append(list, e.School)
		}
	}
	return sortedSet(list)
}

// row fills one child's cells; ok is false when nothing is open.
func (w *walk) row(c child) (studentRow, bool, error) {
	o, err := w.open(c)
	if err != nil || o.empty() {
		return studentRow{}, false, err
	}
	row := studentRow{Ref: c.ref, School: w.placeOf(o.student)}
	for _, category := range consent.Categories() {
		for _, span := range o.spans(category) {
			row.Spans = append(row.Spans, spanCell{category, span.From, min(span.To, w.s.today)})
		}
	}
	if o.until <= w.s.today+noticeDays {
		row.EndsOn = o.until
	}
	row.Attendance = w.attendance(o)
	row.Grades = w.grades(o)
	row.Discipline = w.discipline(o)
	return row, true, nil
}

// placeOf is the agreement's school at which the child is or was last in the
// year.
func (w *walk) placeOf(st *records.Student) string {
	day := min(w.s.today, w.year.End)
	if e, ok := st.PrimaryOn(day); ok && slices.Contains(w.s.agreement.Agreement.Clauses.Schools, e.School) {
		return e.School
	}
	var last records.Enrollment
	for _, e := range st.Enrollments {
		if e.Entry <= w.year.End && e.Entry >= last.Entry && slices.Contains(w.s.agreement.Agreement.Clauses.Schools, e.School) {
			last = e
		}
	}
	return last.School
}
