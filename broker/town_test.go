package broker_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// The town has two schools, North and South, and one school year of two terms.
// School is held on Mondays.
const (
	north     = "North"
	south     = "South"
	townYear  = "Y25"
	townFall  = "Y25-F"
	townLent  = "Y25-L"
	fallFirst = "2025-09-01"
	fallLast  = "2026-01-26"
	lentFirst = "2026-02-02"
	lentLast  = "2026-06-22"
)

// inLent is a moment of the second term.
var inLent = time.Date(2026, 3, 10, 15, 0, 0, 0, time.UTC)

// pupil is a child of the town.
type pupil struct {
	id, given, family, birth, school string
}

func (p pupil) ref() string    { return "p-" + p.id }
func (p pupil) mother() string { return p.id + "-mother" }
func (p pupil) father() string { return p.id + "-father" }

// The pupils whom tests call by name.
var (
	ann = pupil{"900001", "Annika", "Almgren", "2011-04-02", north}   // fourteen
	ben = pupil{"900002", "Benedict", "Baumann", "2011-05-03", north} // fourteen; the grandmother has no rights
	cal = pupil{"900003", "Calvin", "Castell", "2007-06-04", north}   // eighteen
	dee = pupil{"900004", "Deirdre", "Donovan", "2008-03-20", north}  // eighteen in ten days
	eve = pupil{"900005", "Evelyn", "Eriksen", "2011-07-06", south}   // at the other school
)

// others are n more pupils of North.
func others(n int) []pupil {
	list := make([]pupil, n)
	for i := range list {
		list[i] = pupil{fmt.Sprintf("91%04d", i), "Child" + inLetters(i), "House" + inLetters(i), (day("2011-01-01") + civil.Date(i)).String(), north}
	}
	return list
}

func inLetters(n int) string {
	return strings.Map(func(r rune) rune { return 'k' + r - '0' }, fmt.Sprint(n))
}

// files is an export in the plain CSV form, by table, header first.
type files map[string][][]string

func (f files) add(table string, cells ...string) { f[table] = append(f[table], cells) }

// townFiles is the export of the town with its named pupils and some more.
func townFiles(more ...pupil) files {
	f := files{
		"schools":  {{"school_id", "name", "level"}, {north, "North School", "high"}, {south, "South School", "high"}},
		"sessions": {{"session_id", "title", "type", "start", "end", "parent"}},
		"calendar": {{"school_id", "date", "instructional"}}, "students": {{"student_id", "given_name", "family_name", "birthdate"}},
		"enrollments": {{"student_id", "school_id", "entry", "exit", "grade_level"}},
		"attendance":  {{"student_id", "school_id", "date", "code"}},
		"grades":      {{"student_id", "school_id", "session_id", "course", "credits", "value", "scale"}},
		"discipline":  {{"student_id", "school_id", "date", "incident_id", "incident_type", "action", "days"}},
		"guardians":   {{"student_id", "guardian_id", "given_name", "family_name", "relation", "capacity", "holds_rights"}},
	}
	f.add("sessions", townYear, "Year 2025-26", "schoolYear", fallFirst, lentLast, "")
	f.add("sessions", townFall, "Fall", "term", fallFirst, fallLast, townYear)
	f.add("sessions", townLent, "Lent", "term", lentFirst, lentLast, townYear)
	for at := day(fallFirst); at <= day(lentLast); at += 7 {
		f.add("calendar", north, at.String(), "yes")
		f.add("calendar", south, at.String(), "yes")
	}
	for _, p := range append([]pupil{ann, ben, cal, dee, eve}, more...) {
		f.pupil(p)
	}
	f.add("guardians", ben.id, "grandmother", "Gerda", "Baumann", "grandmother", "emergency_contact", "no")
	f.add("guardians", ann.id, "caseworker", "Carl", "Worker", "other", "agency_caseworker", "no")
	return f
}

