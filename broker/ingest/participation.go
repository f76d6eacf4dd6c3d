package ingest

import (
	"io"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// Lists are what a partner's file may be checked against: the public lists of
// schools and sessions, and nothing that depends on a student (DESIGN §9).
type Lists struct {
	Schools  []records.School
	Sessions []records.Session
}

// A Participant is one child as its partner knows it. Ref is the partner's own
// id; StudentNumber is what the family gave, is read only, and never returned.
// Row is the line on which the child stands first.
type Participant struct {
	Row           int
	Ref           string
	Given, Family string
	Birth         civil.Date
	School        string
	StudentNumber string
	Program       string
	Start, End    civil.Date
}

// A PartnerSession is one child at one session. Minutes is 0 where the file
// says none.
type PartnerSession struct {
	Row     int
	Ref     string
	School  string // of participation.csv; empty in the form of two files
	Date    civil.Date
	Program string
	Minutes int
	Funder  string
}

// Participation is a partner's file: participants in the order of their first
// row, and their sessions, each of a date that counts once.
type Participation struct {
	Participants []Participant
	Sessions     []PartnerSession
}

// ParseParticipation reads participation.csv. Its answer depends on nothing but
// the bytes and the public lists. It is nil where the file is unusable; error
// rows stay out. The error speaks of reading only.
func ParseParticipation(r io.Reader, lists Lists, limits Limits) (*Participation, *Report, error) {
	p := newPartnerFile(lists, limits)
	return p.result(p.read(participationForm, r, p.participation))
}

// ParseRoster reads the same as two files, roster.csv and sessions.csv, under
// the same contract.
func ParseRoster(roster, sessions io.Reader, lists Lists, limits Limits) (*Participation, *Report, error) {
	p := newPartnerFile(lists, limits)
	err := p.read(rosterForm, roster, p.roster)
	if err == nil && !p.report.Unusable() {
		err = p.read(sessionLogForm, sessions, p.session)
	}
	return p.result(err)
}

type partnerFile struct {
	lists   Lists
	limits  Limits
	report  *Report
	out     *Participation
	schools map[string]string
	refs    map[string]int // place in out.Participants
	days    map[string]bool
}

func newPartnerFile(lists Lists, limits Limits) *partnerFile {
	p := &partnerFile{
		lists: lists, limits: limits.withDefaults(), report: newReport(), out: &Participation{},
		schools: map[string]string{}, refs: map[string]int{}, days: map[string]bool{},
	}
	for _, s := range lists.Schools {
		p.schools[s.ID] = s.ID
	}
	return p
}

func (p *partnerFile) read(f form, r io.Reader, fn func(*row)) error {
	data, err := io.ReadAll(io.LimitReader(r, p.limits.FileBytes+1))
	if err != nil {
		return err
	}
	if t := openTable(f, data, p.limits, p.report); t != nil {
		t.each(fn)
		t.close()
	}
	return nil
}

func (p *partnerFile) result(err error) (*Participation, *Report, error) {
	if err != nil {
		return nil, nil, err
	}
	p.report.finish()
	if p.report.Unusable() {
		return nil, p.report, nil
	}
	return p.out, p.report, nil
}

func (p *partnerFile) school(r *row, column int) string {
	b := r.need(column)
	id, ok := p.schools[string(b)]
	if len(b) > 0 && !ok {
		r.fault(column, UnknownSchool, "")
	}
	return id
}

// child reads the columns that name a child, which both forms share.
func (p *partnerFile) child(r *row) Participant {
	return Participant{Row: r.line, Ref: r.text(0), Given: r.text(1), Family: r.text(2), Birth: r.date(3), School: p.school(r, 4)}
}

func (p *partnerFile) participation(r *row) {
	child := p.child(r)
	s := PartnerSession{
		Row: r.line, Ref: child.Ref, School: child.School, Date: r.date(5), Program: r.text(6),
		Minutes: minutes(r, 7), Funder: r.text(8),
	}
	child.Program = s.Program
	p.checkDate(r, 5, s.Date)
	if r.bad || !p.known(r, child) {
		return
	}
	p.add(r, 5, s)
}

// known enters a child at its first row, and faults a reference that stands
// for two.
func (p *partnerFile) known(r *row, child Participant) bool {
	at, there := p.refs[child.Ref]
	if !there {
		p.refs[child.Ref] = len(p.out.Participants)
		p.out.Participants = append(p.out.Participants, child)
		return true
	}
	was := p.out.Participants[at]
	if was.Given != child.Given || was.Family != child.Family || was.Birth != child.Birth {
		r.fault(0, TwoNames, "")
		return false
	}
	return true
}

func (p *partnerFile) roster(r *row) {
	child := p.child(r)
	child.StudentNumber, child.Program, child.Start, child.End = r.text(5), r.text(6), r.optionalDate(7), r.optionalDate(8)
	r.span(8, child.Start, child.End)
	if _, there := p.refs[child.Ref]; there && !r.bad {
		r.fault(0, DuplicateRow, "")
	}
	if !r.bad {
		p.known(r, child)
	}
}

func (p *partnerFile) session(r *row) {
	s := PartnerSession{Row: r.line, Ref: r.text(0), Date: r.date(1), Program: r.text(2), Minutes: minutes(r, 3), Funder: r.text(4)}
	if _, ok := p.refs[s.Ref]; !ok && s.Ref != "" {
		r.fault(0, UnknownRef, "")
	}
	p.checkDate(r, 1, s.Date)
	if !r.bad {
		p.add(r, 1, s)
	}
}

// add enters a session; a second one of a day is said and does not count.
func (p *partnerFile) add(r *row, column int, s PartnerSession) {
	key := s.Ref + "\x00" + s.Date.String()
	if p.days[key] {
		r.fault(column, SameDay, "")
		return
	}
	p.days[key] = true
	p.out.Sessions = append(p.out.Sessions, s)
}

func (p *partnerFile) checkDate(r *row, column int, day civil.Date) {
	if day.IsZero() {
		return
	}
	for _, s := range p.lists.Sessions {
		if s.Holds(day) {
			return
		}
	}
	r.fault(column, OutsideSessions, "")
}

func minutes(r *row, column int) int {
	b := r.raw(column)
	if len(b) == 0 {
		return 0
	}
	n, ok := digits(b)
	if !ok || len(b) > 4 || n > 24*60 {
		r.fault(column, BadNumber, "whole minutes of one day")
		return 0
	}
	return n
}
