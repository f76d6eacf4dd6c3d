package ingest

import (
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/records"
)

func (im *importer) readSchool(r *row) {
	s := records.School{ID: r.text(0), Name: r.text(1), Level: r.text(2)}
	if r.bad || !im.once(r, 0, s.ID) {
		return
	}
	if strings.EqualFold(s.ID, "all") { // it names all schools in other files and in requests
		r.fault(0, UnknownCode, "all is no id of a school")
		return
	}
	im.schools[s.ID] = int32(len(im.school))
	im.school = append(im.school, s.ID)
	im.out.Schools = append(im.out.Schools, s)
}

// A sessionRow is a session and the line it stands on.
type sessionRow struct {
	records.Session
	line int
}

// readSessions reads all, then drops those whose parent is missing or a circle,
// and the later of two overlapping school years.
func (im *importer) readSessions(t *table) {
	var rows []sessionRow
	t.each(func(r *row) {
		s := im.session(r)
		if !r.bad && im.once(r, 0, s.ID) {
			rows = append(rows, sessionRow{s, r.line})
		}
	})
	rows = dropOrphans(t, rows)
	rows = dropOverlaps(t, rows)
	for _, s := range rows {
		im.sessions[s.ID] = s.Session
		im.out.Sessions = append(im.out.Sessions, s.Session)
	}
	for _, s := range rows {
		if p, ok := im.sessions[s.Parent]; ok && (s.Start < p.Start || s.End > p.End) {
			t.lateWarning(s.line, 5, OutsideParent)
		}
	}
	im.years = records.Years(im.out.Sessions)
}

func (im *importer) session(r *row) records.Session {
	types := make([]string, 0, 4)
	for _, kind := range records.SessionTypes() {
		types = append(types, string(kind))
	}
	s := records.Session{
		ID: r.text(0), Title: r.text(1), Type: records.SessionType(r.code(2, types)),
		Start: r.date(3), End: r.date(4), Parent: r.text(5),
	}
	r.span(4, s.Start, s.End)
	return s
}

// dropOrphans takes out sessions whose parent is missing, is their own descendant,
// or is taken out itself.
func dropOrphans(t *table, rows []sessionRow) []sessionRow {
	place := make(map[string]int, len(rows))
	for i, s := range rows {
		place[s.ID] = i
	}
	fate := make([]Rule, len(rows)) // settled once it is not empty
	for i := range rows {
		settle(rows, place, fate, i)
	}
	kept := rows[:0:0]
	for i, s := range rows {
		if fate[i] == rooted {
			kept = append(kept, s)
		} else {
			t.late(s.line, 5, fate[i])
		}
	}
	return kept
}

// rooted is the fate of a session whose ancestors are all there.
const rooted Rule = "rooted"

// settle follows the parents of a session up to one whose fate is known, and
// gives all on the way the same.
func settle(rows []sessionRow, place map[string]int, fate []Rule, at int) {
	var way []int
	end := rooted
	onWay := map[int]bool{}
	for at >= 0 && fate[at] == "" && !onWay[at] {
		way, onWay[at] = append(way, at), true
		parent, known := place[rows[at].Parent]
		switch {
		case rows[at].Parent == "":
			at = -1
		case !known:
			at, end = -1, UnknownSession
		default:
			at = parent
		}
	}
	switch {
	case at >= 0 && onWay[at]:
		end = ParentCircle
	case at >= 0 && fate[at] != rooted:
		end = UnknownSession // a session that is taken out is not there
	}
	for _, i := range way {
		fate[i] = end
	}
	if end == ParentCircle { // what hangs on a circle names a session that is taken out
		for _, i := range way[:slices.Index(way, at)] {
			fate[i] = UnknownSession
		}
	}
}

// dropOverlaps takes out each school year that begins before the one before it
// has ended, and what hangs on it.
func dropOverlaps(t *table, rows []sessionRow) []sessionRow {
	sessions := make([]records.Session, len(rows))
	line := make(map[string]int, len(rows))
	for i, s := range rows {
		sessions[i], line[s.ID] = s.Session, s.line
	}
	over := map[string]bool{}
	var last records.Session
	for _, y := range records.Years(sessions) {
		if !last.End.IsZero() && y.Start <= last.End {
			t.late(line[y.ID], 3, YearsOverlap)
			over[y.ID] = true
			continue
		}
		last = y
	}
	if len(over) == 0 {
		return rows
	}
	return dropOrphans(t, slices.DeleteFunc(rows, func(s sessionRow) bool { return over[s.ID] }))
}

func (im *importer) readCalendar(t *table) {
	t.each(func(r *row) {
		_, school := im.schoolOf(r, 0)
		day, flag := r.date(1), r.flag(2)
		if r.bad || !im.once(r, 1, school+"\x00"+day.String()) || flag != records.Yes {
			return
		}
		if _, ok := im.yearOf(day); !ok {
			r.fault(1, OutsideYear, "")
			return
		}
		im.days[school] = append(im.days[school], day)
	})
	for school, days := range im.days {
		im.out.Calendars[school] = records.NewCalendar(days)
	}
}

