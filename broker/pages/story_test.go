package pages_test

import (
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/consent"
)

// story is one page in one state, with made-up people.
type story struct {
	path     string
	page     pages.Page
	signedIn bool
}

func day(year int, month time.Month, d int) civil.Date { return civil.Make(year, month, d) }

func terms() pages.Terms {
	return pages.Terms{
		District: "Lakeview Schools", Partner: "Riverside Mentoring", Child: "Maya", Purpose: consent.StudentSupport,
		Categories:  []consent.Category{consent.Attendance, consent.Grades},
		RecordsFrom: day(2026, 9, 1), RecordsTo: day(2027, 6, 30), Until: day(2027, 6, 30),
	}
}

// with changes a copy.
func with[T any](v T, change func(*T)) T {
	change(&v)
	return v
}

func maya() pages.Records {
	return pages.Records{
		Attendance: &pages.Days{Present: 93.5, Enrolled: 100},
		Grades: []pages.Result{
			{Course: "English Language Arts 7", Mark: "B+"},
			{Course: "Mathematics 7", Mark: "A-"},
			{Course: "Science and Engineering", Mark: "87"},
		},
		Discipline: []pages.Event{
			{Date: day(2026, 10, 14), Incident: "Left class", Action: "Call home"},
			{Date: day(2026, 11, 3), Incident: "Fighting", Action: "In-school suspension, 1 day"},
		},
	}
}

func openChoice() pages.Choice {
	return pages.Choice{Terms: terms(), Ask: "ask_7Q2K", Records: maya(), MaySign: true, SignIn: []string{"en", "es"}}
}

func openInvitation() pages.Invitation {
	return pages.Invitation{
		Link: "/i/made-up-secret", Partners: []string{"Riverside Mentoring", "City Library"}, Children: []string{"Maya", "Leo"}, Contact: "••• 42",
	}
}

func yesReceipt() pages.Receipt {
	return pages.Receipt{
		Terms: terms(), Number: "K7Q4-MX2R", Answer: consent.Yes, Answered: day(2026, 11, 27),
		StopPath: "/choices/cho_1/stop", Again: "/asks/ask_7Q2K",
	}
}

func sights() pages.Seen {
	both := []consent.Category{consent.Attendance, consent.Grades}
	return pages.Seen{
		N: 1, Child: "Maya", Children: []string{"Maya", "Leo"}, Older: "/seen/1?before=45120",
		Requests: []pages.Sight{
			{Date: day(2026, 11, 20), Partner: "Riverside Mentoring", Categories: both, Purpose: consent.StudentSupport, Outcome: pages.OutcomeShown, Index: 48211, Copy: true},
			{Date: day(2026, 11, 18), Partner: "Riverside Mentoring", Categories: []consent.Category{consent.DisciplineIncident}, Purpose: consent.AuditEvaluation, Outcome: pages.OutcomeRefused, Index: 47902},
			{Date: day(2026, 11, 9), Partner: "City Library", Categories: both, Purpose: consent.ProgramEvaluation, Outcome: pages.OutcomeCounted, Index: 46001},
			{Date: day(2026, 11, 2), Partner: "City Library", Categories: both[:1], Purpose: consent.ResearchStudy, Outcome: pages.OutcomeNothing, Index: 45120},
		},
		Groups: []pages.GroupFigures{{Partner: "Riverside Mentoring", Agreement: "AGR-7Q2K"}, {Partner: "City Library", Agreement: "AGR-M3PD"}},
	}
}

func sentCopy() pages.SeenCopy {
	s := sights()
	return pages.SeenCopy{
		N: 1, Child: "Maya", Sight: s.Requests[0], School: "Lakeview Middle School", Ref: "RM-0142", Records: maya(),
		Covered: []pages.Covered{
			{Category: consent.Attendance, From: day(2026, 9, 1), To: day(2026, 11, 19)},
			{Category: consent.Grades, From: day(2026, 9, 1), To: day(2026, 11, 13)},
		},
		Exact:   `{"participant_ref":"RM-0142","school":"Lakeview Middle School","attendance":{"days_enrolled":100,"days_absent":6.5,"rate":0.935},"grades":[{"course":"Mathematics 7","session":"fall-2026","value":"A-","scale":"letter"}]}`,
		Receipt: "/seen/1/48211/receipt", Key: "lakeview.example+8d1f0c2a+AT2nYJq0sV1bq6m0mVb3m5s8oJ1i3nq5p7r9t1v3x5z7",
	}
}

