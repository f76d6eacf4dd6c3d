package ingest

// Severity says what a finding does to its row.
type Severity string

// The severities. An error keeps its row out, or with row 0 or 1 refuses the
// whole file; a warning lets the row in.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// A Finding is one fault of a file: where it is, what is wrong and how to mend
// it. It never holds a value of the file; What may name a code of a closed
// list. Row is the line of the file on which the record begins, the header
// being 1; 0 means the file as a whole.
type Finding struct {
	File     string   `json:"file"`
	Row      int      `json:"row"`
	Field    string   `json:"field,omitempty"`
	Rule     Rule     `json:"rule"`
	Severity Severity `json:"severity"`
	What     string   `json:"what"`
	Remedy   string   `json:"remedy"`
	ID       string   `json:"-"` // of the row in its export; see Place
}

// A Rule names a class of fault.
type Rule string

// The rules. Those down to TooManyRows concern a file or the whole input and
// make it unusable; the rest concern one row.
const (
	BadZip          Rule = "bad-zip"
	MissingFile     Rule = "missing-file"
	DuplicateFile   Rule = "duplicate-file"
	UnreadableFile  Rule = "unreadable-file"
	TooManyFiles    Rule = "too-many-files"
	TooLarge        Rule = "too-large"
	BadEncoding     Rule = "bad-encoding"
	NoHeader        Rule = "no-header"
	ForbiddenColumn Rule = "forbidden-column"
	MissingColumn   Rule = "missing-column"
	DuplicateColumn Rule = "duplicate-column"
	BadSyntax       Rule = "bad-syntax"
	NeedsCalendar   Rule = "needs-calendar"
	TooManyRows     Rule = "too-many-rows"
	NotThisFormat   Rule = "not-this-format"
	BadManifest     Rule = "bad-manifest"
	BadXML          Rule = "bad-xml"
	BadJSON         Rule = "bad-json"
	BadWorkbook     Rule = "bad-workbook"
	BadMapping      Rule = "bad-mapping"
	Unreachable     Rule = "unreachable"

	FieldCount        Rule = "field-count"
	Empty             Rule = "empty"
	TooLong           Rule = "too-long"
	ControlCharacter  Rule = "control-character"
	BadDate           Rule = "bad-date"
	BadNumber         Rule = "bad-number"
	BadFlag           Rule = "bad-flag"
	UnknownCode       Rule = "unknown-code"
	UnknownStudent    Rule = "unknown-student"
	UnknownSchool     Rule = "unknown-school"
	UnknownSession    Rule = "unknown-session"
	UnknownRef        Rule = "unknown-ref"
	UnknownIndicator  Rule = "unknown-indicator"
	DuplicateRow      Rule = "duplicate-row"
	EndBeforeStart    Rule = "end-before-start"
	ParentCircle      Rule = "parent-circle"
	YearsOverlap      Rule = "years-overlap"
	ImpossibleBirth   Rule = "impossible-birthdate"
	EnrollmentOverlap Rule = "enrollment-overlap"
	OutsideYear       Rule = "outside-year"
	OutsideSessions   Rule = "outside-sessions"
	AbsentOverDays    Rule = "absent-over-enrolled"
	DaysOverSession   Rule = "days-over-session"
	MarksAndSummary   Rule = "marks-and-summary"
	BadResult         Rule = "bad-result"
	BadRow            Rule = "bad-row"
	MergedStillThere  Rule = "merged-still-there"
	MergedTwice       Rule = "merged-twice"
	MergedWithItself  Rule = "merged-with-itself"
	AfterExport       Rule = "after-export"
	TwoNames          Rule = "two-names"
	MissingID         Rule = "missing-id"
	DuplicateID       Rule = "duplicate-id"
	UnknownReference  Rule = "unknown-reference"
	AmbiguousDate     Rule = "ambiguous-date"
	OrphaningDelete   Rule = "orphaning-delete"
	OrgCircle         Rule = "org-circle"

	IgnoredFile       Rule = "ignored-file"
	IgnoredColumn     Rule = "ignored-column"
	ReadAsWindows1252 Rule = "read-as-windows-1252"
	OutsideParent     Rule = "outside-parent"
	TwoPrimaries      Rule = "two-primaries"
	NoSchoolDay       Rule = "no-school-day"
	OutsideEnrollment Rule = "outside-enrollment"
	OutsideScale      Rule = "outside-scale"
	UnknownScale      Rule = "unknown-scale"
	NoBirthDate       Rule = "no-birthdate"
	JoinedStays       Rule = "joined-stays"
	NoSchool          Rule = "no-school"
	AssumedYear       Rule = "assumed-year"
	AssumedEntry      Rule = "assumed-entry"
	DroppedColumn     Rule = "dropped-column"
	RepeatedHeader    Rule = "repeated-header"
	RepeatedTardy     Rule = "repeated-tardy"
	RepeatedRecord    Rule = "repeated-record"
	DanglingReference Rule = "dangling-reference"
	NotFinal          Rule = "not-final"
	LooksRenumbered   Rule = "looks-renumbered"
	NoDates           Rule = "no-dates"
	NeverHoldsRights  Rule = "never-holds-rights"
	BadLanguage       Rule = "bad-language"
	BadEmail          Rule = "bad-email"
	SameDay           Rule = "same-day"
	NoCalendar        Rule = "no-calendar"
	TwoMarks          Rule = "two-marks"
	PartOfDay         Rule = "part-of-day"
	NotGranted        Rule = "not-granted"
)

