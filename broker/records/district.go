package records

import (
	"cmp"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// A Coverage says that a record family was reported for a school and school
// year (the ID of that session), for the days From to To. A family without a
// coverage is not reported there, which is never zero. Daily is set where the
// attendance of the school and year is a register, kept as Marking says;
// otherwise it is totals.
type Coverage struct {
	School, Year string
	Family       Family
	From, To     civil.Date
	Daily        bool
	Marking      Marking
}

// Content is what one data version holds. Calendars are by school ID.
type Content struct {
	Version   uint64
	Schools   []School
	Sessions  []Session
	Calendars map[string]*Calendar
	Students  []Student
	Coverage  []Coverage
	Totals    []PublicTotal

	sabotageBothSources bool // a test's: a session counts beside its children
}

// A District is one immutable data version in memory. Schools and Sessions are
// sorted by ID, Students by SID; nothing in it may be changed.
type District struct {
	Content
	years    []Session                // school years in the order of start
	toDate   []Session                // derived
	children map[string][]string      // session -> sessions that name it as parent
	sources  map[ownKey][]string      // what stands for a session at a school
	coverage map[coverageKey]Coverage // by school, year and family
}

type ownKey struct {
	family          Family
	school, session string
}

type coverageKey struct {
	school, year string
	family       Family
}

// NewDistrict takes the content over, sorts it and builds the indexes. SIDs must
// be distinct. Records that are in canonical order are only read, so that
// versions may share them.
func NewDistrict(c Content) *District {
	d := &District{Content: c}
	slices.SortFunc(d.Schools, func(a, b School) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(d.Sessions, func(a, b Session) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(d.Students, func(a, b Student) int { return a.SID.Compare(b.SID) })
	for i := range d.Students {
		d.Students[i].Sort()
	}
	d.index()
	return d
}

func (d *District) index() {
	d.years = Years(d.Sessions)
	d.children = map[string][]string{}
	for _, s := range d.Sessions {
		if s.Parent != "" {
			d.children[s.Parent] = append(d.children[s.Parent], s.ID)
		}
	}
	d.coverage = make(map[coverageKey]Coverage, len(d.Coverage))
	for _, c := range d.Coverage {
		d.coverage[coverageKey{c.School, c.Year, c.Family}] = c
	}
	d.indexSources()
}

func (d *District) indexSources() {
	d.sources = map[ownKey][]string{}
	var terms map[string][]string
	d.toDate, terms = d.yearsToDate()
	own := d.ownSessions()
	for _, school := range d.Schools {
		for _, family := range []Family{AttendanceFamily, GradesFamily} {
			for _, session := range d.Sessions {
				key := ownKey{family, school.ID, session.ID}
				d.sources[key] = d.resolve(own, key, 0)
			}
			for _, session := range d.toDate {
				for _, term := range terms[session.ID] {
					key := ownKey{family, school.ID, session.ID}
					d.sources[key] = append(d.sources[key], d.sources[ownKey{family, school.ID, term}]...)
				}
			}
		}
	}
}

// ownSessions tells for which sessions a school has results or totals of its
// own.
func (d *District) ownSessions() map[ownKey]bool {
	own := map[ownKey]bool{}
	for i := range d.Students {
		var last ownKey // a student's results of a school and session mostly stand together
		for _, r := range d.Students[i].Results {
			c := r.Course()
			if k := (ownKey{GradesFamily, c.School, c.Session}); k != last {
				own[k], last = true, k
			}
		}
		for _, s := range d.Students[i].Summaries {
			own[ownKey{AttendanceFamily, s.School, s.Session}] = true
		}
	}
	return own
}

// resolve follows Sources; depth bounds it where parents form a circle.
func (d *District) resolve(own map[ownKey]bool, key ownKey, depth int) []string {
	var all []string
	if own[key] {
		all = append(all, key.session)
	}
	if len(all) > 0 && !d.sabotageBothSources {
		return all
	}
	if depth > len(d.Sessions) {
		return nil
	}
	for _, child := range d.children[key.session] {
		all = append(all, d.resolve(own, ownKey{key.family, key.school, child}, depth+1)...)
	}
	return all
}

// Find returns the student, or nil.
func (d *District) Find(sid SID) *Student {
	i, ok := slices.BinarySearchFunc(d.Students, sid, func(s Student, sid SID) int { return s.SID.Compare(sid) })
	if !ok {
		return nil
	}
	return &d.Students[i]
}

// Session returns the session with the ID, which may be a derived one.
func (d *District) Session(id string) (Session, bool) {
	if s, ok := d.loaded(id); ok {
		return s, true
	}
	i := slices.IndexFunc(d.toDate, func(s Session) bool { return s.ID == id })
	if i < 0 {
		return Session{}, false
	}
	return d.toDate[i], true
}

func (d *District) loaded(id string) (Session, bool) {
	i, ok := slices.BinarySearchFunc(d.Sessions, id, func(s Session, id string) int { return cmp.Compare(s.ID, id) })
	if !ok {
		return Session{}, false
	}
	return d.Sessions[i], true
}

// School returns the school with the ID.
func (d *District) School(id string) (School, bool) {
	i, ok := slices.BinarySearchFunc(d.Schools, id, func(s School, id string) int { return cmp.Compare(s.ID, id) })
	if !ok {
		return School{}, false
	}
	return d.Schools[i], true
}

// Years returns the school years in the order of their start: the sessions of
// that type or, where a district names none, those without a parent.
func (d *District) Years() []Session { return slices.Clone(d.years) }

// Years returns the school years among the sessions, in the order of start.
func Years(sessions []Session) []Session {
	var years, roots []Session
	for _, s := range sessions {
		if s.Type == SchoolYear {
			years = append(years, s)
		}
		if s.Parent == "" {
			roots = append(roots, s)
		}
	}
	if len(years) == 0 {
		years = roots
	}
	slices.SortFunc(years, func(a, b Session) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.ID, b.ID))
	})
	return years
}

