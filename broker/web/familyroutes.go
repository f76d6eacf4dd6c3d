package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/consent"
)

// familyPath is one page of the families: what is read under GET changes nothing, what
// is posted is one tap.
type familyPath struct {
	method, path string
	signedIn     bool     // somebody must be
	query        []string // parameters beside lang
	fields       []string // of the form
	answer       func(*reading) (reply, error)
}

// familyPaths is the whole of the families' pages.
func familyPaths() []familyPath {
	return []familyPath{
		{method: get, path: "/", answer: landing},
		{method: post, path: "/link", fields: []string{"contact"}, answer: sendLink},
		{method: get, path: "/i/{secret}", answer: doorway},
		{method: post, path: "/i/{secret}/code", answer: sendCode},
		{method: get, path: "/i/{secret}/code", answer: codeForm},
		{method: post, path: "/i/{secret}/open", fields: []string{"code", "month", "day", "year"}, answer: signIn},
		{method: post, path: "/i/{secret}/wrong", answer: denyChild},
		{method: get, path: "/s/{secret}", answer: stopPage},
		{method: post, path: "/s/{secret}", answer: stopByLink},
		{method: post, path: "/sign-out", signedIn: true, answer: signOut},
		{method: get, path: "/asks/{ask}", signedIn: true, answer: choice},
		{method: post, path: "/asks/{ask}", signedIn: true, fields: []string{"answer", "text"}, answer: answerAsk},
		{method: get, path: "/asks/{ask}/code", signedIn: true, answer: stepUpForm},
		{method: post, path: "/asks/{ask}/code", signedIn: true, answer: sendStepUp},
		{method: post, path: "/asks/{ask}/open", signedIn: true, fields: []string{"code", "month", "day", "year"}, answer: stepUp},
		{method: get, path: "/choices", signedIn: true, answer: choices},
		{method: post, path: "/choices/{consent}/stop", signedIn: true, answer: stopChoice},
		{method: get, path: "/receipts/{number}", signedIn: true, answer: receipt},
		{method: post, path: "/receipts/{number}/send", signedIn: true, answer: sendReceipt},
		{method: post, path: "/receipts/{number}/deletion", signedIn: true, answer: askDeletion},
		{method: get, path: "/seen", signedIn: true, answer: func(*reading) (reply, error) { return to("/seen/1") }},
		{method: get, path: "/seen/{child}", signedIn: true, query: []string{"before"}, answer: seen},
		{method: get, path: "/seen/{child}/{index}", signedIn: true, answer: seenCopy},
		{method: get, path: "/seen/{child}/{index}/receipt", signedIn: true, answer: seenReceipt},
	}
}

// landing is where a family without a link begins.
func landing(*reading) (reply, error) { return show(pages.Landing{}) }

// sendLink answers the same whatever was typed.
func sendLink(r *reading) (reply, error) {
	if err := r.service.SendLink(r.ctx, r.form.Get("contact")); err != nil {
		return reply{}, err
	}
	r.path = "/"
	return show(pages.LinkSent{})
}

func (r *reading) link() string { return "/i/" + r.ids["secret"] }

func doorway(r *reading) (reply, error) {
	d, err := r.service.Doorway(r.ctx, r.ids["secret"])
	if broker.KindOf(err) == broker.NotAvailable {
		return reply{page: pages.Invitation{State: pages.InvitationExpired}, status: http.StatusNotFound}, nil
	}
	if err != nil {
		return reply{}, err
	}
	r.speaks(d.Language)
	page := pages.Invitation{Link: r.link(), Partners: d.Organizations, Children: d.FirstNames, Self: d.Self, Contact: d.Contact}
	switch {
	case d.State == broker.DoorLocked:
		page.State = pages.InvitationUsedUp
	case d.Contact == "":
		page.State = pages.InvitationOffice
	}
	return show(page)
}

func sendCode(r *reading) (reply, error) {
	if err := r.service.SendCode(r.ctx, r.ids["secret"]); err != nil {
		return reply{}, err
	}
	return to(r.link() + "/code")
}

func codeForm(r *reading) (reply, error) { return r.codeForm(false) }

// codeForm asks for the code and the birthday on one screen.
func (r *reading) codeForm(wrong bool) (reply, error) {
	d, err := r.service.Doorway(r.ctx, r.ids["secret"])
	if err != nil {
		return reply{}, err
	}
	r.speaks(d.Language)
	r.path = r.link() + "/code"
	page := pages.CodeForm{Link: r.link(), Contact: d.Contact, Self: d.Self, Wrong: wrong}
	if len(d.FirstNames) > 0 {
		page.Child = d.FirstNames[0]
	}
	return show(page)
}

// birthday is what was typed into three fields; what is no date is none.
func (r *reading) birthday() civil.Date {
	var part [3]int
	for i, name := range []string{"year", "month", "day"} {
		n, err := strconv.Atoi(r.form.Get(name))
		if err != nil || n < 1 || n > 9999 {
			return 0
		}
		part[i] = n
	}
	if d := civil.Make(part[0], time.Month(part[1]), part[2]); d.Time().Day() == part[2] && part[1] <= 12 {
		return d
	}
	return 0
}

func signIn(r *reading) (reply, error) {
	in, err := r.service.SignIn(r.ctx, r.ids["secret"], r.form.Get("code"), r.birthday())
	if broker.KindOf(err) == broker.Unauthenticated {
		return r.codeForm(true)
	}
	if err != nil {
		return reply{}, err
	}
	next := "/choices"
	v, err := r.service.Visitor(r.ctx, in.Secret)
	if err != nil {
		return reply{}, err
	}
	all, err := r.service.Choices(r.ctx, v)
	if err != nil {
		return reply{}, err
	}
	if waiting := waitingIn(all); len(waiting) == 1 {
		next = "/asks/" + waiting[0]
	}
	return reply{location: next, session: &in}, nil
}