func (im *importer) readTotal(r *row) {
	p := records.PublicTotal{School: r.text(0), Indicator: r.text(2), Value: r.text(3), Precision: r.text(4), Row: r.text(5)}
	if p.School != "all" {
		_, p.School = im.schoolOf(r, 0)
	}
	p.Session = im.sessionOf(r, 1).ID
	if p.Row == "" {
		p.Row = "all"
	}
	im.checkTotal(r, p)
	if !r.bad && im.once(r, 2, strings.Join([]string{p.School, p.Session, p.Indicator, p.Row}, "\x00")) {
		im.out.Totals = append(im.out.Totals, p)
	}
}

func (im *importer) checkTotal(r *row, p records.PublicTotal) {
	if _, ok := records.Find(p.Indicator); !ok && p.Indicator != "" {
		var ids []string
		for _, ind := range records.Registry() {
			ids = append(ids, ind.ID)
		}
		r.fault(2, UnknownIndicator, suggest(p.Indicator, ids))
	}
	if p.Row != "all" {
		dimension, value, ok := strings.Cut(p.Row, ":")
		if !ok || dimension == "" || value == "" {
			r.fault(5, BadRow, "")
		}
	}
	if _, err := records.ParseHundredths(p.Value); err != nil && p.Value != "" {
		r.fault(3, BadNumber, err.Error())
	}
	if n, err := records.ParseHundredths(p.Precision); p.Precision != "" && (err != nil || n <= 0) {
		r.fault(4, BadNumber, "the step of rounding, such as 1 or 0.1")
	}
}

// coverage states which record families the files report, where and until
// when: to the export date, in each school year that a family's records touch.
func (im *importer) coverage() {
	for _, y := range im.years {
		to := min(y.End, im.opt.ExportDate)
		if to < y.Start {
			continue
		}
		for _, school := range im.school {
			base := records.Coverage{School: school, Year: y.ID, From: y.Start, To: to, Marking: im.opt.Marking}
			im.cover(base, y)
		}
	}
}

// spokenYears are the school years of which the files say all there is of a
// family: all of an export of all; else those of which they have a record, and
// the one in which the export was made.
func (im *importer) spokenYears() map[records.Family]map[string]bool {
	whats := map[records.Family][]string{
		records.AttendanceFamily: {"marks", "summaries"}, records.DisciplineFamily: {"incidents"}, records.GradesFamily: {"results"},
	}
	spoken := map[records.Family]map[string]bool{}
	for family, list := range whats {
		spoken[family] = map[string]bool{}
		for _, y := range im.years {
			spoken[family][y.ID] = im.opt.Snapshot == SnapshotAll || y.Holds(im.opt.ExportDate)
		}
		for _, what := range list {
			for t := range im.touched[what] {
				spoken[family][t.year] = true
			}
		}
	}
	return spoken
}

func (im *importer) cover(base records.Coverage, y records.Session) {
	covers := func(family records.Family, daily bool) {
		base.Family, base.Daily = family, daily
		if !daily {
			base.Marking = records.Exceptions
		}
		im.out.Coverage = append(im.out.Coverage, base)
	}
	marked := im.touched["marks"][touch{base.School, y.ID}]
	switch {
	case marked, im.bare(base.School, y) && !im.touched["summaries"][touch{base.School, y.ID}]:
		covers(records.AttendanceFamily, true)
	case im.touched["summaries"][touch{base.School, y.ID}]:
		covers(records.AttendanceFamily, false)
	}
	if im.disciplineYears()[y.ID] { // a school without an incident reports none
		covers(records.DisciplineFamily, false)
	}
	if im.touched["results"][touch{base.School, y.ID}] {
		covers(records.GradesFamily, false)
	}
}

// bare reports whether a school has days of instruction in a year and no mark,
// although the files keep the register of that year: nobody was absent there.
func (im *importer) bare(school string, y records.Session) bool {
	if !im.out.Present["attendance.csv"] || im.opt.Marking != records.Exceptions || im.out.Calendars[school].Days(y.Start, min(y.End, im.opt.ExportDate)) == 0 {
		return false
	}
	return y.Holds(im.opt.ExportDate) || slices.ContainsFunc(im.school, func(other string) bool { return im.touched["marks"][touch{other, y.ID}] })
}

// A touch is a school year in which a school has a record.
type touch struct{ school, year string }

func (im *importer) touch(what, school string, year string) {
	if im.touched[what] == nil {
		im.touched[what] = map[touch]bool{}
	}
	im.touched[what][touch{school, year}] = true
}

// disciplineYears returns the years that discipline.csv speaks of: those of
// its incidents or, where it has none, the last that began before the export.
func (im *importer) disciplineYears() map[string]bool {
	years := map[string]bool{}
	if !im.out.Present["discipline.csv"] {
		return years
	}
	for t := range im.touched["incidents"] {
		years[t.year] = true
	}
	if len(years) == 0 {
		for _, y := range im.years {
			if y.Start <= im.opt.ExportDate {
				years = map[string]bool{y.ID: true}
			}
		}
	}
	return years
}

// yearOfSession returns the school year that a session of the files lies in.
func (im *importer) yearOfSession(s records.Session) string {
	for at, steps := s, 0; steps <= len(im.sessions); steps++ {
		if slices.ContainsFunc(im.years, func(y records.Session) bool { return y.ID == at.ID }) {
			return at.ID
		}
		parent, ok := im.sessions[at.Parent]
		if !ok {
			break
		}
		at = parent
	}
	y, _ := im.yearOf(s.Start)
	return y.ID
}
