package edfi

import (
	"slices"
	"strings"
)

// A resource says where the values of a kind of record stand.
type resource struct {
	kind   kind
	form   string   // that its records are read for
	also   []string // other names, in small letters
	must   field    // without it the record has no id
	hasID  bool     // whether must counts
	key    []field  // natural key
	names  []link
	fields []source
}

// A link says that a record names another by these of its fields.
type link struct {
	kind kind
	key  []field
}

// A source is a path on which a field stands: names of elements, each below
// the one before at any depth. Of several sources of a field the first that
// has a value counts. many takes all values; pick reads them in its own way.
type source struct {
	field field
	path  string
	many  bool
	pick  func(*element) []string
	steps []string // of the path
}

// stepped cuts the paths of resources.
func stepped(list ...resource) []resource {
	for i := range list {
		list[i].fields = slices.Clone(list[i].fields)
		for j := range list[i].fields {
			list[i].fields[j].steps = strings.Fields(list[i].fields[j].path)
		}
	}
	return list
}

var (
	ofStudent = link{students, []field{studentID}}
	ofSchool  = link{schools, []field{schoolID}}
	ofSession = link{sessions, []field{schoolID, year, name}}
)

var studentReference = source{field: studentID, path: "studentreference studentuniqueid"}

var schoolReference = source{field: schoolID, path: "schoolreference schoolid"}

var organization = source{field: schoolID, path: "educationorganizationreference educationorganizationid"}

// traits are what the standard says of a person: of Student to 2.x, of the
// association with the district from 3.0.
var traits = []source{
	{field: sex, path: "sex"},
	{field: hispanic, path: "hispaniclatinoethnicity"},
	{field: race, path: "race", many: true},
	{field: disadvantaged, path: "economicdisadvantaged"},
	{field: language, path: "limitedenglishproficiency"},
	{field: characteristic, path: "studentcharacteristic", many: true},
}

