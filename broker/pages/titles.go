package pages

import (
	"fmt"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

func (Landing) title(w *words) string  { return w.say("landing_title") }
func (LinkSent) title(w *words) string { return w.say("link_sent_title") }
func (Choices) title(w *words) string  { return w.say("choices_title") }
func (SeenCopy) title(w *words) string { return w.say("copy_title") }
func (Packet) title(w *words) string   { return w.say("packet_title") }
func (CodeForm) title(w *words) string { return w.say("code_title") }

func (i Invitation) title(w *words) string {
	if i.State != InvitationOpen {
		return w.say("invite_" + string(i.State) + "_title")
	}
	return w.of(i.Self, "invite_title", values{"Children": w.names(i.Children)})
}

func (c Choice) title(w *words) string {
	switch c.State {
	case ChoiceOpen:
		return w.sentences(c.Terms).question
	case ChoiceOfAge:
		return w.of(c.Self, "choice_of_age_title", values{"Child": w.name(c.Child)})
	}
	return w.say("choice_" + string(c.State) + "_title")
}

func (r Receipt) title(w *words) string {
	switch {
	case !r.Stopped.IsZero():
		return w.say("receipt_title_stopped")
	case !r.Ended.IsZero():
		return w.say("receipt_title_ended")
	}
	return w.say("receipt_title_" + string(r.Answer))
}

func (s Stop) title(w *words) string {
	switch {
	case s.Over:
		return w.say("stop_over_title")
	case !s.Stopped.IsZero():
		return w.say("stopped_title")
	}
	return w.of(s.Self, "stop_title", values{"Child": w.name(s.Child)})
}

func (s Seen) title(w *words) string {
	return w.of(s.Self, "seen_title", values{"Child": w.name(s.Child)})
}

func (n Note) title(w *words) string { return w.say("note_" + string(n.Kind) + "_title") }

// heading is the title of the window: the page's, marked where the page shows a fault.
func (w *words) heading(p Page) string {
	if c, ok := p.(CodeForm); ok && c.Wrong {
		return w.say("error_prefix") + ": " + p.title(w)
	}
	return p.title(w)
}

// isPacket reports whether a page is there to be printed.
func isPacket(p Page) bool {
	_, is := p.(Packet)
	return is
}

// described lists what describes a field.
func described(hint string, wrong bool) string {
	if wrong {
		return "wrong " + hint
	}
	return hint
}

// telephone is the link that dials a number.
func telephone(number string) templ.SafeURL {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, number)
	return templ.SafeURL("tel:" + digits)
}

func receiptPath(number string) templ.SafeURL {
	return templ.SafeURL(at("/receipts/", number, ""))
}

func (w *words) hash(t Terms) string {
	text, _ := w.consentText(t) // what is wrong is kept as the page's fault
	return TextHash(text)
}

func (w *words) answer(a consent.Answer) string {
	return w.say(map[consent.Answer]string{consent.Yes: "yes", consent.No: "no", consent.Talk: "choice_talk"}[a])
}

// shows reports whether records of a category are shown.
func (w *words) shows(asked []consent.Category, c consent.Category) bool {
	return slices.Contains(asked, c) || w.broken.showsAllRecords
}

// portion is one part of a discipline event.
type portion struct {
	name string
	of   func(Event) string
}

func (w *words) portions(asked []consent.Category) (list []portion) {
	all := map[consent.Category]portion{
		consent.DisciplineDates:    {w.say("event_date"), func(e Event) string { return w.date(e.Date) }},
		consent.DisciplineIncident: {w.say("event_incident"), func(e Event) string { return e.Incident }},
		consent.DisciplineAction:   {w.say("event_action"), func(e Event) string { return e.Action }},
	}
	for _, c := range []consent.Category{consent.DisciplineDates, consent.DisciplineIncident, consent.DisciplineAction} {
		if w.shows(asked, c) {
			list = append(list, all[c])
		}
	}
	return list
}

// fact is a line of a list of facts.
type fact struct{ name, value string }

