package broker_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// rowOf is one child's consented row.
func (d *town) rowOf(p pupil) shownRow {
	d.t.Helper()
	row, ok := d.clubRows()[p.ref()]
	if !ok {
		d.t.Fatalf("no row of %s", p.ref())
	}
	return row
}

// spansOf are the days that a row says a category covers.
func (r shownRow) spansOf(category string) (spans []string) {
	for _, s := range r.Spans {
		if s["category"] == category {
			spans = append(spans, s["from"]+".."+s["to"])
		}
	}
	return spans
}

func TestARowSaysExactlyWhatTheFamilyOpened(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann, ben)
	d.consent(consentTo("club", ann))
	row := d.rowOf(ann)
	// 22 Mondays of the fall and six of Lent until the tenth of March, two missed in each.
	if want := (shownAttendance{28, 4, 85.7}); *row.Attendance != want {
		t.Errorf("attendance is %+v, want %+v", *row.Attendance, want)
	}
	if len(row.Grades) != 2 || row.Discipline != nil || row.School != north {
		t.Errorf("the row is %+v", row)
	}
	if got := row.spansOf("attendance"); !slices.Equal(got, []string{"2025-09-01..2026-03-10"}) {
		t.Errorf("attendance covers %v", got)
	}
	if _, there := d.clubRows()[ben.ref()]; there {
		t.Error("a child nobody consented for has a row")
	}
}

func TestOneCategoryOpensNoOther(t *testing.T) {
	t.Parallel()
	f := townFiles()
	f.add("discipline", ann.id, north, "2025-10-06", "i1", "fighting", "oss", "2")
	d := emptyTown(t, inLent)
	d.imported(f)
	d.club(ann)
	for _, category := range []consent.Category{consent.Attendance, consent.Grades} {
		r := consentTo("club", ann)
		r.Categories = []consent.Category{category}
		made := d.consent(r)
		row := d.rowOf(ann)
		if (row.Attendance != nil) != (category == consent.Attendance) || (row.Grades != nil) != (category == consent.Grades) || row.Discipline != nil {
			t.Errorf("%s alone opens %+v", category, row)
		}
		d.done(d.InvalidateConsent(t.Context(), officer, made.ID, broker.ReviewRequest{Reason: "next case"}))
	}
}

// In-school suspension is attendance, out-of-school suspension absence; to
// whom the discipline record is closed neither is more than that.
func TestSuspensionsShowAsDaysPresentAndAbsentOnly(t *testing.T) {
	t.Parallel()
	f := townFiles()
	f.drop("attendance", ann.id)
	f.add("attendance", ann.id, north, "2025-09-08", "iss")
	f.add("attendance", ann.id, north, "2025-09-15", "oss")
	f.add("attendance", ann.id, north, "2025-09-22", "half_absent")
	f.add("attendance", ann.id, north, "2025-09-29", "tardy")
	d := emptyTown(t, inLent)
	d.imported(f)
	d.club(ann)
	d.consent(consentTo("club", ann))
	a := d.must(d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: "current"}))
	body := string(a.Body())
	a.Drop()
	if got := *d.rowOf(ann).Attendance; got.Enrolled != 28 || got.Absent != 1.5 {
		t.Errorf("attendance is %+v, want one day and a half absent of 28", got)
	}
	for _, code := range []string{"iss", "oss", "suspen"} {
		if containsWord(body, code) {
			t.Errorf("the answer says %q: %s", code, body)
		}
	}
}

// containsWord looks for a code as a JSON string of its own.
func containsWord(body, word string) bool {
	return slices.ContainsFunc([]string{`"` + word + `"`, `"` + word + `_`}, func(s string) bool {
		for i := 0; i+len(s) <= len(body); i++ {
			if body[i:i+len(s)] == s {
				return true
			}
		}
		return false
	})
}

