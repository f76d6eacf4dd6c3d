package pages_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/consent"
)

// deskStory is one page of the district's own people in one state, with made-up people.
type deskStory struct {
	role string // empty: nobody is signed in
	path string
	page pages.OfficePage
}

func theTime(d, hour int) time.Time { return time.Date(2026, 11, d, hour, 12, 0, 0, time.UTC) }

func maria() pages.OfficePerson {
	return pages.OfficePerson{GuardianID: "G000104", Name: "Maria Reyes-Villanueva"}
}

func onFile() []pages.OfficeCandidate {
	return []pages.OfficeCandidate{
		{OfficePerson: pages.OfficePerson{Self: true, Name: "Maya Reyes"}, Capacity: consent.EligibleStudent},
		{OfficePerson: maria(), Capacity: consent.Parent, HoldsRights: true, SameName: true, MayDecide: true},
		{OfficePerson: pages.OfficePerson{GuardianID: "G000105", Name: "Tomás Reyes"}, Capacity: consent.Parent, HoldsRights: true},
		{OfficePerson: pages.OfficePerson{GuardianID: "G000377", Name: "Ana Lindqvist"}, Capacity: consent.UnknownCapacity},
	}
}

func deskCases() []pages.OfficeCase {
	return []pages.OfficeCase{
		{ID: "cas_1f8a", Kind: "not_my_child", Student: pages.OfficeRef{StudentID: "S-20931"}, By: pages.OfficePerson{GuardianID: "G000104"}, Pauses: true, Opened: theTime(25, 14)},
		{ID: "cas_2b7c", Kind: "flips", Student: pages.OfficeRef{StudentID: "S-18244"}, By: pages.OfficePerson{GuardianID: "G000377"}, Opened: theTime(20, 15)},
		{ID: "cas_3d6e", Kind: "not_me", Student: pages.OfficeRef{}, By: pages.OfficePerson{Self: true}, Opened: theTime(2, 16), Closed: theTime(9, 17), How: "Called her; the answer was her sister's and was found invalid"},
	}
}

func deskPaper() []pages.OfficePaperRow {
	form := &pages.OfficePaperForm{
		Form: "ask_k3jq7mzt2pv5xw4nbc6dyheagu", Student: pages.OfficeRef{StudentID: "S-20931"}, Name: "Maya Reyes", Person: maria(), Partner: "Riverside Mentoring",
		Categories: []consent.Category{consent.Attendance, consent.Grades}, RecordsFrom: day(2026, 9, 1), RecordsTo: day(2027, 6, 30), Language: "es",
	}
	hash := "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	return []pages.OfficePaperRow{
		{File: "ask_k3jq7mzt.pdf", Scan: hash, Form: form, Language: "es"},
		{File: "ask_k3jq7mzt 2.pdf", Scan: hash, Form: form, Answer: consent.Yes, Signed: "2026-11-20", Language: "es", Problem: "This form is answered already."},
		{File: "0003.jpg", Scan: hash},
	}
}

func deskConflicts() []pages.OfficeConflict {
	return []pages.OfficeConflict{
		{
			Student: pages.OfficeRef{StudentID: "S-20931"}, Party: "riverside", Purpose: consent.StudentSupport,
			Yes: []pages.OfficeWord{{By: pages.OfficePerson{GuardianID: "G000104"}, At: theTime(12, 14)}},
			No:  []pages.OfficeWord{{By: pages.OfficePerson{GuardianID: "G000105"}, At: theTime(20, 15), Withdrawn: true}},
		},
		{Student: pages.OfficeRef{StudentID: "S-18244"}, Documents: true},
	}
}

func deskInspections() []pages.OfficeInspection {
	return []pages.OfficeInspection{
		{ID: "ins_7f3a9c21e5", Student: pages.OfficeRef{StudentID: "S-20931"}, By: maria(), Opened: theTime(2, 15).AddDate(0, -1, 0), Due: day(2026, 11, 16), State: "overdue"},
		{ID: "ins_0b4d88aa10", Student: pages.OfficeRef{StudentID: "S-18244"}, By: pages.OfficePerson{Self: true}, Opened: theTime(20, 15), Due: day(2027, 1, 4), State: "open"},
		{ID: "ins_9c55e0d1f2", Student: pages.OfficeRef{StudentID: "S-11007"}, By: maria(), Opened: theTime(1, 15), Due: day(2026, 12, 16), State: "closed", Closed: theTime(12, 15), How: "Inspected at the office, with an interpreter"},
	}
}

