package web

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/consent"
)

// officePath is one page of the district's own people. What is read under GET changes
// nothing. No number, name or id of a person stands in a path or a query.
type officePath[A Answer] struct {
	method, path string
	signedIn     bool     // somebody must be
	query        []string // parameters
	fields       []string // of the form, once each
	lists        []string // of the form, any number of times
	uploads      string   // the field of files, which come instead of a form
	most         int64    // bytes of the body; zero: maxForm
	answer       func(*desk[A]) (deskReply, error)
}

// officePaths is the whole of these pages.
func officePaths[A Answer]() []officePath[A] {
	return slices.Concat(doorPaths[A](), listPaths[A](), studentPaths[A]())
}

func doorPaths[A Answer]() []officePath[A] {
	return []officePath[A]{
		{method: get, path: "/o/{secret}", answer: (*desk[A]).door},
		{method: post, path: "/o/{secret}", answer: (*desk[A]).enter},
		{method: post, path: "/office/sign-out", signedIn: true, answer: (*desk[A]).leave},
	}
}

func listPaths[A Answer]() []officePath[A] {
	return []officePath[A]{
		{method: get, path: "/office", signedIn: true, answer: (*desk[A]).overview},
		{method: get, path: "/office/cases", signedIn: true, answer: (*desk[A]).cases},
		{method: post, path: "/office/cases/{case}/close", signedIn: true, fields: []string{"reason"}, answer: (*desk[A]).closeCase},
		{method: get, path: "/office/inspections", signedIn: true, answer: (*desk[A]).inspections},
		{method: get, path: "/office/inspections/{inspection}", signedIn: true, answer: (*desk[A]).ticket},
		{method: post, path: "/office/inspections/{inspection}/close", signedIn: true, fields: []string{"reason"}, answer: (*desk[A]).closeInspection},
		{method: get, path: "/office/forms", signedIn: true, answer: (*desk[A]).forms},
		{method: post, path: "/office/forms/{form}", signedIn: true, fields: []string{"decision", "person", "student", "guardian", "reason"}, answer: (*desk[A]).decideForm},
		{method: get, path: "/office/rounds", signedIn: true, answer: (*desk[A]).rounds},
		{method: post, path: "/office/rounds", signedIn: true, fields: []string{"agreement", "schools", "from", "to", "until", "program"}, lists: []string{"category"}, answer: (*desk[A]).openRound},
		{method: post, path: "/office/rounds/{round}/packet", signedIn: true, fields: []string{"language", "school", "after"}, answer: (*desk[A]).packet},
		{method: get, path: "/office/paper", signedIn: true, answer: (*desk[A]).paper},
		{method: post, path: "/office/paper", signedIn: true, lists: []string{"form", "answer", "language", "signed", "scan", "file"}, most: maxPaper, answer: (*desk[A]).enterPaper},
		{method: post, path: "/office/paper/scans", signedIn: true, uploads: "scans", most: maxScans, answer: (*desk[A]).readScans},
		{method: get, path: "/office/messages", signedIn: true, query: []string{"state"}, answer: (*desk[A]).messages},
		{method: post, path: "/office/messages/{message}/retry", signedIn: true, answer: (*desk[A]).retryMessage},
		{method: get, path: "/office/texts", signedIn: true, answer: (*desk[A]).texts},
		{method: post, path: "/office/texts", signedIn: true, fields: []string{"language", "version", "reviewer"}, answer: (*desk[A]).reviewText},
	}
}

func (d *desk[A]) door() (deskReply, error) {
	who, err := d.service.StaffDoor(d.ctx, d.ids["secret"])
	return deskReply{page: pages.OfficeDoor{Link: "/o/" + d.ids["secret"], Person: who.Subject, Role: string(who.Role)}}, err
}

// enter opens a session. Whoever was signed in before in this browser is no more.
func (d *desk[A]) enter() (deskReply, error) {
	in, err := d.service.SignInStaff(d.ctx, d.ids["secret"])
	if err != nil {
		return deskReply{}, err
	}
	if d.session != "" {
		err = d.service.SignOutStaff(d.ctx, d.session)
	}
	return deskReply{location: "/office", session: &in}, err
}

func (d *desk[A]) leave() (deskReply, error) {
	if err := d.service.SignOutStaff(d.ctx, d.session); err != nil {
		return deskReply{}, err
	}
	d.caller = broker.Caller{}
	return deskReply{page: pages.OfficeNote{Kind: pages.NoteSignedOut}, session: &broker.SignedIn{}}, nil
}

