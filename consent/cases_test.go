package consent_test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"go.yaml.in/yaml/v3"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

// caseFile is one file of testdata/decide. Moments are local to the zone;
// what a case leaves out has the values of the constants below.
type caseFile struct {
	About string
	Zone  string
	Birth string
	Cases []tableCase
}

type tableCase struct {
	Name          string
	Zone          string
	Birth         string
	Postsecondary string
	Holders       []holderRow
	Restrictions  []restrictionRow
	Pauses        []pauseRow
	Aliases       []aliasRow
	Answers       []answerRow
	Asks          []askRow
}

type holderRow struct {
	Who, Capacity, From, To, Entered string
	Rights                           *bool
}

type restrictionRow struct {
	Kind, Who, From, To, Entered string
	Lifted                       *actRow
}

type pauseRow struct {
	At, Entered string
	Ended       *actRow
}

type aliasRow struct{ Who, Other, Entered string }

type answerRow struct {
	ID, By, Says, Capacity, Signed, Entered    string
	Party, Purpose, Categories, Records, Until string
	Pending                                    bool
	Confirmed, Withdrawn, Invalidated          *actRow
	Held                                       []holdRow
}

type actRow struct{ At, Entered string }

type holdRow struct{ Family, Days, Override, Overridden string }

type askRow struct {
	At, Known, Party, Purpose, Category string
	Want                                string
	Windows, Deciding                   []string
	Own                                 *bool
}

const (
	usualZone     = "America/Chicago"
	usualBirth    = "2012-04-15"
	usualParty    = "riverside"
	usualPurpose  = "student_support"
	usualCategory = "attendance"
	usualRecords  = "2025-08-01..2026-06-30"
	usualUntil    = "2026-08-31"
	usualAsk      = "2025-10-15 12:00"
	usualKnown    = "2030-01-01 00:00"
)

// ask is one question of one case, ready to be decided.
type ask struct {
	file, name string
	student    consent.Student
	grants     []consent.Grant
	question   consent.Question
	want       askRow
}

func loadAsks(t testing.TB) []ask {
	t.Helper()
	paths, err := filepath.Glob("testdata/decide/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no case files: %v", err)
	}
	var asks []ask
	for _, path := range paths {
		asks = append(asks, loadFile(t, path)...)
	}
	return asks
}

func loadFile(t testing.TB, path string) []ask {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file caseFile
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var asks []ask
	for _, c := range file.Cases {
		r := reader{t: t, place: path + ": " + c.Name, zone: zone(t, cmp.Or(c.Zone, file.Zone, usualZone))}
		c.Birth = cmp.Or(c.Birth, file.Birth, usualBirth)
		for i, a := range c.Asks {
			name := c.Name
			if len(c.Asks) > 1 {
				name = fmt.Sprintf("%s, question %d", c.Name, i+1)
			}
			asks = append(asks, ask{filepath.Base(path), name, r.student(c), r.grants(c), r.question(a), a})
		}
	}
	return asks
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// reader turns rows into values and fails the test at their place.
type reader struct {
	t     testing.TB
	place string
	zone  *time.Location
}

func (r reader) date(s string) civil.Date {
	if s == "" || s == "none" {
		return 0
	}
	d, err := civil.Parse(s)
	if err != nil {
		r.t.Fatalf("%s: %q: %v", r.place, s, err)
	}
	return d
}

func (r reader) moment(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, r.zone); err == nil {
			return t.UTC()
		}
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC()
	}
	r.t.Fatalf("%s: %q is not a moment", r.place, s)
	return time.Time{}
}

func (r reader) span(s string) (from, to civil.Date) {
	a, b, _ := strings.Cut(s, "..")
	return r.date(a), r.date(b)
}

func (r reader) act(a *actRow) *consent.Act {
	if a == nil {
		return nil
	}
	return &consent.Act{By: "officer", At: r.moment(a.At), EnteredAt: r.moment(cmp.Or(a.Entered, a.At))}
}

