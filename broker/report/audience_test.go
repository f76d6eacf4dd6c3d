package report_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/report"
)

// unprovenFor writes a page without its footer, which differs with the bytes of
// the data.
func unprovenFor(t tester, a *answer, audience report.Audience, broken report.Broken) string {
	t.Helper()
	s := stamp()
	s.Audience = audience
	var out bytes.Buffer
	noError(t, report.RenderBroken(&out, parsed(t, a.json(t)), nil, s, broken))
	text, _, found := strings.Cut(out.String(), "<footer>")
	if !found {
		t.Fatal("the page has no footer")
	}
	return text
}

// mixed is an agreement in which some figures are withheld, and some of those
// stand beside consented students or the whole school.
func mixed(t *rapid.T) *answer {
	n := rapid.IntRange(1, 9)
	return small().each(0, func(f figure) figure {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return f
		case 1:
			return withheld(f.Indicator)
		case 2:
			f = withheld(f.Indicator).agreed(n.Draw(t, "consented"))
			f.Whole = nil
			return f
		}
		return withheld(f.Indicator).agreed(n.Draw(t, "consented"))
	})
}

func withoutConsented(a *answer) *answer {
	return a.each(0, func(f figure) figure {
		f.Consented = nil
		return f
	})
}

// What a board and the public are given does not depend on who said yes.
func boardsAreBlind(t *rapid.T, broken report.Broken) bool {
	for _, audience := range []report.Audience{report.BoardAndFunder, report.Public} {
		a := mixed(t)
		a.Stale = []stale{{"grades", "2026-08-01"}}
		with := unprovenFor(t, a, audience, broken)
		a.Stale = nil
		if with != unprovenFor(t, withoutConsented(a), audience, broken) {
			return false
		}
	}
	return true
}

func TestAPageForABoardOrThePublicIsTheSameWhoeverSaidYes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		if !boardsAreBlind(t, report.Broken{}) {
			t.Fatal("the page depends on the consented students")
		}
	})
}

func TestWithoutTheFilterThePageForABoardWouldTellWhoSaidYes(t *testing.T) {
	t.Parallel()
	told := false
	rapid.Check(t, func(t *rapid.T) {
		told = told || !boardsAreBlind(t, report.Broken{KeepConsented: true})
	})
	if !told {
		t.Error("the property cannot fail")
	}
}

func TestNamedPeopleSeeTheirConsentedStudents(t *testing.T) {
	t.Parallel()
	a := withheldAll().each(0, func(f figure) figure { return f.agreed(9) })
	named := unprovenFor(t, a, report.NamedPeople, report.Broken{})
	public := unprovenFor(t, a, report.Public, report.Broken{})
	for _, want := range []string{"9 students whose families said yes", "98.1 %", "98.1 % (9)"} {
		if !strings.Contains(named, want) {
			t.Errorf("the page for named people lacks %q", want)
		}
		if strings.Contains(public, want) {
			t.Errorf("the page for the public says %q", want)
		}
	}
	if !strings.Contains(public, "All students") {
		t.Error("the whole school, which is protected, is missing from the page for the public")
	}
}

// Exact figures must not come back in by the data that a receipt is checked
// against, and the receipt names who asked.
func TestThePageForThePublicHoldsNoExactDataAndNamesNobody(t *testing.T) {
	t.Parallel()
	a := withheldAll().each(2, func(f figure) figure { return f.agreed(9) })
	data := a.json(t)
	for audience, holds := range map[report.Audience]bool{report.NamedPeople: true, report.BoardAndFunder: false, report.Public: false} {
		s := stamp()
		s.Audience = audience
		text := pageFor(t, data, receiptOf(t, data), s)
		if strings.Contains(text, `id="data"`) != holds {
			t.Errorf("%s: holding the exact data is %v", audience, !holds)
		}
		if strings.Contains(text, "Erin Sola") != holds {
			t.Errorf("%s: naming the person who asked is %v", audience, !holds)
		}
		if !strings.Contains(text, "Signed checkpoint") {
			t.Errorf("%s: the receipt is missing", audience)
		}
	}
}

func TestEveryPageSaysForWhomItIs(t *testing.T) {
	t.Parallel()
	for audience, want := range map[report.Audience]string{
		report.NamedPeople: "For the people named in the agreement", report.BoardAndFunder: "For the board and funders", report.Public: "Public",
	} {
		text := unprovenFor(t, small(), audience, report.Broken{})
		if !strings.Contains(text, "<strong>"+want+".</strong>") {
			t.Errorf("the page for %s has another stamp", audience)
		}
		if !strings.Contains(text, `@bottom-left{content:"`+want+`"`) {
			t.Errorf("the printed sheets for %s have another stamp", audience)
		}
	}
}

func TestAnUnknownAudienceIsRefused(t *testing.T) {
	t.Parallel()
	for _, audience := range []report.Audience{"", "everyone", "Public"} {
		var out bytes.Buffer
		err := report.Render(&out, parsed(t, small().json(t)), nil, report.Stamp{Audience: audience})
		if !errors.Is(err, report.ErrAudience) || out.Len() > 0 {
			t.Errorf("%q: %v, and %d bytes were written", audience, err, out.Len())
		}
	}
}

func TestAPageComesFromParseAlone(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := report.Render(&out, report.Page{}, nil, stamp()); !errors.Is(err, report.ErrPage) || out.Len() > 0 {
		t.Errorf("an empty page gives %v, and %d bytes", err, out.Len())
	}
}
