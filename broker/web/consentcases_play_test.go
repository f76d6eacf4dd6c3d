package web_test

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/consent/casefile"
)

// event is something that happens at a moment. Of one moment files come first, then
// what officers record, answers, what becomes of them, and questions last.
type event struct {
	at    time.Time
	order eventOrder
	do    func()
}

type eventOrder int

const (
	aFile eventOrder = iota
	aWord
	anAnswer
	anAct
	aQuestion
)

// play lets everything happen in its order.
func (s *caseStage) play() {
	s.t.Helper()
	events := s.filings()
	for number, c := range s.cases {
		events = slices.Concat(events, s.words(number, c), s.orders(number, c), s.answers(number, c), s.questions(number, c))
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.order, b.order)) })
	for _, e := range events {
		if e.at.After(s.clock.Now()) {
			s.clock.Set(e.at)
		}
		e.do()
	}
}

// filings are the later files of the district, and the publication of a period.
func (s *caseStage) filings() []event {
	var moments []time.Time
	for _, c := range s.cases {
		for _, f := range c.Files[1:] {
			moments = append(moments, f.At)
		}
		if !c.Merged.IsZero() {
			moments = append(moments, c.Merged)
		}
	}
	slices.SortFunc(moments, time.Time.Compare)
	var events []event
	for _, at := range slices.Compact(moments) {
		events = append(events, event{at, aFile, s.load})
	}
	if c := s.cases[0].Closing; c != nil {
		events = append(events, event{c.At, aFile, func() {
			s.officer().post("/v1/periods/"+caseFall+"/close", map[string]any{"families": []string{c.Family}}).want(200)
		}})
	}
	return events
}

// record enters something as an officer that must be taken in, and returns its id.
func (s *caseStage) record(number int, path string, body any) string {
	a := s.officer().post(path, body)
	if a.status != http.StatusOK && a.status != http.StatusCreated {
		s.both(number, "%s was answered %d: %s", path, a.status, a.body)
		return ""
	}
	return data[struct {
		ID string `json:"id"`
	}](a).ID
}

func (s *caseStage) student(number int, child string) broker.StudentRef {
	return broker.StudentRef{StudentID: s.child(number, child, false).id()}
}

func signerIn(number int, who string) broker.SignerRef {
	switch who {
	case "":
		return broker.SignerRef{}
	case casefile.Self:
		return broker.SignerRef{Self: true}
	}
	return broker.SignerRef{GuardianID: guardianID(number, who)}
}

// words are what officers and stewards record of who is who.
func (s *caseStage) words(number int, c casefile.Case) (events []event) {
	for _, w := range c.Words {
		events = append(events, event{w.EnteredAt, aWord, func() {
			s.record(number, "/v1/holders", broker.HolderRequest{
				Student: s.student(number, ""), Signer: signerIn(number, w.Signer), Capacity: w.Capacity, HoldsRights: w.HoldsRights,
				From: w.From, To: w.To, Document: "letter",
			})
		}})
	}
	for _, w := range c.College {
		events = append(events, event{w.EnteredAt, aWord, func() {
			s.record(number, "/v1/postsecondary", broker.PostsecondaryRequest{Student: s.student(number, ""), From: w.From, Document: "letter"})
		}})
	}
	for _, a := range c.Aliases {
		events = append(events, event{a.EnteredAt, aWord, func() { s.join(number, a) }})
	}
	return events
}

// join confirms that two numbers are one person's, as a steward.
func (s *caseStage) join(number int, a consent.Alias) {
	list := data[struct {
		Duplicates []struct {
			ID        string `json:"id"`
			Guardians []struct {
				ID string `json:"guardian_id"`
			} `json:"guardians"`
		} `json:"duplicates"`
	}](s.steward().get("/v1/duplicates").want(200))
	want := []string{guardianID(number, a.Signer), guardianID(number, a.Other)}
	slices.Sort(want)
	for _, d := range list.Duplicates {
		if d.Guardians[0].ID == want[0] && d.Guardians[1].ID == want[1] {
			s.steward().post("/v1/duplicates/"+d.ID, broker.DuplicateRequest{Decision: broker.DuplicateConfirm}).want(200)
			return
		}
	}
	s.both(number, "%v do not look like one person", want)
}

