package broker_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// queued is a participant in the steward's queue.
type queued struct {
	ID          string `json:"id"`
	Agreement   string `json:"agreement"`
	Given       string `json:"given_name"`
	Birth       string `json:"birthdate"`
	Suggestions []struct {
		StudentID string `json:"student_id"`
		Why       string `json:"why"`
	} `json:"suggestions"`
}

func (d *town) queue() []queued {
	d.t.Helper()
	return data[struct{ Matches []queued }](d.t, d.must(d.Matches(d.t.Context(), steward))).Matches
}

// misspelt is ann with another given name, as a partner might know her.
var misspelt = pupil{ann.id, "Anna", ann.family, ann.birth, north}

func TestANearMatchWaitsForTheStewardWithSuggestions(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(misspelt, ben, stranger)
	d.consent(consentTo("club", ann))
	if rows := d.clubRows(); len(rows) != 0 {
		t.Errorf("%d rows before anybody decided", len(rows))
	}
	queue := d.queue()
	if len(queue) != 2 {
		t.Fatalf("the queue is %+v, want two who were not found", queue)
	}
	for _, q := range queue {
		switch q.Given {
		case "Anna":
			if len(q.Suggestions) != 1 || q.Suggestions[0].StudentID != ann.id || q.Suggestions[0].Why == "" {
				t.Errorf("the suggestions for Anna are %+v", q.Suggestions)
			}
		case stranger.given:
			if len(q.Suggestions) != 0 {
				t.Errorf("the suggestions for a stranger are %+v", q.Suggestions)
			}
		default:
			t.Errorf("%+v is in the queue", q)
		}
	}
}

func TestTheStewardsWordMakesTheRowAppear(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(misspelt)
	d.consent(consentTo("club", ann))
	q := d.queue()[0]
	a := d.must(d.DecideMatch(t.Context(), steward, q.ID, broker.MatchRequest{StudentID: ann.id}))
	if p := d.verified(a.Body()); p.Header.Event != tlog.MatchDecided {
		t.Errorf("the entry is %s", p.Header.Event)
	}
	a.Drop()
	if rows := d.clubRows(); len(rows) != 1 || rows[misspelt.ref()].Ref == "" {
		t.Errorf("the rows are %v", rows)
	}
	if left := d.queue(); len(left) != 0 {
		t.Errorf("the queue still has %+v", left)
	}
	a, err := d.DecideMatch(t.Context(), steward, q.ID, broker.MatchRequest{None: true})
	refused(t, a, err, broker.NotAvailable)
	// The decision stands for the same participant in the next upload.
	d.roster("club", misspelt, ben)
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows after the next upload", len(rows))
	}
}

func TestNobodyIsADecisionToo(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(misspelt)
	d.consent(consentTo("club", ann))
	d.done(d.DecideMatch(t.Context(), steward, d.queue()[0].ID, broker.MatchRequest{None: true}))
	if left := d.queue(); len(left) != 0 {
		t.Errorf("the queue still has %+v", left)
	}
	d.roster("club", misspelt)
	if rows := d.clubRows(); len(rows) != 0 || len(d.queue()) != 0 {
		t.Errorf("the rows are %v", rows)
	}
}

func TestADecisionNamesAStudentOrNobody(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(misspelt)
	id := d.queue()[0].ID
	for _, r := range []broker.MatchRequest{{}, {StudentID: ann.id, None: true}, {StudentID: stranger.id}} {
		a, err := d.DecideMatch(t.Context(), steward, id, r)
		refused(t, a, err, broker.Invalid, "student_id")
	}
	a, err := d.DecideMatch(t.Context(), steward, "mch_absent", broker.MatchRequest{None: true})
	refused(t, a, err, broker.NotAvailable)
}

func TestOnlyAnExactUniqueMatchIsAutomatic(t *testing.T) {
	t.Parallel()
	twin := pupil{"900077", ann.given, ann.family, ann.birth, north}
	d := newTown(t, twin)
	d.club(
		ann, // two students are called so
		pupil{"x", ben.given, ben.family, ben.birth, south},    // at the other school
		pupil{"y", eve.given, eve.family, "2011-07-07", south}, // born another day
		pupil{"z", "  CALVIN ", "castell", cal.birth, north},   // the same in all but case and spaces
	)
	waiting := map[string]int{}
	for _, q := range d.queue() {
		waiting[q.Given] = len(q.Suggestions)
	}
	if len(waiting) != 3 || waiting[ann.given] != 2 || waiting[eve.given] != 1 {
		t.Errorf("the queue and its suggestions are %v", waiting)
	}
	d.consent(by(consentTo("club", cal), self))
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestAStudentNumberFindsTheChildAndNeverComesBack(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	d.conclude(terms("club", "club"))
	line := func(ref string, p pupil, number string) string {
		return fmt.Sprintf("%s,%s,%s,%s,%s,%s\n", ref, p.given, p.family, p.birth, p.school, number)
	}
	roster := "participant_ref,given_name,family_name,birthdate,school_id,student_number\n" +
		line("nick", pupil{"", "Nickname", "Almgren", ann.birth, north}, ann.id) +
		line("wrong", pupil{"", "Wrong", "Day", "2011-01-09", north}, ben.id) + // the number without the birth date
		line("torn", pupil{"", eve.given, eve.family, eve.birth, south}, dee.id) // the number of somebody else
	a := d.must(d.PutRoster(t.Context(), partnerOf("club"), "club", strings.NewReader(roster)))
	if strings.Contains(string(a.Body()), ann.id) {
		t.Error("the answer repeats a student number")
	}
	a.Drop()
	for _, p := range []pupil{ann, ben, eve} {
		d.consent(consentTo("club", p))
	}
	rows := d.clubRows()
	if rows["nick"].Attendance == nil || rows["wrong"].Ref != "" || rows["torn"].Ref == "" || len(rows) != 2 {
		t.Errorf("the rows are %v", rows)
	}
	if b := d.must(d.Participation(t.Context(), partnerOf("club"), "club")); strings.Contains(string(b.Body()), ann.id) {
		t.Error("reading participation gives a student number back")
	}
}

func TestAChildEnrolledSinceTheUploadIsFoundAtTheFreeze(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := newTown(t, kids...)
	d.club(append(kids[:12:12], stranger)...)
	d.imported(townFiles(append(kids, stranger)...))
	if rows := d.queue(); len(rows) != 1 {
		t.Errorf("the queue is %+v", rows)
	}
	d.closePeriod(townFall)
	if got := d.compare("club", "club", "", townFall).cohort("all"); got != 13 {
		t.Errorf("the cohort has %d children, want 13", got)
	}
	if left := d.queue(); len(left) != 0 {
		t.Errorf("the queue still has %+v", left)
	}
}

func TestADecisionAfterTheFreezeEntersWithTheNextPeriod(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := newTown(t, kids...)
	d.club(append(kids[:12:12], misspelt)...)
	d.closePeriod(townFall)
	d.done(d.DecideMatch(t.Context(), steward, d.queue()[0].ID, broker.MatchRequest{StudentID: ann.id}))
	d.closePeriod(townFall)
	if got := d.compare("club", "club", "", townFall).cohort("all"); got != 12 {
		t.Errorf("the frozen cohort has %d children, want 12", got)
	}
	d.clock.Set(time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC))
	d.imported(townFiles(kids...))
	d.closePeriod(townLent)
	if got := d.compare("club", "club", "", townLent).cohort("all"); got != 13 {
		t.Errorf("the next cohort has %d children, want 13", got)
	}
}
