package web_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/sample"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/broker/web"
	"github.com/hallpass-edu/hallpass/consent"
)

// clerk is a browser of one of the district's own people, with a session or without.
type clerk struct {
	h      *homes
	cookie string
}

func (c clerk) do(method, target string, form url.Values, header ...string) leaf {
	c.h.t.Helper()
	cookie := (&http.Cookie{Name: "__Host-staff", Value: c.cookie}).String()
	l := visitor{h: c.h}.do(method, target, form, append(header, "Cookie", cookie)...)
	l.fits(c.h.t, method+" "+target)
	return l
}

func (c clerk) get(target string) leaf { c.h.t.Helper(); return c.do(http.MethodGet, target, nil) }

// send posts a form: names and values in turn.
func (c clerk) send(target string, fields ...string) leaf {
	c.h.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return c.do(http.MethodPost, target, form)
}

// link makes a link for somebody and returns its path.
func (h *homes) link(role broker.Role, subject string) string {
	h.t.Helper()
	target, _, err := h.NewStaffLink(h.t.Context(), broker.StaffLinkRequest{Role: role, Subject: subject})
	if err != nil {
		h.t.Fatal(err)
	}
	return target
}

// clerk signs somebody in by a link.
func (h *homes) clerk(role broker.Role) clerk {
	h.t.Helper()
	in := clerk{h: h}.send(h.link(role, "Chris Clerk")).want(h.t, http.StatusSeeOther)
	cookie := in.setCookie("__Host-staff")
	if cookie == nil || cookie.SameSite != http.SameSiteStrictMode || in.location != "/office" {
		h.t.Fatalf("the way leads to %s with %v", in.location, cookie)
	}
	return clerk{h, cookie.Value}
}

// office is a district at work with its people at their desks.
type office struct {
	*homes
	officer, auditor, steward clerk
	list                      []asked
}

func openOffice(t testing.TB, change ...func(*furnishing)) *office {
	t.Helper()
	h := openHomes(t, change...)
	return &office{h, h.clerk(broker.RoleOfficer), h.clerk(broker.RoleAuditor), h.clerk(broker.RoleSteward), h.invited()}
}

// guardian is a guardian of a child who holds the rights, as forms name her.
func guardianOf(a asked) (id, field string) {
	for _, g := range a.child.Guardians {
		if g.HoldsRights {
			return g.ID, "guardian:" + g.ID
		}
	}
	return "", ""
}

const sum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// sheets prints the forms that nobody answered, past the pages.
func (o *office) sheets() (round string, forms []sheetOf) {
	o.t.Helper()
	rounds := data[struct {
		Rounds []struct {
			ID string `json:"id"`
		} `json:"rounds"`
	}](o.homes.officer().get("/v1/rounds"))
	round = rounds.Rounds[len(rounds.Rounds)-1].ID
	return round, data[struct {
		Sheets []sheetOf `json:"sheets"`
	}](o.homes.officer().post("/v1/packets", broker.PacketRequest{Round: round}).want(http.StatusOK)).Sheets
}

// sheetOf is a printed form as the API tells it.
type sheetOf struct {
	Form     string `json:"form"`
	Language string `json:"language"`
	Student  string `json:"student"`
}

// form sends a form of the partner about a child, signed by a name.
func (o *office) form(child asked, name string) string {
	o.t.Helper()
	p := o.partner(north)
	i := slices.IndexFunc(p.Roster, func(r sample.Participant) bool { return r.StudentID == child.child.ID })
	a := o.partnerOf(north).post("/v1/consents", broker.ConsentRequest{
		Agreement: northAgreement, Student: broker.StudentRef{ParticipantRef: p.Roster[i].Ref}, Signer: broker.SignerRef{Name: name},
		Answer: consent.Yes, Categories: []consent.Category{consent.Attendance}, RecordsFrom: o.Year.Start, RecordsTo: o.AsOf, Expires: o.AsOf + 100,
		SignedAt: o.clock.Now().Add(-time.Hour), Method: consent.PartnerForm, Text: broker.TextRef{Version: "1", Language: "en", SHA256: sum},
		Evidence: consent.Evidence{Kind: "scan", SHA256: sum},
	}).want(http.StatusCreated)
	return data[struct {
		ID string `json:"id"`
	}](a).ID
}