// orders are court orders, and cases that pause.
func (s *caseStage) orders(number int, c casefile.Case) (events []event) {
	for _, o := range c.Orders {
		id := ""
		events = append(events, event{o.EnteredAt, aWord, func() {
			id = s.record(number, "/v1/restrictions", broker.RestrictionRequest{
				Student: s.student(number, o.Child), Kind: o.Kind, Signer: signerIn(number, o.Signer), From: o.From, To: o.To, Document: o.Document,
			})
		}})
		if o.Lifted != nil {
			events = append(events, event{o.Lifted.At, aWord, func() {
				s.record(number, "/v1/restrictions/"+id+"/lift", broker.ReviewRequest{Reason: "vacated"})
			}})
		}
	}
	for _, p := range c.Pauses {
		id := ""
		events = append(events, event{p.At, aWord, func() {
			id = s.record(number, "/v1/cases", broker.CaseRequest{
				Student: s.student(number, p.Child), Kind: broker.CaseNotMe, By: signerIn(number, c.Files[0].People[0].Who),
			})
		}})
		if p.Ended != nil {
			events = append(events, event{p.Ended.At, aWord, func() {
				s.record(number, "/v1/cases/"+id+"/close", broker.ReviewRequest{Reason: "settled"})
			}})
		}
	}
	return events
}

// answers are what people said, and what became of it. Who answers at once does so
// with a token of her own; a paper is entered later, by an officer.
func (s *caseStage) answers(number int, c casefile.Case) (events []event) {
	for _, a := range c.Answers {
		key := caseAnswer{number, a.ID}
		events = append(events, event{a.EnteredAt, anAnswer, func() { s.enter(key, a) }})
		for path, act := range map[string]*consent.Act{"confirm": a.Confirmed, "withdraw": a.Withdrawn, "invalidate": a.Invalidated, "override": overridden(a)} {
			if act != nil {
				events = append(events, event{act.At, anAct, func() { s.act(key, a, path) }})
			}
		}
	}
	return events
}

// overridden is the act that opens what an answer does not.
func overridden(a casefile.Answer) *consent.Act {
	for _, h := range a.Held {
		if h.Override != "" {
			return &consent.Act{At: h.OverriddenAt}
		}
	}
	return nil
}

// signer is the person who answers, with a token of their own.
func (s *caseStage) signer(number int, a casefile.Answer) person {
	if a.Signer == casefile.Self {
		return s.guardian("student:" + s.child(number, a.Child, a.Second).id())
	}
	return s.guardian(guardianID(number, a.Signer))
}

func (s *caseStage) enter(key caseAnswer, a casefile.Answer) {
	child := s.child(key.number, a.Child, a.Second)
	who, req := s.signer(key.number, a), broker.ConsentRequest{
		Agreement: caseTerms{a.Party, a.Purpose}.agreement(), Student: broker.StudentRef{StudentID: child.id()},
		Answer: a.Answer, Categories: a.Categories, RecordsFrom: a.RecordsFrom, RecordsTo: a.RecordsTo, Expires: a.Expires,
		SignedAt: a.SignedAt, Method: a.Method, Evidence: consent.Evidence{Kind: "scan", SHA256: a.TextSHA256},
		Text: broker.TextRef{Version: a.TextVersion, Language: a.Language, SHA256: a.TextSHA256},
	}
	switch {
	case a.Form:
		who, req.Student, req.Signer = s.partnerOf(a.Party), broker.StudentRef{ParticipantRef: child.ref()}, broker.SignerRef{Name: a.Signer}
		req.Method = consent.PartnerForm
	case a.EnteredAt.After(a.SignedAt):
		who, req.Signer = s.officer(), signerIn(key.number, a.Signer)
	}
	s.answered(key, who.post("/v1/consents", req), a.Refused != "" && !a.Form, a.Refused)
}

