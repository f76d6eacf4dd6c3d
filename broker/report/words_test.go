package report_test

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/report"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// text is what a reader sees of a piece of a page.
func text(page string) string {
	seen := regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]*>`).ReplaceAllString(page, " ")
	return strings.Join(strings.Fields(html.UnescapeString(seen)), " ")
}

// section is the piece of a page between a mark and the next section.
func section(t tester, page, from, to string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, from)
	part, _, ended := strings.Cut(rest, to)
	if !found || !ended {
		t.Fatalf("the page has no piece from %q to %q", from, to)
	}
	return part
}

func words() []compare.Word {
	return []compare.Word{compare.LikelyHigher, compare.LikelyLower, compare.NoClearDifference, compare.TooSmallToTell}
}

// A page claims of a difference what the answer's word says, and no other word.
func TestThePageSaysTheWordOfTheReadingAndNoOther(t *testing.T) {
	t.Parallel()
	for _, word := range words() {
		a := small().each(0, func(f figure) figure {
			if f.Reading != nil {
				f.Reading.Word, f.Reading.Needed = word, 480
			}
			return f
		})
		page := page(t, a)
		for part, piece := range map[string]string{
			"headline":   section(t, page, `id="glance"`, "</section>"),
			"indicators": section(t, page, `id="indicators"`, "</section>"),
			"rows":       "<table" + section(t, page, `<table class="rows"`, "</table>"),
		} {
			said := text(piece)
			for _, other := range words() {
				if strings.Contains(said, string(other)) != (other == word) {
					t.Errorf("%s: of %q it says %q", part, word, said)
				}
			}
		}
		if word == compare.TooSmallToTell && !strings.Contains(text(page), "too small to tell: about 480 participants would tell") {
			t.Error("it does not say how many would tell")
		}
	}
}

func TestWithAWeightedRestThatIsTheComparison(t *testing.T) {
	t.Parallel()
	a := small()
	f := a.Rows[0].Figures[0].weighted(1)
	f.Reading.Word, f.WeightedReading.Word = compare.LikelyHigher, compare.NoClearDifference
	a.Rows[0].Figures[0] = f
	p := page(t, a)
	if said := text(section(t, p, `id="glance"`, "</ul>")); !strings.Contains(said, "Rest, same mix") {
		t.Errorf("the headline has another rest: %s", said)
	}
	said := text(section(t, p, `id="indicator-1"`, "</article>"))
	for _, want := range []string{"Rest, same mix " + f.Weighted.Value.Text, "no clear difference Higher is better. Unadjusted rest: " + f.Rest.Value.Text + " (1,310), likely higher."} {
		if !strings.Contains(said, want) {
			t.Errorf("the indicator lacks %q: %s", want, said)
		}
	}
	f.WeightedReading = nil
	a.Rows[0].Figures[0] = f
	said = text(section(t, page(t, a), `id="indicator-1"`, "</article>"))
	if strings.Contains(said, "= no clear difference") || !strings.Contains(said, "Unadjusted rest") || strings.Contains(said, "▲") {
		t.Errorf("a weighted rest without reading is read all the same: %s", said)
	}
}

func TestAttendanceLeadsAsDaysMissed(t *testing.T) {
	t.Parallel()
	for code, c := range map[string]struct {
		shown sdc.Shown
		want  string
	}{
		"a value":        {sdc.Shown{Kind: sdc.KindValue, Low: 94_250, High: 94_750}, "10"},
		"all of it":      {sdc.Shown{Kind: sdc.KindValue, Low: 100_000, High: 100_000}, "0"},
		"chronic":        {sdc.Shown{Kind: sdc.KindValue, Low: 89_750, High: 90_250}, "18"},
		"the upper band": {sdc.Shown{Kind: sdc.KindBand, Low: 98_000, High: 100_000}, "0–4"},
	} {
		if got := report.DaysMissed(c.shown); got != c.want {
			t.Errorf("%s: %s days, want %s", code, got, c.want)
		}
	}
	said := text(section(t, page(t, small()), `id="glance"`, "</section>"))
	for _, want := range []string{"Missed in a 180-day year*", "about 18 days Participants", "* Days are an illustration"} {
		if !strings.Contains(said, want) {
			t.Errorf("the headline lacks %q: %s", want, said)
		}
	}
	a := small().each(0, func(f figure) figure { return withheld(f.Indicator) })
	if said := text(page(t, a)); strings.Contains(said, "180-day") {
		t.Error("a page without an attendance rate speaks of days")
	}
}

func TestTheHeadlineGoesFromAttendanceToDiscipline(t *testing.T) {
	t.Parallel()
	a := town(records.SuspendedStudents, records.CourseFailureShare, records.ChronicAbsence, records.AttendanceRate)
	a.add(sdc.Key{}, func(id string) figure { return compared(id, 0, 324, 3120) })
	said := text(section(t, page(t, a), `id="glance"`, "</section>"))
	last := -1
	for _, topic := range []string{"Attendance", "Chronic absence", "Course results", "Discipline"} {
		i := strings.Index(said, topic)
		if i <= last {
			t.Errorf("%s stands at %d, after %d", topic, i, last)
		}
		last = i
	}
}

func TestAWithheldFigureSaysWhyAndWhatHelpsAndShowsNoNumber(t *testing.T) {
	t.Parallel()
	said := text(strings.Split(page(t, withheldAll()), "<footer>")[0])
	for _, want := range []string{"comparison withheld", "could reveal something about a single student", "What helps: all schools together", "By school", "Definitions"} {
		if !strings.Contains(said, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(said, "Difference") || strings.Contains(said, "▲ likely higher = ") {
		t.Errorf("the page compares what is withheld: %s", said)
	}
}

func TestAFigureWithoutDataIsNotZero(t *testing.T) {
	t.Parallel()
	said := text(page(t, cases()["not_reported"].answer))
	if !strings.Contains(said, "Not reported: the district holds no data of this kind for the period. That is not zero.") {
		t.Error("the page does not say so")
	}
}

func TestEveryDefinitionSettingProtectionAndCautionIsPrinted(t *testing.T) {
	t.Parallel()
	a := standardTown()
	said := text(page(t, a))
	var want []string
	for _, d := range a.Definitions {
		want = append(want, fmt.Sprintf("%s (version %d): %s ÷ %s.", d.Name, d.Version, d.Numerator, d.Denominator))
		want = append(want, d.Notes...)
	}
	want = append(append(append(want, a.Settings...), a.Protection...), a.Cautions...)
	for _, w := range want {
		if !strings.Contains(said, strings.Join(strings.Fields(w), " ")) {
			t.Errorf("the page lacks %q", w)
		}
	}
}

func TestEveryRowIsOnThePage(t *testing.T) {
	t.Parallel()
	p := page(t, standardTown())
	for _, s := range schools {
		if n := strings.Count(p, "<bdi>"+s[1]+"</bdi>"); n < 1 {
			t.Errorf("%s stands on the page %d times", s[1], n)
		}
		if !strings.Contains(p, "<bdi>"+s[1]+", Grade 8</bdi>") {
			t.Errorf("grade 8 of %s is missing", s[1])
		}
	}
	for _, want := range []string{"Grade 6", "Grade 12", "Kindergarten"} {
		if !strings.Contains(p+page(t, small()), "<bdi>"+want+"</bdi>") {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestNoTextOfTheAnswerIsTakenForHTML(t *testing.T) {
	t.Parallel()
	s := stamp()
	s.Partner, s.District, s.Agreement = hostile, hostile, hostile
	p := pageFor(t, hostileTown().json(t), nil, s)
	for _, bad := range []string{"<script", "<img", "\x00", "\u202E", "<b>&amp;"} {
		if strings.Contains(strings.Split(p, "<footer>")[0], bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if strings.Count(p, "</style>") != 1 {
		t.Error("the style can be ended by a name")
	}
	if !strings.Contains(p, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("the names are not there at all")
	}
}

func TestAPageLoadsNothing(t *testing.T) {
	t.Parallel()
	p := page(t, standardTown())
	if found := regexp.MustCompile(`(?i)\b(src|href|action|srcset|poster|data|style|on[a-z]+)="([^#][^"]*)"|url\(|@import|https?:`).FindString(strings.Split(p, "<footer>")[0]); found != "" {
		t.Errorf("the page has %q", found)
	}
	policy := report.SecurityPolicy(report.NamedPeople)
	if !strings.Contains(p, html.EscapeString(policy)) || strings.Contains(policy, "unsafe") || !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("the page carries another policy than %s", policy)
	}
}