func TestDisciplineShowsOnlyThePortionsThatWereOpened(t *testing.T) {
	t.Parallel()
	f := townFiles()
	f.add("discipline", ann.id, north, "2025-10-06", "i1", "vandalism", "oss", "2")
	f.add("discipline", ann.id, north, "2025-09-08", "i2", "fighting", "restorative", "")
	d := emptyTown(t, inLent)
	d.imported(f)
	d.club(ann)
	for _, c := range []struct {
		portions []consent.Category
		want     string
	}{
		{[]consent.Category{consent.DisciplineIncident}, `[{"incident_type":"fighting"},{"incident_type":"vandalism"}]`},
		{[]consent.Category{consent.DisciplineAction}, `[{"action":"oss","days":2},{"action":"restorative"}]`},
		{[]consent.Category{consent.DisciplineDates}, `[{"date":"2025-09-08"},{"date":"2025-10-06"}]`},
		{[]consent.Category{consent.DisciplineIncident, consent.DisciplineDates}, `[{"date":"2025-09-08","incident_type":"fighting"},{"date":"2025-10-06","incident_type":"vandalism"}]`},
		{
			[]consent.Category{consent.DisciplineIncident, consent.DisciplineAction, consent.DisciplineDates},
			`[{"action":"restorative","date":"2025-09-08","incident_type":"fighting"},{"action":"oss","date":"2025-10-06","days":2,"incident_type":"vandalism"}]`,
		},
	} {
		r := consentTo("club", ann)
		r.Categories = c.portions
		made := d.consent(r)
		row := d.rowOf(ann)
		if got := canonical(t, row.Discipline); got != c.want {
			t.Errorf("%v opens %s, want %s", c.portions, got, c.want)
		}
		if row.Attendance != nil || row.Grades != nil {
			t.Errorf("%v opens %+v", c.portions, row)
		}
		d.done(d.InvalidateConsent(t.Context(), officer, made.ID, broker.ReviewRequest{Reason: "next case"}))
	}
}

func TestAGrantOpensTheDaysFromItsFirstToItsLastOnly(t *testing.T) {
	t.Parallel()
	f := townFiles()
	f.add("discipline", ann.id, north, "2025-09-01", "i1", "fighting", "other", "")
	f.add("discipline", ann.id, north, "2025-09-15", "i2", "bullying", "other", "")
	f.add("discipline", ann.id, north, "2026-02-02", "i3", "vandalism", "other", "")
	d := emptyTown(t, inLent)
	d.imported(f)
	d.club(ann)
	r := consentTo("club", ann)
	r.Categories = consent.Categories()
	// Without the first Monday, which was missed; with the second, which was too.
	r.RecordsFrom, r.RecordsTo = day("2025-09-02"), day("2025-12-01")
	d.consent(r)
	row := d.rowOf(ann)
	if got := *row.Attendance; got.Enrolled != 13 || got.Absent != 1 {
		t.Errorf("attendance is %+v, want one of the 13 Mondays", got)
	}
	if row.Grades != nil {
		t.Errorf("a term that is not open as a whole shows %v", row.Grades)
	}
	if got := canonical(t, row.Discipline); got != `[{"action":"other","date":"2025-09-15","incident_type":"bullying"}]` {
		t.Errorf("the discipline record shows %s", got)
	}
	for _, category := range []string{"attendance", "grades", "discipline_dates"} {
		if got := row.spansOf(category); !slices.Equal(got, []string{"2025-09-02..2025-12-01"}) {
			t.Errorf("%s covers %v", category, got)
		}
	}
	r.RecordsFrom, r.RecordsTo = day(fallFirst), day(fallLast)
	r.SignedAt = inLent
	d.consent(r)
	row = d.rowOf(ann)
	if len(row.Grades) != 1 || row.Grades[0]["session"] != townFall || row.Grades[0]["value"] != "71" {
		t.Errorf("with the fall open as a whole the results are %v", row.Grades)
	}
	if got := *row.Attendance; got.Enrolled != 22 || got.Absent != 2 {
		t.Errorf("attendance of the fall is %+v", got)
	}
}

func TestGrantsOfBothParentsOpenTheDaysOfEither(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	r := consentTo("club", ann)
	r.RecordsTo = day("2025-10-06")
	d.consent(r)
	r = by(consentTo("club", ann), broker.SignerRef{GuardianID: ann.father()})
	r.RecordsFrom = day("2026-02-02")
	d.consent(r)
	row := d.rowOf(ann)
	if got := row.spansOf("attendance"); !slices.Equal(got, []string{"2025-09-01..2025-10-06", "2026-02-02..2026-03-10"}) {
		t.Errorf("attendance covers %v", got)
	}
	if got := *row.Attendance; got.Enrolled != 12 || got.Absent != 4 {
		t.Errorf("attendance is %+v, want four of twelve Mondays", got)
	}
}

// Nothing but days to come is open: there is nothing to show, and the row is
// absent like any other without an open category.
func TestAGrantOfDaysToComeShowsNothingYet(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	r := consentTo("club", ann)
	r.RecordsFrom = day("2026-04-01")
	d.consent(r)
	if row, there := d.clubRows()[ann.ref()]; there {
		t.Errorf("the row is %+v", row)
	}
}