// answered notes the id of an answer that was taken in, and what should not have been.
func (s *caseStage) answered(key caseAnswer, got answer, refused bool, kind string) {
	statuses := map[string][]int{"invalid": {400, 422}, "denied": {403}, "not_available": {404}}[kind]
	if !refused {
		statuses = []int{200, 201}
	}
	if !slices.Contains(statuses, got.status) {
		s.both(key.number, "answer %s was answered %d, want one of %v: %s", key.id, got.status, statuses, got.body)
	}
	if got.status < 300 {
		id := data[struct {
			ID string `json:"id"`
		}](got).ID
		s.ids[key], s.back[id] = id, key.id
	}
}

// act lets something become of an answer.
func (s *caseStage) act(key caseAnswer, a casefile.Answer, what string) {
	id, taken := s.ids[key]
	if !taken {
		return // the answer was refused
	}
	path := "/v1/consents/" + id + "/" + what
	refused := what == "confirm" && a.Refused != ""
	switch what {
	case "confirm":
		s.answered(key, s.officer().post(path, broker.ConfirmRequest{Signer: signerIn(key.number, a.Signer)}), refused, a.Refused)
	case "withdraw":
		s.answered(key, s.signer(key.number, a).post(path, broker.WithdrawRequest{}), false, "")
	default:
		s.answered(key, s.officer().post(path, broker.ReviewRequest{Reason: "looked into"}), false, "")
	}
}

func (s *caseStage) questions(number int, c casefile.Case) (events []event) {
	for _, a := range c.Asks {
		events = append(events, event{a.Asked(), aQuestion, func() {
			s.run[casefile.API][c.Name] = true
			if got, ok := s.state(number, a); ok {
				if diff := a.Differs(got, true); diff != "" {
					s.fault(number, casefile.API, "%s of %s: %s", a.Question.Category, a.Question.At, diff)
				}
			}
			if a.Live() {
				s.run[casefile.Rows][c.Name] = true
				s.look(number, c, a)
			}
		}})
	}
	return events
}

// state asks what the answers come to, as an officer.
func (s *caseStage) state(number int, a casefile.Ask) (state consent.State, ok bool) {
	req := broker.ConsentStateRequest{
		Agreement: caseTerms{a.Question.Party, a.Question.Purpose}.agreement(), Student: s.student(number, a.Child),
	}
	if !a.Live() {
		req.At, req.Known = a.Question.At, a.Question.Known
	}
	got := s.officer().post("/v1/consents/state", req)
	if got.status != http.StatusOK {
		s.fault(number, casefile.API, "the state was answered %d: %s", got.status, got.body)
		return state, false
	}
	for _, c := range data[struct {
		Categories []struct {
			Category consent.Category `json:"category"`
			consent.State
			Sentence string `json:"sentence"`
		} `json:"categories"`
	}](got).Categories {
		if c.Category == a.Question.Category {
			state, ok = c.State, true
		}
	}
	for i, w := range state.Windows {
		state.Windows[i].Grant = s.back[w.Grant]
	}
	for i, id := range state.Deciding {
		state.Deciding[i] = s.back[id]
	}
	return state, ok
}

// caseRow is a child's row as its partner reads it.
type caseRow struct {
	Ref        string `json:"participant_ref"`
	Attendance *struct {
		Enrolled float64 `json:"days_enrolled"`
	} `json:"attendance"`
	Grades     []map[string]any `json:"grades"`
	Discipline []map[string]any `json:"discipline"`
	Spans      []struct {
		Category consent.Category `json:"category"`
		From     civil.Date       `json:"from"`
		To       civil.Date       `json:"to"`
	} `json:"spans"`
}

// rows are what a partner reads now. Questions come last at their moment, so that one
// reading answers all of them.
func (s *caseStage) rows(terms caseTerms) answer {
	if now := s.clock.Now(); !now.Equal(s.read.at) {
		s.read.at, s.read.rows = now, map[caseTerms]answer{}
	}
	got, again := s.read.rows[terms]
	if !again {
		got = s.partnerOf(terms.party).get("/v1/agreements/" + terms.agreement() + "/students?period=current")
		s.read.rows[terms] = got
	}
	return got
}

