package mapping

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// participation is the partner's plain file.
const participation = "participation.csv"

// participationColumns are the columns of participation.csv.
var participationColumns = []string{
	"participant_ref", "given_name", "family_name", "birthdate", "school_id", "date", "program", "minutes", "funder",
}

// columnsOf are the columns of a plain file; nil for another name.
func columnsOf(form string) []string {
	if form == participation {
		return participationColumns
	}
	return ingest.Columns(form)
}

// needed are the columns without which no row of a plain file can be made. An
// export may lack birth dates and days of entry; both are said.
var needed = map[string][]string{
	"schools.csv":            {"school_id", "name"},
	"sessions.csv":           {"session_id", "title", "type", "start", "end"},
	"students.csv":           {"student_id", "given_name", "family_name"},
	"enrollments.csv":        {"student_id", "school_id"},
	"merges.csv":             {"old_student_id", "new_student_id", "date"},
	"calendar.csv":           {"school_id", "date", "instructional"},
	"attendance.csv":         {"student_id", "school_id", "date", "code"},
	"attendance_summary.csv": {"student_id", "school_id", "session_id", "days_enrolled", "days_absent"},
	"discipline.csv":         {"student_id", "school_id", "date", "incident_type", "action"},
	"grades.csv":             {"student_id", "school_id", "session_id", "course", "value", "scale"},
	"guardians.csv":          {"student_id", "guardian_id", "holds_rights"},
	"public_totals.csv":      {"school_id", "session_id", "indicator", "value", "precision"},
	participation:            {"participant_ref", "given_name", "family_name", "birthdate", "school_id", "date"},
}

// dated are the columns that hold dates, in whatever plain file.
var dated = []string{"birthdate", "start", "end", "entry", "exit", "date"}

func isDate(column string) bool { return slices.Contains(dated, column) }

// mayLackDate are the dates without which a row still says something.
var mayLackDate = []string{"birthdate", "exit"}

// placeOf is a column's place in its form, or -1.
func placeOf(form, column string) int { return slices.Index(columnsOf(form), column) }