func cards() pages.Choices {
	return pages.Choices{Children: []pages.ChildChoices{
		{Child: "Maya", Seen: 1, Cards: []pages.Card{
			{ID: "cho_1", Partner: "City Library", State: pages.CardWaiting, Ask: "ask_9D"},
			{ID: "cho_2", Partner: "Riverside Mentoring", State: pages.CardShares, Until: day(2027, 6, 30), Since: day(2026, 9, 12), Receipt: "K7Q4-MX2R"},
			{ID: "cho_3", Partner: "Boys & Girls Club of Greater Lakeview and Surrounding Communities", State: pages.CardNo, Since: day(2026, 10, 2), Receipt: "P2WD-7HJK"},
			{ID: "cho_4", Partner: "Music for All", State: pages.CardOff},
		}},
		{Child: "Leo", Seen: 2, Cards: []pages.Card{
			{ID: "cho_5", Partner: "Riverside Mentoring", State: pages.CardStopped, Since: day(2026, 11, 1), Receipt: "T9VX-4MNP"},
			{ID: "cho_6", Partner: "City Library", State: pages.CardEnded, Since: day(2026, 6, 30), Receipt: "R5YZ-8QWD"},
			{ID: "cho_7", Partner: "Music for All", State: pages.CardTalk, Since: day(2026, 11, 20), Receipt: "H3JK-2PQR"},
			{ID: "cho_8", Partner: "Code Club", State: pages.CardShares, Since: day(2026, 9, 1), Receipt: "B6CD-9FGH"},
		}},
		{Child: "Nia", Seen: 3},
	}}
}

// modules are a made-up pattern as large as a QR code of version 4.
func modules() [][]bool {
	rows := make([][]bool, 33)
	for y := range rows {
		rows[y] = make([]bool, 33)
		for x := range rows[y] {
			rows[y][x] = (x*x+y*7+x*y)%3 == 0
		}
	}
	return rows
}

func forms() pages.Packet {
	first := pages.Sheet{Terms: terms(), MaySign: true, SignIn: []string{"en", "es"}, Student: "Maya Reyes", Number: "F-20931", Address: "https://lakeview.example/f/7Q2K-MX2R", QR: modules()}
	second := with(first, func(s *pages.Sheet) {
		s.Child, s.Student, s.Number, s.QR, s.Address = "Leo", "Leo Reyes", "F-20932", nil, ""
		s.Categories, s.WhileInProgram = consent.Categories(), true
	})
	return pages.Packet{Sheets: []pages.Sheet{first, second}}
}