// overview asks only what the role may be answered: a refusal would stand in the log.
func (d *desk[A]) overview() (deskReply, error) {
	if d.caller.Role == broker.RoleSteward {
		return d.stewardOverview()
	}
	cases, err := d.readCases()
	if err != nil {
		return deskReply{}, err
	}
	inspections, err := d.readInspections()
	if err != nil {
		return deskReply{}, err
	}
	rounds, err := d.readRounds()
	if err != nil {
		return deskReply{}, err
	}
	o := pages.OfficeOverview{
		Cases:       slices.DeleteFunc(cases, func(c pages.OfficeCase) bool { return !c.Closed.IsZero() }),
		Inspections: slices.DeleteFunc(inspections, func(i pages.OfficeInspection) bool { return !i.Closed.IsZero() }),
		Rounds:      rounds,
	}
	conflicts, err := d.readConflicts()
	if err != nil {
		return deskReply{}, err
	}
	o.Conflicts = len(conflicts)
	slices.SortStableFunc(o.Cases, func(a, b pages.OfficeCase) int { return cmp.Compare(pausing(b), pausing(a)) })
	for _, state := range []broker.MessageState{broker.MessageUndeliverable, broker.MessageGivenUp} {
		m, err := opened[pages.OfficeMessages](d.service.Messages(d.ctx, d.caller, broker.MessagesRequest{State: state, Limit: maxPage}))
		if err != nil {
			return deskReply{}, err
		}
		o.Unreached, o.More = o.Unreached+len(m.Messages), o.More || len(m.Messages) == maxPage
	}
	if d.caller.Role == broker.RoleOfficer {
		forms, err := opened[pages.OfficeForms](d.service.Consents(d.ctx, d.caller))
		if err != nil {
			return deskReply{}, err
		}
		o.Forms = len(forms.Forms)
	}
	return deskReply{page: o}, nil
}

func pausing(c pages.OfficeCase) int {
	if c.Pauses {
		return 1
	}
	return 0
}

func (d *desk[A]) stewardOverview() (deskReply, error) {
	type waiting struct {
		Waiting int `json:"waiting"`
	}
	matches, err := opened[waiting](d.service.Matches(d.ctx, d.caller))
	if err != nil {
		return deskReply{}, err
	}
	pairs, err := opened[waiting](d.service.Duplicates(d.ctx, d.caller))
	return deskReply{page: pages.OfficeOverview{Matches: matches.Waiting, Duplicates: pairs.Waiting}}, err
}

func (d *desk[A]) readCases() ([]pages.OfficeCase, error) {
	v, err := opened[pages.OfficeCases](d.service.Cases(d.ctx, d.caller))
	return v.Cases, err
}

func (d *desk[A]) readConflicts() ([]pages.OfficeConflict, error) {
	v, err := opened[pages.OfficeCases](d.service.Conflicts(d.ctx, d.caller))
	return v.Conflicts, err
}

func (d *desk[A]) readInspections() ([]pages.OfficeInspection, error) {
	v, err := opened[pages.OfficeInspections](d.service.Inspections(d.ctx, d.caller))
	return v.Inspections, err
}

func (d *desk[A]) readRounds() ([]pages.OfficeRound, error) {
	v, err := opened[struct {
		Rounds []pages.OfficeRound `json:"rounds"`
	}](d.service.Rounds(d.ctx, d.caller))
	return v.Rounds, err
}

func (d *desk[A]) cases() (deskReply, error) {
	list, err := d.readCases()
	if err != nil {
		return deskReply{}, err
	}
	conflicts, err := d.readConflicts()
	return deskReply{page: pages.OfficeCases{Cases: list, Conflicts: conflicts}}, err
}

func (d *desk[A]) closeCase() (deskReply, error) {
	err := done(d.service.CloseCase(d.ctx, d.caller, d.ids["case"], d.reviewed()))
	return deskReply{location: "/office/cases"}, err
}

func (d *desk[A]) reviewed() broker.ReviewRequest {
	return broker.ReviewRequest{Reason: d.field("reason")}
}

func (d *desk[A]) inspections() (deskReply, error) {
	list, err := d.readInspections()
	return deskReply{page: pages.OfficeInspections{Inspections: list}}, err
}

func (d *desk[A]) ticket() (deskReply, error) {
	list, err := d.readInspections()
	if err != nil {
		return deskReply{}, err
	}
	i := slices.IndexFunc(list, func(i pages.OfficeInspection) bool { return i.ID == d.ids["inspection"] })
	if i < 0 {
		return deskReply{}, notAvailable()
	}
	d.path = "/office/inspections"
	return deskReply{page: pages.OfficeTicket{OfficeInspection: list[i]}}, nil
}

func (d *desk[A]) closeInspection() (deskReply, error) {
	id := d.ids["inspection"]
	err := done(d.service.CloseInspection(d.ctx, d.caller, id, d.reviewed()))
	return deskReply{location: "/office/inspections/" + id}, err
}

// forms lists the forms that wait for a word.
func (d *desk[A]) forms() (deskReply, error) {
	list, err := opened[pages.OfficeForms](d.service.Consents(d.ctx, d.caller))
	return deskReply{page: list}, err
}

