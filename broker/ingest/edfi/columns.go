package edfi

import (
	"strings"
	"unicode"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// columns are what the standard calls the columns of the plain forms, in their
// order. A star stands at those that are descriptors.
var columns = map[string][]string{
	"schools.csv":  {"SchoolId", "NameOfInstitution", "SchoolCategory*"},
	"sessions.csv": {"SessionName", "SessionName", "Term*", "BeginDate", "EndDate", "SchoolYear"},
	"students.csv": {
		"StudentUniqueId", "FirstName", "LastSurname", "BirthDate", "Sex*", "Race*", "LimitedEnglishProficiency*",
		"StudentSpecialEducationProgramAssociation", "StudentCharacteristic*",
	},
	"enrollments.csv": {"StudentReference", "SchoolReference", "EntryDate", "ExitWithdrawDate", "EntryGradeLevel*", "PrimarySchool"},
	"calendar.csv":    {"SchoolReference", "Date", "CalendarEvent*"},
	"attendance.csv":  {"StudentReference", "SchoolReference", "EventDate", "AttendanceEventCategory*", "EventDuration"},
	"discipline.csv": {
		"StudentReference", "SchoolReference", "IncidentDate", "Behavior*", "Discipline*", "IncidentIdentifier",
		"ActualDisciplineActionLength",
	},
	"grades.csv": {
		"StudentReference", "SchoolReference", "SessionReference", "LocalCourseCode", "NumericGradeEarned", "GradeType*", "GradeType*",
	},
	"guardians.csv": {
		"StudentReference", "ContactReference", "LegalGuardian", "FirstName", "LastSurname", "Relation*", "Relation*",
		"Language*", "ElectronicMailAddress", "TelephoneNumber",
	},
}

// spelled is a name of the standard as it stands where a record does.
func spelled(name string, at where) string {
	name, isDescriptor := strings.CutSuffix(name, "*")
	if at.old {
		name = strings.Replace(name, "Contact", "Parent", 1)
	}
	if !at.json {
		return name
	}
	if isDescriptor {
		name += "Descriptor"
	}
	return string(unicode.ToLower(rune(name[0]))) + name[1:]
}

// A spelling is how the columns of a form are called where a record stands.
type spelling struct {
	form      string
	json, old bool
}

// place is where a record stands, for rows of a form.
func (f *feed) place(form string, at where) ingest.Place {
	key := spelling{form, at.json, at.old}
	names := f.names[key]
	if names == nil {
		for _, n := range columns[form] {
			names = append(names, spelled(n, at))
		}
		f.names[key] = names
	}
	return ingest.Place{File: at.file, Row: at.row, ID: at.id, Names: names}
}

// columnOf is the column of the id of a resource.
func columnOf(r *resource, at where) string {
	name := map[kind]string{
		schools: "SchoolId", students: "StudentUniqueId", contacts: "ContactUniqueId", incidents: "IncidentIdentifier",
		actions: "DisciplineActionIdentifier", sessions: "SessionName", stays: "EntryDate",
	}[r.kind]
	if name == "" {
		return ""
	}
	return spelled(name, at)
}
