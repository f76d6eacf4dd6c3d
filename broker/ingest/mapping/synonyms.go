package mapping

import (
	"strings"
	"unicode"
)

// squash is a name's letters and digits in small letters.
func squash(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// synonyms are the names, squashed, under which exports have a plain column.
var synonyms = map[string][]string{
	"student_id": {
		"studentid", "studentnumber", "studentno", "stuid", "stunum", "pupilid", "pupilnumber", "localstudentid", "studentlocalid",
		"localid", "permnum", "permid", "studentuniqueid", "studentsisid", "studentsourcedid", "personid", "learnerid",
	},
	"school_id": {
		"schoolid", "schoolsisid", "schoolnumber", "schoolno", "schoolcode", "orgsourcedid", "orgid", "campusid", "campuscode",
		"buildingid", "buildingcode", "siteid", "sitecode", "schoolsourcedid", "localschoolid",
	},
	"session_id":      {"sessionid", "termid", "termcode", "termsisid", "sessionsourcedid", "yearid", "markingperiod", "gradingperiod"},
	"name":            {"name", "schoolname", "orgname", "campusname", "buildingname", "sitename"},
	"level":           {"level", "schoollevel", "schooltype", "gradespan"},
	"title":           {"title", "sessionname", "termname", "sessiontitle", "yearname"},
	"type":            {"type", "sessiontype", "termtype"},
	"start":           {"start", "startdate", "termstart", "termstartdate", "begindate", "firstday"},
	"end":             {"end", "enddate", "termend", "termenddate", "lastday"},
	"parent":          {"parentsessionid", "parentsourcedid", "parentterm"},
	"given_name":      {"givenname", "firstname", "first", "studentfirstname", "preferredfirstname", "forename", "fname"},
	"family_name":     {"familyname", "lastname", "last", "studentlastname", "lastsurname", "surname", "lname"},
	"full_name":       {"studentname", "fullname", "student", "childname", "child", "participant", "participantname", "nameofchild"},
	"birthdate":       {"birthdate", "dateofbirth", "dob", "birthday", "born", "birth", "studentbirthdate", "studentdob"},
	"sex":             {"sex", "gender", "birthsex", "studentsex", "studentgender"},
	"race_ethnicity":  {"raceethnicity", "race", "ethnicity", "federalrace", "federalracecategory", "fedrace", "racecode", "ethniccode"},
	"english_learner": {"englishlearner", "ell", "ellstatus", "el", "elstatus", "lep", "lepstatus", "englishlanguagelearner", "esl"},
	"special_education": {
		"specialeducation", "sped", "iep", "spedstatus", "hasiep", "swd", "disability", "specialed", "idea", "studentwithdisability",
	},
	"economically_disadvantaged": {
		"economicallydisadvantaged", "econdisadv", "lowincome", "frl", "freereduced", "freereducedlunch", "lunchstatus", "ecodis", "sed", "economicstatus",
	},
	"student_email": {"studentemail", "studentemailaddress", "studentmail", "pupilemail"},
	"student_phone": {"studentphone", "studentphonenumber", "studentmobile", "studentcell", "studentcellphone"},
	"entry":         {"entry", "entrydate", "enrolldate", "enrollmentdate", "enrollmentstart", "enrollmentstartdate", "admissiondate", "datein"},
	"exit":          {"exit", "exitdate", "withdrawaldate", "withdrawdate", "enrollmentend", "enrollmentenddate", "exitwithdrawdate", "dateout", "leavedate"},
	"grade_level":   {"gradelevel", "grade", "grd", "gr", "yearlevel", "currentgrade", "entrygradelevel"},
	"primary":       {"primary", "isprimary", "primaryschool", "primaryenrollment"},
	"date":          {"date", "attendancedate", "attdate", "eventdate", "schoolday", "calendardate", "incidentdate", "absencedate", "sessiondate", "day"},
	"instructional": {"instructional", "isschoolday", "insession", "isinstructional", "schoolinsession", "membershipday"},
	"code":          {"code", "attendancecode", "attcode", "attendancestatus", "mark", "attendance", "attendanceevent", "absencecode", "status"},
	"portion":       {"portion", "portionabsent", "shareabsent"},
	"days_enrolled": {"daysenrolled", "daysmember", "membershipdays", "daysmembership", "dayspossible", "possibledays", "enrolleddays"},
	"days_absent":   {"daysabsent", "absences", "totalabsences", "absentdays", "daysmissed", "totaldaysabsent"},
	"incident_type": {"incidenttype", "behavior", "behaviour", "offense", "infraction", "violation", "incident", "behaviortype", "offensecode"},
	"action":        {"action", "disciplineaction", "consequence", "disposition", "resolution", "sanction", "actiontaken", "actioncode"},
	"incident_id":   {"incidentid", "incidentnumber", "referralid", "eventid", "incidentidentifier"},
	"days":          {"days", "dayssuspended", "suspensiondays", "actiondays", "duration", "durationdays"},
	"course":        {"course", "coursename", "coursetitle", "coursecode", "courseid", "sectionid", "section", "subject", "coursenumber"},
	"value":         {"value", "finalgrade", "numericgrade", "numericgradeearned", "gradeearned", "score", "result", "percent", "coursegrade", "markearned", "finalmark"},
	"scale":         {"scale", "gradingscale", "gradescale", "gradetype"},
	"credits":       {"credits", "credit", "creditsattempted", "creditattempted", "potentialcredits", "credithours"},
	"guardian_id":   {"guardianid", "contactid", "parentid", "parentguardianid", "relationshipusersourcedid", "contactpersonid"},
	"holds_rights":  {"holdsrights", "legalguardian", "islegalguardian", "haslegalrights", "legalrights", "custodial", "educationalrights"},
	"relation":      {"relation", "relationship", "relationshiptype", "relationshiprole", "relationtostudent", "contacttype"},
	"language":      {"language", "contactlanguage", "preferredlanguage", "guardianlanguage", "correspondencelanguage"},
	"email":         {"email", "emailaddress", "contactemail", "parentemail", "guardianemail"},
	"phone":         {"phone", "phonenumber", "contactphone", "parentphone", "cellphone", "mobile", "homephone", "telephone"},

	"participant_ref": {"participantref", "participantid", "participantnumber", "childid", "memberid", "clientid", "youthid", "attendeeid", "ref"},
	"program":         {"program", "programme", "programname", "activity", "club"},
	"minutes":         {"minutes", "mins", "durationminutes", "sessionminutes", "attendedminutes"},
	"funder":          {"funder", "fundingsource", "grant", "funding"},
}

// ownID are the names of a file's own key, whatever the file is about.
var ownID = []string{"id", "sisid", "sourcedid", "identifier"}

// A guess is what is known of a plain file before any export is seen.
type guess struct {
	form  string
	words []string   // of which a file's name has one
	own   string     // the plain column that the file's own id is
	must  [][]string // of each at least one is there
	never []string   // a file that has one is another
}

// guesses are tried in this order; a file may be more than one of them.
var guesses = []guess{
	{"schools.csv", []string{"school", "org", "campus", "building", "site"}, "school_id", [][]string{{"school_id"}, {"name"}}, []string{"student_id", "given_name", "date"}},
	{"sessions.csv", []string{"session", "term", "year", "period"}, "session_id", [][]string{{"session_id"}, {"start"}, {"end"}}, []string{"student_id", "given_name"}},
	{"students.csv", []string{"student", "pupil", "demograph", "learner", "roster"}, "student_id", [][]string{{"student_id"}, {"given_name", "full_name"}, {"family_name", "full_name"}}, []string{"guardian_id", "relation", "participant_ref"}},
	{"enrollments.csv", []string{"enrol", "student", "pupil", "membership", "stay"}, "", [][]string{{"student_id"}, {"school_id"}, {"entry", "exit", "given_name", "full_name", "grade_level"}}, []string{"guardian_id", "relation", "date", "value", "days_absent", "participant_ref"}},
	{"calendar.csv", []string{"calendar", "day"}, "", [][]string{{"school_id"}, {"date"}, {"instructional"}}, []string{"student_id"}},
	{"attendance.csv", []string{"attend", "absen", "register"}, "", [][]string{{"student_id"}, {"date"}, {"code"}}, []string{"action", "incident_type", "value", "days_absent"}},
	{"attendance_summary.csv", []string{"attend", "absen", "summary"}, "", [][]string{{"student_id"}, {"days_enrolled"}, {"days_absent"}}, nil},
	{"discipline.csv", []string{"disciplin", "incident", "behav", "suspen"}, "", [][]string{{"student_id"}, {"date"}, {"action", "incident_type"}}, nil},
	{"grades.csv", []string{"grade", "mark", "course", "transcript", "result"}, "", [][]string{{"student_id"}, {"course"}, {"value"}}, nil},
	{"guardians.csv", []string{"guardian", "parent", "contact", "relation", "famil"}, "guardian_id", [][]string{{"student_id"}, {"guardian_id"}}, []string{"value", "days_absent"}},
	{participation, []string{"particip", "sign", "session"}, "participant_ref", [][]string{{"participant_ref"}, {"given_name", "full_name"}, {"date"}}, []string{"student_id"}},
}

// likely are the codes, by squashed text, that a text of a column stands for.
var likely = map[string]map[string]string{
	"code": {
		"p": "present", "present": "present", "x": "present", "pr": "present", "attended": "present", "1": "present",
		"a": "absent_unexcused", "absent": "absent_unexcused", "u": "absent_unexcused", "ua": "absent_unexcused", "unexcused": "absent_unexcused",
		"unexcusedabsence": "absent_unexcused", "absentunexcused": "absent_unexcused", "au": "absent_unexcused", "unx": "absent_unexcused", "0": "absent_unexcused",
		"e": "absent_excused", "excused": "absent_excused", "excusedabsence": "absent_excused", "absentexcused": "absent_excused", "ae": "absent_excused", "ea": "absent_excused", "exc": "absent_excused",
		"t": "tardy", "tardy": "tardy", "l": "tardy", "late": "tardy", "h": "half_absent", "half": "half_absent", "halfday": "half_absent", "halfabsent": "half_absent",
		"iss": "iss", "inschoolsuspension": "iss", "oss": "oss", "s": "oss", "suspended": "oss", "outofschoolsuspension": "oss",
	},
	"action": {
		"iss": "iss", "inschoolsuspension": "iss", "oss": "oss", "outofschoolsuspension": "oss", "suspension": "oss", "expulsion": "expulsion", "expelled": "expulsion",
		"restorative": "restorative", "restorativepractice": "restorative", "conference": "other", "detention": "other", "other": "other", "none": "none", "warning": "other",
	},
	"type": {
		"schoolyear": "schoolYear", "year": "schoolYear", "fullyear": "schoolYear", "semester": "semester", "term": "term", "trimester": "term",
		"quarter": "gradingPeriod", "gradingperiod": "gradingPeriod", "markingperiod": "gradingPeriod",
	},
	"yes": {
		"y": "yes", "yes": "yes", "true": "yes", "t": "yes", "1": "yes", "n": "no", "no": "no", "false": "no", "f": "no", "0": "no",
		"free": "yes", "reduced": "yes", "paid": "no", "fullprice": "no", "iep": "yes", "ell": "yes", "el": "yes", "englishlearner": "yes", "lep": "yes",
		"nonell": "no", "notell": "no", "generaleducation": "no",
	},
	"rights": {"mother": "yes", "father": "yes", "parent": "yes", "guardian": "yes", "legalguardian": "yes"},
}

// tableOf names the table of likely codes of a plain column; empty for a column
// of free text.
func tableOf(column string) string {
	switch column {
	case "code", "action", "type":
		return column
	case "english_learner", "special_education", "economically_disadvantaged", "primary", "instructional", "holds_rights":
		return "yes"
	}
	return ""
}
