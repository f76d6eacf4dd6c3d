package consent_test

import (
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

var (
	fallFrom, fallTo     = civil.Make(2025, 8, 20), civil.Make(2025, 12, 20)
	springFrom, springTo = civil.Make(2026, 1, 5), civil.Make(2026, 6, 10)
)

func TestWhatIsOpenNowAndWhatEverWas(t *testing.T) {
	t.Parallel()
	act := &consent.Act{By: "officer", At: signed.AddDate(0, 1, 0), EnteredAt: signed.AddDate(0, 1, 0)}
	fallHeld := []consent.Hold{{Family: "attendance", Period: "fall", From: fallFrom, To: fallTo}}
	overridden := []consent.Hold{{Family: "attendance", Period: "fall", From: fallFrom, To: fallTo, Override: "the family insists", OverriddenAt: signed}}
	cases := []struct {
		name      string
		change    func(*consent.Grant)
		family    string
		from, to  civil.Date
		self, any bool
	}{
		{"a yes in force is both", func(*consent.Grant) {}, "attendance", fallFrom, fallTo, true, true},
		{"one portion opens the family", func(g *consent.Grant) { g.Categories = g.Categories[1:] }, "discipline", fallFrom, fallTo, true, true},
		{"a family it does not name is neither", func(*consent.Grant) {}, "grades", fallFrom, fallTo, false, false},
		{"a family nobody knows is neither", func(g *consent.Grant) { g.Categories = []consent.Category{"health"} }, "", fallFrom, fallTo, false, false},
		{"one day of the period is enough", func(g *consent.Grant) { g.RecordsFrom = fallTo }, "attendance", fallFrom, fallTo, true, true},
		{"records after the period are neither", func(g *consent.Grant) { g.RecordsFrom = fallTo + 1 }, "attendance", fallFrom, fallTo, false, false},
		{"a withdrawn yes was once open", func(g *consent.Grant) { g.Withdrawn = act }, "attendance", fallFrom, fallTo, false, true},
		{"an invalid yes was once open", func(g *consent.Grant) { g.Invalidated = act }, "attendance", fallFrom, fallTo, false, true},
		{"an expired yes was once open", func(g *consent.Grant) { g.Expires = civil.Make(2025, 9, 30) }, "attendance", fallFrom, fallTo, false, true},
		{"a yes to another partner was open to that one", func(g *consent.Grant) { g.Party = "citylibrary" }, "attendance", fallFrom, fallTo, false, true},
		{"a yes of somebody without rights may have been taken for one", func(g *consent.Grant) { g.Signer = "aunt" }, "attendance", fallFrom, fallTo, false, true},
		{"a pending form is neither", func(g *consent.Grant) { g.Status = consent.Pending }, "attendance", fallFrom, fallTo, false, false},
		{"a no is neither", func(g *consent.Grant) { g.Answer = consent.No }, "attendance", fallFrom, fallTo, false, false},
		{"a held period is neither", func(g *consent.Grant) { g.Held = fallHeld }, "attendance", fallFrom, fallTo, false, false},
		{"the period after the held one is both", func(g *consent.Grant) { g.Held = fallHeld }, "attendance", springFrom, springTo, true, true},
		{"a year that contains the held period is open in part", func(g *consent.Grant) { g.Held = fallHeld }, "attendance", fallFrom, springTo, true, true},
		{"a held period that was overridden is both", func(g *consent.Grant) { g.Held = overridden }, "attendance", fallFrom, fallTo, true, true},
		{"a hold of another family closes nothing here", func(g *consent.Grant) {
			g.Held = []consent.Hold{{Family: "grades", From: fallFrom, To: fallTo}}
		}, "attendance", fallFrom, fallTo, true, true},
	}
	s := consent.Student{Birth: civil.Make(2012, 4, 15), Holders: []consent.Holder{{Signer: "p-1", Capacity: consent.Parent, HoldsRights: true}}}
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	q := consent.Question{Party: "riverside", Purpose: consent.StudentSupport, At: now, Known: now, Zone: time.UTC}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := goodGrant()
			c.change(&g)
			grants := []consent.Grant{g}
			if got := consent.Opens(s, grants, q, c.family, c.from, c.to); got != c.self {
				t.Errorf("open now: %v", got)
			}
			if got := consent.EverOpened(s, grants, c.family, c.from, c.to); got != c.any {
				t.Errorf("ever open: %v", got)
			}
		})
	}
}

func TestAWindowCoversItsDaysLessTheClosedOnes(t *testing.T) {
	t.Parallel()
	w := consent.Window{RecordsFrom: 100, RecordsTo: 120, Closed: []consent.Span{{From: 100, To: 103}, {From: 110, To: 112}}}
	for day, want := range map[civil.Date]bool{99: false, 100: false, 103: false, 104: true, 109: true, 110: false, 112: false, 113: true, 120: true, 121: false} {
		if consent.Covers(w, day) != want {
			t.Errorf("day %d: %v", day, !want)
		}
	}
}

func TestAgeOfMajorityIsByTheBirthdayOrTheCollegeDay(t *testing.T) {
	t.Parallel()
	born := civil.Make(2007, 11, 20)
	cases := []struct {
		student consent.Student
		day     civil.Date
		want    bool
	}{
		{consent.Student{Birth: born}, civil.Make(2025, 11, 19), false},
		{consent.Student{Birth: born}, civil.Make(2025, 11, 20), true},
		{consent.Student{Birth: born, Postsecondary: civil.Make(2025, 9, 1)}, civil.Make(2025, 8, 31), false},
		{consent.Student{Birth: born, Postsecondary: civil.Make(2025, 9, 1)}, civil.Make(2025, 9, 1), true},
		{consent.Student{}, civil.Make(2025, 9, 1), false},
		{consent.Student{Postsecondary: civil.Make(2025, 9, 1)}, civil.Make(2025, 9, 1), true},
	}
	for _, c := range cases {
		if got := c.student.Eligible(c.day); got != c.want {
			t.Errorf("%+v on %v: %v", c.student, c.day, got)
		}
	}
}
