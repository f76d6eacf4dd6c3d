package consent_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

var signed = time.Date(2025, 9, 1, 15, 0, 0, 0, time.UTC)

func goodGrant() consent.Grant {
	return consent.Grant{
		ID: "g-1", Student: "s-1", Party: "riverside", Purpose: consent.StudentSupport,
		Categories:  []consent.Category{consent.Attendance, consent.DisciplineDates},
		RecordsFrom: civil.Make(2025, 8, 1), RecordsTo: civil.Make(2026, 6, 30), Expires: civil.Make(2026, 8, 31),
		Signer: "p-1", Capacity: consent.Parent, Answer: consent.Yes,
		TextVersion: "2025-1", Language: "es-US", TextSHA256: strings.Repeat("0a", 32),
		Method: consent.Paper, Evidence: consent.Evidence{Kind: "scan", SHA256: strings.Repeat("9f", 32)},
		SignedAt: signed, EnteredAt: signed.Add(time.Hour), Status: consent.InForce,
	}
}

func fields(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var all consent.FieldErrors
	if !errors.As(err, &all) {
		t.Fatalf("%T is no FieldErrors", err)
	}
	names := make([]string, len(all))
	for i, f := range all {
		if names[i] = f.Field; f.Problem == "" || f.Remedy == "" {
			t.Errorf("%s has no problem or no remedy", f.Field)
		}
	}
	return names
}

func TestAGrantMustHoldEveryElementOfTheLaw(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		change func(*consent.Grant)
		fields string
	}{
		{"a whole grant is accepted", func(*consent.Grant) {}, ""},
		{"no id", func(g *consent.Grant) { g.ID = "" }, "id"},
		{"no student", func(g *consent.Grant) { g.Student = "" }, "student"},
		{"no party", func(g *consent.Grant) { g.Party = " " }, "party"},
		{"every party", func(g *consent.Grant) { g.Party = "ALL" }, "party"},
		{"any party", func(g *consent.Grant) { g.Party = "*" }, "party"},
		{"no purpose", func(g *consent.Grant) { g.Purpose = "" }, "purpose"},
		{"a purpose nobody considered", func(g *consent.Grant) { g.Purpose = "advertising" }, "purpose"},
		{"every purpose", func(g *consent.Grant) { g.Purpose = "all" }, "purpose"},
		{"no records", func(g *consent.Grant) { g.Categories = nil }, "categories"},
		{"all records", func(g *consent.Grant) { g.Categories = []consent.Category{"all"} }, "categories[0]"},
		{"all of discipline", func(g *consent.Grant) { g.Categories[1] = "discipline" }, "categories[1]"},
		{"unknown records", func(g *consent.Grant) { g.Categories[0] = "health" }, "categories[0]"},
		{"the same records twice", func(g *consent.Grant) { g.Categories[1] = consent.Attendance }, "categories[1]"},
		{"no first day", func(g *consent.Grant) { g.RecordsFrom = 0 }, "records_from"},
		{"no last day", func(g *consent.Grant) { g.RecordsTo = 0 }, "records_to"},
		{"days the wrong way round", func(g *consent.Grant) { g.RecordsTo = g.RecordsFrom - 1 }, "records_to"},
		{"one day of records is enough", func(g *consent.Grant) { g.RecordsTo = g.RecordsFrom }, ""},
		{"no end", func(g *consent.Grant) { g.Expires = 0 }, "expires"},
		{"ended before it was signed", func(g *consent.Grant) { g.Expires = civil.Make(2025, 8, 31) }, "expires"},
		{"ends on the day of signing", func(g *consent.Grant) { g.Expires = civil.Make(2025, 9, 1) }, ""},
		{"no signer", func(g *consent.Grant) { g.Signer = "" }, "signer"},
		{"no capacity", func(g *consent.Grant) { g.Capacity = "" }, "capacity"},
		{"an unknown capacity in force", func(g *consent.Grant) { g.Capacity = consent.UnknownCapacity }, "capacity"},
		{"an emergency contact in force", func(g *consent.Grant) { g.Capacity = consent.EmergencyContact }, "capacity"},
		{"a caseworker in force", func(g *consent.Grant) { g.Capacity = consent.AgencyCaseworker }, "capacity"},
		{"an unknown capacity may wait", func(g *consent.Grant) { g.Capacity, g.Status = consent.UnknownCapacity, consent.Pending }, ""},
		{"no answer", func(g *consent.Grant) { g.Answer = "" }, "answer"},
		{"an unknown answer", func(g *consent.Grant) { g.Answer = "maybe" }, "answer"},
		{"no status", func(g *consent.Grant) { g.Status = "" }, "status"},
		{"no text version", func(g *consent.Grant) { g.TextVersion = "" }, "text_version"},
		{"no language", func(g *consent.Grant) { g.Language = "" }, "language"},
		{"a language that is no tag", func(g *consent.Grant) { g.Language = "Spanish" }, "language"},
		{"a language tag with an empty part", func(g *consent.Grant) { g.Language = "es-" }, "language"},
		{"no text hash", func(g *consent.Grant) { g.TextSHA256 = "" }, "text_sha256"},
		{"a text hash in capitals", func(g *consent.Grant) { g.TextSHA256 = strings.Repeat("0A", 32) }, "text_sha256"},
		{"a text hash that is too short", func(g *consent.Grant) { g.TextSHA256 = strings.Repeat("0a", 31) }, "text_sha256"},
		{"no method", func(g *consent.Grant) { g.Method = "" }, "method"},
		{"a yes by phone is not signed", func(g *consent.Grant) { g.Method = consent.Phone }, "method"},
		{"a no by phone is heard", func(g *consent.Grant) { g.Method, g.Answer = consent.Phone, consent.No }, ""},
		{"paper without its paper", func(g *consent.Grant) { g.Evidence = consent.Evidence{} }, "evidence"},
		{"paper with a reference", func(g *consent.Grant) { g.Evidence = consent.Evidence{Reference: "drawer 4"} }, ""},
		{"a web answer without its session", func(g *consent.Grant) { g.Method, g.Evidence = consent.Web, consent.Evidence{} }, "evidence"},
		{"evidence that is no hash", func(g *consent.Grant) { g.Evidence.SHA256 = "abc" }, "evidence.sha256"},
		{"no signing date", func(g *consent.Grant) { g.SignedAt = time.Time{} }, "signed_at"},
		{"no entry date", func(g *consent.Grant) { g.EnteredAt = time.Time{} }, "entered_at"},
		{"entered before it was signed", func(g *consent.Grant) { g.EnteredAt = signed.Add(-time.Second) }, "entered_at"},
		{"withdrawn by nobody", func(g *consent.Grant) { g.Withdrawn = &consent.Act{At: signed, EnteredAt: signed} }, "withdrawn.by"},
		{"withdrawn before it was signed", func(g *consent.Grant) {
			g.Withdrawn = &consent.Act{By: "p-1", At: signed.Add(-time.Hour), EnteredAt: signed}
		}, "withdrawn.at"},
		{"confirmed at no moment", func(g *consent.Grant) { g.Confirmed = &consent.Act{By: "officer"} }, "confirmed.at confirmed.at confirmed.entered_at"},
		{"a hold of no family", func(g *consent.Grant) { g.Held = []consent.Hold{{Family: "all", From: 1, To: 2}} }, "held[0].family"},
		{"a hold of no days", func(g *consent.Grant) { g.Held = []consent.Hold{{Family: "grades", From: 3, To: 2}} }, "held[0].to"},
		{"several faults are told at once", func(g *consent.Grant) { g.Party, g.Signer, g.TextSHA256 = "", "", "" }, "party signer text_sha256"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := goodGrant()
			c.change(&g)
			if got := strings.Join(fields(t, g.Validate()), " "); got != c.fields {
				t.Errorf("faults in %q, want %q", got, c.fields)
			}
		})
	}
}