func (d *desk[A]) decideForm() (deskReply, error) {
	back, id := deskReply{location: "/office/forms"}, d.ids["form"]
	switch d.form.Get("decision") {
	case "refuse":
		return back, done(d.service.InvalidateConsent(d.ctx, d.caller, id, d.reviewed()))
	case "confirm":
		signer, err := d.signer()
		if err != nil {
			return deskReply{}, err
		}
		req := broker.ConfirmRequest{Signer: signer, Student: broker.StudentRef{StudentID: d.field("student")}}
		return back, done(d.service.ConfirmConsent(d.ctx, d.caller, id, req))
	}
	return deskReply{}, unacceptable("decision", "is missing", "confirm or refuse the form")
}

// signer is who signed a form: one of the people beside it or, where the child was not
// found, whom the officer looked up.
func (d *desk[A]) signer() (broker.SignerRef, error) {
	if d.form.Has("student") {
		if d.field("student") == "" {
			return broker.SignerRef{}, unacceptable("student", "is missing", "give the district's number of the student whom the form is about")
		}
		guardian := d.field("guardian")
		return broker.SignerRef{GuardianID: guardian, Self: guardian == ""}, nil
	}
	return d.person("who signed", true)
}

// person is the person whom a form chose.
func (d *desk[A]) person(what string, required bool) (broker.SignerRef, error) {
	chosen := d.form.Get("person")
	guardian, isGuardian := strings.CutPrefix(chosen, "guardian:")
	switch {
	case isGuardian && guardian != "":
		return broker.SignerRef{GuardianID: guardian}, nil
	case chosen == "self":
		return broker.SignerRef{Self: true}, nil
	case chosen == "" && !required:
		return broker.SignerRef{}, nil
	}
	return broker.SignerRef{}, unacceptable(what, "is not chosen", "choose one of the people on the student's file")
}

func (d *desk[A]) rounds() (deskReply, error) {
	rounds, err := d.readRounds()
	if err != nil || d.caller.Role != broker.RoleOfficer {
		return deskReply{page: pages.OfficeRounds{Rounds: rounds}}, err
	}
	v, err := opened[struct {
		Agreements []pages.OfficeAgreement `json:"agreements"`
	}](d.service.Agreements(d.ctx, d.caller))
	inForce := slices.DeleteFunc(v.Agreements, func(a pages.OfficeAgreement) bool { return a.State != "active" })
	return deskReply{page: pages.OfficeRounds{Rounds: rounds, Agreements: inForce}}, err
}

func (d *desk[A]) openRound() (deskReply, error) {
	days, err := d.days("from", "to", "until")
	if err != nil {
		return deskReply{}, err
	}
	req := broker.RoundRequest{
		Agreement: d.field("agreement"), RecordsFrom: days[0], RecordsTo: days[1], Expires: days[2], Program: d.field("program") != "",
	}
	for _, category := range d.form["category"] {
		req.Categories = append(req.Categories, consent.Category(category))
	}
	for school := range strings.SplitSeq(d.field("schools"), ",") {
		if school = strings.TrimSpace(school); school != "" {
			req.Schools = append(req.Schools, school)
		}
	}
	return deskReply{location: "/office/rounds"}, done(d.service.OpenRound(d.ctx, d.caller, req))
}

// days reads the dates of a form; what is left out is none.
func (d *desk[A]) days(names ...string) ([]civil.Date, error) {
	days := make([]civil.Date, len(names))
	for i, name := range names {
		text := d.field(name)
		if text == "" {
			continue
		}
		var err error
		if days[i], err = civil.Parse(text); err != nil {
			return nil, unacceptable(name, "is no day", "write it as 2026-11-21")
		}
	}
	return days, nil
}

func (d *desk[A]) messages() (deskReply, error) {
	state := d.query.Get("state")
	list, err := opened[pages.OfficeMessages](d.service.Messages(d.ctx, d.caller, broker.MessagesRequest{State: broker.MessageState(state)}))
	list.State = state
	return deskReply{page: list}, err
}

func (d *desk[A]) retryMessage() (deskReply, error) {
	err := done(d.service.RetryMessage(d.ctx, d.caller, d.ids["message"]))
	return deskReply{location: "/office/messages"}, err
}

func (d *desk[A]) texts() (deskReply, error) {
	list, err := opened[pages.OfficeTexts](d.service.Texts(d.ctx, d.caller))
	return deskReply{page: list}, err
}

func (d *desk[A]) reviewText() (deskReply, error) {
	req := broker.TextReviewRequest{Language: d.field("language"), Version: d.field("version"), Reviewer: d.field("reviewer")}
	return deskReply{location: "/office/texts"}, done(d.service.ReviewText(d.ctx, d.caller, req))
}

// number reads a number of a form that the page itself wrote; zero where there is none.
func (d *desk[A]) number(name string) (uint64, error) {
	text := d.field(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, unacceptable(name, "is no number", "go back and try again")
	}
	return n, nil
}
