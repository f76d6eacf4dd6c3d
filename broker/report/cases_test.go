package report_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/report"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

var update = flag.Bool("update", false, "write the pages under testdata anew")

// pageCase is an answer and for whom it is written.
type pageCase struct {
	answer   *answer
	audience report.Audience
	proven   bool // with a receipt
}

// hostile are names that try to break a page.
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>' & </style> ` + "\u202Eevil\u202C مدرسة \x00\r\n"

func hostileTown() *answer {
	a := small()
	a.SchoolNames[schools[0][0]] = hostile
	a.SchoolNames[schools[1][0]] = strings.Repeat("Llanfair", 40)
	a.Period.Title = hostile
	a.Agreement = "<b>&amp;</b>"
	a.Cautions = append(a.Cautions, hostile)
	a.Settings = []string{hostile}
	for i := range a.Definitions {
		a.Definitions[i].Name = hostile + a.Definitions[i].Name
		a.Definitions[i].Unit = hostile
		a.Definitions[i].Notes = []string{hostile}
	}
	for i := range a.Rows {
		for _, f := range a.Rows[i].Figures {
			f.Cohort.Value.Code, f.Cohort.Value.Text = "", hostile
		}
	}
	return a
}

// withheldAll is an agreement of nine students, all withheld.
func withheldAll() *answer {
	return small().each(0, func(f figure) figure { return withheld(f.Indicator) })
}

func cases() map[string]pageCase {
	published := small()
	published.Rows[3].Figures[0].Status = sdc.StatusLowPrecision
	reported := small()
	for i := range reported.Rows {
		reported.Rows[i].Figures[2] = figure{Indicator: reported.Rows[i].Figures[2].Indicator, Status: sdc.StatusNotReported}
	}
	standard := small()
	standard.Profile = "standard"
	standard.Protection = []string{"The noise of a count has a standard deviation of 2 students."}
	for i := range standard.Rows[0].Figures {
		standard.Rows[0].Figures[i] = standard.Rows[0].Figures[i].weighted(i)
	}
	standard.TwoYears, standard.YearToDate = standard.Rows[:1], standard.Rows[:2]
	budgeted := small()
	budgeted.Profile = "budgeted"
	budgeted.Protection = []string{"This release spent 0.31 of the 0.90 granted for the year."}
	consented := withheldAll().each(0, func(f figure) figure { return f.agreed(9) })
	consented.Stale = []stale{{"attendance", "2026-08-19"}}
	school := small()
	school.School, school.Rows = schools[0][0], school.Rows[1:2]
	return map[string]pageCase{
		"published_table":                  {published, report.NamedPeople, true},
		"not_reported":                     {reported, report.NamedPeople, false},
		"standard":                         {standard, report.NamedPeople, true},
		"budgeted":                         {budgeted, report.Public, true},
		"schools_withheld":                 {small().each(1, func(f figure) figure { return withheld(f.Indicator) }), report.NamedPeople, false},
		"all_withheld_with_consent":        {consented, report.NamedPeople, true},
		"all_withheld_with_consent_public": {consented, report.BoardAndFunder, true},
		"all_withheld":                     {withheldAll(), report.NamedPeople, false},
		"one_school":                       {school, report.NamedPeople, false},
		"hostile":                          {hostileTown(), report.NamedPeople, false},
	}
}

func (c pageCase) page(t tester) string {
	t.Helper()
	data := c.answer.json(t)
	s := stamp()
	s.Audience = c.audience
	if !c.proven {
		return pageFor(t, data, nil, s)
	}
	return pageFor(t, data, receiptOf(t, data), s)
}

var (
	styleText = regexp.MustCompile(`(?s)<style>.*?</style>`)
	styleHash = regexp.MustCompile(`sha256-[A-Za-z0-9+/=]{44}`)
)

// readable puts each element on a line of its own, without the style, which is
// a file of its own.
func readable(page string) string {
	page = styleText.ReplaceAllString(page, "<style></style>")
	page = styleHash.ReplaceAllString(page, "sha256-…")
	return strings.ReplaceAll(page, "><", ">\n<") + "\n"
}

func TestPagesAreTheOnesUnderTestdata(t *testing.T) {
	t.Parallel()
	for name, c := range cases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("testdata", "pages", name+".html")
			got := readable(c.page(t))
			if *update {
				noError(t, os.WriteFile(path, []byte(got), 0o600))
			}
			want, err := os.ReadFile(path)
			noError(t, err)
			if got != string(want) {
				t.Errorf("%s differs at %q; go test -update writes it anew", path, firstDifference(got, string(want)))
			}
		})
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i]
		}
	}
	return "the end"
}

func TestTheSamePageIsWrittenTwice(t *testing.T) {
	t.Parallel()
	if page(t, full()) != page(t, full()) {
		t.Error("the page of an answer differs from run to run")
	}
}