func (l leaf) says(t testing.TB, words ...string) leaf {
	t.Helper()
	text := html.UnescapeString(l.body)
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("the page does not say %q: %s", w, text)
		}
	}
	return l
}

func TestALinkOfTheStaffIsLookedAtFreelyAndUsedOnce(t *testing.T) {
	t.Parallel()
	h := openHomes(t)
	link := h.link(broker.RoleOfficer, "Olga Okafor")
	before := h.mark()
	for range 3 {
		clerk{h: h}.get(link).want(t, http.StatusOK).says(t, "Olga Okafor", "privacy officer", `<form method="post" action="`+link+`"`)
	}
	if !h.untouched(before) {
		t.Error("looking at a link changed something")
	}
	clerk{h: h}.send(link).want(t, http.StatusSeeOther)
	used, unknown := clerk{h: h}.send(link).want(t, http.StatusNotFound), clerk{h: h}.send("/o/NOTHING").want(t, http.StatusNotFound)
	if used.note() != unknown.note() {
		t.Error("a link that was used is told apart from one that never was")
	}
	clerk{h: h}.get(link).want(t, http.StatusNotFound)
	signedIn := func(e entry) bool { return e.Event == tlog.StaffSignedIn && e.Caller.Subject == "Olga Okafor" }
	if e := h.entries(before.size); len(slices.DeleteFunc(slices.Clone(e), func(e entry) bool { return !signedIn(e) })) != 1 {
		t.Errorf("the log has %v", e)
	}
}

func TestSigningOutEndsTheSession(t *testing.T) {
	t.Parallel()
	h := openHomes(t)
	c := h.clerk(broker.RoleOfficer)
	c.get("/office").want(t, http.StatusOK).says(t, "Chris Clerk, privacy officer")
	if gone := c.send("/office/sign-out").want(t, http.StatusOK).setCookie("__Host-staff"); gone == nil || gone.MaxAge >= 0 {
		t.Error("the cookie stays")
	}
	c.get("/office").want(t, http.StatusUnauthorized).says(t, "You are not signed in")
	late := h.clerk(broker.RoleOfficer)
	h.clock.Add(31 * time.Minute)
	late.get("/office").want(t, http.StatusUnauthorized)
}

func TestSessionsOfFamiliesAndStaffOpenNothingOfEachOther(t *testing.T) {
	t.Parallel()
	h := openHomes(t)
	family, _ := h.signIn(h.invited()[0])
	staff := h.clerk(broker.RoleOfficer)
	clerk{h, family.cookie}.get("/office").want(t, http.StatusUnauthorized)
	visitor{h, staff.cookie}.get("/choices").want(t, http.StatusUnauthorized)
	clerk{h: h}.get("/o/"+h.invited()[1].secret).want(t, http.StatusNotFound)
	visitor{h: h}.get("/i/"+path.Base(h.link(broker.RoleOfficer, "O"))).want(t, http.StatusNotFound)
}

// officeRow says how a page answers each role; nobody is always sent away.
type officeRow struct {
	form                      []string
	officer, auditor, steward int
}

