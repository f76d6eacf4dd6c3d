package pages

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

func (OfficeDoor) officeTitle() string        { return "Sign in" }
func (OfficeOverview) officeTitle() string    { return "Overview" }
func (OfficeCases) officeTitle() string       { return "Cases" }
func (OfficeInspections) officeTitle() string { return "Inspections" }
func (OfficeTicket) officeTitle() string      { return "Request to inspect education records" }
func (OfficeForms) officeTitle() string       { return "Forms that wait" }
func (OfficeRounds) officeTitle() string      { return "Rounds" }
func (OfficePaper) officeTitle() string       { return "Signed forms" }
func (OfficeLink) officeTitle() string        { return "A link for the front desk" }
func (OfficeMessages) officeTitle() string    { return "Messages" }
func (OfficeTexts) officeTitle() string       { return "Consent texts" }

func (s OfficeStudent) officeTitle() string {
	if s.Record == nil {
		return "Student " + s.Rights.Student.StudentID
	}
	return "Record of requests and disclosures"
}

func (n OfficeNote) officeTitle() string {
	return map[NoteKind]string{
		NoteNotFound: "There is nothing here", NoteExpiredSession: "You are not signed in", NoteTooMany: "Too many requests",
		NoteTryAgain: "This could not be recorded", NoteNotAvailable: "This is not possible now", NoteUnavailable: "The service cannot answer now",
		NoteSent: "Sent", NoteSignedOut: "You are signed out",
	}[n.Kind]
}

// text is what a note says and what to do next.
func (n OfficeNote) text() (says, next string) {
	switch n.Kind {
	case NoteExpiredSession:
		return "A session ends after eight hours, and after half an hour without use.", "Ask whoever runs the service for a new link: hallpass link."
	case NoteTooMany:
		return "More was asked for than is allowed at once.", "Wait a minute, then try again."
	case NoteTryAgain:
		return "Something in the form is missing or does not fit, or what it was about has changed since.", "Go back, mend it, and send it again. Nothing was changed."
	case NoteNotAvailable:
		return "A document on the student's file does not allow it.", "Look at the restrictions on the student's page."
	case NoteUnavailable:
		return "Nothing was changed, and nothing left.", "Try again in a minute. If it stays so, whoever runs the service finds the reason in its log."
	case NoteSent:
		return "It was sent.", "You can close this page."
	case NoteSignedOut:
		return "Nobody can go on from this browser.", "You can close this page."
	}
	return "The page does not exist, the link was used already or is too old, or it is not for your role.", "Check the number that you typed, or go back to the overview."
}

// menu are the pages of a role, in order.
func (f OfficeFrame) menu() []officeEntry {
	all := []officeEntry{
		{"/office", "Overview", []string{"officer", "auditor", "steward"}},
		{"/office/cases", "Cases", []string{"officer", "auditor"}},
		{"/office/inspections", "Inspections", []string{"officer", "auditor"}},
		{"/office/forms", "Forms", []string{"officer"}},
		{"/office/rounds", "Rounds", []string{"officer", "auditor"}},
		{"/office/messages", "Messages", []string{"officer", "auditor"}},
		{"/office/texts", "Texts", []string{"officer", "auditor"}},
	}
	return slices.DeleteFunc(all, func(e officeEntry) bool { return !slices.Contains(e.roles, f.Role) })
}

// officeEntry is a line of the menu.
type officeEntry struct {
	path, name string
	roles      []string
}

// acts reports whether the reader may change anything.
func (f OfficeFrame) acts() bool { return f.Role == "officer" }

// reads reports whether the reader may read of students.
func (f OfficeFrame) reads() bool { return f.Role == "officer" || f.Role == "auditor" }

func roleWord(role string) string {
	return word(map[string]string{"officer": "privacy officer", "steward": "data steward", "auditor": "auditor"}, role)
}