func deskRounds() []pages.OfficeRound {
	r := pages.OfficeRound{
		ID: "rnd_1", Agreement: "riverside-mentoring-2026", Categories: []consent.Category{consent.Attendance, consent.Grades},
		RecordsFrom: day(2026, 9, 1), RecordsTo: day(2027, 6, 30), Expires: day(2027, 10, 28), OpenedAt: theTime(3, 14), Done: true,
	}
	r.Children.Asked, r.Children.Yes, r.Children.No, r.Children.Talk, r.Children.Silent = 148, 96, 11, 4, 37
	r.Children.ByMethod = map[consent.Method]int{consent.Web: 82, consent.Paper: 26, consent.Phone: 3}
	none := with(r, func(r *pages.OfficeRound) {
		r.ID, r.Agreement, r.Schools, r.Done = "rnd_2", "city-library-1", []string{"101", "104"}, false
		r.Children.Yes, r.Children.No, r.Children.Talk, r.Children.Silent, r.Children.ByMethod = 0, 0, 0, 148, nil
	})
	return []pages.OfficeRound{r, none}
}

func deskRecord() pages.OfficeRecord {
	both := []consent.Category{consent.Attendance, consent.Grades}
	interest := "To see whether tutoring after school helps the students who come, and to plan the help that each of them gets with the school."
	sight := pages.OfficeSight{
		Index: 48211, Time: theTime(20, 20), Partner: "riverside", PartnerName: "Riverside Mentoring", Person: "Pat Quinn", Agreement: "riverside-mentoring-2026", Purpose: consent.StudentSupport,
		Basis: "comparison_and_consent", Interest: interest, PassedOn: "Nobody.", Outcome: pages.OutcomeShown, Categories: both,
	}
	r := pages.OfficeRecord{Meaning: "These organizations may read numbers about groups of students.", Next: 45120, Requests: []pages.OfficeSight{
		sight,
		with(sight, func(s *pages.OfficeSight) {
			s.Index, s.Time, s.Outcome, s.Categories, s.Reasons = 47902, theTime(18, 15), pages.OutcomeRefused, []consent.Category{consent.DisciplineIncident}, []string{"category_not_in_agreement"}
		}),
		with(sight, func(s *pages.OfficeSight) {
			s.Index, s.Time, s.PartnerName, s.Person, s.Outcome, s.Basis = 46001, theTime(9, 16), "City Library", "Lin Okoro", pages.OutcomeCounted, "study"
		}),
		with(sight, func(s *pages.OfficeSight) { s.Index, s.Time, s.Outcome = 45120, theTime(2, 17), pages.OutcomeNothing }),
	}}
	r.Figures = append(r.Figures, struct {
		Agreement   string `json:"agreement"`
		PartnerName string `json:"partner_name"`
	}{"city-library-1", "City Library"})
	return r
}

func deskRights() pages.OfficeRights {
	r := pages.OfficeRights{
		Student: pages.OfficeRef{StudentID: "S-20931", Name: "Maya Reyes"}, Majority: day(2030, 2, 11), Deciders: onFile(),
		Holders: []pages.OfficeHolder{{
			OfficePerson: pages.OfficePerson{GuardianID: "G000377"}, Capacity: consent.ActingAsParent, HoldsRights: true, From: day(2026, 9, 1),
			Document: "Affidavit 26-114", Reason: "The child lives with her aunt", EnteredAt: theTime(2, 14),
		}},
		Restrictions: []pages.OfficeRestriction{
			{ID: "rst_1", Kind: consent.MayNotDecide, Signer: pages.OfficePerson{GuardianID: "G000105"}, From: day(2026, 10, 5), Document: "Order 24-FA-1182", EnteredAt: theTime(3, 14)},
			{ID: "rst_2", Kind: consent.BothMustAgree, From: day(2025, 1, 5), To: day(2025, 12, 31), Document: "Order 23-FA-0088", EnteredAt: theTime(3, 14), LiftedAt: theTime(5, 15), Lifted: "It ended with the school year"},
		},
		Protections: []pages.OfficeProtection{{ID: "prt_1", Protects: pages.OfficePerson{GuardianID: "G000104"}, Document: "Note of Nov 3", EnteredAt: theTime(3, 16)}},
		Answers: []pages.OfficeAnswer{
			{ID: "cns_2", Party: "riverside", Answer: consent.Yes, Categories: []consent.Category{consent.Attendance, consent.Grades}, RecordsFrom: day(2026, 9, 1), RecordsTo: day(2027, 6, 30), Expires: day(2027, 6, 30), SignedAt: theTime(4, 18), Signer: pages.OfficePerson{GuardianID: "G000104"}, Capacity: consent.Parent, Method: consent.Web},
			{ID: "cns_1", Party: "city-library", Answer: consent.No, Categories: []consent.Category{consent.Attendance}, SignedAt: theTime(1, 18), Signer: pages.OfficePerson{GuardianID: "G000105"}, Capacity: consent.Parent, Method: consent.Paper},
		},
	}
	r.Postsecondary = append(r.Postsecondary, struct {
		From      civil.Date `json:"from"`
		Document  string     `json:"document"`
		EnteredAt time.Time  `json:"entered_at"`
	}{day(2026, 9, 1), "Enrollment letter of the college", theTime(2, 15)})
	return r
}

