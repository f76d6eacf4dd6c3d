package broker

import (
	"cmp"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/consent"
)

// spanCell says which days of the year a category's cells cover.
type spanCell struct {
	Category consent.Category `json:"category"`
	From     civil.Date       `json:"from"`
	To       civil.Date       `json:"to"`
}

// attendanceCell is a child's attendance over the open days. Days are exact
// to the half; Rate is the percent of enrolled days attended.
type attendanceCell struct {
	Enrolled sdc.Milli `json:"days_enrolled"`
	Absent   sdc.Milli `json:"days_absent"`
	Rate     sdc.Milli `json:"rate"`
}

// attendance counts the open days, school by school. A suspension shows as
// what it is in the register's arithmetic, present or absent, never as a
// suspension.
func (w *walk) attendance(o opened) *attendanceCell {
	var total records.Attendance
	for _, part := range o.parts[consent.Attendance] {
		for _, s := range w.countable(o, part) {
			a, status := w.s.data.district.Attendance(o.student, s, []string{part.school}, w.settings)
			if status != records.Reported {
				continue
			}
			total.Enrolled += a.Enrolled
			total.Missed += a.Missed
		}
	}
	if total.Enrolled == 0 {
		return nil
	}
	enrolled, missed := total.Enrolled*500, total.Missed // thousandths of a day
	return &attendanceCell{
		Enrolled: sdc.Milli(enrolled), Absent: sdc.Milli(missed),
		Rate: sdc.Milli((100_000*(enrolled-missed)/enrolled + 50) / 100 * 100),
	}
}

// countable cuts the open days at a school into what can be counted: the whole
// year; or the sessions that the school reported as a total and that are open
// as a whole, and the other open days by their marks. A total that reaches
// over a closed day stays closed, with all its days.
func (w *walk) countable(o opened, part openPart) []records.Session {
	if inside(w.year, part.spans) {
		return []records.Session{w.year}
	}
	var list []records.Session
	var totals []consent.Span
	for _, s := range w.s.data.district.Sessions {
		if !w.totalled(o, part.school, s) {
			continue
		}
		totals = append(totals, consent.Span{From: s.Start, To: s.End})
		if inside(s, part.spans) {
			list = append(list, s)
		}
	}
	for _, span := range part.spans {
		marked := consent.Window{RecordsFrom: span.From, RecordsTo: span.To, Closed: totals}
		for _, open := range consent.Open(marked, span.From, span.To) {
			list = append(list, records.Session{Start: open.From, End: open.To})
		}
	}
	return list
}

// totalled reports whether a school gave the child's attendance over a session
// as a total.
func (w *walk) totalled(o opened, school string, s records.Session) bool {
	return slices.ContainsFunc(o.student.Summaries, func(sum records.Summary) bool { return sum.School == school && sum.Session == s.ID })
}

// inside reports whether a session lies wholly in one of the spans.
func inside(s records.Session, spans []consent.Span) bool {
	return slices.ContainsFunc(spans, func(sp consent.Span) bool { return sp.From <= s.Start && s.End <= sp.To })
}

// gradeCell is one course result as the school gave it.
type gradeCell struct {
	Course  string    `json:"course"`
	Session string    `json:"session"`
	Value   string    `json:"value"`
	Scale   string    `json:"scale"`
	Credits sdc.Milli `json:"credits,omitzero"`
}

// grades lists the results of sessions that are open as a whole.
func (w *walk) grades(o opened) []gradeCell {
	var cells []gradeCell
	for _, r := range o.student.Results {
		c := r.Course()
		s, ok := w.s.data.district.Session(c.Session)
		year, known := w.s.data.district.YearOfSession(s)
		if !ok || !known || year.ID != w.year.ID || !o.holds(consent.Grades, c.School, s) {
			continue
		}
		cells = append(cells, gradeCell{c.Name, c.Session, gradeText(r, w.settings.Scales), c.Scale, sdc.Milli(c.Credits) * 10})
	}
	return cells
}

func gradeText(r records.Result, district []records.Scale) string {
	if scale, ok := records.FindScale(r.Course().Scale, district); ok {
		return scale.Text(r.Value)
	}
	return records.FormatHundredths(r.Value)
}

// incidentCell is one line of the discipline record, with the portions that
// the family opened and no other.
type incidentCell struct {
	Date   civil.Date `json:"date,omitzero"`
	Type   string     `json:"incident_type,omitzero"`
	Action string     `json:"action,omitzero"`
	Days   sdc.Milli  `json:"days,omitzero"`
}

// discipline lists the incidents of open days. Without the portion dates
// the lines stand in the order of what they say, so that their order tells
// no date.
func (w *walk) discipline(o opened) []incidentCell {
	var cells []incidentCell
	for _, in := range o.student.Incidents {
		var cell incidentCell
		if o.day(consent.DisciplineDates, in.School, in.Day) {
			cell.Date = in.Day
		}
		if o.day(consent.DisciplineIncident, in.School, in.Day) {
			cell.Type = in.Type
		}
		if o.day(consent.DisciplineAction, in.School, in.Day) {
			cell.Action, cell.Days = in.Action.String(), sdc.Milli(in.Days)*500
		}
		if cell != (incidentCell{}) {
			cells = append(cells, cell)
		}
	}
	slices.SortStableFunc(cells, compareIncidents)
	return cells
}

// compareIncidents orders lines by date and, where there is none, by what they
// say.
func compareIncidents(a, b incidentCell) int {
	return cmp.Or(cmp.Compare(a.Date, b.Date), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Days, b.Days))
}