func officeRows(number, person string, ids map[string]string) map[string]officeRow {
	student := func(fields ...string) []string { return append([]string{"student", number}, fields...) }
	const ok, to, none = http.StatusOK, http.StatusSeeOther, http.StatusNotFound
	return map[string]officeRow{
		"GET /office":                                 {nil, ok, ok, ok},
		"GET /office/cases":                           {nil, ok, ok, none},
		"GET /office/inspections":                     {nil, ok, ok, none},
		"GET /office/inspections/{inspection}":        {nil, ok, ok, none},
		"GET /office/forms":                           {nil, ok, none, none},
		"GET /office/rounds":                          {nil, ok, ok, none},
		"GET /office/messages":                        {nil, ok, ok, none},
		"GET /office/texts":                           {nil, ok, ok, none},
		"POST /office/student":                        {student(), ok, ok, none},
		"POST /office/student/restrictions":           {student("kind", "both_must_agree", "document", "order 1"), ok, none, none},
		"POST /office/student/restrictions/lift":      {student("id", ids["restriction"], "reason", "it ended"), ok, none, none},
		"POST /office/student/protections":            {student("person", person, "document", "note 1"), ok, none, none},
		"POST /office/student/protections/lift":       {student("id", ids["protection"], "reason", "it is safe"), ok, none, none},
		"POST /office/student/holders":                {student("person", person, "capacity", "parent", "holds", "yes", "document", "order 2"), ok, none, none},
		"POST /office/student/postsecondary":          {student("document", "note 2"), ok, none, none},
		"POST /office/student/cases":                  {student("kind", "not_me", "person", person), ok, none, none},
		"POST /office/student/inspections":            {student("person", person), to, none, none},
		"POST /office/cases/{case}/close":             {[]string{"reason", "settled"}, to, none, none},
		"POST /office/inspections/{inspection}/close": {[]string{"reason", "they came"}, to, none, none},
		"POST /office/forms/{form}":                   {[]string{"decision", "confirm", "person", person}, to, none, none},
		"POST /office/rounds":                         {[]string{"agreement", northAgreement, "from", "2025-09-01", "to", "2026-06-01", "category", "attendance"}, to, none, none},
		"POST /office/messages/{message}/retry":       {nil, http.StatusConflict, none, none},
		"POST /office/student/link":                   {student("person", person), ok, none, none},
		"POST /office/rounds/{round}/packet":          {[]string{"language", "en"}, ok, none, none},
		"GET /office/paper":                           {nil, ok, none, none},
		"POST /office/paper":                          {[]string{"form", ids["ask"], "answer", "yes", "language", "en", "signed", ids["today"], "scan", sum, "file", "a.pdf"}, ok, none, none},
		"POST /office/paper/scans":                    {nil, http.StatusUnprocessableEntity, http.StatusUnprocessableEntity, http.StatusUnprocessableEntity}, // no files: see the tests of scans
		"POST /office/texts":                          {[]string{"language", "ar", "version", ids["version"], "reviewer", "Prof. Reader"}, to, none, none},
		"POST /office/sign-out":                       {nil, ok, ok, ok},
	}
}

// prepared is an office with one of everything, about one child.
func prepared(t *testing.T) (o *office, child asked, ids map[string]string) {
	t.Helper()
	o = openOffice(t)
	child = o.list[0]
	guardian, _ := guardianOf(child)
	ref, by := broker.StudentRef{StudentID: child.child.ID}, broker.SignerRef{GuardianID: guardian}
	made := func(p string, body any) string {
		return data[struct {
			ID string `json:"id"`
		}](o.homes.officer().post(p, body).want(http.StatusCreated)).ID
	}
	texts := data[struct {
		Texts []struct {
			Version string `json:"version"`
		} `json:"texts"`
	}](o.homes.officer().get("/v1/texts"))
	messages := data[struct {
		Messages []struct {
			ID string `json:"id"`
		} `json:"messages"`
	}](o.homes.officer().get("/v1/messages"))
	round, forms := o.sheets()
	another := forms[slices.IndexFunc(forms, func(s sheetOf) bool { return s.Student != child.child.GivenName+" "+child.child.FamilyName })]
	ids = map[string]string{
		"round": round, "ask": another.Form, "today": o.AsOf.String(),
		"restriction": made("/v1/restrictions", broker.RestrictionRequest{Student: ref, Kind: consent.BothMustAgree, Document: "order 0"}),
		"protection":  made("/v1/protections", broker.ProtectionRequest{Student: ref, Document: "note 0"}),
		"case":        made("/v1/cases", broker.CaseRequest{Student: ref, Kind: broker.CaseNotMyChild, By: by}),
		"inspection":  made("/v1/inspections", broker.InspectionRequest{Student: ref, By: by}),
		"form":        o.form(child, "A Parent"),
		"message":     messages.Messages[0].ID, "version": texts.Texts[0].Version,
	}
	return o, child, ids
}