// YearOf returns the school year that holds the day; where two do, the later
// to start.
func (d *District) YearOf(day civil.Date) (Session, bool) { return yearOf(d.years, day) }

func yearOf(years []Session, day civil.Date) (Session, bool) {
	for _, y := range slices.Backward(years) {
		if y.Holds(day) {
			return y, true
		}
	}
	return Session{}, false
}

// CurrentYear returns the school year that holds today or, between years, the
// last that ended.
func (d *District) CurrentYear(today civil.Date) (Session, bool) {
	if y, ok := yearOf(d.years, today); ok {
		return y, true
	}
	for _, y := range slices.Backward(d.years) {
		if y.End < today {
			return y, true
		}
	}
	return Session{}, false
}

// YearOfSession returns the school year of a session: itself, the nearest
// ancestor that is one, else the year that holds its first day.
func (d *District) YearOfSession(s Session) (Session, bool) {
	for at, steps := s, 0; steps <= len(d.Sessions); steps++ {
		if slices.ContainsFunc(d.years, func(y Session) bool { return y.ID == at.ID }) {
			return at, true
		}
		parent, ok := d.Session(at.Parent)
		if !ok {
			break
		}
		at = parent
	}
	return yearOf(d.years, s.Start)
}

// Covered returns what was reported of a family for a school and school year.
func (d *District) Covered(family Family, school, year string) (Coverage, bool) {
	c, ok := d.coverage[coverageKey{school, year, family}]
	return c, ok
}

// Sources returns the sessions whose own totals or results stand for the
// session at a school: itself if the school reported any for it, else its
// children's, and so on down; never both (DESIGN §11). A year to date has those of
// its terms.
func (d *District) Sources(family Family, school, session string) []string {
	return d.sources[ownKey{family, school, session}]
}