func TestReportedTotalsShowForSessionsThatAreOpenAsAWhole(t *testing.T) {
	t.Parallel()
	f := townFiles()
	f["attendance"] = f["attendance"][:1]
	f["attendance_summary"] = [][]string{{"student_id", "school_id", "session_id", "days_enrolled", "days_absent"}}
	f.add("attendance_summary", ann.id, north, townFall, "22", "3")
	f.add("attendance_summary", ann.id, north, townLent, "20", "5")
	delete(f, "attendance")
	d := emptyTown(t, time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC))
	d.imported(f)
	d.club(ann)
	for _, c := range []struct {
		from, to string
		want     shownAttendance
	}{
		{fallFirst, lentLast, shownAttendance{42, 8, 81}},
		{fallFirst, fallLast, shownAttendance{22, 3, 86.4}},
		{fallFirst, "2026-05-01", shownAttendance{22, 3, 86.4}},
		{"2025-09-02", lentLast, shownAttendance{20, 5, 75}},
		{"2025-09-02", "2026-05-01", shownAttendance{}},
	} {
		r := consentTo("club", ann)
		r.Categories = []consent.Category{consent.Attendance}
		r.RecordsFrom, r.RecordsTo = day(c.from), day(c.to)
		made := d.consent(r)
		var got shownAttendance
		if a := d.clubRows()[ann.ref()].Attendance; a != nil {
			got = *a
		}
		if got != c.want {
			t.Errorf("%s to %s: %+v, want %+v", c.from, c.to, got, c.want)
		}
		d.done(d.InvalidateConsent(t.Context(), officer, made.ID, broker.ReviewRequest{Reason: "next case"}))
	}
}

func TestAChildOfTwoSchoolsShowsOnlyTheAgreementsSchool(t *testing.T) {
	t.Parallel()
	f := townFiles()
	for i, row := range f["enrollments"] {
		if row[0] == ann.id {
			f["enrollments"][i][3] = "2025-12-31"
		}
	}
	f.add("enrollments", ann.id, south, "2026-01-01", "", "9")
	f.drop("attendance", ann.id)
	f.add("attendance", ann.id, north, "2025-09-01", "absent_excused")
	f.add("attendance", ann.id, south, "2026-02-02", "absent_excused")
	f.add("attendance", ann.id, south, "2026-02-09", "absent_excused")
	f.drop("grades", ann.id)
	f.add("grades", ann.id, north, townFall, "Maths", "1", "71", "0-100")
	f.add("grades", ann.id, south, townLent, "Maths", "1", "83", "0-100")
	d := emptyTown(t, inLent)
	d.imported(f)
	d.partner("club")
	r := terms("club", "club")
	r.Schools = []string{south}
	d.conclude(r)
	d.done(d.PutParticipation(t.Context(), officer, "club", stringReader(sessionLog(pupil{ann.id, ann.given, ann.family, ann.birth, south}))))
	d.consent(consentTo("club", ann))
	row := d.rowOf(ann)
	if row.School != south || row.Attendance == nil || row.Attendance.Absent != 2 || row.Attendance.Enrolled != 10 {
		t.Errorf("the row is of %s with %+v, want ten days of South", row.School, row.Attendance)
	}
	if len(row.Grades) != 1 || row.Grades[0]["session"] != townLent {
		t.Errorf("the results are %v", row.Grades)
	}
}

func TestOnlyCategoriesThatWereAskedForAreShown(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.consent(consentTo("club", ann))
	ask := func(c ...consent.Category) (*broker.Answer, error) {
		return d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: "current", Categories: c})
	}
	got := data[struct{ Rows []shownRow }](t, d.must(ask(consent.Grades)))
	if len(got.Rows) != 1 || got.Rows[0].Attendance != nil || got.Rows[0].Grades == nil || len(got.Rows[0].spansOf("attendance")) > 0 {
		t.Errorf("asked for grades, read %+v", got.Rows)
	}
	got = data[struct{ Rows []shownRow }](t, d.must(ask(consent.DisciplineDates)))
	if len(got.Rows) != 0 {
		t.Errorf("asked for what is closed, read %+v", got.Rows)
	}
	a, err := ask("shoe_size")
	refused(t, a, err, broker.Invalid, "categories")
	a, err = d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: townFall})
	refused(t, a, err, broker.Invalid, "period")
	narrow := terms("club", "narrow")
	narrow.Categories = []consent.Category{consent.Attendance}
	d.conclude(narrow)
	d.roster("narrow", ann)
	a, err = d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "narrow", Period: "current", Categories: []consent.Category{consent.Grades}})
	denied(t, a, err, "category_not_in_agreement")
	a, err = ask([]consent.Category{}...)
	if err == nil {
		a.Drop()
	}
}