// pupil adds a pupil who missed the first two Mondays of each term, has a mark
// in each term, and lives with both parents.
func (f files) pupil(p pupil) {
	f.add("students", p.id, p.given, p.family, p.birth)
	f.add("enrollments", p.id, p.school, fallFirst, "", "9")
	for _, first := range []string{fallFirst, lentFirst} {
		f.add("attendance", p.id, p.school, first, "absent_excused")
		f.add("attendance", p.id, p.school, (day(first) + 7).String(), "absent_unexcused")
	}
	f.add("grades", p.id, p.school, townFall, "Maths", "1", "71", "0-100")
	f.add("grades", p.id, p.school, townLent, "Maths", "1", "83", "0-100")
	f.add("guardians", p.id, p.mother(), "Mo", p.family, "mother", "parent", "yes")
	f.add("guardians", p.id, p.father(), "Fa", p.family, "father", "parent", "yes")
}

// drop takes rows about a pupil out of a table.
func (f files) drop(table, id string) {
	f[table] = slices.DeleteFunc(f[table], func(r []string) bool { return r[0] == id })
}

// write writes the export as a folder.
func (f files) write(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, rows := range f {
		var b strings.Builder
		if err := csv.NewWriter(&b).WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".csv"), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// town is a district of the town's two schools.
type town struct{ *district }

// emptyTown is a district without records.
func emptyTown(t testing.TB, at time.Time, options ...func(*broker.Options)) *town {
	t.Helper()
	return &town{newMade(t, at, options...).district}
}

// newTown is a district with the named pupils and some more.
func newTown(t testing.TB, more ...pupil) *town {
	t.Helper()
	d := emptyTown(t, inLent)
	d.load(townFiles(more...).write(t), ingest.Options{})
	return d
}

// partner makes an accepted partner.
func (d *town) partner(id string) {
	d.t.Helper()
	d.done(d.CreatePartner(d.t.Context(), officer, broker.PartnerRequest{ID: id, Name: "Club " + id, LegalEntity: "Club " + id + " Inc.", Contact: "1 Main Street"}))
}

// terms are an agreement over both schools and every category, for two years.
func terms(partner, id string) broker.AgreementRequest {
	return broker.AgreementRequest{
		ID: id, Partner: partner, Template: "comparison_and_consent", Profile: agreement.PublishedTable, Schools: []string{north, south}, Categories: consent.Categories(),
		TermFrom: day("2025-08-01"), TermTo: day("2027-07-31"), Administrator: "Ada Admin",
	}
}

// offer offers an agreement and returns the hash of its text.
func (d *town) offer(r broker.AgreementRequest) string {
	d.t.Helper()
	return data[agreementAnswer](d.t, d.must(d.CreateAgreement(d.t.Context(), officer, r))).TextSHA256
}

// agreementAnswer is what is read of an agreement.
type agreementAnswer struct {
	ID         string `json:"id"`
	State      string `json:"state"`
	Today      string `json:"state_today"`
	TextSHA256 string `json:"text_sha256"`
	Signatures []struct{ Party, By string }
}

func signature(party, hash string) broker.SignatureRequest {
	return broker.SignatureRequest{Party: party, Name: "Sam Signer", Title: "Director", TextSHA256: hash}
}

// conclude offers an agreement and signs it for both parties.
func (d *town) conclude(r broker.AgreementRequest) {
	d.t.Helper()
	hash := d.offer(r)
	for _, party := range []string{"district", "partner"} {
		d.done(d.Sign(d.t.Context(), officer, r.ID, signature(party, hash)))
	}
}

// club is a partner with one agreement, both called club, and a roster.
func (d *town) club(roster ...pupil) {
	d.t.Helper()
	d.partner("club")
	d.conclude(terms("club", "club"))
	d.roster("club", roster...)
}

// sessionLog is participation.csv: twelve Mondays of the fall each.
func sessionLog(roster ...pupil) string {
	var b strings.Builder
	b.WriteString("participant_ref,given_name,family_name,birthdate,school_id,date\n")
	for _, p := range roster {
		for i := range 12 {
			fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s\n", p.ref(), p.given, p.family, p.birth, p.school, day(fallFirst)+civil.Date(7*i))
		}
	}
	return b.String()
}

func (d *town) roster(agreement string, roster ...pupil) {
	d.t.Helper()
	d.done(d.PutParticipation(d.t.Context(), officer, agreement, strings.NewReader(sessionLog(roster...))))
}

// consentTo is a mother's paper consent to attendance and grades of the year.
func consentTo(agreement string, p pupil) broker.ConsentRequest {
	return broker.ConsentRequest{
		Agreement: agreement, Student: broker.StudentRef{StudentID: p.id}, Signer: broker.SignerRef{GuardianID: p.mother()},
		Answer: consent.Yes, Categories: []consent.Category{consent.Attendance, consent.Grades},
		RecordsFrom: day(fallFirst), RecordsTo: day(lentLast), Expires: day("2026-12-31"),
		SignedAt: time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC), Method: consent.Paper,
		Text: broker.TextRef{Version: "1", Language: "en", SHA256: sha}, Evidence: consent.Evidence{Kind: "scan", SHA256: sha},
	}
}

