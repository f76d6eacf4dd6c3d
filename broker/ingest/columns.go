package ingest

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A form is what a file may hold. Columns that must be there come first.
type form struct {
	name     string
	required bool
	must     int // how many of the columns are required
	columns  []string
	long     bool // may have a row a student or more, and is read in parts
}

// forms are the files of the plain CSV form, in the order in which they are
// read.
var forms = []form{
	{"schools.csv", true, 2, []string{"school_id", "name", "level"}, false},
	{"sessions.csv", true, 5, []string{"session_id", "title", "type", "start", "end", "parent"}, false},
	{"students.csv", true, 4, []string{
		"student_id", "given_name", "family_name", "birthdate", "sex", "race_ethnicity",
		"english_learner", "special_education", "economically_disadvantaged", "student_email", "student_phone",
	}, true},
	{"enrollments.csv", true, 3, []string{"student_id", "school_id", "entry", "exit", "grade_level", "primary"}, true},
	{"merges.csv", false, 3, []string{"old_student_id", "new_student_id", "date"}, false},
	{"calendar.csv", false, 3, []string{"school_id", "date", "instructional"}, false},
	{"attendance.csv", false, 4, []string{"student_id", "school_id", "date", "code", "portion"}, true},
	{"attendance_summary.csv", false, 5, []string{"student_id", "school_id", "session_id", "days_enrolled", "days_absent"}, false},
	{"discipline.csv", false, 5, []string{"student_id", "school_id", "date", "incident_type", "action", "incident_id", "days"}, false},
	{"grades.csv", false, 6, []string{"student_id", "school_id", "session_id", "course", "value", "scale", "credits"}, true},
	{"guardians.csv", false, 3, []string{
		"student_id", "guardian_id", "holds_rights", "given_name", "family_name", "relation",
		"capacity", "language", "email", "phone",
	}, true},
	{"public_totals.csv", false, 5, []string{"school_id", "session_id", "indicator", "value", "precision", "row"}, false},
}

var participationForm = form{"participation.csv", true, 6, []string{
	"participant_ref", "given_name", "family_name", "birthdate",
	"school_id", "date", "program", "minutes", "funder",
}, false}

var rosterForm = form{"roster.csv", true, 5, []string{
	"participant_ref", "given_name", "family_name", "birthdate", "school_id",
	"student_number", "program", "start", "end",
}, false}

var sessionLogForm = form{"sessions.csv", true, 2, []string{"participant_ref", "date", "program", "minutes", "funder"}, false}

// Forbidden reports whether a column may never be sent, whatever the file:
// social security and other state numbers, biometric data (34 CFR 99.3),
// passwords, accounts, immigration, and what the PPRA protects (20 USC 1232h).
func Forbidden(column string) bool {
	words := headerWords(column)
	joined := strings.Join(words, "")
	for _, stem := range forbiddenStems {
		if strings.Contains(joined, stem) {
			return true
		}
	}
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains(forbiddenWords, w) || strings.HasSuffix(w, "ssn") || strings.HasPrefix(w, "ssn")
	})
}

// forbiddenStems are forbidden anywhere in a name, its words joined.
var forbiddenStems = []string{
	"socialsec", "socsec", "sosec", "taxpayerid", "nationalid", "driverslicense", "driverlicense",
	"biometric", "fingerprint", "faceprint", "facetemplate", "facescan", "voiceprint", "retinascan", "irisscan", "handscan", "palmprint",
	"password", "passwd", "passcode", "passphrase", "securityanswer", "secretquestion", "creditcard", "cardnumber", "bankaccount",
	"routingnumber", "passport", "immigration", "citizenship", "visastatus", "politicalaffiliation", "politicalbelief", "sexualorientation",
	"sexualbehavior", "mentalhealth", "psychological", "householdincome", "familyincome", "parentincome",
}

// forbiddenWords are forbidden as a whole word.
var forbiddenWords = []string{"ssn", "sin", "itin", "pwd", "pin", "dna", "genome", "retina", "iris", "iban", "cvv", "religion", "religious", "diagnosis"}

// headerWords cuts a column's name at everything that is not a letter, and
// where a capital follows a small letter.
func headerWords(name string) []string {
	var b strings.Builder
	small := false
	for _, r := range norm.NFKD.String(name) {
		switch {
		case unicode.IsLetter(r):
			if small && unicode.IsUpper(r) {
				b.WriteByte(' ')
			}
			small = unicode.IsLower(r)
			b.WriteRune(unicode.ToLower(r))
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Cf, r):
		default:
			b.WriteByte(' ')
			small = false
		}
	}
	return strings.Fields(b.String())
}

// columnName is the name under which a header cell is looked up: trimmed,
// small letters, underscores for spaces and hyphens.
func columnName(cell []byte) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return '_'
		}
		return unicode.ToLower(r)
	}, strings.TrimSpace(string(cell)))
}