func TestAnAgreementWithoutARosterHasNoRows(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	d.conclude(terms("club", "club"))
	a, err := d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: "current"})
	denied(t, a, err, "roster_missing")
}

func TestAnAnswerOfRowsCarriesReceiptNoticeAndStamp(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann, ben)
	d.consent(consentTo("club", ann))
	a := d.must(d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: "current"}))
	p := d.verified(a.Body())
	if p.Header.Event != tlog.QueryReleased || p.Header.Clause == "" || p.Header.AgreementVersion != 1 || p.Leaf.Subjects != 2 {
		t.Errorf("the receipt says %+v of %d subjects", p.Header, p.Leaf.Subjects)
	}
	got := data[struct {
		AsOf     string `json:"as_of"`
		DataAsOf string `json:"data_as_of"`
		Notice   string
	}](t, a)
	if got.AsOf != "2026-03-10" || got.DataAsOf != "2026-03-10" || got.Notice == "" {
		t.Errorf("the answer says %+v", got)
	}
}

func TestBetweenYearsTheLastYearIsCurrent(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.consent(consentTo("club", ann))
	d.clock.Set(time.Date(2026, 8, 15, 12, 0, 0, 0, time.UTC))
	row := d.rowOf(ann)
	if row.Attendance == nil || len(row.Grades) != 2 {
		t.Errorf("the row is %+v", row)
	}
	if got := row.spansOf("attendance"); !slices.Equal(got, []string{fallFirst + ".." + lentLast}) {
		t.Errorf("attendance covers %v", got)
	}
}

// The real schools: dosage does not gate a consented row, and at eighteen the
// student's own answer alone does.
func TestTheRealSchoolsRowsFollowConsentAndAgeNotDosage(t *testing.T) {
	t.Parallel()
	d := realSchools(t)
	students := handStudents(t)
	pick := func(want func(*handStudent) bool) *handStudent {
		for i := 1; i <= 649; i++ {
			if s := students[fmt.Sprintf("POR%04d", i)]; want(s) {
				return s
			}
		}
		t.Fatal("no such student")
		return nil
	}
	under := pick(func(s *handStudent) bool { return len(s.dates) == 5 && !s.adult })
	atFloor := pick(func(s *handStudent) bool { return len(s.dates) == 12 && !s.adult })
	grown := pick(func(s *handStudent) bool { return len(s.dates) == 12 && s.adult })
	outside := pick(func(s *handStudent) bool { return len(s.dates) == 0 && !s.adult })
	for _, s := range []*handStudent{under, atFloor, outside} {
		d.done(d.CreateConsent(t.Context(), officer, yes("mentoring", s.id, guardianOf(t, s.id))))
	}
	a, err := d.CreateConsent(t.Context(), officer, yes("mentoring", grown.id, guardianOf(t, grown.id)))
	refused(t, a, err, broker.Invalid, "signer")
	if got := d.students("riverside", "mentoring").Rows; len(got) != 2 {
		t.Fatalf("%d rows, want the two participants whose families said yes", len(got))
	}
	d.done(d.CreateConsent(t.Context(), officer, yes("mentoring", grown.id, "")))
	seen := map[string]bool{}
	for _, r := range d.students("riverside", "mentoring").Rows {
		for _, s := range []*handStudent{under, atFloor, grown} {
			var values []int64
			for _, g := range r.Grades {
				values = append(values, handNumber(t, g.Value))
			}
			if r.Attendance.Absent == float64(s.absent) && slices.Equal(slices.Sorted(slices.Values(values)), slices.Sorted(slices.Values(s.results))) {
				seen[s.id] = true
			}
		}
	}
	if len(seen) != 3 {
		t.Errorf("the rows match the files for %v", seen)
	}
	d.done(d.ClosePeriod(t.Context(), steward, "2005-06"))
	if got := d.compare("riverside", "mentoring", "", "2005-06").cohort("all"); got != 315 {
		t.Errorf("the cohort has %d students", got)
	}
}