// An explanation is what a rule says to the person who exports the files. The
// order of the table is the order in which faults are best mended.
type explanation struct {
	rule         Rule
	severity     Severity
	fatal        bool
	what, remedy string
}

func explain(r Rule) (explanation, int) {
	for i, e := range explanations {
		if e.rule == r {
			return e, i
		}
	}
	return explanation{rule: r, severity: Error, what: string(r)}, len(explanations)
}

var explanations = []explanation{
	{BadZip, Error, true, "the zip file cannot be accepted", "zip the CSV files alone, without folders inside folders, other archives or links"},
	{MissingFile, Error, true, "a required file is missing", "export it into the same folder under exactly this name"},
	{DuplicateFile, Error, true, "the file is there twice", "leave one of the two"},
	{UnreadableFile, Error, true, "the file cannot be read", "look at its rights and at the disk, or export again"},
	{TooManyFiles, Error, true, "there are more files than an import may have", "leave the files of other years out"},
	{TooLarge, Error, true, "the file is larger than an import may be", "export one school year at a time"},
	{BadEncoding, Error, true, "the text is neither UTF-8 nor Windows-1252", "export as UTF-8"},
	{NoHeader, Error, true, "the file has no header row", "put the column names into the first row"},
	{ForbiddenColumn, Error, true, "this column must never be sent", "remove the column from the export; nothing of the file was read"},
	{MissingColumn, Error, true, "a required column is missing", "add the column with exactly this name"},
	{DuplicateColumn, Error, true, "the column is there twice", "leave one of the two"},
	{BadSyntax, Error, true, "a quoted field does not end, or a quote stands inside a field without quotes", "quote the whole field and double the quotes inside it (RFC 4180)"},
	{NeedsCalendar, Error, true, "daily marks cannot be read without the days of instruction", "add calendar.csv, or send attendance_summary.csv instead"},
	{TooManyRows, Error, true, "the file has more rows than an import may have", "export one school year at a time"},

	{NotThisFormat, Error, true, "the files are not of this format", "see hallpass import --help for the formats, and docs/importing.md for which file gives what"},
	{BadManifest, Error, true, "the manifest does not say what it must, or says other than the files", "export again with the manifest that belongs to the files"},
	{BadXML, Error, true, "not XML that may be read: broken, with a document type, or too deep", "export again as an Ed-Fi interchange file"},
	{BadJSON, Error, true, "not JSON that may be read: broken, too deep, or no object on its line", "export again: one JSON array, or one object a line"},
	{BadWorkbook, Error, true, "not a workbook that may be read", "save it again as .xlsx without a password, or as CSV"},
	{BadMapping, Error, true, "the mapping file cannot be used", "mend the line that is named; hallpass import map writes a first one"},
	{Unreachable, Error, true, "the service did not answer as it must", "look at its address and credentials; what was loaded before stays"},

	{FieldCount, Error, false, "the row has another number of fields than the header", "check for a comma in a field without quotes"},
	{Empty, Error, false, "a required field is empty", "fill it in"},
	{TooLong, Error, false, "the text is too long", "shorten it"},
	{ControlCharacter, Error, false, "the text holds a control character", "remove tabs and line breaks from the field"},
	{BadDate, Error, false, "not a date of the form YYYY-MM-DD", "write the date as year-month-day, such as 2026-11-21"},
	{BadNumber, Error, false, "not a number that fits here", "write digits with a decimal point, without units"},
	{BadFlag, Error, false, "neither yes nor no", "write yes or no"},
	{UnknownCode, Error, false, "not in the list of codes", "use a code of the list"},
	{YearsOverlap, Error, false, "two school years overlap", "end the one before the other starts"},
	{ParentCircle, Error, false, "the session is its own ancestor", "let parent name the longer session that contains this one"},
	{UnknownSchool, Error, false, "no such school in schools.csv", "add the school, or correct its id (ids keep case and leading zeros)"},
	{UnknownSession, Error, false, "no such session in sessions.csv", "add the session, or correct its id"},
	{UnknownStudent, Error, false, "no such student in students.csv", "add the student, or correct the id (ids keep case and leading zeros)"},
	{UnknownRef, Error, false, "no such participant in roster.csv", "add the participant to the roster, or correct the reference"},
	{UnknownIndicator, Error, false, "no such indicator", "use an indicator of the registry"},
	{DuplicateRow, Error, false, "the row repeats an earlier one", "leave one of the two"},
	{EndBeforeStart, Error, false, "the last day is before the first", "correct one of the two dates"},
	{ImpossibleBirth, Error, false, "nobody enrolled was born on that day", "correct the date"},
	{EnrollmentOverlap, Error, false, "two enrollments at one school overlap", "close the first before the second begins"},
	{OutsideYear, Error, false, "the day lies in no school year of sessions.csv", "correct the date, or add the school year"},
	{OutsideSessions, Error, false, "the day lies in no session that the district lists", "correct the date"},
	{AbsentOverDays, Error, false, "more days absent than enrolled", "correct one of the two numbers"},
	{DaysOverSession, Error, false, "more days enrolled than the session has", "correct the number, or the session"},
	{MarksAndSummary, Error, false, "the student has daily marks at that school in that session", "send daily marks or a summary, not both"},
	{BadResult, Error, false, "not a result of its scale", "write a number with at most two decimals, or a mark of the letter scale"},
	{BadRow, Error, false, "not all, nor a dimension and its value", "write all, or a row such as grade:5"},
	{MergedStillThere, Error, false, "a merged student stands in students.csv", "remove the old id from students.csv"},
	{MergedTwice, Error, false, "the old id is merged twice", "leave the merge that is right"},
	{MergedWithItself, Error, false, "a student is merged with itself", "remove the row"},
	{AfterExport, Error, false, "the day is after the export", "correct the date, or the export date"},
	{MissingID, Error, false, "the record has no id", "export it with its id"},
	{DuplicateID, Error, false, "the id stands at an earlier record of the same kind", "leave one of the two"},
	{UnknownReference, Error, false, "the record names another one that is not in the export", "export both, or neither"},
	{AmbiguousDate, Error, false, "day and month cannot be told apart", "say in the mapping whether the day or the month comes first"},
	{OrgCircle, Error, false, "an organization is its own parent, or a parent's", "correct the parent"},
	{TwoNames, Error, false, "one reference stands for two people", "give each child a reference of its own"},

	{IgnoredFile, Warning, false, "the file is not part of an import and was not read", "nothing to do, or correct its name"},
	{IgnoredColumn, Warning, false, "the column is not known and was not read", "nothing to do, or correct its name"},
	{ReadAsWindows1252, Warning, false, "the text was read as Windows-1252", "export as UTF-8 if letters look wrong"},
	{OutsideParent, Warning, false, "the session reaches beyond its parent", "correct the dates, or the parent"},
	{TwoPrimaries, Warning, false, "two primary enrollments overlap; the later entry places the student", "mark one of them primary = no"},
	{NoSchoolDay, Warning, false, "the school's calendar has no instruction on that day; the mark counts for nothing", "correct the date, or the calendar"},
	{OutsideEnrollment, Warning, false, "the student is not enrolled there on that day; the record is kept and counts for nothing", "correct the date, or the enrollment"},
	{OutsideScale, Warning, false, "the result lies outside its scale; it is kept as it is", "correct the result, or the scale"},
	{UnknownScale, Warning, false, "the scale is not known: its results have a mean, no grade point average and no pass mark", "use a scale of the list, one named low-high, or have the district define it"},
	{OrphaningDelete, Warning, false, "deleting it would leave records behind that name it; it stays", "delete those records too, or keep it"},
	{JoinedStays, Warning, false, "two enrollments at one school overlap; they count as one, from the first day to the last", "close the first before the second begins"},
	{NoBirthDate, Warning, false, "the student has no birth date: nobody can be asked for consent, and no partner's child is matched", "export the birth date"},
	{NoSchool, Warning, false, "the student is at no school of the export: kept, and in no comparison", "export the enrollment"},
	{AssumedYear, Warning, false, "the export has no session that holds the records: a school year from July 1 to June 30 is assumed", "export the sessions, or declare the year with --school-year"},
	{AssumedEntry, Warning, false, "the enrollment has no first day: that of the school year is taken", "export the day of entry"},
	{DroppedColumn, Warning, false, "this must never come in; it was dropped unread", "remove it from the export"},
	{RepeatedHeader, Warning, false, "the header stands inside the file again; the line was left out", "nothing to do"},
	{RepeatedTardy, Warning, false, "a section's mark repeats the school's of the day; it counts once", "nothing to do"},
	{RepeatedRecord, Warning, false, "the record is there again without a difference; it counts once", "nothing to do"},
	{DanglingReference, Warning, false, "the record names another one that is not in the export; it was read without it", "export both"},
	{NotFinal, Warning, false, "the result is not that of a course in a term; it was not read", "mark final results by their category, or declare it with --final"},
	{NoDates, Warning, false, "the calendar gives totals and no days: attendance has no denominator there", "export the dates of the calendar"},
	{LooksRenumbered, Warning, false, "a new student has name and birth date of one who is not in the files any more", "if it is the same child, join the two by a line in merges.csv; answers of the family do not pass over by themselves"},
	{NeverHoldsRights, Warning, false, "an emergency contact or caseworker holds no rights by import; read as no", "let an officer enter the document that gives the rights"},
	{BadLanguage, Warning, false, "not a language tag; read as empty", "write a BCP 47 tag such as en or es"},
	{BadEmail, Warning, false, "not an e-mail address; read as empty", "correct or empty it"},
	{SameDay, Warning, false, "a second session on one day; a day counts once", "nothing to do"},
	{NoCalendar, Warning, false, "calendar.csv has no day of this school; its register counts for nothing", "add the school's days of instruction"},
	{TwoMarks, Warning, false, "two marks of a student at a school on a day; the graver counts", "leave the one that is right"},
	{PartOfDay, Warning, false, "marks of class periods are no marks of a day; they were not read", "export the school's attendance of the day"},
	{NotGranted, Warning, false, "the service does not grant this resource; what was loaded of it before stays", "ask for read access to it, if it should come in"},
}