func deskStudent() pages.OfficeStudent {
	r := deskRecord()
	return pages.OfficeStudent{Rights: deskRights(), Record: &r, Cases: deskCases()[:1], Inspections: deskInspections()[:1]}
}

func deskForm() pages.OfficeForm {
	return pages.OfficeForm{
		ID: "cns_7Q2K", Agreement: "riverside-mentoring-2026", Party: "riverside", Ref: "RM-0142", Signer: "Maria Reyes Villanueva", Answer: consent.Yes,
		Categories: []consent.Category{consent.Attendance, consent.Grades}, RecordsFrom: day(2026, 9, 1), RecordsTo: day(2027, 6, 30), Expires: day(2027, 6, 30),
		SignedAt: theTime(18, 16), Evidence: consent.Evidence{Kind: "scan", SHA256: strings.Repeat("e3b0c442", 8)}, Student: &pages.OfficeRef{StudentID: "S-20931"}, Candidates: onFile(),
	}
}

func deskMessages() pages.OfficeMessages {
	m := pages.OfficeMessage{ID: "msg_1", Kind: "invitation", State: "undeliverable", Problem: "no_contact", Written: theTime(20, 14), Ended: theTime(20, 14)}
	m.To.GuardianID = "G000104"
	waiting := with(m, func(m *pages.OfficeMessage) {
		m.ID, m.Kind, m.State, m.Problem, m.Contact, m.Attempts, m.Next = "msg_2", "receipt", "waiting", "timeout", "m•••@e•••.org", 3, theTime(27, 19)
		m.To.GuardianID, m.To.StudentID = "", "S-20931"
	})
	return pages.OfficeMessages{Messages: []pages.OfficeMessage{m, waiting}, Carrier: true}
}

func deskAgreement() pages.OfficeAgreement {
	a := pages.OfficeAgreement{ID: "riverside-mentoring-2026", Partner: "riverside", State: "active"}
	a.Clauses.Categories = consent.Categories()
	return a
}

func deskLists() map[string]deskStory {
	texts := pages.OfficeTexts{Texts: []pages.OfficeText{
		{Language: "en", Name: "English", Version: "2026-11", Signable: true, Shipped: true},
		{Language: "ar", Name: "العربية", Version: "2026-11"},
		{Language: "mww", Name: "Hmoob", Version: "2026-11", Signable: true, Reviewer: "Prof. Xia Vang, University of Lakeview", Reviewed: theTime(12, 14)},
	}}
	unknown := with(deskForm(), func(f *pages.OfficeForm) { f.ID, f.Student, f.Candidates, f.Answer = "cns_9D", nil, nil, consent.No })
	ticket := func(i int) pages.OfficeTicket { return pages.OfficeTicket{OfficeInspection: deskInspections()[i]} }
	return map[string]deskStory{
		"cases":            {"officer", "/office/cases", pages.OfficeCases{Cases: deskCases()}},
		"cases-auditor":    {"auditor", "/office/cases", pages.OfficeCases{Cases: deskCases()}},
		"cases-conflicts":  {"officer", "/office/cases", pages.OfficeCases{Cases: deskCases()[:1], Conflicts: deskConflicts()}},
		"cases-none":       {"officer", "/office/cases", pages.OfficeCases{}},
		"inspections":      {"officer", "/office/inspections", pages.OfficeInspections{Inspections: deskInspections()}},
		"inspections-none": {"officer", "/office/inspections", pages.OfficeInspections{}},
		"ticket":           {"officer", "/office/inspections", ticket(1)},
		"ticket-overdue":   {"officer", "/office/inspections", ticket(0)},
		"ticket-closed":    {"auditor", "/office/inspections", ticket(2)},
		"forms":            {"officer", "/office/forms", pages.OfficeForms{Forms: []pages.OfficeForm{deskForm(), unknown}}},
		"forms-none":       {"officer", "/office/forms", pages.OfficeForms{}},
		"rounds":           {"officer", "/office/rounds", pages.OfficeRounds{Rounds: deskRounds(), Agreements: []pages.OfficeAgreement{deskAgreement()}}},
		"rounds-none":      {"officer", "/office/rounds", pages.OfficeRounds{}},
		"rounds-auditor":   {"auditor", "/office/rounds", pages.OfficeRounds{Rounds: deskRounds()}},
		"paper":            {"officer", "/office/paper", pages.OfficePaper{}},
		"paper-rows":       {"officer", "/office/paper", pages.OfficePaper{Entered: 2, Rows: deskPaper()}},
		"link":             {"officer", "", pages.OfficeLink{Student: pages.OfficeRef{StudentID: "S-20931"}, Address: "https://data.lakeview.example/i/MADEUPSECRETOFTWENTYSIXLET", QR: modules(), Code: "••• 42", Ends: theTime(27, 14)}},
		"link-no-contact":  {"officer", "", pages.OfficeLink{Student: pages.OfficeRef{StudentID: "S-20931"}, Address: "https://data.lakeview.example/i/MADEUPSECRETOFTWENTYSIXLET", QR: modules(), Ends: theTime(27, 14)}},
		"messages":         {"officer", "/office/messages", deskMessages()},
		"messages-none":    {"auditor", "/office/messages", pages.OfficeMessages{State: "given_up"}},
		"texts":            {"officer", "/office/texts", texts},
		"texts-auditor":    {"auditor", "/office/texts", texts},
	}
}