func TestRefusingNeedsLessThanConsenting(t *testing.T) {
	t.Parallel()
	for _, answer := range []consent.Answer{consent.No, consent.Talk} {
		g := consent.Grant{
			ID: "g", Student: "s", Party: "riverside", Purpose: consent.StudentSupport, Categories: consent.Categories(),
			Signer: "p", Capacity: consent.Parent, Answer: answer, Method: consent.Phone, SignedAt: signed, EnteredAt: signed, Status: consent.InForce,
		}
		if err := g.Validate(); err != nil {
			t.Errorf("%s: %v", answer, err)
		}
		g.Answer = consent.Yes
		want := []string{"records_from", "records_to", "expires", "text_version", "language", "text_sha256", "method"}
		if diff := cmp.Diff(want, fields(t, g.Validate())); diff != "" {
			t.Error(diff)
		}
	}
}

func TestNoFaultRepeatsWhatWasGiven(t *testing.T) {
	t.Parallel()
	const secret = "Zaphod-2011-04-05"
	g := consent.Grant{
		ID: "", Student: "", Party: "", Purpose: secret, Categories: []consent.Category{secret}, Signer: "", Capacity: secret, Answer: secret,
		TextVersion: secret, Language: secret, TextSHA256: secret, Method: secret, Evidence: consent.Evidence{SHA256: secret}, Status: secret,
		Held: []consent.Hold{{Family: secret}},
	}
	if text := g.Validate().Error(); strings.Contains(text, secret) {
		t.Errorf("the error repeats a value: %s", text)
	}
}