func enterStories() map[string]story {
	invite := func(change func(*pages.Invitation)) story {
		return story{path: "/i/made-up-secret", page: with(openInvitation(), change)}
	}
	state := func(s pages.InvitationState) story {
		return story{path: "/i/made-up-secret", page: pages.Invitation{Link: "/i/made-up-secret", State: s}}
	}
	code := pages.CodeForm{Link: "/i/made-up-secret", Contact: "••• 42", Child: "Maya"}
	return map[string]story{
		"landing":             {path: "/", page: pages.Landing{}},
		"link-sent":           {path: "/", page: pages.LinkSent{}},
		"invitation":          invite(func(i *pages.Invitation) { i.Partners, i.Children = i.Partners[:1], i.Children[:1] }),
		"invitation-several":  invite(func(*pages.Invitation) {}),
		"invitation-self":     invite(func(i *pages.Invitation) { i.Self, i.Contact = true, "m•••@l•••.example" }),
		"invitation-expired":  state(pages.InvitationExpired),
		"invitation-used-up":  state(pages.InvitationUsedUp),
		"invitation-office":   state(pages.InvitationOffice),
		"invitation-reported": state(pages.InvitationWrong),
		"code":                {path: "/i/made-up-secret", page: code},
		"code-wrong":          {path: "/i/made-up-secret", page: with(code, func(c *pages.CodeForm) { c.Wrong = true })},
		"code-self":           {path: "/i/made-up-secret", page: with(code, func(c *pages.CodeForm) { c.Self = true })},
		"stop":                {path: "/s/made-up-secret", page: pages.Stop{Link: "/s/made-up-secret", Partner: "Riverside Mentoring", Child: "Maya", Number: "K7Q4-MX2R"}},
		"stop-self":           {path: "/s/made-up-secret", page: pages.Stop{Link: "/s/made-up-secret", Partner: "Riverside Mentoring", Self: true}},
		"stop-done":           {path: "/s/made-up-secret", page: pages.Stop{Partner: "Riverside Mentoring", Child: "Maya", Number: "K7Q4-MX2R", Stopped: day(2026, 11, 27)}},
		"stop-over":           {path: "/s/made-up-secret", page: pages.Stop{Partner: "Riverside Mentoring", Over: true}},
	}
}

func choiceStories() map[string]story {
	ask := func(change func(*pages.Choice)) story {
		return story{path: "/asks/ask_7Q2K", page: with(openChoice(), change), signedIn: true}
	}
	return map[string]story{
		"choice": ask(func(*pages.Choice) {}),
		"choice-self": ask(func(c *pages.Choice) {
			c.Self, c.WhileInProgram, c.Until = true, true, 0
		}),
		"choice-everything": ask(func(c *pages.Choice) {
			c.Categories, c.WhileInProgram, c.Purpose = consent.Categories(), true, consent.ProgramEvaluation
		}),
		"choice-portions": ask(func(c *pages.Choice) {
			c.Categories, c.Records.Discipline, c.Purpose = []consent.Category{consent.DisciplineAction, consent.DisciplineDates}, nil, consent.AuditEvaluation
		}),
		"choice-no-records": ask(func(c *pages.Choice) {
			c.Records, c.Purpose, c.WhileInProgram, c.Until = pages.Records{}, consent.ResearchStudy, true, 0
		}),
		"choice-self-until": ask(func(c *pages.Choice) { c.Self, c.WhileInProgram = true, true }),
		"choice-unreviewed": ask(func(c *pages.Choice) { c.MaySign = false }),
		"choice-answered":   ask(func(c *pages.Choice) { c.State, c.Answer, c.Receipt = pages.ChoiceAnswered, consent.No, "P2WD-7HJK" }),
		"choice-off":        ask(func(c *pages.Choice) { c.State = pages.ChoiceOff }),
		"choice-off-self":   ask(func(c *pages.Choice) { c.State, c.Self = pages.ChoiceOff, true }),
		"choice-of-age":     ask(func(c *pages.Choice) { c.State = pages.ChoiceOfAge }),
		"choice-of-age-self": ask(func(c *pages.Choice) {
			c.State, c.Self = pages.ChoiceOfAge, true
		}),
		"choice-withdrawn": ask(func(c *pages.Choice) { c.State = pages.ChoiceWithdrawn }),
	}
}

