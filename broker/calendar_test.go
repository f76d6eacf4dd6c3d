package broker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// calendar publishes the fall's dates.
func (d *town) calendar(provisional, final string) {
	d.t.Helper()
	req := broker.CalendarRequest{Census: day("2026-01-20"), Provisional: day(provisional), Final: day(final)}
	d.done(d.SetCalendar(d.t.Context(), steward, townFall, req))
}

func TestNothingIsPublishedBeforeTheProvisionalDay(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := emptyTown(t, time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC))
	d.load(townFiles(kids...).write(t), ingest.Options{ExportDate: day(lentLast)})
	d.club(kids[:12]...)
	d.calendar("2026-03-12", "2026-03-20")
	d.clock.Set(inLent.Add(24 * time.Hour)) // the eleventh
	a, err := d.ClosePeriod(t.Context(), steward, townFall)
	refused(t, a, err, broker.Conflict)
	if !strings.Contains(err.Error(), "2026-03-12") || d.periods(steward)[townFall].State != "open" {
		t.Errorf("%v; the period is %s", err, d.periods(steward)[townFall].State)
	}
	stages := []struct {
		day  int
		want string
	}{{12, "provisional"}, {20, "provisional"}, {21, "final"}}
	for _, s := range stages {
		d.clock.Set(time.Date(2026, 3, s.day, 9, 0, 0, 0, time.UTC))
		d.closePeriod(townFall)
		if _, got := d.shownFamilies(); got != s.want {
			t.Errorf("on March %d the figures are %q, want %s", s.day, got, s.want)
		}
	}
	d.imported(regraded(townFiles(kids...), kids[0], "20"))
	a, err = d.CorrectPeriod(t.Context(), officer, townFall, broker.CorrectionRequest{Reason: "A mark was wrong."})
	refused(t, a, err, broker.Conflict)
	if !strings.Contains(err.Error(), "final") {
		t.Error(err)
	}
}

func TestWithoutACalendarFiguresHaveNoStage(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	d.closePeriod(townFall)
	if _, got := d.shownFamilies(); got != "" {
		t.Errorf("the figures are %q", got)
	}
}
