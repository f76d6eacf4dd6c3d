package broker_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// uploadedAnswer is what a partner reads of its upload.
type uploadedAnswer struct {
	Participants int
	Sessions     int
	Report       struct {
		Files []struct{ Rows, Good, Errors int }
	}
}

// logLines are rows of participation.csv: so many Mondays from the first.
func logLines(ref string, p pupil, from, mondays int) string {
	var b strings.Builder
	for i := from; i < from+mondays; i++ {
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s\n", ref, p.given, p.family, p.birth, p.school, day(fallFirst)+civil.Date(7*i))
	}
	return b.String()
}

func TestBothFormsOfParticipationSayTheSame(t *testing.T) {
	t.Parallel()
	simple, split := newTown(t), newTown(t)
	simple.club(ann, ben)
	split.partner("club")
	split.conclude(terms("club", "club"))
	var roster, sessions strings.Builder
	roster.WriteString("participant_ref,given_name,family_name,birthdate,school_id\n")
	sessions.WriteString("participant_ref,date\n")
	for _, p := range []pupil{ann, ben} {
		fmt.Fprintf(&roster, "%s,%s,%s,%s,%s\n", p.ref(), p.given, p.family, p.birth, p.school)
		for i := range 12 {
			fmt.Fprintf(&sessions, "%s,%s\n", p.ref(), day(fallFirst)+civil.Date(7*i))
		}
	}
	split.done(split.PutRoster(t.Context(), partnerOf("club"), "club", strings.NewReader(roster.String())))
	split.done(split.PutSessions(t.Context(), partnerOf("club"), "club", strings.NewReader(sessions.String())))
	var said []map[string]any
	for _, d := range []*town{simple, split} {
		d.consent(consentTo("club", ann))
		if rows := d.clubRows(); !slices.Equal(slices.Collect(maps.Keys(rows)), []string{ann.ref()}) {
			t.Errorf("the rows are %v", rows)
		}
		holds := data[map[string]any](t, d.must(d.Participation(t.Context(), partnerOf("club"), "club")))
		delete(holds, "sha256")
		delete(holds, "upload")
		said = append(said, holds)
	}
	if canonical(t, said[0]) != canonical(t, said[1]) || said[0]["at_floor"] != 2.0 {
		t.Errorf("the two forms differ:\n%v\n%v", said[0], said[1])
	}
}

func TestANewRosterKeepsTheSessionsOfThoseWhoStay(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann, ben)
	roster := "participant_ref,given_name,family_name,birthdate,school_id\n" +
		fmt.Sprintf("%s,%s,%s,%s,%s\n", ann.ref(), ann.given, ann.family, ann.birth, ann.school) +
		fmt.Sprintf("%s,%s,%s,%s,%s\n", eve.ref(), eve.given, eve.family, eve.birth, eve.school)
	d.done(d.PutRoster(t.Context(), partnerOf("club"), "club", strings.NewReader(roster)))
	holds := data[map[string]any](t, d.must(d.Participation(t.Context(), partnerOf("club"), "club")))
	if holds["participants"] != 2.0 || holds["at_floor"] != 1.0 {
		t.Errorf("the roster holds %v", holds)
	}
}

func TestSessionsWithoutARosterAreRefused(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	d.conclude(terms("club", "club"))
	a, err := d.PutSessions(t.Context(), partnerOf("club"), "club", strings.NewReader("participant_ref,date\np,2025-09-01\n"))
	refused(t, a, err, broker.Conflict)
	a, err = d.Participation(t.Context(), partnerOf("club"), "club")
	refused(t, a, err, broker.NotAvailable)
}

// The answer to an upload is a function of the bytes and of public lists, so
// that uploading tells nobody who is a student.
func TestTheAnswerToAnUploadDoesNotDependOnWhoExists(t *testing.T) {
	t.Parallel()
	upload := sessionLog(ann, ben, stranger) + "broken,,Nobody,2011-01-01,North,2025-09-01\n"
	var said []string
	var subjects []uint32
	for _, d := range []*town{newTown(t), newTown(t, stranger), emptyTown(t, inLent)} {
		if n, err := d.LogSize(t.Context()); err != nil || n < 2 {
			f := townFiles()
			for _, table := range []string{"students", "enrollments", "attendance", "grades", "discipline", "guardians"} {
				f[table] = f[table][:1]
			}
			f.pupil(others(1)[0])
			d.imported(f)
		}
		d.partner("club")
		d.conclude(terms("club", "club"))
		a := d.must(d.PutParticipation(t.Context(), partnerOf("club"), "club", strings.NewReader(upload)))
		subjects = append(subjects, d.verified(a.Body()).Leaf.Subjects)
		said = append(said, canonical(t, data[map[string]any](t, a)))
	}
	if said[0] != said[1] || said[0] != said[2] {
		t.Errorf("the answers differ:\n%s\n%s\n%s", said[0], said[1], said[2])
	}
	if subjects[0] != subjects[1] || subjects[0] != subjects[2] {
		t.Errorf("the receipts count %v subjects", subjects)
	}
}

