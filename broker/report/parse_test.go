package report_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/report"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// secret stands for what an error must not repeat.
const secret = "Maya Okafor 2011-04-05"

func TestWhatIsNoComparisonIsRefusedByItsPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(a *answer)
		want   string
	}{
		"no agreement":             {func(a *answer) { a.Agreement = "" }, "no agreement"},
		"a period backwards":       {func(a *answer) { a.Period.End = "2020-01-01" }, "ends before it starts"},
		"another profile":          {func(a *answer) { a.Profile = secret }, "profile"},
		"for nobody":               {func(a *answer) { a.ForWhom = secret }, "for_whom"},
		"no rows":                  {func(a *answer) { a.Rows = nil }, "no row"},
		"a row without figures":    {func(a *answer) { a.Rows[1].Figures = nil }, "row 2 has no figure"},
		"a row of another name":    {func(a *answer) { a.Rows[1].Row = secret }, "rows: row 2 is not named"},
		"a row twice":              {func(a *answer) { a.TwoYears = []row{a.Rows[0], a.Rows[0]} }, "two_years: row 2 repeats"},
		"an indicator twice":       {func(a *answer) { a.Rows[0].Figures[1].Indicator = a.Rows[0].Figures[0].Indicator }, "row 1, figure 2"},
		"another status":           {func(a *answer) { a.Rows[0].Figures[1].Status = secret }, "status"},
		"withheld, yet shown":      {func(a *answer) { a.Rows[0].Figures[0].Status = sdc.StatusWithheld }, "a withheld figure shows"},
		"not reported, yet shown":  {func(a *answer) { a.Rows[0].Figures[0].Status = sdc.StatusNotReported }, "not reported shows"},
		"shown, yet nothing there": {func(a *answer) { a.Rows[0].Figures[0].Rest = nil }, "a cohort and a rest"},
		"shown and consented":      {func(a *answer) { a.Rows[0].Figures[0].Consented = &consented{3, 1, secret} }, "nothing consented"},
		"nobody consented":         {func(a *answer) { a.Rows[0].Figures[0] = withheld("gpa").agreed(0) }, "counts nobody"},
		"a band upside down":       {func(a *answer) { a.Rows[0].Figures[0].Cohort.Value.Low = 1e9 }, "ends before it starts"},
		"a negative side":          {func(a *answer) { a.Rows[0].Figures[0].Cohort.N = -1 }, "negative"},
		"another word":             {func(a *answer) { a.Rows[0].Figures[0].Reading.Word = "proves" }, "unknown word"},
		"an interval upside down":  {func(a *answer) { a.Rows[0].Figures[0].Reading.Interval.Low = 1e9 }, "interval"},
		"a reading of nothing": {func(a *answer) {
			a.Rows[0].Figures[0].WeightedReading = &compare.Reading{Word: compare.LikelyHigher}
		}, "without weighted"},
		"a definition twice":    {func(a *answer) { a.Definitions[1] = a.Definitions[0] }, "definition 2"},
		"too many sentences":    {func(a *answer) { a.Cautions = make([]string, 61) }, "sentences"},
		"too many definitions":  {func(a *answer) { a.Definitions = make([]definition, 41) }, "definitions"},
		"a day that is no date": {func(a *answer) { a.Census = secret }, "/census"},
	} {
		a := small()
		c.change(a)
		_, err := report.Parse(a.json(t))
		switch {
		case !errors.Is(err, report.ErrData):
			t.Errorf("%s: %v", name, err)
		case !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v does not say %q", name, err, c.want)
		case strings.Contains(err.Error(), "Maya"):
			t.Errorf("%s: %v repeats what stands there", name, err)
		}
	}
}

func TestUnknownAndDuplicateMembersAreRefused(t *testing.T) {
	t.Parallel()
	good := string(small().json(t))
	for name, text := range map[string]string{
		"an unknown member":      strings.Replace(good, `"agreement":`, `"`+secret+`":1,"agreement":`, 1),
		"a member twice":         strings.Replace(good, `"agreement":`, `"agreement":"x","agreement":`, 1),
		"another case":           strings.Replace(good, `"agreement":`, `"Agreement":`, 1),
		"an unknown member deep": strings.Replace(good, `"cohort":{`, `"cohort":{"exact":3,`, 1),
		"a number as text":       strings.Replace(good, `"n":108`, `"n":"`+secret+`"`, 1),
		"four decimals":          strings.Replace(good, `"low":`, `"low":1.23456,"low":`, 1),
		"no JSON":                good[:len(good)/2],
		"text behind it":         good + secret,
		"a list":                 "[]",
		"null":                   "null",
		"broken UTF-8":           strings.Replace(good, "Lincoln", "Lin\xffcoln", 1),
		"too large":              good + strings.Repeat(" ", report.MaxData),
	} {
		_, err := report.Parse([]byte(text))
		if !errors.Is(err, report.ErrData) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "Maya") {
			t.Errorf("%s: %v repeats what stands there", name, err)
		}
	}
}

func TestAComingMemberIsNotNeeded(t *testing.T) {
	t.Parallel()
	a := small()
	a.SchoolNames, a.Protection = nil, nil
	if text := page(t, a); !strings.Contains(text, "School 0041") {
		t.Error("a school without a name is not called by its id")
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range cases() {
		f.Add(c.answer.json(f))
	}
	f.Add(awkward(f))
	f.Add([]byte(`{"agreement":"a","rows":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := report.Parse(data)
		if err != nil {
			if !errors.Is(err, report.ErrData) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		if !bytes.Equal(p.Data(), data) {
			t.Fatal("the page holds other bytes")
		}
		for _, audience := range []report.Audience{report.NamedPeople, report.BoardAndFunder, report.Public} {
			var out bytes.Buffer
			noError(t, report.Render(&out, p, nil, report.Stamp{Audience: audience}))
			if !utf8.Valid(out.Bytes()) || bytes.Contains(out.Bytes(), []byte("<script")) || bytes.Contains(out.Bytes(), []byte("<img")) {
				t.Fatal("the page is not plain HTML")
			}
		}
	})
}