func TestEveryPageOfTheOfficeKeepsToItsRoles(t *testing.T) {
	t.Parallel()
	o, child, ids := prepared(t)
	_, person := guardianOf(child)
	rows := officeRows(child.child.ID, person, ids)
	pagesOf := slices.Clone(web.OfficePages())
	slices.SortStableFunc(pagesOf, func(a, b web.FamilyPage) int { return strings.Compare(last(a), last(b)) })
	nothing := map[string]string{"case": "cas_nothing", "inspection": "ins_nothing", "form": "cns_nothing", "message": "msg_nothing", "round": "rnd_nothing"}
	for _, p := range pagesOf {
		name := p.Method + " " + p.Path
		row, listed := rows[name]
		if strings.HasPrefix(p.Path, "/o/") {
			continue // who is not signed in: see the tests of links
		}
		if !listed {
			t.Errorf("%s has no row", name)
			continue
		}
		delete(rows, name)
		ask := func(c clerk, ids map[string]string, form []string) leaf {
			if p.Method == http.MethodGet {
				return c.get(fill(p.Path, ids))
			}
			return c.send(fill(p.Path, ids), form...)
		}
		absent := slices.Clone(row.form)
		for i := 0; i+1 < len(absent); i += 2 {
			switch absent[i] {
			case "student":
				absent[i+1] = "no-such-number"
			case "id":
				absent[i+1] = "rst_nothing"
			case "agreement":
				absent[i+1] = "no-such-agreement"
			case "form":
				absent[i+1] = "ask_nothing"
			}
		}
		if l := ask(clerk{h: o.homes}, ids, row.form); l.status != http.StatusUnauthorized || strings.Contains(l.body, child.child.ID) {
			t.Errorf("%s answers nobody with %d", name, l.status)
		}
		for who, c := range map[string]clerk{"auditor": o.auditor, "steward": o.steward, "officer": o.officer} {
			if who == "officer" {
				continue
			}
			want := map[string]int{"auditor": row.auditor, "steward": row.steward}[who]
			l := ask(c, ids, row.form)
			if l.status != want {
				t.Errorf("%s answers the %s with %d, not %d", name, who, l.status, want)
			}
			if want == http.StatusNotFound && l.note() != ask(c, nothing, absent).note() {
				t.Errorf("%s tells the %s what is there", name, who)
			}
		}
		if l := ask(o.officer, ids, row.form); l.status != row.officer {
			t.Errorf("%s answers the officer with %d, not %d: %s", name, l.status, row.officer, l.body)
		}
	}
	for name := range rows {
		t.Errorf("%s stands in the table and is no page", name)
	}
}

// last puts the page that ends a session behind all others.
func last(p web.FamilyPage) string {
	if p.Path == "/office/sign-out" {
		return "z"
	}
	return ""
}

func TestAStudentsPageIsTheRecordAsTheAPITellsIt(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	child := o.list[0]
	v, in := o.signIn(child)
	v.answers(in.location, "yes")
	o.partnerOf(north).get("/v1/agreements/" + northAgreement + "/students").want(http.StatusOK)
	_, person := guardianOf(child)
	size := o.size()
	page := o.officer.send("/office/student", "student", " "+child.child.ID+" ").want(t, http.StatusOK)
	if events := o.events(size); !slices.Contains(events, tlog.OfficerViewedLog) {
		t.Errorf("reading the record left %v in the log", events)
	}
	told := data[struct {
		Requests []struct {
			Index   uint64 `json:"index"`
			Person  string `json:"person"`
			Outcome string `json:"outcome"`
		} `json:"requests"`
	}](o.homes.officer().post("/v1/disclosures", broker.DisclosuresRequest{Student: broker.StudentRef{StudentID: child.child.ID}}).want(http.StatusOK))
	if len(told.Requests) == 0 || told.Requests[0].Outcome != "shown" {
		t.Fatalf("the API tells %+v", told)
	}
	for _, r := range told.Requests {
		page.says(t, fmt.Sprintf("log entry %d", r.Index), r.Person)
	}
	page.says(t, "34 CFR 99.32", "Disclosed: the student's records were sent", "Pat Person", o.partner(north).Name,
		child.child.GivenName+" "+child.child.FamilyName, "Printed ", "by Chris Clerk, privacy officer", "Yes to "+north)

	page = o.officer.send("/office/student/restrictions", "student", child.child.ID, "kind", "may_not_decide", "person", person, "from", "2026-01-05", "document", "Case 24-1").want(t, http.StatusOK)
	page.says(t, "The restriction is recorded", "This person may not decide", "from Jan 5, 2026", "document Case 24-1", "may not decide by a document on file")
	page = o.officer.send("/office/student/restrictions/lift", "student", child.child.ID, "id", hidden(t, page, "id"), "reason", "Order of May 2").want(t, http.StatusOK)
	page.says(t, "lifted from now on", "Order of May 2")
	o.officer.send("/office/student/protections", "student", child.child.ID, "person", person, "document", "note 7").want(t, http.StatusOK).
		says(t, "The family is protected", "Protects the student and ", "document note 7")
	o.officer.send("/office/student/cases", "student", child.child.ID, "kind", "not_me", "person", person).want(t, http.StatusOK).says(t, "has stopped", "Sharing is paused")
	o.officer.get("/office").want(t, http.StatusOK).says(t, "“This was not me”", "sharing is paused")
	if rows := data[struct {
		Rows []any `json:"rows"`
	}](o.partnerOf(north).get("/v1/agreements/" + northAgreement + "/students")); len(rows.Rows) != 0 {
		t.Error("sharing goes on")
	}
	o.auditor.send("/office/student", "student", child.child.ID).want(t, http.StatusOK).says(t, "Who decides today")
	if l := o.auditor.send("/office/student", "student", child.child.ID); strings.Contains(l.body, "Who asked for this student") || strings.Contains(l.body, child.child.GivenName) || strings.Contains(l.body, "/office/student/restrictions") {
		t.Error("an auditor's page holds an officer's")
	}
}