// deskStories are every page of the office in every state.
func deskStories() map[string]deskStory {
	all := deskLists()
	overview := pages.OfficeOverview{Cases: deskCases()[:2], Inspections: deskInspections()[:2], Conflicts: 2, Forms: 3, Unreached: 12, Rounds: deskRounds()}
	empty := pages.OfficeStudent{Rights: pages.OfficeRights{Student: pages.OfficeRef{StudentID: "S-11007", Name: "Leo Tran"}, Eligible: true, Deciders: onFile()[:1]}, Record: &pages.OfficeRecord{}}
	all["door"] = deskStory{"", "/o/{secret}", pages.OfficeDoor{Link: "/o/MADEUPSECRET", Person: "Olga Okafor", Role: "officer"}}
	all["overview"] = deskStory{"officer", "/office", overview}
	all["overview-auditor"] = deskStory{"auditor", "/office", overview}
	all["overview-steward"] = deskStory{"steward", "/office", pages.OfficeOverview{Matches: 14, Duplicates: 1}}
	all["overview-none"] = deskStory{"officer", "/office", pages.OfficeOverview{}}
	all["student"] = deskStory{"officer", "", deskStudent()}
	all["student-done"] = deskStory{"officer", "", with(deskStudent(), func(s *pages.OfficeStudent) { s.Done = "The restriction is recorded. It counts from now on." })}
	all["student-oldest"] = deskStory{"officer", "", with(deskStudent(), func(s *pages.OfficeStudent) { s.Record.Next, s.Record.Before = 0, 45120 })}
	all["student-auditor"] = deskStory{"auditor", "", with(deskStudent(), func(s *pages.OfficeStudent) { s.Record, s.Rights.Student.Name = nil, "" })}
	all["student-none"] = deskStory{"officer", "", empty}
	for _, kind := range pages.NoteKinds() {
		all["note-"+string(kind)] = deskStory{"officer", "", pages.OfficeNote{Kind: kind}}
	}
	all["note-details"] = deskStory{"officer", "", pages.OfficeNote{Kind: pages.NoteTryAgain, Details: []string{"document is missing: give the hash or the file reference of what shows it."}}}
	all["note-nobody"] = deskStory{"", "", pages.OfficeNote{Kind: pages.NoteExpiredSession}}
	return all
}

func (s deskStory) html(t testing.TB) string {
	t.Helper()
	f := pages.OfficeFrame{District: "Lakeview Schools", Phone: "(414) 555-0142", Role: s.role, Path: s.path, Now: time.Date(2026, 11, 27, 15, 4, 0, 0, time.FixedZone("CST", -6*3600)), Simulated: s.role == "auditor"}
	if s.role != "" {
		f.Person = "Olga Okafor"
	}
	text, err := pages.RenderOffice(f, s.page)
	noError(t, err)
	return string(text)
}

func TestEveryPageOfTheOfficeHasATitleAndNoScript(t *testing.T) {
	t.Parallel()
	for name, s := range deskStories() {
		text := s.html(t)
		if strings.Contains(text, "<h1></h1>") || strings.Contains(text, "<script") || strings.Contains(text, "style=") {
			t.Errorf("%s: no title, or a script, or a style of its own", name)
		}
		if s.role != "officer" && strings.Contains(text, `action="/office/`) && strings.Contains(strings.ReplaceAll(strings.ReplaceAll(text, `action="/office/student"`, ""), `action="/office/sign-out"`, ""), `action="/office/`) {
			t.Errorf("%s: a role that changes nothing is offered a form", name)
		}
		if len(text) > 60<<10 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
	}
}

func TestAPageOfTheOfficeShowsTheDistrictsTime(t *testing.T) {
	t.Parallel()
	text := deskStories()["student"].html(t)
	for _, want := range []string{"Nov 20, 2026, 2:12 PM", "Printed Nov 27, 2026, 3:04 PM by Olga Okafor, privacy officer, Lakeview Schools."} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := fmt.Sprint(strings.Count(text, "<h1>")); n != "1" {
		t.Errorf("%s titles", n)
	}
}