func TestEachFaultCanBeReachedAsAnError(t *testing.T) {
	t.Parallel()
	g := goodGrant()
	g.Party, g.Purpose = "", ""
	err := g.Validate()
	var one consent.FieldError
	if !errors.As(err, &one) || one.Field != "party" {
		t.Errorf("the first fault is %+v", one)
	}
	if !strings.Contains(err.Error(), "party is missing: ") || !strings.Contains(err.Error(), "; purpose ") {
		t.Errorf("unclear: %v", err)
	}
}

func TestARestrictionNeedsItsDocument(t *testing.T) {
	t.Parallel()
	good := consent.Restriction{Kind: consent.MayNotDecide, Signer: "p", Document: "12-FA-345", From: 10, To: 20}
	cases := []struct {
		name   string
		change func(*consent.Restriction)
		fields string
	}{
		{"a whole restriction", func(*consent.Restriction) {}, ""},
		{"both must agree names nobody", func(r *consent.Restriction) { r.Kind, r.Signer = consent.BothMustAgree, "" }, ""},
		{"unknown kind", func(r *consent.Restriction) { r.Kind = "custody" }, "kind"},
		{"nobody", func(r *consent.Restriction) { r.Signer = "" }, "signer"},
		{"no document", func(r *consent.Restriction) { r.Document = "" }, "document"},
		{"days the wrong way round", func(r *consent.Restriction) { r.To = 9 }, "to"},
		{"lifted by nobody", func(r *consent.Restriction) { r.Lifted = &consent.Act{At: signed, EnteredAt: signed} }, "lifted.by"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := good
			c.change(&r)
			if got := strings.Join(fields(t, r.Validate()), " "); got != c.fields {
				t.Errorf("faults in %q, want %q", got, c.fields)
			}
		})
	}
}

func TestAGrantSurvivesItsJSON(t *testing.T) {
	t.Parallel()
	g := goodGrant()
	act := &consent.Act{By: "officer", At: signed, EnteredAt: signed.Add(time.Minute), Reason: "letter"}
	g.Confirmed, g.Withdrawn, g.Invalidated = act, act, act
	g.Held = []consent.Hold{{Family: "attendance", Period: "fall", From: g.RecordsFrom, To: g.RecordsTo, Override: "officer", OverriddenAt: signed}}
	raw, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	var back consent.Grant
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(g, back); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{`"records_from":"2025-08-01"`, `"text_sha256"`, `"entered_at"`, `"overridden_at"`} {
		if !strings.Contains(string(raw), name) {
			t.Errorf("no %s in %s", name, raw)
		}
	}
}

func TestTheListsAreClosed(t *testing.T) {
	t.Parallel()
	for _, c := range consent.Categories() {
		if !c.Valid() || !slices.Contains(consent.Families(), c.Family()) {
			t.Errorf("%s has no family", c)
		}
	}
	if consent.Category("discipline").Valid() || consent.Category("").Family() != "" {
		t.Error("discipline as a whole is a category")
	}
	holders := 0
	for _, c := range consent.Capacities() {
		if c.MayHoldRights() {
			holders++
		}
	}
	if holders != 6 || consent.Capacity("").MayHoldRights() || consent.UnknownCapacity.MayHoldRights() {
		t.Errorf("%d capacities may hold rights", holders)
	}
	for _, r := range consent.Reasons() {
		if s := r.Sentence(); !strings.HasSuffix(s, ".") {
			t.Errorf("%s has no sentence", r)
		}
	}
	if consent.Reason("other").Sentence() != "" {
		t.Error("an unknown reason has a sentence")
	}
}

func FuzzNoGrantMakesDecidePanic(f *testing.F) {
	raw, _ := json.Marshal(goodGrant())
	f.Add(raw, int64(1757000000), int64(1757000000))
	f.Add([]byte(`{"categories":["attendance"],"answer":"yes","held":[{"family":"attendance"}]}`), int64(0), int64(-1))
	f.Fuzz(func(t *testing.T, raw []byte, at, known int64) {
		var g consent.Grant
		if json.Unmarshal(raw, &g) != nil {
			return
		}
		_ = g.Validate()
		s := consent.Student{Birth: civil.Make(2012, 1, 1), Holders: []consent.Holder{{Signer: g.Signer, Capacity: g.Capacity, HoldsRights: true}}}
		q := consent.Question{Party: g.Party, Purpose: g.Purpose, Category: consent.Attendance, At: time.Unix(at, 0), Known: time.Unix(known, 0), Zone: time.UTC}
		if consent.Decide(s, []consent.Grant{g}, q).Answer == consent.StateYes && g.Status != consent.InForce {
			t.Error("a grant that is not in force opened")
		}
		consent.EverOpened(s, []consent.Grant{g}, "attendance", g.RecordsFrom, g.RecordsTo)
	})
}