// word is a code of the API in words; one that is not known stands as it is.
func word(words map[string]string, code string) string {
	return cmp.Or(words[code], strings.ReplaceAll(code, "_", " "))
}

func caseWord(kind string) string {
	return word(map[string]string{
		"not_my_child": "“This is not my child”", "not_me": "“This was not me”", "flips": "Changed their mind three times in thirty days",
	}, kind)
}

// words is what some people said, and when.
func (f OfficeFrame) words(list []OfficeWord) string {
	said := make([]string, len(list))
	for i, w := range list {
		said[i] = w.By.who() + ", " + f.on(w.At)
		if w.Withdrawn {
			said[i] += ", took it back"
		}
	}
	return strings.Join(said, "; ")
}

// title names a row by the child, or by the file where the form is not known.
func (r OfficePaperRow) title() string {
	if r.Form == nil {
		return "A scan without a number"
	}
	return r.Form.Name
}

func paperAnswers() []consent.Answer { return []consent.Answer{consent.Yes, consent.No, consent.Talk} }

func paperWord(a consent.Answer) string {
	return word(map[string]string{"yes": "Yes", "no": "No", "talk": "Wants to talk"}, string(a))
}

func capacityWord(c consent.Capacity) string {
	return word(map[string]string{"unknown": "not known in what capacity"}, string(c))
}

func methodWord(m consent.Method) string {
	return word(map[string]string{"web": "on the web", "in_person": "in person", "phone": "by phone", "paper": "on paper", "partner_form": "on a partner's form"}, string(m))
}

func answerWord(a consent.Answer) string {
	return word(map[string]string{"yes": "Yes", "no": "No", "talk": "Wants to talk"}, string(a))
}

func restrictionWord(k consent.RestrictionKind) string {
	return word(map[string]string{
		"may_not_decide": "This person may not decide", "both_must_agree": "Everyone who holds the rights must agree", "this_person_decides": "Only this person decides",
	}, string(k))
}

func outcomeWord(o Outcome) string {
	return word(map[string]string{
		"shown":   "Disclosed: the student's records were sent",
		"counted": "Counted: one of a few whose families said yes, behind a figure that was sent",
		"nothing": "Nothing of this student was sent",
		"refused": "Refused: nothing was sent",
	}, string(o))
}

func basisWord(basis string) string {
	return word(map[string]string{
		"comparison_and_consent": "consent, 34 CFR 99.30; figures, 99.31(b)(1)", "consent_only": "consent, 34 CFR 99.30",
		"school_official": "school official, 34 CFR 99.31(a)(1)(i)(B)", "study": "study, 34 CFR 99.31(a)(6)", "audit_evaluation": "audit or evaluation, 34 CFR 99.31(a)(3), 99.35",
	}, basis)
}

func messageWord(kind string) string {
	return word(map[string]string{
		"birthday_soon": "The rights pass at 18", "yearly_reminder": "Yearly reminder", "deletion_asked": "Deletion was asked for",
		"invitation": "Invitation", "code": "Code", "receipt": "Receipt",
	}, kind)
}

func problemWord(problem string) string {
	return word(map[string]string{
		"no_contact": "No contact on file", "no_carrier": "No carrier is configured", "no_wording": "No words in this language",
		"late": "It came too late to be of use", "refused": "Refused for good", "timeout": "The carrier did not answer", "unreachable": "Could not be reached",
	}, problem)
}

func categoryWords(list []consent.Category) string {
	var names []string
	for _, c := range list {
		names = append(names, word(map[string]string{
			"discipline_dates": "discipline: dates", "discipline_incident": "discipline: incidents", "discipline_action": "discipline: actions",
		}, string(c)))
	}
	return strings.Join(names, ", ")
}

// who names a person of a student's file.
func (p OfficePerson) who() string {
	name, of := p.Name, ""
	switch {
	case p.Self:
		of = "the student"
	case p.GuardianID != "":
		of = "guardian " + p.GuardianID
	}
	if name == "" || of == "" {
		return name + of
	}
	return name + " (" + of + ")"
}