// look reads the rows as the partner does, and holds the child's to the case: the open
// days of the school year so far, and no cell of anything that nobody opened.
func (s *caseStage) look(number int, c casefile.Case, a casefile.Ask) {
	got := s.rows(caseTerms{a.Question.Party, a.Question.Purpose})
	if got.status != http.StatusOK {
		s.fault(number, casefile.Rows, "the rows were answered %d: %s", got.status, got.body)
		return
	}
	rows := data[struct {
		Rows []caseRow `json:"rows"`
	}](got).Rows
	var row caseRow
	if i := slices.IndexFunc(rows, func(r caseRow) bool { return r.Ref == s.child(number, a.Child, false).ref() }); i >= 0 {
		row = rows[i]
	}
	today := civil.Of(a.Question.At, c.Zone)
	open := within(a.Opened(), today)
	if is := row.spans(a.Question.Category); !slices.Equal(is, upTo(open, today)) {
		s.fault(number, casefile.Rows, "%s at %s covers %v, want %v", a.Question.Category, a.Question.At, is, upTo(open, today))
	}
	if a.Question.Category == consent.Attendance {
		row.counts(open, func(format string, args ...any) { s.fault(number, casefile.Rows, format, args...) })
	}
	for _, category := range consent.Categories() {
		spans := len(row.spans(category))
		if row.holds(category) && spans == 0 {
			s.fault(number, casefile.Rows, "at %s there is a cell of %s and no day of it is open", a.Question.At, category)
		}
		if spans > 0 && !named(c, a, category) {
			s.fault(number, casefile.Rows, "at %s %s is open and nobody opened it", a.Question.At, category)
		}
	}
}

// named reports whether somebody said yes to a category that is asked about.
func named(c casefile.Case, a casefile.Ask, category consent.Category) bool {
	return slices.ContainsFunc(c.Answers, func(said casefile.Answer) bool {
		return said.Child == a.Child && said.Party == a.Question.Party && said.Purpose == a.Question.Purpose && said.Answer == consent.Yes && slices.Contains(said.Categories, category)
	})
}

// within are the open days of the school year, without spans that lie ahead.
func within(spans []consent.Span, today civil.Date) []consent.Span {
	first, last := caseYearSpan()
	var list []consent.Span
	for _, sp := range spans {
		if from, to := max(sp.From, first), min(sp.To, last); from <= to && from <= today {
			list = append(list, consent.Span{From: from, To: to})
		}
	}
	return list
}

func upTo(spans []consent.Span, today civil.Date) []consent.Span {
	list := slices.Clone(spans)
	for i := range list {
		list[i].To = min(list[i].To, today)
	}
	return list
}

func (r caseRow) spans(category consent.Category) (list []consent.Span) {
	for _, sp := range r.Spans {
		if sp.Category == category {
			list = append(list, consent.Span{From: sp.From, To: sp.To})
		}
	}
	return list
}

// counts checks that attendance counts the open days, all of which are days of school
// and, in this district, on record from the start.
func (r caseRow) counts(open []consent.Span, fault func(string, ...any)) {
	days := 0
	for _, sp := range open {
		days += int(sp.To-sp.From) + 1
	}
	is := 0
	if r.Attendance != nil {
		is = int(r.Attendance.Enrolled)
	}
	if is != days {
		fault("attendance counts %d days, and %d are open", is, days)
	}
}

// holds reports whether a row says anything of a category.
func (r caseRow) holds(category consent.Category) bool {
	told := func(field string) bool {
		return slices.ContainsFunc(r.Discipline, func(line map[string]any) bool { return line[field] != nil })
	}
	switch {
	case category == consent.Attendance:
		return r.Attendance != nil
	case category == consent.Grades:
		return len(r.Grades) > 0
	case category == consent.DisciplineDates:
		return told("date")
	case category == consent.DisciplineIncident:
		return told("incident_type")
	case strings.HasPrefix(string(category), "discipline"):
		return told("action")
	}
	return false
}