func receiptStories() map[string]story {
	receipt := func(change func(*pages.Receipt)) story {
		return story{path: "/receipts/K7Q4-MX2R", page: with(yesReceipt(), change), signedIn: true}
	}
	no := func(r *pages.Receipt) { r.Answer, r.StopPath = consent.No, "" }
	stopped := func(r *pages.Receipt) { r.StopPath, r.Stopped = "", day(2026, 12, 3) }
	return map[string]story{
		"receipt-yes": receipt(func(r *pages.Receipt) {
			r.Held = []pages.Held{{Family: consent.AttendanceFamily, From: day(2026, 9, 1), To: day(2026, 10, 31)}}
		}),
		"receipt-sent":     receipt(func(r *pages.Receipt) { r.Sent, r.WhileInProgram = true, true }),
		"receipt-not-sent": receipt(func(r *pages.Receipt) { r.NotSent, r.WhileInProgram, r.Until = true, true, 0 }),
		"receipt-no":       receipt(no),
		"receipt-no-self":  receipt(func(r *pages.Receipt) { no(r); r.Self, r.Child = true, "" }),
		"receipt-talk":     receipt(func(r *pages.Receipt) { no(r); r.Answer = consent.Talk }),
		"receipt-stopped":  receipt(stopped),
		"receipt-deletion": receipt(func(r *pages.Receipt) { stopped(r); r.DeletionAsked = day(2026, 12, 4) }),
		"receipt-ended":    receipt(func(r *pages.Receipt) { r.StopPath, r.Ended = "", day(2027, 6, 30) }),
	}
}

func listStories() map[string]story {
	seen := func(change func(*pages.Seen)) story {
		return story{path: "/seen/1", page: with(sights(), change), signedIn: true}
	}
	held := func(s *pages.Seen) {
		s.NamesHeld = true
		s.Groups = []pages.GroupFigures{{Agreement: "AGR-7Q2K"}}
	}
	return map[string]story{
		"choices":      {path: "/choices", page: cards(), signedIn: true},
		"choices-none": {path: "/choices", page: pages.Choices{}, signedIn: true},
		"choices-self": {path: "/choices", signedIn: true, page: pages.Choices{Children: []pages.ChildChoices{
			{Self: true, Seen: 1, Cards: cards().Children[0].Cards[:2]},
		}}},
		"seen": seen(func(*pages.Seen) {}),
		"seen-self": seen(func(s *pages.Seen) {
			s.Self, s.Children = true, nil
		}),
		"seen-never":       seen(func(s *pages.Seen) { s.Requests, s.Groups, s.Older = nil, nil, "" }),
		"seen-never-self":  seen(func(s *pages.Seen) { s.Requests, s.Groups, s.Older, s.Self = nil, nil, "", true }),
		"seen-groups":      seen(func(s *pages.Seen) { s.Requests, s.Older = nil, "" }),
		"seen-groups-self": seen(func(s *pages.Seen) { s.Requests, s.Older, s.Self = nil, "", true }),
		"seen-held":        seen(held),
		"copy":             {path: "/seen/1/48211", page: sentCopy(), signedIn: true},
		"copy-self":        {path: "/seen/1/48211", page: with(sentCopy(), func(c *pages.SeenCopy) { c.Self, c.Exact, c.Receipt = true, "", "" }), signedIn: true},
		"packet":           {path: "/packet", page: forms()},
		"packet-unreviewed": {path: "/packet", page: with(forms(), func(p *pages.Packet) {
			p.Sheets = []pages.Sheet{with(p.Sheets[0], func(s *pages.Sheet) { s.MaySign = false })}
		})},
	}
}

// stories are every page in every state.
func stories() map[string]story {
	all := map[string]story{}
	for _, part := range []map[string]story{enterStories(), choiceStories(), receiptStories(), listStories()} {
		for name, s := range part {
			all[name] = s
		}
	}
	for _, kind := range pages.NoteKinds() {
		all["note-"+string(kind)] = story{path: "/", page: pages.Note{Kind: kind}}
	}
	return all
}

func (s story) frame(lang string) pages.Frame {
	return pages.Frame{
		District: "Lakeview Schools", Phone: "(414) 555-0142", Lang: lang, Path: s.path, SignedIn: s.signedIn, Simulated: s.signedIn,
	}
}

// html is the story in a language that ships.
func (s story) html(t testing.TB, lang string) string {
	t.Helper()
	text, err := pages.Render(s.frame(lang), s.page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// pseudo is the story in the language that nobody speaks.
func pseudo(t testing.TB, s story) string {
	t.Helper()
	text, err := pages.RenderPseudo(s.frame(pages.Pseudo), s.page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
