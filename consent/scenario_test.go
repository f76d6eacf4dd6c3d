package consent_test

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

// scenario is a random family, what it said and a question about it. Moments
// lie in the twenty days around one birthday, few enough to collide often.
type scenario struct {
	student  consent.Student
	grants   []consent.Grant
	question consent.Question
	extra    consent.Grant // one more answer of somebody
}

// The mother is in the files under two names.
var people = []string{"mother", "mother again", "father", "aunt", "student"}

func scenarios() *rapid.Generator[scenario] { return rapid.Custom(drawScenario) }

func day(t *rapid.T, label string) civil.Date {
	return civil.Make(2025, 11, 10) + civil.Date(rapid.IntRange(0, 20).Draw(t, label))
}

func moment(t *rapid.T, label string) time.Time {
	hours := rapid.IntRange(0, 20*4).Draw(t, label)
	return time.Date(2025, 11, 10, 0, 0, 0, 0, time.UTC).Add(time.Duration(hours) * 6 * time.Hour)
}

// late draws moments that lean to the end of the twenty days, since most draws
// lean to the beginning.
func late(t *rapid.T, label string) time.Time {
	hours := rapid.IntRange(0, 20*4).Draw(t, label)
	return time.Date(2025, 11, 30, 0, 0, 0, 0, time.UTC).Add(-time.Duration(hours) * 6 * time.Hour)
}

func drawScenario(t *rapid.T) scenario {
	s := scenario{student: drawStudent(t)}
	for i := range rapid.IntRange(1, 6).Draw(t, "grants") {
		s.grants = append(s.grants, drawGrant(t, fmt.Sprintf("g%d", i)))
	}
	s.extra = drawGrant(t, "x")
	s.question = consent.Question{
		Party: "riverside", Purpose: consent.StudentSupport, Category: consent.Attendance,
		At: late(t, "at"), Known: late(t, "known"), Zone: time.FixedZone("here", -6*3600),
	}
	return s
}

func drawStudent(t *rapid.T) consent.Student {
	s := consent.Student{Birth: civil.Make(rapid.SampledFrom([]int{2007, 2012}).Draw(t, "year"), 11, 20)}
	if rapid.IntRange(0, 5).Draw(t, "college") == 5 {
		s.Postsecondary = day(t, "postsecondary")
	}
	for _, signer := range []string{"mother", "mother again", "father", "student"} {
		if rapid.IntRange(0, 5).Draw(t, "missing") == 5 {
			continue
		}
		s.Holders = append(s.Holders, consent.Holder{Signer: signer, Capacity: capacityOf(t, signer), HoldsRights: true})
	}
	for range rapid.IntRange(0, 2).Draw(t, "holders") {
		s.Holders = append(s.Holders, drawHolder(t))
	}
	for range max(0, rapid.IntRange(-2, 2).Draw(t, "restrictions")) {
		s.Restrictions = append(s.Restrictions, drawRestriction(t))
	}
	if rapid.IntRange(0, 7).Draw(t, "pause") == 7 {
		at := moment(t, "paused")
		s.Pauses = append(s.Pauses, consent.Pause{At: at, EnteredAt: at, Ended: drawAct(t, "resumed", 2)})
	}
	for range rapid.IntRange(0, 2).Draw(t, "aliases") {
		s.Aliases = append(s.Aliases, consent.Alias{
			Signer: "mother again", Other: rapid.SampledFrom([]string{"mother", "mother", "aunt"}).Draw(t, "alias of"), EnteredAt: moment(t, "joined"),
		})
	}
	return s
}

func capacityOf(t *rapid.T, signer string) consent.Capacity {
	switch {
	case signer == "student":
		return consent.EligibleStudent
	case rapid.IntRange(0, 7).Draw(t, "odd capacity") == 7:
		return rapid.SampledFrom(consent.Capacities()[1:]).Draw(t, "capacity")
	}
	return consent.Parent
}

func drawHolder(t *rapid.T) consent.Holder {
	signer := rapid.SampledFrom(people).Draw(t, "holder")
	h := consent.Holder{Signer: signer, Capacity: capacityOf(t, signer), HoldsRights: rapid.IntRange(0, 4).Draw(t, "rights") < 4}
	if rapid.Bool().Draw(t, "dated") {
		h.From, h.To = day(t, "from"), day(t, "to")
		h.EnteredAt = moment(t, "entered")
	}
	return h
}

func drawRestriction(t *rapid.T) consent.Restriction {
	r := consent.Restriction{
		Kind:   rapid.SampledFrom(consent.RestrictionKinds()).Draw(t, "kind"),
		Signer: rapid.SampledFrom(people).Draw(t, "about"), Document: "order",
	}
	if rapid.Bool().Draw(t, "dated") {
		r.From, r.EnteredAt = day(t, "from"), moment(t, "entered")
	}
	r.Lifted = drawAct(t, "lifted", 3)
	return r
}

func drawAct(t *rapid.T, label string, oneIn int) *consent.Act {
	if rapid.IntRange(1, oneIn).Draw(t, label) != oneIn {
		return nil
	}
	at := moment(t, label+" at")
	return &consent.Act{By: "officer", At: at, EnteredAt: at.Add(time.Duration(rapid.IntRange(0, 4).Draw(t, label+" entered")) * 12 * time.Hour)}
}

func drawGrant(t *rapid.T, id string) consent.Grant {
	signer := rapid.SampledFrom(people).Draw(t, "signer")
	g := consent.Grant{
		ID: id, Student: "s", Party: "riverside", Purpose: consent.StudentSupport,
		Categories: []consent.Category{rapid.SampledFrom([]consent.Category{consent.Attendance, consent.Attendance, consent.Attendance, consent.Grades}).Draw(t, "category")},
		Signer:     signer, Capacity: capacityOf(t, signer),
		Answer: rapid.SampledFrom([]consent.Answer{consent.Yes, consent.Yes, consent.No, consent.Talk}).Draw(t, "answer"),
		Method: consent.Paper, Status: rapid.SampledFrom([]consent.Status{consent.InForce, consent.InForce, consent.InForce, consent.Pending}).Draw(t, "status"),
		SignedAt: moment(t, "signed"), RecordsFrom: day(t, "records from"),
	}
	g.RecordsTo = g.RecordsFrom + civil.Date(rapid.IntRange(0, 9).Draw(t, "records"))
	g.Expires = civil.Of(g.SignedAt, time.UTC) + civil.Date(rapid.IntRange(0, 15).Draw(t, "expires"))
	g.EnteredAt = g.SignedAt.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "entered")) * 12 * time.Hour)
	g.Withdrawn, g.Invalidated, g.Confirmed = drawAct(t, "withdrawn", 5), drawAct(t, "invalidated", 8), drawAct(t, "confirmed", 8)
	if rapid.IntRange(0, 3).Draw(t, "held") > 1 {
		from := day(t, "held from")
		h := consent.Hold{Family: consent.AttendanceFamily, Period: "fall", From: from, To: from + 3}
		if rapid.Bool().Draw(t, "override") {
			h.Override, h.OverriddenAt = "officer", moment(t, "overridden")
		}
		g.Held = []consent.Hold{h}
	}
	return g
}
