package edfi

import (
	"slices"
	"strings"
)

// A kind is a resource of the standard, whatever its version calls it.
type kind string

const (
	schools           kind = "School"
	sessions          kind = "Session"
	gradingPeriods    kind = "GradingPeriod"
	calendars         kind = "Calendar"
	calendarDates     kind = "CalendarDate"
	students          kind = "Student"
	demographics      kind = "StudentEducationOrganizationAssociation"
	specialEducation  kind = "StudentSpecialEducationProgramAssociation"
	languagePrograms  kind = "StudentLanguageInstructionProgramAssociation"
	stays             kind = "StudentSchoolAssociation"
	contacts          kind = "Contact"
	contactLinks      kind = "StudentContactAssociation"
	schoolAttendance  kind = "StudentSchoolAttendanceEvent"
	sectionAttendance kind = "StudentSectionAttendanceEvent"
	incidents         kind = "DisciplineIncident"
	involvements      kind = "StudentDisciplineIncidentBehaviorAssociation"
	bystanders        kind = "StudentDisciplineIncidentNonOffenderAssociation"
	actions           kind = "DisciplineAction"
	grades            kind = "Grade"
	assignments       kind = "StudentGradebookEntry"
	descriptors       kind = "Descriptor"
)

// A field is a value of a record, whatever it is called where it stands.
type field uint8

const (
	studentID field = iota
	schoolID
	contactID
	incidentID
	actionID
	name
	family
	birth
	sex
	race
	hispanic
	disadvantaged
	language
	characteristic
	year
	begin
	end
	term
	total
	sequence
	code
	category
	gradeLevel
	primary
	relation
	legal
	emergency
	email
	phone
	date
	duration
	section
	course
	numeric
	letter
	role
	behavior
	discipline
	days
	incidentKeys
	periodName
	periodCode
	periodBegin
	shortText
	longText
	mapped
)

// A value is one value of a record; a field may have several.
type value struct {
	field field
	text  string
}

// A where is the place of a record in the export.
type where struct {
	file string
	row  int    // its line in an XML file, its number elsewhere
	id   string // its own id, in the XML or of the API
	json bool   // which names its columns have
	old  bool   // Parent, as the standard had it before Contact
}

// A record is one record of a resource. Values of one field stand in the order
// of the export.
type record struct {
	where
	kind    kind
	key     string // natural key; empty where a part is missing
	values  []value
	deleted *where // the delete that names it
	gone    bool   // another took its key
}

// get returns the first value of a field; empty where there is none.
func (r *record) get(f field) string {
	for _, v := range r.values {
		if v.field == f {
			return v.text
		}
	}
	return ""
}

// all returns the values of a field.
func (r *record) all(f field) (list []string) {
	for _, v := range r.values {
		if v.field == f {
			list = append(list, v.text)
		}
	}
	return list
}

// keyOf joins the parts of a key; empty where one is missing.
func keyOf(parts ...string) string {
	if slices.Contains(parts, "") {
		return ""
	}
	return strings.Join(parts, "\x00")
}

// keyed returns the key that fields of the record make.
func (r *record) keyed(fields []field) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = r.get(f)
	}
	return keyOf(parts...)
}

// A target is a record that another names.
type target struct {
	kind kind
	key  string
}

// names returns the records that this one names by a whole key.
func (r *record) names() (list []target) {
	for _, l := range resourceOf(r.kind).names {
		if key := r.keyed(l.key); key != "" {
			list = append(list, target{l.kind, key})
		}
	}
	for _, key := range r.all(incidentKeys) {
		list = append(list, target{incidents, key})
	}
	return list
}

// resourceOf returns the resource of a kind that has one.
func resourceOf(k kind) *resource {
	for i := range resources {
		if resources[i].kind == k {
			return &resources[i]
		}
	}
	return &resource{kind: k}
}

// resourceNamed finds a resource by a name of any version, in small letters.
func resourceNamed(small string) *resource {
	for i := range resources {
		r := &resources[i]
		if small == strings.ToLower(string(r.kind)) || slices.Contains(r.also, small) {
			return r
		}
	}
	return nil
}
