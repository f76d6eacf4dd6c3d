package main

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

func TestNumbersAreWrittenForPeople(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 12: "12", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234", -123: "-123"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is written %q", n, got)
		}
	}
	if got := entries(1) + ", " + entries(2500); got != "1 entry, 2,500 entries" {
		t.Errorf("counted %q", got)
	}
}

func TestATableCarriesNoControlCharacters(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := table(&b, []string{"NAME", "ROLE"}, []string{"Ada\x1b[2J\nLowe", "auditor", ""}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\r") || strings.Count(b.String(), "\n") != 2 {
		t.Errorf("%q", b.String())
	}
}

func TestProgressIsForATerminalOnly(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	if c.progress("verifying") != nil {
		t.Error("progress without a terminal")
	}
	c.terminal = true
	tell := c.progress("verifying")
	tell(50, 200)
	tell(200, 200)
	if got := c.err.String(); got != "\rverifying 25 %\rverifying 100 %\n" {
		t.Errorf("%q", got)
	}
}

func TestALogEntryIsALine(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 14, 30, 0, 0, time.UTC)
	for want, e := range map[string]entry{
		"7 2026-11-21T14:30:00Z query.denied deny: agreement_expired partner / north-star / Pat Quinn n-1 10.1 term ed293c38cc1b comparison school=all period=2025-26": {
			Index: 7, Time: at, Event: "query.denied", Decision: "deny", Reasons: []string{"agreement_expired"}, Agreement: "n-1", Clause: "10.1 term",
			Caller: entryCaller{"partner", "Pat Quinn", "north-star"}, Policy: "ed293c38cc1b71ab", Digest: "0011",
			Request: jsontext.Value(`{"action":"comparison","agreement":"n-1","school":"all","period":"2025-26"}`),
		},
		"8 2026-11-21T14:30:00Z import.published none steward / Stan - - - sha256:e7412668a62c": {
			Index: 8, Time: at, Event: "import.published", Decision: "none", Caller: entryCaller{"steward", "Stan", ""}, Digest: "e7412668a62c8ba9",
		},
		"9 2026-11-21T14:30:00Z consent.granted none (its key was destroyed)": {
			Index: 9, Time: at, Event: "consent.granted", Decision: "none", Destroyed: true,
		},
	} {
		if got := strings.Join(e.row(), " "); got != want {
			t.Errorf("%q\nwant %q", got, want)
		}
	}
}
