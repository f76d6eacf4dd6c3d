package broker_test

import (
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// groupTown is the town of six schools, where every third child is in special
// education and of every seventh that is not known. So many of a hundred families
// said yes.
func groupTown(t *testing.T, rate int, options ...func(*broker.Options)) *town {
	t.Helper()
	d := emptyTown(t, afterLent, options...)
	f, children := sixFiles()
	flags := map[string]string{}
	for i, p := range children {
		flags[p.id] = special(i)
	}
	for i, row := range f["students"] {
		flag, child := flags[row[0]]
		switch {
		case i == 0:
			flag = "special_education"
		case !child:
			flag = special(i)
		}
		f["students"][i] = append(row, flag)
	}
	d.load(f.write(t), ingest.Options{})
	d.partner("club")
	r := groupTerms()
	d.conclude(r)
	d.done(d.PutParticipation(t.Context(), officer, sixAgreement, strings.NewReader(sixLog(children))))
	for i, p := range children {
		if sixYes(i, rate) {
			yes := consentTo(sixAgreement, p)
			yes.Categories = []consent.Category{consent.Attendance}
			d.consent(yes)
		}
	}
	d.closePeriod(townYear)
	return d
}

func groupTerms() broker.AgreementRequest {
	r := terms("club", sixAgreement)
	r.Profile, r.Schools = agreement.Standard, nil
	for s := range sixSchools {
		r.Schools = append(r.Schools, sixSchool(s))
	}
	r.Grain = []string{"all", "school", "special_education"}
	r.Indicators = []string{"attendance_rate", "chronic_absence"}
	return r
}

func special(i int) string {
	switch {
	case i%7 == 0:
		return ""
	case i%3 == 0:
		return "yes"
	}
	return "no"
}

func (d *town) groupFigures(school string) figures {
	d.t.Helper()
	return figuresOf(d.t, d.must(d.Comparison(d.t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: sixAgreement, School: school, Period: townYear})))
}

func TestAGroupsFiguresSayNothingOfItsSizeButABand(t *testing.T) {
	t.Parallel()
	d := groupTown(t, 0)
	got := d.groupFigures("")
	for _, row := range []string{"special_education:yes", "special_education:no"} {
		for indicator, f := range got[row] {
			if f.Cohort == nil || f.Rest == nil || f.Cohort.N != 0 || f.Rest.N != 0 || f.Cohort.Size == nil || f.Rest.Size == nil {
				t.Errorf("%s %s: %+v", row, indicator, f)
			}
		}
		if len(got[row]) != 2 {
			t.Errorf("%s has %d figures", row, len(got[row]))
		}
	}
	for row := range d.groupFigures(sixSchool(0)) {
		if strings.HasPrefix(row, "special_education") {
			t.Errorf("a school's rows have %s", row)
		}
	}
}

// A withheld row shows a partner its consented students instead. Of a group that
// would tell who is in it: the partner knows who said yes.
func TestOfAWithheldGroupTheConsentedStudentsAreNotSummed(t *testing.T) {
	t.Parallel()
	consented := func(options ...func(*broker.Options)) (n int) {
		for row, list := range groupTown(t, 90, options...).groupFigures("") {
			for _, f := range list {
				if strings.HasPrefix(row, "special_education") && f.Consented != nil {
					n++
				}
			}
		}
		return n
	}
	if n := consented(); n != 0 {
		t.Errorf("%d figures of a group hold what its consented students come to", n)
	}
	if n := consented(func(o *broker.Options) { o.Sabotage.TellEveryone = true }); n == 0 {
		t.Error("without the guard there are none either: it tests nothing")
	}
}

func TestFourDimensionsAndGroupsWithoutNoiseAreRefused(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	for name, change := range map[string]func(*broker.AgreementRequest){
		"divides by more than three dimensions": func(r *broker.AgreementRequest) {
			r.Grain = []string{"all", "school", "grade", "english_learner", "special_education"}
		},
		"under another profile than standard": func(r *broker.AgreementRequest) { r.Profile = agreement.PublishedTable },
		"divides by a group without all":      func(r *broker.AgreementRequest) { r.Grain = []string{"special_education"} },
		"is unknown":                          func(r *broker.AgreementRequest) { r.Grain = []string{"all", "shoe_size"} },
	} {
		r := groupTerms()
		r.ID, r.Schools = "refused", []string{north}
		change(&r)
		if _, err := d.CreateAgreement(t.Context(), officer, r); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