// named is a person by the name that the student's file has.
func (r OfficeRights) named(p OfficePerson) string {
	for _, d := range r.Deciders {
		if d.Field() == p.Field() {
			return d.who()
		}
	}
	return p.who()
}

// day writes a day: Nov 27, 2026; empty for none.
func day(d civil.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.Time().Format("Jan 2, 2006")
}

// span writes days from and to, either of which may be open.
func span(from, to civil.Date) string {
	switch {
	case from.IsZero() && to.IsZero():
		return "always"
	case to.IsZero():
		return "from " + day(from)
	case from.IsZero():
		return "until " + day(to)
	}
	return day(from) + " to " + day(to)
}

// on is the local day of an instant.
func (f OfficeFrame) on(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return day(civil.Of(t, f.Now.Location()))
}

// at is the local time of an instant.
func (f OfficeFrame) at(t time.Time) string {
	return t.In(f.Now.Location()).Format("Jan 2, 2006, 3:04 PM")
}

func (f OfficeFrame) today() civil.Date { return civil.Of(f.Now, f.Now.Location()) }

// left says how long there is until a day.
func (f OfficeFrame) left(due civil.Date) string {
	switch n := int(due - f.today()); {
	case n == 0:
		return "due today"
	case n == 1:
		return "1 day left"
	case n > 1:
		return strconv.Itoa(n) + " days left"
	case n == -1:
		return "1 day overdue"
	default:
		return strconv.Itoa(-n) + " days overdue"
	}
}

// likely is the person whose answer a form seems to be: the only one who held the
// rights and has the name on it.
func (f OfficeForm) likely() string {
	found := ""
	for _, c := range f.Candidates {
		if c.SameName && c.HoldsRights {
			if found != "" {
				return ""
			}
			found = c.Field()
		}
	}
	return found
}

// fit says what speaks for and against a candidate.
func (c OfficeCandidate) fit() string {
	parts := []string{capacityWord(c.Capacity)}
	if c.HoldsRights {
		parts = append(parts, "held the rights on that day")
	} else {
		parts = append(parts, "did not hold the rights on that day")
	}
	if c.SameName {
		parts = append(parts, "has the name on the form")
	}
	return strings.Join(parts, " · ")
}

// standing is what a person's answer is worth today.
func (c OfficeCandidate) standing() string {
	switch {
	case c.MayDecide:
		return "decides"
	case c.HoldsRights:
		return "holds the rights, and may not decide by a document on file"
	}
	return "does not hold the rights today"
}

// standing is how an answer is today.
func (a OfficeAnswer) standing(f OfficeFrame) string {
	switch {
	case !a.Invalidated.IsZero():
		return "never valid, found " + f.on(a.Invalidated)
	case !a.Withdrawn.IsZero():
		return "withdrawn " + f.on(a.Withdrawn)
	case !a.Expires.IsZero() && a.Expires < f.today():
		return "ended " + day(a.Expires)
	case a.Answer == consent.Yes && !a.Expires.IsZero():
		return "until " + day(a.Expires)
	}
	return ""
}

// methods lists how answers came, the most frequent first.
func (r OfficeRound) methods() string {
	type count struct {
		method consent.Method
		n      int
	}
	var list []count
	for m, n := range r.Children.ByMethod {
		list = append(list, count{m, n})
	}
	slices.SortFunc(list, func(a, b count) int { return cmp.Or(b.n-a.n, cmp.Compare(a.method, b.method)) })
	var parts []string
	for _, c := range list {
		parts = append(parts, fmt.Sprintf("%d %s", c.n, methodWord(c.method)))
	}
	return strings.Join(parts, ", ")
}

func schoolsOf(list []string) string {
	if len(list) == 0 {
		return "all schools of the agreement"
	}
	return "schools " + strings.Join(list, ", ")
}