// Whether a second upload of the same bytes finds somebody whom the first did
// not is nothing that its answer tells, not even by its receipt.
func TestTheSameUploadAgainTellsNobodyWhoCame(t *testing.T) {
	t.Parallel()
	var said []string
	for _, comes := range [][]pupil{nil, {stranger}} {
		d := newTown(t)
		d.club(ann, stranger)
		d.imported(regraded(townFiles(comes...), ann, "55"))
		a := d.must(d.PutParticipation(t.Context(), partnerOf("club"), "club", strings.NewReader(sessionLog(ann, stranger))))
		_, _, receipt := tlog.SplitAnswer(a.Body())
		said = append(said, fmt.Sprint(receipt)+canonical(t, data[map[string]any](t, a)))
		said[len(said)-1] += canonical(t, data[map[string]any](t, d.must(d.Participation(t.Context(), partnerOf("club"), "club"))))
	}
	if said[0] != said[1] {
		t.Errorf("the answers differ, after nobody and after somebody came:\n%s\n%s", said[0], said[1])
	}
}

func TestOneReferenceWithTwoNamesIsAnErrorRow(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	d.conclude(terms("club", "club"))
	body := sessionLog(ann) + logLines(ann.ref(), ben, 0, 1)
	got := data[uploadedAnswer](t, d.must(d.PutParticipation(t.Context(), partnerOf("club"), "club", strings.NewReader(body))))
	if got.Participants != 1 || len(got.Report.Files) != 1 || got.Report.Files[0].Errors != 1 || got.Report.Files[0].Good != 12 {
		t.Errorf("the report is %+v", got)
	}
}

func TestAFileWithoutAnyParticipantIsRefusedWithItsPlaces(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	for name, body := range map[string]string{
		"empty": "", "header only": "participant_ref,given_name,family_name,birthdate,school_id,date\n",
		"no such school": "participant_ref,given_name,family_name,birthdate,school_id,date\n" + logLines("x", pupil{"", "Zebulon", "Zimmermann", "2011-01-01", "West"}, 0, 1),
		"binary":         "\x00\x01\x02",
	} {
		a, err := d.PutParticipation(t.Context(), partnerOf("club"), "club", strings.NewReader(body))
		refused(t, a, err, broker.Invalid, "body")
		if strings.Contains(err.Error(), "Zebulon") || strings.Contains(err.Error(), "Zimmermann") {
			t.Errorf("%s: the error echoes a name: %v", name, err)
		}
	}
	if rows := data[map[string]any](t, d.must(d.Participation(t.Context(), officer, "club"))); rows["participants"] != 1.0 {
		t.Errorf("the roster that was there is %v", rows)
	}
}

// Twelve children of the club, all of North, are its cohort in the fall.
func cohortTown(t *testing.T, upload func(kids []pupil) string) (*town, []pupil) {
	t.Helper()
	kids := others(40)
	d := newTown(t, kids...)
	d.partner("club")
	d.conclude(terms("club", "club"))
	d.done(d.PutParticipation(t.Context(), partnerOf("club"), "club", strings.NewReader(upload(kids))))
	return d, kids
}

func TestTwoReferencesToOneStudentAreOneChildWhoseDaysCountOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		from, second int
		want         int
	}{
		{"five days and the same five", 0, 5, 12},
		{"five days and four others", 5, 4, 13},
		{"five days and three others", 5, 3, 12},
		{"five days and six, two of them the same", 3, 6, 13},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, _ := cohortTown(t, func(kids []pupil) string {
				twice := kids[12]
				return sessionLog(kids[:12]...) + logLines("one", twice, 0, 5) + logLines("two", twice, c.from, c.second)
			})
			d.closePeriod(townFall)
			if got := d.compare("club", "club", "", townFall).cohort("all"); got != c.want {
				t.Errorf("the cohort has %d children, want %d", got, c.want)
			}
			kid := others(13)[12]
			d.consent(consentTo("club", kid))
			if rows := d.clubRows(); len(rows) != 1 || rows["one"].Ref != "one" {
				t.Errorf("the child's rows are %v", rows)
			}
		})
	}
}

func TestADayCountsOnceAndOnlyWithinEnrolment(t *testing.T) {
	t.Parallel()
	late := others(13)[12]
	for _, c := range []struct {
		name, upload string
		want         int
	}{
		{"nine days", logLines("late", late, 6, 9), 13},
		{"eight days", logLines("late", late, 6, 8), 12},
		{"eight days, one of them twice", logLines("late", late, 6, 8) + logLines("late", late, 6, 1), 12},
		{"nine days, one before the entry", logLines("late", late, 4, 9), 12},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := emptyTown(t, inLent)
			f := townFiles(others(40)...)
			for i, row := range f["enrollments"] {
				if row[0] == late.id {
					f["enrollments"][i][2] = (day(fallFirst) + 35).String() // from the sixth Monday on
				}
			}
			f.drop("attendance", late.id)
			d.imported(f)
			d.club(others(12)...)
			d.done(d.PutParticipation(t.Context(), partnerOf("club"), "club", strings.NewReader(sessionLog(others(12)...)+c.upload)))
			d.closePeriod(townFall)
			if got := d.compare("club", "club", "", townFall).cohort("all"); got != c.want {
				t.Errorf("the cohort has %d children, want %d", got, c.want)
			}
		})
	}
}