// resources are those that are read, with the ones that others name first.
var resources = stepped([]resource{
	{
		kind: schools, form: "schools.csv", must: schoolID, hasID: true, key: []field{schoolID},
		fields: []source{
			{field: schoolID, path: "schoolid"},
			{field: name, path: "nameofinstitution"},
			{field: gradeLevel, path: "gradelevel", many: true},
			{field: category, path: "schoolcategory", many: true},
		},
	},
	{
		kind: sessions, form: "sessions.csv", key: []field{schoolID, year, name}, names: []link{ofSchool},
		fields: []source{
			schoolReference, organization,
			{field: name, path: "sessionname"},
			{field: year, path: "schoolyear"},
			{field: year, path: "schoolyeartypereference schoolyear"},
			{field: term, path: "term"},
			{field: begin, path: "begindate"},
			{field: end, path: "enddate"},
			{field: total, path: "totalinstructionaldays"},
		},
	},
	{
		kind: gradingPeriods, form: "sessions.csv", names: []link{ofSchool},
		fields: []source{
			schoolReference, organization,
			{field: name, path: "gradingperiodname"},
			{field: code, path: "gradingperiod"},
			{field: year, path: "schoolyear"},
			{field: year, path: "schoolyeartypereference schoolyear"},
			{field: sequence, path: "periodsequence"},
			{field: begin, path: "begindate"},
			{field: end, path: "enddate"},
		},
	},
	{
		kind: calendars, form: "calendar.csv", key: []field{schoolID, code, year}, names: []link{ofSchool},
		fields: []source{
			schoolReference,
			{field: code, path: "calendarcode"},
			{field: category, path: "calendartype"},
			{field: year, path: "schoolyear"},
			{field: year, path: "schoolyeartypereference schoolyear"},
		},
	},
	{
		kind: calendarDates, form: "calendar.csv", names: []link{ofSchool},
		fields: []source{
			{field: schoolID, path: "calendarreference schoolid"},
			schoolReference, organization,
			{field: code, path: "calendarreference calendarcode"},
			{field: year, path: "calendarreference schoolyear"},
			{field: date, path: "date"},
			{field: category, path: "calendarevent", many: true},
		},
	},
	{
		kind: students, form: "students.csv", must: studentID, hasID: true, key: []field{studentID},
		fields: append([]source{
			{field: studentID, path: "studentuniqueid"},
			{field: name, path: "firstname"},
			{field: family, path: "lastsurname"},
			{field: birth, path: "birthdate"},
		}, traits...),
	},
	{
		kind: demographics, form: "students.csv", also: []string{"studentdemographic"}, names: []link{ofStudent},
		key:    []field{studentID, schoolID},
		fields: append([]source{studentReference, organization}, traits...),
	},
	{
		kind: specialEducation, form: "students.csv", names: []link{ofStudent},
		fields: []source{studentReference, {field: begin, path: "begindate"}, {field: end, path: "enddate"}},
	},
	{
		kind: languagePrograms, form: "students.csv", names: []link{ofStudent},
		fields: []source{studentReference, {field: begin, path: "begindate"}, {field: end, path: "enddate"}},
	},
	{
		kind: stays, form: "enrollments.csv", key: []field{studentID, schoolID, begin}, names: []link{ofStudent, ofSchool},
		fields: []source{
			studentReference, schoolReference,
			{field: begin, path: "entrydate"},
			{field: end, path: "exitwithdrawdate"},
			{field: gradeLevel, path: "entrygradelevel"},
			{field: primary, path: "primaryschool"},
		},
	},
	{
		kind: contacts, form: "guardians.csv", also: []string{"parent"}, must: contactID, hasID: true, key: []field{contactID},
		fields: []source{
			{field: contactID, path: "contactuniqueid"},
			{field: name, path: "firstname"},
			{field: family, path: "lastsurname"},
			{field: email, pick: bestEmail},
			{field: phone, pick: bestPhone},
			{field: language, pick: homeLanguage},
		},
	},
	{
		kind: contactLinks, form: "guardians.csv", also: []string{"studentparentassociation"}, key: []field{studentID, contactID},
		names: []link{ofStudent, {contacts, []field{contactID}}},
		fields: []source{
			studentReference,
			{field: contactID, path: "contactreference contactuniqueid"},
			{field: relation, path: "relation"},
			{field: legal, path: "legalguardian"},
			{field: emergency, path: "emergencycontactstatus"},
		},
	},
	{
		kind: schoolAttendance, form: "attendance.csv", key: []field{studentID, schoolID, date, category}, names: []link{ofStudent, ofSchool, ofSession},
		fields: []source{
			studentReference, schoolReference,
			{field: date, path: "eventdate"},
			{field: category, path: "attendanceeventcategory"},
			{field: duration, path: "eventduration"},
			{field: year, path: "sessionreference schoolyear"},
			{field: name, path: "sessionreference sessionname"},
		},
	},
	{
		kind: sectionAttendance, form: "attendance.csv", key: []field{studentID, schoolID, date, category, section}, names: []link{ofStudent, ofSchool},
		fields: []source{
			studentReference,
			{field: schoolID, path: "sectionreference schoolid"},
			{field: section, path: "sectionreference sectionidentifier"},
			{field: date, path: "eventdate"},
			{field: category, path: "attendanceeventcategory"},
			{field: duration, path: "eventduration"},
		},
	},
	{
		kind: incidents, form: "discipline.csv", must: incidentID, hasID: true, key: []field{schoolID, incidentID}, names: []link{ofSchool},
		fields: []source{
			{field: incidentID, path: "incidentidentifier"},
			schoolReference,
			{field: date, path: "incidentdate"},
			{field: behavior, path: "behavior", many: true},
		},
	},
	{
		kind: involvements, form: "discipline.csv", also: []string{"studentdisciplineincidentassociation"}, names: []link{ofStudent},
		key: []field{studentID, incidentKeys, behavior},
		fields: []source{
			studentReference,
			{field: incidentKeys, pick: incidentKeysOf},
			{field: role, path: "disciplineincidentparticipationcode", many: true},
			{field: role, path: "studentparticipationcode", many: true},
			{field: behavior, path: "behavior", many: true},
		},
	},
	{
		kind: bystanders, form: "discipline.csv", names: []link{ofStudent}, key: []field{studentID, incidentKeys},
		fields: []source{studentReference, {field: incidentKeys, pick: incidentKeysOf}},
	},
	{
		kind: actions, form: "discipline.csv", must: actionID, hasID: true, key: []field{studentID, actionID, date}, names: []link{ofStudent, ofSchool},
		fields: []source{
			{field: actionID, path: "disciplineactionidentifier"},
			studentReference,
			{field: date, path: "disciplinedate"},
			{field: discipline, path: "discipline", many: true},
			{field: days, path: "actualdisciplineactionlength"},
			{field: days, path: "disciplineactionlength"},
			{field: schoolID, path: "responsibilityschoolreference schoolid"},
			{field: incidentKeys, pick: incidentKeysOf},
		},
	},
	{
		kind: grades, form: "grades.csv", names: []link{ofStudent, ofSchool, ofSession},
		fields: []source{
			{field: studentID, path: "studentsectionassociationreference studentuniqueid"},
			{field: schoolID, path: "studentsectionassociationreference schoolid"},
			{field: year, path: "studentsectionassociationreference schoolyear"},
			{field: name, path: "studentsectionassociationreference sessionname"},
			{field: term, path: "studentsectionassociationreference term"},
			{field: course, path: "studentsectionassociationreference localcoursecode"},
			{field: section, path: "studentsectionassociationreference sectionidentifier"},
			{field: periodName, path: "gradingperiodreference gradingperiodname"},
			{field: periodCode, path: "gradingperiodreference gradingperiod"},
			{field: sequence, path: "gradingperiodreference periodsequence"},
			{field: periodBegin, path: "gradingperiodreference begindate"},
			{field: category, path: "gradetype"},
			{field: numeric, path: "numericgradeearned"},
			{field: letter, path: "lettergradeearned"},
		},
	},
	{kind: assignments, form: "grades.csv", names: []link{ofStudent}, fields: []source{studentReference}},
	{ // its code is looked up by its namespace or by the name of its element
		kind: descriptors,
		fields: []source{
			{field: code, path: "codevalue"},
			{field: shortText, path: "shortdescription"},
			{field: longText, path: "description"},
			{field: mapped, path: "map"},
		},
	},
}...)