// waitingIn are the questions that wait for an answer.
func waitingIn(all pages.Choices) (list []string) {
	for _, child := range all.Children {
		for _, card := range child.Cards {
			if card.State == pages.CardWaiting {
				list = append(list, card.Ask)
			}
		}
	}
	return list
}

func denyChild(r *reading) (reply, error) {
	if err := r.service.DenyChild(r.ctx, r.ids["secret"]); err != nil {
		return reply{}, err
	}
	r.path = r.link()
	return show(pages.Invitation{Link: r.link(), State: pages.InvitationWrong})
}

func stopPage(r *reading) (reply, error) {
	page, err := r.service.StopPage(r.ctx, r.ids["secret"])
	return reply{page: page}, err
}

func stopByLink(r *reading) (reply, error) {
	if err := r.service.StopByLink(r.ctx, r.ids["secret"]); err != nil {
		return reply{}, err
	}
	return to("/s/" + r.ids["secret"])
}

func signOut(r *reading) (reply, error) {
	if err := r.service.SignOut(r.ctx, r.visitor); err != nil {
		return reply{}, err
	}
	r.path, r.signedIn = "/", false
	return reply{page: pages.Note{Kind: pages.NoteSignedOut}, session: &broker.SignedIn{}}, nil
}

func choice(r *reading) (reply, error) {
	page, err := r.service.Choice(r.ctx, r.visitor, r.ids["ask"], r.language)
	return reply{page: page}, err
}

// answerAsk takes the answer; where nobody typed a code within five minutes it sends
// one first.
func answerAsk(r *reading) (reply, error) {
	ask := r.ids["ask"]
	number, err := r.service.AnswerAsk(r.ctx, r.visitor, ask, r.language, consent.Answer(r.form.Get("answer")), r.form.Get("text"))
	if broker.IsStale(err) {
		return sendStepUp(r)
	}
	if err != nil {
		return reply{}, err
	}
	return to("/receipts/" + number)
}

func sendStepUp(r *reading) (reply, error) {
	if err := r.service.SendStepUp(r.ctx, r.visitor); err != nil {
		return reply{}, err
	}
	return to("/asks/" + r.ids["ask"] + "/code")
}

func stepUpForm(r *reading) (reply, error) { return r.stepUpForm(false) }

func (r *reading) stepUpForm(wrong bool) (reply, error) {
	page, err := r.service.Choice(r.ctx, r.visitor, r.ids["ask"], r.language)
	if err != nil {
		return reply{}, err
	}
	path := "/asks/" + page.Ask
	r.path = path + "/code"
	return show(pages.CodeForm{Link: path, Contact: r.visitor.Contact, Child: page.Child, Self: page.Self, Wrong: wrong})
}

func stepUp(r *reading) (reply, error) {
	in, err := r.service.StepUp(r.ctx, r.visitor, r.form.Get("code"), r.birthday())
	if broker.KindOf(err) == broker.Unauthenticated {
		return r.stepUpForm(true)
	}
	return reply{location: "/asks/" + r.ids["ask"], session: &in}, err
}

func choices(r *reading) (reply, error) {
	page, err := r.service.Choices(r.ctx, r.visitor)
	return reply{page: page}, err
}

func stopChoice(r *reading) (reply, error) {
	number, err := r.service.StopChoice(r.ctx, r.visitor, r.ids["consent"])
	if err != nil {
		return reply{}, err
	}
	if number == "" {
		return to("/choices")
	}
	return to("/receipts/" + number)
}

func receipt(r *reading) (reply, error) {
	page, err := r.service.Receipt(r.ctx, r.visitor, r.ids["number"])
	return reply{page: page}, err
}

func sendReceipt(r *reading) (reply, error) {
	if err := r.service.SendReceipt(r.ctx, r.visitor, r.ids["number"]); err != nil {
		return reply{}, err
	}
	r.path = "/receipts/" + r.ids["number"]
	page, err := r.service.Receipt(r.ctx, r.visitor, r.ids["number"])
	page.Sent, page.NotSent = r.visitor.Contact != "", r.visitor.Contact == ""
	return reply{page: page}, err
}

func askDeletion(r *reading) (reply, error) {
	if err := r.service.AskDeletion(r.ctx, r.visitor, r.ids["number"]); err != nil {
		return reply{}, err
	}
	return to("/receipts/" + r.ids["number"])
}

// number is a parameter of the path, or zero.
func (r *reading) number(name string) uint64 {
	n, err := strconv.ParseUint(r.ids[name], 10, 63)
	if err != nil {
		return 0
	}
	return n
}

func seen(r *reading) (reply, error) {
	before, err := strconv.ParseUint(r.query.Get("before"), 10, 64)
	if err != nil {
		before = 0
	}
	page, next, err := r.service.Seen(r.ctx, r.visitor, int(r.number("child")), before)
	if next != 0 {
		page.Older = "/seen/" + r.ids["child"] + "?before=" + strconv.FormatUint(next, 10)
	}
	return reply{page: page}, err
}

func seenCopy(r *reading) (reply, error) {
	page, _, err := r.service.SeenCopy(r.ctx, r.visitor, int(r.number("child")), r.number("index"))
	page.Receipt = "/seen/" + r.ids["child"] + "/" + r.ids["index"] + "/receipt"
	return reply{page: page}, err
}

func seenReceipt(r *reading) (reply, error) {
	_, proof, err := r.service.SeenCopy(r.ctx, r.visitor, int(r.number("child")), r.number("index"))
	return reply{file: proof, name: "receipt-" + r.ids["index"] + ".json"}, err
}
