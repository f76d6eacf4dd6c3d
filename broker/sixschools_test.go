package broker_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// The case that the design is made for: a partner with 25 children at each of six
// schools of 300, of whom 18 come often enough to count.
const (
	sixSchools   = 6
	sixPupils    = 300
	sixChildren  = 25
	sixRegulars  = 18
	sixAgreement = "six"
)

// afterLent is when the town's year is over.
var afterLent = time.Date(2026, 7, 1, 15, 0, 0, 0, time.UTC)

func sixSchool(i int) string { return fmt.Sprintf("Six-%d", i+1) }

// sixFiles is the export of six schools of four grades, where every ninth child
// misses every other Monday.
func sixFiles() (f files, children []pupil) {
	f = townFiles()
	for s := range sixSchools {
		f.add("schools", sixSchool(s), "School "+fmt.Sprint(s+1), "high")
		for at := day(fallFirst); at <= day(lentLast); at += 7 {
			f.add("calendar", sixSchool(s), at.String(), "yes")
		}
		for i := range sixPupils {
			n := s*sixPupils + i
			p := pupil{fmt.Sprintf("95%04d", n), "Six" + inLetters(n), "Pack" + inLetters(n), (day("2009-01-01") + civil.Date(n%700)).String(), sixSchool(s)}
			f.add("students", p.id, p.given, p.family, p.birth)
			f.add("enrollments", p.id, p.school, fallFirst, "", fmt.Sprint(9+i%4))
			f.add("guardians", p.id, p.mother(), "Mo", p.family, "mother", "parent", "yes")
			if n%9 == 0 {
				for at := day(fallFirst); at <= day(lentLast); at += 14 {
					f.add("attendance", p.id, p.school, at.String(), "absent_excused")
				}
			}
			if i < sixChildren {
				children = append(children, p)
			}
		}
	}
	return f, children
}

// sixLog has twelve sessions of each regular and three of each other child.
func sixLog(children []pupil) string {
	var b strings.Builder
	b.WriteString("participant_ref,given_name,family_name,birthdate,school_id,date\n")
	for i, p := range children {
		sessions := 12
		if i%sixChildren >= sixRegulars {
			sessions = 3
		}
		for k := range sessions {
			fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s\n", p.ref(), p.given, p.family, p.birth, p.school, day(fallFirst)+civil.Date(7*k))
		}
	}
	return b.String()
}

// sixTown closes the year of the six schools with a share of consenting families,
// in percent.
func sixTown(t *testing.T, rate int) *town {
	t.Helper()
	d := emptyTown(t, afterLent)
	f, children := sixFiles()
	d.load(f.write(t), ingest.Options{})
	d.partner("club")
	r := terms("club", sixAgreement)
	r.Profile, r.Schools = agreement.Standard, nil
	for s := range sixSchools {
		r.Schools = append(r.Schools, sixSchool(s))
	}
	r.Indicators = []string{"attendance_rate", "chronic_absence"}
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

// sixYes tells whether the family of a child said yes: evenly over the schools.
func sixYes(child, rate int) bool { return child*rate%100+rate >= 100 }

// sixLeft is how many of a school's cohort nobody was given.
func sixLeft(school, rate int) (left int) {
	for k := range sixRegulars {
		if !sixYes(school*sixChildren+k, rate) {
			left++
		}
	}
	return left
}

// sixBlurred is what stands for a school that is at the blurred floor: one of two
// things, and which is left to the district's keys.
func sixBlurred(t testing.TB, text string) string {
	t.Helper()
	shown := fmt.Sprintf("%d beside %d", sixRegulars, sixPupils-sixRegulars)
	if text != shown && !strings.HasPrefix(text, "withheld; 1") {
		t.Errorf("a school at the blurred floor shows %s", text)
	}
	return shown + " or, by the blurred floor, withheld with its consented beside the whole"
}

// seen says what a partner sees of an indicator in a row.
func seen(f shownFigure) string {
	switch {
	case f.Cohort != nil:
		return fmt.Sprintf("%d beside %d", f.Cohort.N, f.Rest.N)
	case f.Consented != nil && f.Whole != nil:
		return fmt.Sprintf("withheld; %d consented beside the whole of %d", f.Consented.N, f.Whole.N)
	case f.Consented != nil:
		return fmt.Sprintf("withheld; %d consented", f.Consented.N)
	case f.Whole != nil:
		return fmt.Sprintf("withheld; the whole of %d", f.Whole.N)
	}
	return "withheld"
}

func (d *town) sixLine(rate int) (line string, empty bool) {
	ask := func(school string) figures {
		return figuresOf(d.t, d.must(d.Comparison(d.t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: sixAgreement, School: school, Period: townYear})))
	}
	pooled := ask("")["all"]["chronic_absence"]
	schools := map[string]int{}
	var order []string
	for s := range sixSchools {
		text := seen(ask(sixSchool(s))["school:"+sixSchool(s)]["chronic_absence"])
		if left, floor := sixLeft(s, rate), sdc.Standard.Thresholds().UnconsentedFloor; left >= floor && left < floor+sdc.MostBlur {
			text = sixBlurred(d.t, text)
		}
		if schools[text]++; schools[text] == 1 {
			order = append(order, text)
		}
	}
	for i, text := range order {
		order[i] = fmt.Sprintf("%d × %s", schools[text], text)
	}
	return fmt.Sprintf("| %d %% | %s | %s |\n", rate, seen(pooled), strings.Join(order, "; ")), seen(pooled) == "withheld" && len(order) == 1 && strings.HasSuffix(order[0], "× withheld")
}

// What the partner of six schools sees of a closed year, by how many families
// said yes. The table stands in docs/disclosure.md.
func TestAPartnerOfSixSchoolsNeverGetsAnEmptyPage(t *testing.T) {
	t.Parallel()
	rates := []int{0, 30, 50, 70, 90}
	lines := make([]string, len(rates))
	t.Run("rates", func(t *testing.T) {
		for i, rate := range rates {
			t.Run(fmt.Sprint(rate), func(t *testing.T) {
				t.Parallel()
				var empty bool
				if lines[i], empty = sixTown(t, rate).sixLine(rate); empty {
					t.Errorf("at %d %% the page is empty", rate)
				}
			})
		}
	})
	table := "| families who said yes | all six schools | each school |\n|---|---|---|\n" + strings.Join(lines, "")
	page, err := os.ReadFile("../docs/disclosure.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), table) {
		t.Errorf("docs/disclosure.md does not hold this table:\n%s", table)
	}
}