// evidence says where a form's paper is.
func evidence(e consent.Evidence) string {
	switch {
	case e.Reference != "":
		return e.Reference
	case e.SHA256 != "":
		return "scan " + e.SHA256[:min(len(e.SHA256), 16)] + "…"
	}
	return ""
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// officeField is a hidden field of a form.
type officeField struct{ name, value string }

func first(a, _ string) string  { return a }
func second(_, b string) string { return b }

func yesNo(v bool) string {
	if v {
		return "Yes"
	}
	return "No"
}

func pauseWord(paused bool) string {
	if paused {
		return "Sharing is paused"
	}
	return "Sharing is not paused by it"
}

// refusals are reasons why a form is no valid answer.
func refusals() []string {
	return []string{
		"The signer is not on the student's file", "The signer did not hold the rights on the day of signing", "The signature is not the signer's",
		"The form is not complete or cannot be read", "The form is about another student",
	}
}

// messageFilter is one choice of which messages are listed.
type messageFilter struct{ state, query, name string }

func messageStates() []messageFilter {
	list := []messageFilter{{"", "", "All"}}
	for _, s := range [][2]string{
		{"waiting", "Waiting"}, {"undeliverable", "Undeliverable"}, {"given_up", "Given up"}, {"expired", "Too late"}, {"delivered", "Delivered"}, {"handed_over", "Handed over"},
	} {
		list = append(list, messageFilter{s[0], "?state=" + s[0], s[1]})
	}
	return list
}

// condition is how a message stands.
func (m OfficeMessage) condition(f OfficeFrame) string {
	state := word(map[string]string{
		"waiting": "Waiting", "delivered": "Delivered", "handed_over": "Handed over to the district's own tool", "expired": "Too late to be of use",
		"undeliverable": "Reached nobody", "given_up": "Reached nobody: given up",
	}, m.State)
	if m.Problem != "" {
		state += ": " + problemWord(m.Problem)
	}
	if m.State == "waiting" && !m.Next.IsZero() {
		state += ", next try " + f.at(m.Next)
	}
	return state
}

// told says to whom a message goes and when.
func (m OfficeMessage) told(f OfficeFrame) string {
	to := "guardian " + m.To.GuardianID
	if m.To.StudentID != "" {
		to = "student " + m.To.StudentID
	}
	return join("To "+to, m.Contact, "written "+f.at(m.Written), plural(m.Attempts, "attempt", "attempts"))
}

// join puts what there is in one line.
func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

// records are those that an answer is about, and their days where it names any.
func (a OfficeAnswer) records() string {
	if a.RecordsFrom.IsZero() && a.RecordsTo.IsZero() {
		return categoryWords(a.Categories)
	}
	return categoryWords(a.Categories) + ", records " + span(a.RecordsFrom, a.RecordsTo)
}

// figures names the agreements under which groups were counted.
func (r OfficeRecord) figures() string {
	var list []string
	for _, f := range r.Figures {
		list = append(list, f.PartnerName+" ("+f.Agreement+")")
	}
	return strings.Join(list, ", ")
}

func pageOf(r OfficeRecord) string {
	switch {
	case r.Next > 0:
		return "; there are older ones"
	case r.Before > 0:
		return ", the oldest"
	}
	return ", all there are"
}

func protects(r OfficeRights, p OfficeProtection) string {
	if who := r.named(p.Protects); who != "" {
		return "Protects the student and " + who
	}
	return "Protects the student from everyone on the file"
}

func holdsWord(h OfficeHolder) string {
	if h.HoldsRights {
		return "holds the rights as " + capacityWord(h.Capacity)
	}
	return "does not hold the rights as " + capacityWord(h.Capacity)
}

func attends(from civil.Date) string {
	if from.IsZero() {
		return "An earlier word was taken back"
	}
	return "Attends from " + day(from)
}

func closedWord(f OfficeFrame, at time.Time, how string) string {
	if at.IsZero() {
		return ""
	}
	return "closed " + f.on(at) + ": " + how
}
