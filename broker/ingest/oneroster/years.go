package oneroster

import (
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// A period is a stretch of days; a zero end is not known.
type period struct{ from, to civil.Date }

// with is the stretch of days that holds two, as far as they are known.
func (p period) with(q period) period {
	if p.from.IsZero() || !q.from.IsZero() && q.from < p.from {
		p.from = q.from
	}
	return period{p.from, max(p.to, q.to)}
}

// span is the days of a session, as far as they can be read.
func span(n *record[session]) period {
	from, _ := n.at.file.date("startDate", n.body.start)
	to, _ := n.at.file.date("endDate", n.body.end)
	return period{from, to}
}

func isYear(n *record[session]) bool {
	return strings.EqualFold(n.body.kind, string(records.SchoolYear))
}

// begins are the first days of the sessions, in order: of the school years
// alone, or of all.
func (s *roster) begins(years bool) []civil.Date {
	if known, ok := s.begun[years]; ok {
		return known
	}
	var days []civil.Date
	for n := range s.sessions.living() {
		if day := span(n).from; !day.IsZero() && (isYear(n) || !years) {
			days = append(days, day)
		}
	}
	slices.Sort(days)
	s.begun[years] = days
	return days
}

// assumedYears are the school years of an export that lists none: the one that
// was declared, else those in which its sessions begin or, without any, those
// that its stays touch.
func (f *feed) assumedYears() []ingest.Row {
	for n := range f.sessions.living() {
		if isYear(n) {
			return nil
		}
	}
	if !f.opt.SchoolYear.IsZero() {
		return at(ingest.Place{File: sessionsFile}, ingest.DeclaredYearRow(f.opt.SchoolYear))
	}
	days := f.begins(false)
	if len(days) == 0 {
		days = f.stayDays()
	}
	f.report.Note(ingest.Place{File: sessionsFile}, "", ingest.AssumedYear, "")
	var rows []ingest.Row
	for _, day := range days {
		row := ingest.AssumedYearRow(day)
		if n := len(rows); n == 0 || rows[n-1].Fields[0] != row.Fields[0] {
			rows = append(rows, row)
		}
	}
	return at(ingest.Place{File: sessionsFile}, rows...)
}

func at(place ingest.Place, rows ...ingest.Row) []ingest.Row {
	for i := range rows {
		rows[i].At = place
	}
	return rows
}

// stayDays are the days that the stays touch, in order; the export date is one.
func (f *feed) stayDays() []civil.Date {
	days := []civil.Date{f.opt.ExportDate}
	for _, stays := range f.stays {
		for _, e := range stays {
			days = append(days, min(e.from, f.opt.ExportDate))
			if !e.to.IsZero() {
				days = append(days, min(e.to, f.opt.ExportDate))
			}
		}
	}
	slices.Sort(days)
	return slices.Compact(days)
}

// firstDay is the first day of the school year that holds a day: of the last
// that began, else of the first that will. Without school years it is the first
// day of the sessions in the year from July to June, else of the year declared,
// else of July.
func (s *roster) firstDay(day civil.Date) civil.Date {
	begins := s.begins(true)
	if len(begins) > 0 {
		return lastBefore(begins, day)
	}
	if begins = s.begins(false); len(begins) > 0 {
		july := assumedStart(lastBefore(begins, day))
		at, _ := slices.BinarySearch(begins, july)
		return begins[at]
	}
	if year := s.opt.SchoolYear; !year.IsZero() {
		return year.From
	}
	return assumedStart(day)
}

// lastBefore is the last of some days that is not after another one, else the
// first.
func lastBefore(days []civil.Date, day civil.Date) civil.Date {
	at, _ := slices.BinarySearch(days, day+1)
	return days[max(at-1, 0)]
}

// assumedStart is the first day of the assumed school year of a day.
func assumedStart(day civil.Date) civil.Date {
	start, err := civil.Parse(ingest.AssumedYearRow(day).Fields[3])
	if err != nil {
		return day
	}
	return start
}