// hidden is the first hidden field of a name.
func hidden(t testing.TB, l leaf, name string) string {
	t.Helper()
	m := regexp.MustCompile(`<input type="hidden" name="` + name + `" value="([^"]*)"`).FindStringSubmatch(l.body)
	if m == nil {
		t.Fatalf("the page has no field %s", name)
	}
	return html.UnescapeString(m[1])
}

func TestTheRecordIsReadToItsEndInPages(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	for range 105 {
		o.partnerOf(north).get("/v1/agreements/" + northAgreement + "/students").want(http.StatusOK)
	}
	number := o.list[0].child.ID
	count := func(l leaf) int { return strings.Count(l.body, "log entry ") }
	newest := o.officer.send("/office/student", "student", number).want(t, http.StatusOK).says(t, "Older requests")
	oldest := o.officer.send("/office/student", "student", number, "before", hidden(t, newest, "before")).want(t, http.StatusOK).says(t, "Newest requests", "the oldest")
	if count(newest) != 100 || count(oldest) != 5 {
		t.Errorf("%d and %d requests are shown", count(newest), count(oldest))
	}
	o.officer.send("/office/student", "student", number, "before", "-1").want(t, http.StatusUnprocessableEntity)
}

func TestAnInspectionHasATicketWithFortyFiveDays(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	child := o.list[0]
	_, person := guardianOf(child)
	ticket := o.officer.send("/office/student/inspections", "student", child.child.ID, "person", person).want(t, http.StatusSeeOther).location
	o.officer.get(ticket).want(t, http.StatusOK).says(t, "45 days left", (o.AsOf + 45).Time().Format("Jan 2, 2006"), child.child.ID, "34 CFR 99.10", "612-555-0100")
	o.officer.get("/office").want(t, http.StatusOK).says(t, "45 days left")
	o.clock.Add(46 * 24 * time.Hour)
	late := o.clerk(broker.RoleOfficer)
	late.get("/office").want(t, http.StatusOK).says(t, "1 day overdue")
	late.send(ticket+"/close", "reason", "").want(t, http.StatusUnprocessableEntity).says(t, "reason is missing")
	late.send(ticket+"/close", "reason", "seen on paper").want(t, http.StatusSeeOther)
	late.get(ticket).want(t, http.StatusOK).says(t, "seen on paper")
	late.send(ticket+"/close", "reason", "again").want(t, http.StatusConflict).says(t, "closed already")
}

func TestAFormIsConfirmedOrRefusedFromItsCard(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	child, other := o.list[0], o.list[1]
	signer := child.child.Guardians[slices.IndexFunc(child.child.Guardians, func(g sample.Guardian) bool { return g.HoldsRights })]
	first, second := o.form(child, signer.GivenName+" "+signer.FamilyName), o.form(other, "Somebody Else")
	page := o.officer.get("/office/forms").want(t, http.StatusOK).says(t, "2 forms wait.", "has the name on the form", signer.GivenName+" "+signer.FamilyName+" (guardian "+signer.ID+")", "Somebody Else")
	if n := strings.Count(page.body, " checked"); n != 1 {
		t.Errorf("%d people are proposed", n)
	}
	o.officer.send("/office/forms/"+second, "decision", "confirm", "reason", "x").want(t, http.StatusUnprocessableEntity).says(t, "choose one of the people")
	o.officer.send("/office/forms/"+first, "decision", "confirm", "person", "guardian:"+signer.ID, "reason", "x").want(t, http.StatusSeeOther)
	o.officer.send("/office/forms/"+second, "decision", "refuse", "reason", "The signer is not on the student's file").want(t, http.StatusSeeOther)
	o.officer.send("/office/forms/"+second, "decision", "refuse", "reason", "again").want(t, http.StatusConflict)
	o.officer.get("/office/forms").want(t, http.StatusOK).says(t, "No form waits.")
	o.officer.send("/office/student", "student", child.child.ID).want(t, http.StatusOK).says(t, "Yes to "+north, "on a partner's form")
}

