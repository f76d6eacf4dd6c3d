package edfi

import (
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// Bounds of references by id: hops to elements that refer on, and elements that
// a record and all records on average may get from others. An identity of the
// standard has some 20 elements.
const (
	maxHops      = 8
	maxBorrowed  = 2000
	maxOnAverage = 30
	maxInAnyCase = 100_000
)

// An identified element is one that others name by its id, cut down to what
// identifies it.
type identified struct {
	path    string
	element *element
	twice   bool
}

// identifying are the leaves that may be part of a natural key.
var identifying = strings.Fields(`
	studentuniqueid schoolid educationorganizationid contactuniqueid incidentidentifier sessionname schoolyear term
	localcoursecode sectionidentifier gradingperiod gradingperiodname periodsequence begindate calendarcode behavior`)

// index remembers the elements with an id in a record.
func (f *xmlFile) index(e *element) {
	if e.id != "" {
		f.identify(e)
	}
	for _, kid := range e.kids {
		f.index(kid)
	}
}

func (f *xmlFile) identify(e *element) {
	for _, other := range f.set.ids[e.id] {
		if other.path == f.path {
			other.twice = true
			return
		}
	}
	f.set.ids[e.id] = append(f.set.ids[e.id], &identified{path: f.path, element: e.identity()})
}

// identity is the element without what does not identify it.
func (e *element) identity() *element {
	cut := &element{name: e.name, ref: e.ref}
	if slices.Contains(identifying, e.name) {
		cut.text, cut.kids = e.text, e.kids
		return cut
	}
	for _, kid := range e.kids {
		if slices.Contains(identifying, kid.name) || strings.HasSuffix(kid.name, "reference") || strings.HasSuffix(kid.name, "identity") {
			cut.kids = append(cut.kids, kid.identity())
		}
	}
	return cut
}

// refers reports whether the element or one inside names another by its id.
func (e *element) refers() bool {
	if e.ref != "" {
		return true
	}
	for _, kid := range e.kids {
		if kid.refers() {
			return true
		}
	}
	return false
}

// resolveAll reads the records that waited, each at the place among those of
// its kind that it has in the export.
func (x *xmlSet) resolveAll() {
	left := maxInAnyCase + maxOnAverage*len(x.waiting)
	for _, w := range x.waiting {
		had := min(maxBorrowed, left)
		x.room = had
		column := x.resolve(w.element, w.path, maxHops)
		left -= had - max(0, x.room)
		if column != "" {
			x.store.form = w.resource.form
			x.store.note(w.at, column, ingest.UnknownReference)
			continue
		}
		x.store.take(w.resource, w.element, w.at, false)
	}
	x.waiting, x.ids = nil, nil
}

// resolve puts what references by id mean into their place. It returns the
// name of the reference that leads nowhere and matters, or nothing.
func (x *xmlSet) resolve(e *element, path string, hops int) string {
	if e.ref != "" {
		found := x.lookUp(e.ref, path)
		if found == nil || hops == 0 {
			return spelledReference(e.name)
		}
		meant := x.copyOf(found.element)
		if x.room < 0 {
			return spelledReference(e.name)
		}
		e.kids, e.ref = append(e.kids, meant.kids...), meant.ref
		if e.ref != "" {
			return x.resolve(e, found.path, hops-1)
		}
		path, hops = found.path, hops-1
	}
	for _, kid := range e.kids {
		if column := x.resolve(kid, path, hops); column != "" {
			return column
		}
	}
	return ""
}

// lookUp finds an id in the file itself, else in the one other file that has
// it.
func (x *xmlSet) lookUp(id, path string) *identified {
	list := x.ids[id]
	for _, candidate := range list {
		if candidate.path == path && !candidate.twice {
			return candidate
		}
	}
	if len(list) == 1 && !list[0].twice {
		return list[0]
	}
	return nil
}

// copyOf copies an element, as far as there is room in the record.
func (x *xmlSet) copyOf(e *element) *element {
	c := &element{name: e.name, text: e.text, ref: e.ref}
	for _, kid := range e.kids {
		if x.room--; x.room < 0 {
			break
		}
		c.kids = append(c.kids, x.copyOf(kid))
	}
	return c
}

// references are the names of references as the standard spells them.
var references = []string{
	"StudentReference", "SchoolReference", "ContactReference", "SessionReference", "SectionReference", "CourseOfferingReference",
	"EducationOrganizationReference", "CalendarReference", "DisciplineIncidentReference", "StudentSectionAssociationReference",
	"GradingPeriodReference", "ResponsibilitySchoolReference", "StudentDisciplineIncidentAssociationReference",
	"StudentDisciplineIncidentBehaviorAssociationReference", "SchoolYearTypeReference",
}

func spelledReference(folded string) string {
	for _, name := range references {
		if strings.EqualFold(name, folded) {
			return name
		}
	}
	return "ref"
}