func TestAnUploadAfterTheCensusIsADraftOfTheNextPeriod(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := emptyTown(t, time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC))
	early := townFiles(kids...)
	early["attendance"] = early["attendance"][:1]
	d.imported(early)
	d.done(d.SetCalendar(t.Context(), steward, townFall, broker.CalendarRequest{Census: day("2026-01-20")}))
	d.club(kids[:12]...)
	d.clock.Set(time.Date(2026, 1, 20, 23, 0, 0, 0, time.UTC))
	d.roster("club", kids[:13]...) // still on the day of the census
	d.clock.Set(time.Date(2026, 1, 21, 0, 0, 0, 0, time.UTC))
	d.roster("club", kids[:20]...)
	d.clock.Set(inLent)
	d.imported(townFiles(kids...))
	d.closePeriod(townFall)
	if got := d.compare("club", "club", "", townFall).cohort("all"); got != 13 {
		t.Errorf("the frozen cohort has %d children, want the 13 of the census", got)
	}
	d.clock.Set(time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC))
	d.imported(townFiles(kids...))
	d.closePeriod(townLent)
	if got := d.compare("club", "club", "", townLent).cohort("all"); got != 20 {
		t.Errorf("the next period's cohort has %d children, want 20", got)
	}
	if got := d.compare("club", "club", "", townFall).cohort("all"); got != 13 {
		t.Errorf("the frozen cohort became %d children", got)
	}
}

func TestARosterIsADraftUntilTheCensus(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.done(d.SetCalendar(t.Context(), officer, townLent, broker.CalendarRequest{Census: day("2026-05-04")}))
	if got := data[map[string]any](t, d.must(d.Participation(t.Context(), partnerOf("club"), "club"))); got["draft_until"] != "2026-05-04" {
		t.Errorf("the roster is said to be a draft until %v", got["draft_until"])
	}
}

// A person of the partner reads what its sites and programs hold.
func TestAPersonReadsTheChildrenOfItsSitesAndPrograms(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.done(d.CreatePartner(t.Context(), officer, broker.PartnerRequest{
		ID: "club", Name: "Club", LegalEntity: "Club Inc.", Contact: "1 Main Street", Sites: []string{north, south}, Programs: []string{"chess", "choir"},
	}))
	d.conclude(terms("club", "club"))
	body := "participant_ref,given_name,family_name,birthdate,school_id,date,program\n"
	for p, program := range map[pupil]string{ann: "chess", ben: "choir", eve: "choir"} {
		body += fmt.Sprintf("%s,%s,%s,%s,%s,2025-09-08,%s\n", p.ref(), p.given, p.family, p.birth, p.school, program)
	}
	d.done(d.PutParticipation(t.Context(), partnerOf("club"), "club", strings.NewReader(body)))
	for _, p := range []pupil{ann, ben, eve} {
		d.consent(consentTo("club", p))
	}
	for _, c := range []struct {
		sites, programs []string
		want            []pupil
	}{
		{nil, nil, []pupil{ann, ben, eve}},
		{[]string{south}, nil, []pupil{eve}},
		{nil, []string{"choir"}, []pupil{ben, eve}},
		{[]string{north}, []string{"choir"}, []pupil{ben}},
		{[]string{south}, []string{"chess"}, nil},
	} {
		who := partnerOf("club")
		who.Sites, who.Programs = c.sites, c.programs
		var want []string
		for _, p := range c.want {
			want = append(want, p.ref())
		}
		if got := slices.Sorted(maps.Keys(d.rowsFor(who, "club"))); !slices.Equal(got, want) {
			t.Errorf("%v %v: the rows are %v, want %v", c.sites, c.programs, got, want)
		}
	}
	stray := partnerOf("club")
	stray.Programs = []string{"rowing"}
	a, err := d.Students(t.Context(), stray, broker.StudentsRequest{Agreement: "club", Period: "current"})
	denied(t, a, err, "site_not_permitted")
}

// The cohort are the participants at the floor on the day of the census:
// meetings that were planned for later do not count yet.
func TestMeetingsAfterTheCensusDoNotCount(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := emptyTown(t, time.Date(2025, 11, 20, 12, 0, 0, 0, time.UTC))
	f := townFiles(kids...)
	f["attendance"] = f["attendance"][:1]
	d.imported(f)
	d.done(d.SetCalendar(t.Context(), steward, townFall, broker.CalendarRequest{Census: day("2025-12-01")}))
	d.club(kids[:12]...)
	planned := sessionLog(kids[:12]...) + logLines("planned", kids[12], 6, 8) + logLines("kept", kids[13], 5, 9)
	d.done(d.PutParticipation(t.Context(), partnerOf("club"), "club", strings.NewReader(planned)))
	d.clock.Set(inLent)
	d.imported(townFiles(kids...))
	d.closePeriod(townFall)
	if got := d.compare("club", "club", "", townFall).cohort("all"); got != 13 {
		t.Errorf("the cohort has %d children, want the 12 and the one who met nine times by the census", got)
	}
}