func (r reader) student(c tableCase) consent.Student {
	s := consent.Student{Birth: r.date(c.Birth), Postsecondary: r.date(c.Postsecondary)}
	for _, h := range c.Holders {
		s.Holders = append(s.Holders, consent.Holder{
			Signer: h.Who, Capacity: consent.Capacity(cmp.Or(h.Capacity, "parent")), HoldsRights: h.Rights == nil || *h.Rights,
			From: r.date(h.From), To: r.date(h.To), EnteredAt: r.moment(h.Entered),
		})
	}
	for _, x := range c.Restrictions {
		s.Restrictions = append(s.Restrictions, consent.Restriction{
			Kind: consent.RestrictionKind(x.Kind), Signer: x.Who, From: r.date(x.From), To: r.date(x.To),
			Document: "order 12-FA-345", EnteredAt: r.moment(x.Entered), Lifted: r.act(x.Lifted),
		})
	}
	for _, p := range c.Pauses {
		s.Pauses = append(s.Pauses, consent.Pause{At: r.moment(p.At), EnteredAt: r.moment(cmp.Or(p.Entered, p.At)), Ended: r.act(p.Ended)})
	}
	for _, a := range c.Aliases {
		s.Aliases = append(s.Aliases, consent.Alias{Signer: a.Who, Other: a.Other, EnteredAt: r.moment(a.Entered)})
	}
	return s
}

func (r reader) grants(c tableCase) []consent.Grant {
	var grants []consent.Grant
	for _, a := range c.Answers {
		g := consent.Grant{
			ID: a.ID, Student: "s", Party: cmp.Or(a.Party, usualParty), Purpose: consent.Purpose(cmp.Or(a.Purpose, usualPurpose)),
			Signer: a.By, Capacity: consent.Capacity(cmp.Or(a.Capacity, "parent")), Answer: consent.Answer(a.Says),
			Method: consent.Paper, Evidence: consent.Evidence{Reference: "drawer 4"},
			TextVersion: "1", Language: "en", TextSHA256: strings.Repeat("ab", 32),
			SignedAt: r.moment(a.Signed), EnteredAt: r.moment(cmp.Or(a.Entered, a.Signed)), Status: consent.InForce,
			Expires: r.date(cmp.Or(a.Until, usualUntil)), Confirmed: r.act(a.Confirmed),
			Withdrawn: r.act(a.Withdrawn), Invalidated: r.act(a.Invalidated),
		}
		if a.Pending {
			g.Status = consent.Pending
		}
		g.RecordsFrom, g.RecordsTo = r.span(cmp.Or(a.Records, usualRecords))
		for _, name := range strings.Fields(cmp.Or(a.Categories, usualCategory)) {
			g.Categories = append(g.Categories, consent.Category(name))
		}
		for _, h := range a.Held {
			hold := consent.Hold{Family: h.Family, Period: "fall", Override: h.Override, OverriddenAt: r.moment(h.Overridden)}
			hold.From, hold.To = r.span(h.Days)
			g.Held = append(g.Held, hold)
		}
		if err := g.Validate(); err != nil {
			r.t.Fatalf("%s: answer %s is not a valid grant: %v", r.place, a.ID, err)
		}
		grants = append(grants, g)
	}
	return grants
}

func (r reader) question(a askRow) consent.Question {
	return consent.Question{
		Party: cmp.Or(a.Party, usualParty), Purpose: consent.Purpose(cmp.Or(a.Purpose, usualPurpose)),
		Category: consent.Category(cmp.Or(a.Category, usualCategory)),
		At:       r.moment(cmp.Or(a.At, usualAsk)), Known: r.moment(cmp.Or(a.Known, usualKnown)), Zone: r.zone,
	}
}

// differs returns what is not as the case wants it, or "".
func (a ask) differs(got consent.State) string {
	if is := string(got.Answer) + ", " + string(got.Reason); is != a.want.Want {
		return fmt.Sprintf("got %s, want %s", is, a.want.Want)
	}
	if a.want.Own != nil && got.Own != *a.want.Own {
		return fmt.Sprintf("got own %v", got.Own)
	}
	if a.want.Deciding != nil && strings.Join(got.Deciding, " ") != strings.Join(a.want.Deciding, " ") {
		return fmt.Sprintf("decided by %v, want %v", got.Deciding, a.want.Deciding)
	}
	var windows []string
	for _, w := range got.Windows {
		windows = append(windows, inWords(w))
	}
	if a.want.Windows != nil && strings.Join(windows, "\n") != strings.Join(a.want.Windows, "\n") {
		return fmt.Sprintf("windows %q, want %q", windows, a.want.Windows)
	}
	return ""
}

func inWords(w consent.Window) string {
	s := fmt.Sprintf("%s %s..%s until %s", w.Grant, w.RecordsFrom, w.RecordsTo, w.Expires)
	for i, c := range w.Closed {
		s += either(i == 0, " closed ", ", ") + fmt.Sprintf("%s..%s", c.From, c.To)
	}
	return s
}

func either(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}