func (w *words) facts(r Receipt) []fact {
	span := w.span(r.RecordsFrom, r.RecordsTo)
	list := []fact{
		{w.say("receipt_answer"), w.answer(r.Answer)},
		{w.say("receipt_answered"), w.date(r.Answered)},
		{w.say("receipt_child"), r.Child},
		{w.say("receipt_partner"), r.Partner},
		{w.say("receipt_records"), w.recordsAlone(r.Categories)},
	}
	if r.Answer == consent.Yes {
		list = append(list, fact{w.say("receipt_days"), span})
	}
	if r.Answer == consent.Yes && r.Stopped.IsZero() && r.Ended.IsZero() {
		list = append(list, fact{w.say("receipt_until"), w.until(r.Terms)})
	}
	return slices.DeleteFunc(list, func(f fact) bool { return f.value == "" })
}

func (w *words) span(from, to civil.Date) string {
	return w.say("receipt_span", values{"From": w.date(from), "To": w.date(to)})
}

func (w *words) until(t Terms) string {
	switch {
	case !t.WhileInProgram:
		return w.date(t.Until)
	case t.Until.IsZero():
		return w.say("receipt_until_three")
	}
	return w.say("receipt_until_program", values{"Date": w.date(t.Until)})
}

// outcome says what a receipt means now.
func (w *words) outcome(r Receipt) string {
	with := w.termValues(r.Terms)
	switch {
	case !r.Stopped.IsZero():
		return w.say("receipt_stopped", with, values{"Date": w.date(r.Stopped)})
	case !r.Ended.IsZero():
		return w.say("receipt_ended", with, values{"Date": w.date(r.Ended)})
	case r.Answer == consent.No:
		return w.of(r.Self, "receipt_no", with)
	}
	return w.say("receipt_"+string(r.Answer), with)
}

func (w *words) held(h Held) string {
	return w.say("receipt_held", values{
		"Records": w.say("value_" + h.Family), "From": w.date(h.From), "To": w.date(h.To),
	})
}

func (w *words) childName(c ChildChoices) string {
	if c.Self {
		return w.say("choices_self")
	}
	return c.Child
}

func (w *words) cardState(c Card) string {
	if c.State != CardShares {
		return w.say("card_" + string(c.State))
	}
	if c.Until.IsZero() {
		return w.say("card_shares_program")
	}
	return w.say("card_shares", values{"Date": w.date(c.Until)})
}

// partner is the name of an organization, or that it is not shown.
func (w *words) partner(name string, held bool) string {
	if name == "" || held && !w.broken.showsHeldNames {
		return w.say("seen_name_held")
	}
	return w.name(name)
}

func (w *words) seenLead(s Seen) string {
	switch {
	case len(s.Requests) > 0:
		return w.say("seen_lead")
	case len(s.Groups) > 0:
		return w.of(s.Self, "seen_only_groups", values{"Child": w.name(s.Child)})
	}
	return w.of(s.Self, "seen_never", values{"Child": w.name(s.Child)})
}

func (w *words) became(o Outcome, self bool, child string) string {
	key := "outcome_" + string(o)
	if o == OutcomeCounted || o == OutcomeNothing {
		return w.of(self, key, values{"Child": w.name(child)})
	}
	return w.say(key)
}

func (w *words) copyFacts(c SeenCopy) []fact {
	list := []fact{{w.say("copy_school"), c.School}, {w.of(c.Self, "copy_ref", values{"Child": w.name(c.Child)}), c.Ref}}
	for _, d := range c.Covered {
		list = append(list, fact{w.say("copy_days") + ": " + w.records([]consent.Category{d.Category}), w.span(d.From, d.To)})
	}
	return slices.DeleteFunc(list, func(f fact) bool { return f.value == "" })
}

func languageNames(tags []string) (names []string) {
	for _, l := range Languages() {
		if slices.Contains(tags, l.Tag) {
			names = append(names, l.Name)
		}
	}
	return names
}

// quietZone is the white border that a QR code needs, in modules.
const quietZone = 4

func qrBox(modules [][]bool) string {
	return fmt.Sprintf("%d %d %[3]d %[3]d", -quietZone, -quietZone, len(modules)+2*quietZone)
}

// qrPath draws the dark modules, each run of a row in one stroke.
func qrPath(modules [][]bool) string {
	var path strings.Builder
	for y, row := range modules {
		for x := 0; x < len(row); x++ {
			start := x
			for x < len(row) && row[x] {
				x++
			}
			if x > start {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", start, y, x-start, x-start)
			}
		}
	}
	return path.String()
}