// by is the same consent given by somebody else.
func by(r broker.ConsentRequest, signer broker.SignerRef) broker.ConsentRequest {
	r.Signer = signer
	return r
}

// self is the signature of a student who holds the rights.
var self = broker.SignerRef{Self: true}

// grantAnswer is what is read of a consent.
type grantAnswer struct {
	ID          string    `json:"id"`
	Status      string    `json:"status"`
	Answer      string    `json:"answer"`
	Ref         string    `json:"participant_ref"`
	SignerName  string    `json:"signer_name"`
	Withdrawn   time.Time `json:"withdrawn_at"`
	Invalidated time.Time `json:"invalidated_at"`
}

func (d *town) consent(r broker.ConsentRequest) grantAnswer {
	d.t.Helper()
	return data[grantAnswer](d.t, d.must(d.CreateConsent(d.t.Context(), officer, r)))
}

// shownRow is a consented row as a partner reads it.
type shownRow struct {
	Ref        string              `json:"participant_ref"`
	School     string              `json:"school"`
	Attendance *shownAttendance    `json:"attendance"`
	Grades     []map[string]any    `json:"grades"`
	Discipline []map[string]any    `json:"discipline"`
	Spans      []map[string]string `json:"spans"`
}

type shownAttendance struct {
	Enrolled float64 `json:"days_enrolled"`
	Absent   float64 `json:"days_absent"`
	Rate     float64 `json:"rate"`
}

// rowsFor reads the consented rows as a named person of a partner.
func (d *town) rowsFor(c broker.Caller, agreement string) map[string]shownRow {
	d.t.Helper()
	answer := data[struct{ Rows []shownRow }](d.t, d.must(d.Students(d.t.Context(), c, broker.StudentsRequest{Agreement: agreement, Period: broker.PeriodCurrent})))
	byRef := map[string]shownRow{}
	for _, r := range answer.Rows {
		byRef[r.Ref] = r
	}
	if len(byRef) != len(answer.Rows) {
		d.t.Errorf("%d rows for %d references", len(answer.Rows), len(byRef))
	}
	return byRef
}

func (d *town) clubRows() map[string]shownRow { return d.rowsFor(partnerOf("club"), "club") }

// guardian is a person with a guardian's token.
func guardian(id string) broker.Caller {
	return broker.Caller{Subject: id, Role: broker.RoleGuardian}
}

// grown is a student with a token of its own.
func grown(p pupil) broker.Caller { return guardian("student:" + p.id) }

// closePeriod freezes and publishes a period.
func (d *town) closePeriod(session string) {
	d.t.Helper()
	d.done(d.ClosePeriod(d.t.Context(), steward, session))
}