func TestARoundIsOpenedAndCountedOnItsPage(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	v, in := o.signIn(o.list[0])
	v.answers(in.location, "no")
	o.officer.get("/office/rounds").want(t, http.StatusOK).says(t, "Agreement "+northAgreement, "Answered 1 on the web.", `<option value="`+northAgreement+`">`)
	o.officer.send("/office/rounds", "agreement", northAgreement, "from", "soon").want(t, http.StatusUnprocessableEntity).says(t, "from is no day")
	o.officer.send("/office/rounds", "agreement", northAgreement).want(t, http.StatusUnprocessableEntity).says(t, "records from is missing")
	year := []string{"agreement", northAgreement, "from", o.Year.Start.String(), "to", o.AsOf.String(), "category", "attendance", "category", "grades"}
	o.officer.send("/office/rounds", year...).want(t, http.StatusSeeOther)
	type round struct {
		Categories []string `json:"categories"`
	}
	rounds := data[struct {
		Rounds []round `json:"rounds"`
	}](o.homes.officer().get("/v1/rounds"))
	if !slices.ContainsFunc(rounds.Rounds, func(r round) bool { return slices.Equal(r.Categories, []string{"attendance", "grades"}) }) {
		t.Errorf("the rounds are %v", rounds)
	}
	if l := o.auditor.get("/office/rounds").want(t, http.StatusOK); strings.Contains(l.body, "<form method=\"post\" action=\"/office/rounds\"") {
		t.Error("an auditor is offered a round")
	}
}

func TestFormsArePrintedInALanguageAndEnteredWhenTheyComeBack(t *testing.T) {
	t.Parallel()
	o := openOffice(t, func(f *furnishing) { f.web.District.Public = "https://data.lakeland.example" })
	round, forms := o.sheets()
	english := slices.DeleteFunc(slices.Clone(forms), func(s sheetOf) bool { return s.Language != "" && !strings.HasPrefix(s.Language, "en") })
	if len(english) == 0 || len(english) == len(forms) {
		t.Fatalf("%d of %d forms are in English", len(english), len(forms))
	}
	print := o.officer.send("/office/rounds/"+round+"/packet", "language", "en").want(t, http.StatusOK).says(t, english[0].Form, english[0].Student, "https://data.lakeland.example/i/", "<svg")
	if n := strings.Count(print.body, `class="sheet"`); n != len(english) {
		t.Errorf("%d forms are printed of %d in English", n, len(english))
	}
	o.officer.send("/office/rounds/"+round+"/packet", "language", "en", "school", "no-such-school").want(t, http.StatusNotFound).says(t, "No form waits")
	signed := []string{"form", english[0].Form, "answer", "yes", "language", "en", "signed", o.AsOf.String(), "scan", sum, "file", "a.pdf"}
	o.officer.send("/office/paper", signed...).want(t, http.StatusOK).says(t, "1 answer is entered.")
	o.officer.send("/office/paper", signed...).want(t, http.StatusUnprocessableEntity).says(t, "answered already")
	o.officer.get("/office/rounds").want(t, http.StatusOK).says(t, "Answered 1 on paper.")

	child := o.list[1]
	_, person := guardianOf(child)
	o.officer.send("/office/student/link", "student", child.child.ID, "person", person).want(t, http.StatusOK).says(t, "https://data.lakeland.example/i/", "A code goes to ", "<svg")
}

