package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

const answerOfEveryKind = `{"period":{"title":"School year 2025-26"},"rows":[{"row":"all","figures":[
  {"indicator":"attendance_rate","status":"ok","cohort":{"n":1282,"coverage":{"kind":"band","code":"GE95","low":94.5,"high":100,"text":"95 % or more"},"value":{"kind":"value","code":"93.5","low":93.25,"high":93.75,"text":"93.5 %"}},
   "rest":{"n":90,"coverage":{"kind":"band","code":"GE95","low":94.5,"high":100,"text":"95 % or more"},"value":{"kind":"band","code":"90-94","low":89.5,"high":94.5,"text":"90–94 %"}},"reading":{"word":"likely higher"}},
  {"indicator":"chronic_absence","status":"withheld","consented":{"n":12,"value":12.5,"unit":"percent"},"whole":{"n":70,"coverage":{"kind":"band","code":"GE95","low":94.5,"high":100,"text":"95 % or more"},"value":{"kind":"band","code":"15-19","low":14.5,"high":19.5,"text":"15–19 %"}}},
  {"indicator":"gpa","status":"withheld","consented":{"n":12,"value":2.25,"unit":"points of 4.0"}},
  {"indicator":"iss_students","status":"withheld"},
  {"indicator":"oss_students","status":"not_reported"}]},{"row":"grade:5","figures":[]}],
  "definitions":[{"id":"attendance_rate","name":"attendance rate"},{"id":"gpa","name":"Grade point average"}]}`

func TestThePooledRowIsLaidOutAsATable(t *testing.T) {
	t.Parallel()
	var c comparison
	if err := json.Unmarshal([]byte(answerOfEveryKind), &c); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"| North Star | the rest | reading",
		"Attendance rate | 93.5 % (n 1,282) | 90–94 % (n 90) | likely higher",
		"Chronic_absence | withheld; consented 12.5 % (n 12) | withheld; all students 15–19 % (n 70) |",
		"Grade point average | withheld; consented 2.2 points of 4.0 (n 12) | withheld |",
		"Iss_students | withheld | withheld |",
		"Oss_students | not reported | not reported |",
	}
	var got []string
	for _, row := range c.table("North Star") {
		got = append(got, strings.TrimSpace(strings.Join(row, " | ")))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if none := (comparison{}).table("North Star"); len(none) != 2 || none[1][0] != "nothing was released" {
		t.Errorf("without rows: %v", none)
	}
}

func TestAHeldClockStartsWhereItIsSetAndRuns(t *testing.T) {
	t.Parallel()
	var c heldClock
	c.set(noon())
	first := c.Now()
	if second := c.Now(); first.Before(noon()) || second.Before(first) || second.Sub(noon()) > time.Hour {
		t.Errorf("%s, then %s", first, second)
	}
	c.set(noon().AddDate(1, 0, 0))
	if c.Now().Year() != 2027 {
		t.Errorf("it is %s", c.Now())
	}
}

func TestATimeOfTheCommandLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"":                          {},
		"2026-11-21":                noon(),
		"2026-11-21T12:00:00Z":      noon(),
		"2026-11-21T06:00:00-06:00": noon(),
	} {
		if got, err := instant("--clock", text); err != nil || !got.Equal(want) {
			t.Errorf("%q is %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"today", "11/21/2026", "2026-11-21 12:00", "2026-02-30"} {
		if _, err := instant("--clock", text); err == nil || !strings.Contains(err.Error(), "--clock is not a time") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTheWalkThroughIsCutOutOfTheReadme(t *testing.T) {
	t.Parallel()
	for _, readme := range []string{"", "# Hallpass\n\n## The main job\n\n    make build\n"} {
		if _, err := walkThrough(readme); err == nil {
			t.Errorf("%q passes", readme)
		}
	}
}

func TestLoopbackIsTold(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{"127.0.0.1:8080": true, "[::1]:8080": true, "0.0.0.0:8080": false, "[::]:8080": false, "10.1.2.3:80": false, "nonsense": false} {
		if loopback(address) != want {
			t.Errorf("%s: %v", address, !want)
		}
	}
}
