package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

const preflightOfAClub = `{
  "period": {"session_id": "2025-26", "title": "School year"}, "state": "open", "forecast": true, "census": "2026-05-04",
  "blocked": ["The period has not ended; it can be closed on its last day, 2026-06-22, or later."],
  "agreements": [{
    "agreement": "club", "profile": "standard", "unmatched": 2, "cohort": 41, "rest": 300, "figures": {"planned": 12, "shown": 8},
    "pooled": [{"indicator": "attendance_rate", "status": "shown"}, {"indicator": "mean_gpa", "status": "withheld", "cause": "It has 6 participants with records; 10 are needed."}],
    "risk": {"words": ["Somebody guesses right at most 64 times in 100."]}, "holds": [{"family": "attendance", "more_yes": 3}],
    "public_totals": [{"indicator": "attendance_rate", "school": "S"}], "partner_sees": ["All schools together: 41 participants."], "memo": {"state": "unsigned"}
  }],
  "pooled_lost": {"agreements": 1, "lost": 1}, "notes": ["Nothing here looks at an outcome."]
}`

func TestAPreflightReadsAsATableAndItsReasons(t *testing.T) {
	t.Parallel()
	var p preflight
	if err := json.Unmarshal([]byte(preflightOfAClub), &p); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := writePreflight(&out, p); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"2025-26 (School year), census 2026-05-04. Forecast; the period has not ended.",
		"A close is refused: The period has not ended; it can be closed on its last day, 2026-06-22, or later.",
		"club       standard  41            300     2          8 of 12  1       attendance 3  unsigned",
		"  mean_gpa is not shown: It has 6 participants with records; 10 are needed.",
		"  Somebody guesses right at most 64 times in 100.",
		"Of 1 agreements with 40 participants or more 1 lose a pooled row.",
	} {
		if !strings.Contains(out.String(), line+"\n") {
			t.Errorf("it lacks the line %q:\n%s", line, out.String())
		}
	}
	if strings.Contains(out.String(), "attendance_rate is not shown") {
		t.Error("a shown row is said to be withheld")
	}
}

func TestAPreflightOfAFrozenPeriodSaysSo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := writePreflight(&out, preflight{State: "published"}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "The period is published; its freeze does this.") {
		t.Errorf("it says %s", out.String())
	}
}