func TestMessagesAndTextsAreReadAndActedOn(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.officer.get("/office/messages").want(t, http.StatusOK).says(t, "Invitation", "Delivered")
	o.officer.get("/office/messages?state=undeliverable").want(t, http.StatusOK)
	o.officer.get("/office/messages?state=lost").want(t, http.StatusUnprocessableEntity)
	o.officer.get("/office/messages?student=1").want(t, http.StatusUnprocessableEntity)
	page := o.officer.get("/office/texts").want(t, http.StatusOK).says(t, "by nobody yet")
	o.officer.send("/office/texts", "language", hidden(t, page, "language"), "version", hidden(t, page, "version"), "reviewer", "Prof. Reader").want(t, http.StatusSeeOther)
	o.officer.get("/office/texts").want(t, http.StatusOK).says(t, "by Prof. Reader")
}

func TestAnotherSiteCanDoNothingAtTheOffice(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	before := o.mark()
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		for _, p := range web.OfficePages() {
			if p.Method != http.MethodPost {
				continue
			}
			at := fill(p.Path, map[string]string{"secret": path.Base(o.homes.link(broker.RoleOfficer, "O")), "case": "cas_1", "inspection": "ins_1", "form": "cns_1", "message": "msg_1"})
			if l := o.officer.do(http.MethodPost, at, url.Values{}, header...); l.status != http.StatusNotFound {
				t.Errorf("%s answers another site with %d", p.Path, l.status)
			}
		}
	}
	if after := o.mark(); after.size != before.size+1 {
		t.Errorf("another site left %d entries", after.size-before.size-1)
	}
	o.officer.get("/office").want(t, http.StatusOK)
}

func TestReadingThePagesOfTheOfficeChangesNothing(t *testing.T) {
	t.Parallel()
	o, _, ids := prepared(t)
	before := o.mark()
	for _, p := range web.OfficePages() {
		if p.Method == http.MethodGet && p.Path != "/o/{secret}" {
			o.officer.get(fill(p.Path, ids)).want(t, http.StatusOK)
		}
	}
	if !o.untouched(before) {
		t.Error("a GET changed something")
	}
}

func TestNoAddressOrLogLineOfTheOfficeTellsOfAPerson(t *testing.T) {
	t.Parallel()
	o, child, ids := prepared(t)
	link := o.homes.link(broker.RoleOfficer, "Olga Okafor")
	clerk{h: o.homes}.get(link)
	clerk{h: o.homes}.send(link)
	guardian, person := guardianOf(child)
	private := []string{child.child.ID, guardian, child.child.FamilyName, "Chris Clerk", "Olga Okafor", path.Base(link), o.officer.cookie}
	var shown []leaf
	for _, p := range web.OfficePages() {
		if p.Method == http.MethodGet && p.Path != "/o/{secret}" {
			shown = append(shown, o.officer.get(fill(p.Path, ids)).want(t, http.StatusOK))
		}
	}
	shown = append(shown, o.officer.send("/office/student", "student", child.child.ID).want(t, http.StatusOK),
		o.officer.send("/office/student/inspections", "student", child.child.ID, "person", person).want(t, http.StatusSeeOther))
	for _, l := range shown {
		for _, at := range append(append(l.paths(hrefs), l.paths(actions)...), l.location) {
			if w := holdsAny([]byte(at), private); w != "" {
				t.Errorf("the address %s holds %q", at, w)
			}
		}
	}
	o.officer.send("/office/student", "student", child.child.ID+"x").want(t, http.StatusNotFound)
	if l := o.officer.send("/office/student/restrictions", "student", child.child.ID, "kind", "none"); l.status != http.StatusUnprocessableEntity || holdsAny([]byte(l.body), private[:3]) != "" {
		t.Errorf("an error repeats what was sent: %s", l.body)
	}
	if w := holdsAny([]byte(o.log.String()), private); w != "" {
		t.Errorf("the service's log holds %q", w)
	}
}

func TestAFormOfTheOfficeIsReadStrictly(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	number := o.list[0].child.ID
	for name, form := range map[string]url.Values{
		"an unknown field": {"student": {number}, "extra": {"1"}}, "a repeated one": {"student": {number, number}},
		"one that is too long": {"student": {strings.Repeat("9", 5000)}},
	} {
		if l := o.officer.do(http.MethodPost, "/office/student", form); l.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, l.status)
		}
	}
	o.officer.send("/office/student").want(t, http.StatusUnprocessableEntity)
}
