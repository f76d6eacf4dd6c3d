package broker_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// The third term of a town that has one.
const (
	townTrinity  = "Y25-T"
	lentToDate   = townLent + "-to-date"
	thirdLent    = "2026-03-30" // last day of the second term
	trinityFirst = "2026-04-06"
)

// threeTerms is the town's export with its second term divided. The third gives
// everybody a better mark and no absence.
func threeTerms(kids ...pupil) files {
	f := townFiles(kids...)
	for i, row := range f["sessions"] {
		if row[0] == townLent {
			f["sessions"][i] = []string{townLent, "Lent", "term", lentFirst, thirdLent, townYear}
		}
	}
	f.add("sessions", townTrinity, "Trinity", "term", trinityFirst, lentLast, townYear)
	for _, row := range slices.Clone(f["grades"]) {
		if row[2] == townLent {
			f.add("grades", row[0], row[1], townTrinity, "Maths", "1", "98", "0-100")
		}
	}
	return f
}

// afterTrinity is a moment after the school year.
var afterTrinity = day(lentLast).Time().Add(30 * time.Hour)

// toDateTown is a town of three terms with an agreement under standard, whose
// figures have neither noise nor other protection.
func toDateTown(t *testing.T, at time.Time) *town {
	t.Helper()
	kids := others(60)
	d := emptyTown(t, at, sabotaged(broker.Sabotage{Weak: sdc.WeakExact}))
	d.load(threeTerms(kids...).write(t), ingest.Options{})
	d.partner("club")
	r := terms("club", "club")
	r.Profile, r.Indicators, r.Grain = agreement.Standard, []string{"attendance_rate", "mean_course_result"}, []string{"all"}
	d.conclude(r)
	d.roster("club", kids[:30]...)
	return d
}

// longer is what an answer says of the year to date.
func (d *town) longer(period string) map[string]shownFigure {
	d.t.Helper()
	a := d.must(d.Comparison(d.t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "club", Period: period}))
	rows := data[struct {
		Rows []struct {
			Row     string
			Figures []shownFigure
		} `json:"year_to_date"`
	}](d.t, a).Rows
	out := map[string]shownFigure{}
	for _, row := range rows {
		for _, f := range row.Figures {
			out[f.Indicator] = f
		}
	}
	return out
}

func schoolDays(from, to civil.Date) float64 { return float64((to-from)/7 + 1) }

func TestTheYearToDateIsClosedAsAPeriodOfItsOwn(t *testing.T) {
	t.Parallel()
	d := toDateTown(t, afterTrinity)
	d.closePeriod(lentToDate)
	got := d.compare("club", "club", "", lentToDate)["all"]
	held := schoolDays(day(fallFirst), day(fallLast)) + schoolDays(day(lentFirst), day(thirdLent))
	for indicator, want := range map[string]float64{"attendance_rate": 100 * (1 - 4/held), "mean_course_result": (71 + 83) / 2.} {
		for name, side := range map[string]*side{"cohort": got[indicator].Cohort, "rest": got[indicator].Rest} {
			if side == nil || side.Value.Low > want+.06 || side.Value.High < want-.06 || side.Value.High-side.Value.Low > .1 {
				t.Errorf("%s of the %s is %+v, want %.2f: two terms of three", indicator, name, side, want)
			}
		}
	}
}

func TestATermsAnswerShowsTheYearUpToItsEndOnceThatIsPublished(t *testing.T) {
	t.Parallel()
	d := toDateTown(t, afterTrinity)
	for _, term := range []string{townFall, townLent, townTrinity} {
		d.closePeriod(term)
		if got := d.longer(term); len(got) != 0 {
			t.Fatalf("%s shows a year to date that nobody published: %v", term, got)
		}
	}
	d.closePeriod(lentToDate)
	d.closePeriod(townYear)
	for term, longer := range map[string]string{townFall: "", townLent: lentToDate, townTrinity: townYear, townYear: "", lentToDate: ""} {
		got, want := d.longer(term), map[string]shownFigure{}
		if longer != "" {
			want = d.compare("club", "club", "", longer)["all"]
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d indicators stand beside it, want those %d of %q", term, len(got), len(want), longer)
		}
		for indicator, f := range got {
			by := want[indicator]
			if f.Cohort == nil || !reflect.DeepEqual(f.Cohort, by.Cohort) || !reflect.DeepEqual(f.Rest, by.Rest) || !reflect.DeepEqual(f.Reading, by.Reading) {
				t.Errorf("%s: %s to date is %+v, and by itself %+v", term, indicator, f, by)
			}
		}
	}
}

// TestAYearToDateIsForetoldOnceItHasACalendar and not before: it may never come.
func TestAYearToDateIsForetoldOnceItHasACalendar(t *testing.T) {
	t.Parallel()
	d := toDateTown(t, inLent)
	if _, err := d.Freeze(t.Context(), steward, lentToDate); err == nil {
		t.Error("it was frozen before its last day")
	}
	foretold := func() bool {
		return slices.ContainsFunc(d.meter("club", "club").Next, func(n struct {
			ID string `json:"session_id"`
		},
		) bool {
			return n.ID == lentToDate
		})
	}
	if foretold() {
		t.Error("it is foretold although nobody said that it will come")
	}
	d.done(d.SetCalendar(t.Context(), steward, lentToDate, broker.CalendarRequest{Census: day("2026-03-16"), Provisional: day("2026-04-10")}))
	if !foretold() {
		t.Error("it is not foretold although it has a calendar")
	}
	if _, err := d.SetCalendar(t.Context(), steward, lentToDate, broker.CalendarRequest{Census: day(trinityFirst)}); err == nil {
		t.Error("its census lies after its end")
	}
}
