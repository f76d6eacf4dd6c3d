package casefile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

// fileRow is a file as it is written. Moments are local to the zone.
type fileRow struct {
	About   string
	Zone    string
	Birth   string
	Closing *closingRow
	Cases   []caseRow
}

type caseRow struct {
	Name, Zone, Birth, Merged string
	Not                       map[Runner]string
	Siblings                  []string
	People                    []personRow
	Later                     []laterRow
	Words                     []wordRow
	College                   []collegeRow
	Orders                    []orderRow
	Pauses                    []pauseRow
	Aliases                   []aliasRow
	Answers                   []answerRow
	Asks                      []askRow
}

type closingRow struct{ At, Family string }

type personRow struct {
	Who, Capacity string
	Rights        *bool
}

type laterRow struct {
	At     string
	People []personRow
}

type wordRow struct {
	personRow         `yaml:",inline"`
	From, To, Entered string
}

type collegeRow struct{ From, Entered string }

type orderRow struct{ Kind, Who, From, To, Entered, Lifted, Child string }

type pauseRow struct{ At, Ended, Child string }

type aliasRow struct{ Who, Other, Entered string }

type answerRow struct {
	ID, By, Says, Capacity, Signed, Entered    string
	Party, Purpose, Categories, Records, Until string
	Child, File, Refused                       string
	Pending                                    bool
	Confirmed, Withdrawn, Invalidated          string
	Held                                       []holdRow
}

type holdRow struct{ Family, Days, Override, Overridden string }

type askRow struct {
	At, Known, Party, Purpose, Category, Child string
	Want, Told                                 string
	Windows, Deciding                          []string
	Own                                        *bool
}

func read(name string, text []byte) ([]Case, error) {
	var file fileRow
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var cases []Case
	for _, row := range file.Cases {
		zone, err := time.LoadLocation(cmp.Or(row.Zone, file.Zone, UsualZone))
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", name, row.Name, err)
		}
		row.Birth = cmp.Or(row.Birth, file.Birth, usualBirth)
		r := &reader{zone: zone}
		c := r.whole(row, file.Closing)
		c.File = name
		if err := errors.Join(r.faults...); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", name, row.Name, err)
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// reader turns rows into values and notes what cannot be read.
type reader struct {
	zone   *time.Location
	faults []error
}

func (r *reader) unless(ok bool, format string, args ...any) {
	if !ok {
		r.faults = append(r.faults, fmt.Errorf(format, args...))
	}
}

func (r *reader) date(s string) civil.Date {
	if s == "" || s == "none" {
		return 0
	}
	d, err := civil.Parse(s)
	r.unless(err == nil, "%q is not a date", s)
	return d
}

func (r *reader) moment(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, r.zone); err == nil {
			return t.UTC()
		}
	}
	t, err := time.Parse(time.RFC3339, s)
	r.unless(err == nil, "%q is not a moment", s)
	return t.UTC()
}

// entered is when something was recorded: at the start, where nothing is said.
func (r *reader) entered(s string) time.Time { return r.moment(cmp.Or(s, start)) }

func (r *reader) span(s string) (from, to civil.Date) {
	a, b, _ := strings.Cut(s, "..")
	return r.date(a), r.date(b)
}

// act is something done at a moment and known from then on; none where there is none.
func (r *reader) act(at string) *consent.Act {
	if at == "" {
		return nil
	}
	return &consent.Act{By: "officer", At: r.moment(at), EnteredAt: r.moment(at)}
}

func (r *reader) whole(row caseRow, closing *closingRow) Case {
	c := Case{
		Name: row.Name, Not: row.Not, Zone: r.zone, Birth: r.date(row.Birth), Siblings: row.Siblings, Merged: r.moment(row.Merged),
		Files: []File{{People: people(row.People)}},
	}
	if closing != nil {
		c.Closing = &Closing{r.moment(closing.At), closing.Family}
	}
	for _, f := range row.Later {
		c.Files = append(c.Files, File{r.moment(f.At), people(f.People)})
	}
	for _, w := range row.Words {
		p := w.person()
		c.Words = append(c.Words, consent.Holder{
			Signer: p.Who, Capacity: p.Capacity, HoldsRights: p.HoldsRights, From: r.date(w.From), To: r.date(w.To), EnteredAt: r.entered(w.Entered),
		})
	}
	for _, w := range row.College {
		c.College = append(c.College, College{r.date(w.From), r.entered(w.Entered)})
	}
	r.orders(row, &c)
	for _, a := range row.Answers {
		c.Answers = append(c.Answers, r.answer(a))
	}
	for _, a := range row.Asks {
		c.Asks = append(c.Asks, r.ask(a))
	}
	r.unless(len(c.Asks) > 0, "nothing is asked")
	return c
}

func (r *reader) orders(row caseRow, c *Case) {
	for _, x := range row.Orders {
		c.Orders = append(c.Orders, Order{Child: x.Child, Restriction: consent.Restriction{
			Kind: consent.RestrictionKind(x.Kind), Signer: x.Who, From: r.date(x.From), To: r.date(x.To),
			Document: "order 12-FA-345", EnteredAt: r.entered(x.Entered), Lifted: r.act(x.Lifted),
		}})
	}
	for _, p := range row.Pauses {
		c.Pauses = append(c.Pauses, Pause{consent.Pause{At: r.moment(p.At), EnteredAt: r.moment(p.At), Ended: r.act(p.Ended)}, p.Child})
	}
	for _, a := range row.Aliases {
		c.Aliases = append(c.Aliases, consent.Alias{Signer: a.Who, Other: a.Other, EnteredAt: r.entered(a.Entered)})
	}
}

func people(rows []personRow) []Person {
	var list []Person
	for _, p := range rows {
		list = append(list, p.person())
	}
	return list
}

func (p personRow) person() Person {
	return Person{p.Who, consent.Capacity(cmp.Or(p.Capacity, string(consent.Parent))), p.Rights == nil || *p.Rights}
}

// capacity is that of a person who answers: it is seldom written.
func (a answerRow) capacity() consent.Capacity {
	if a.By == Self {
		return consent.Capacity(cmp.Or(a.Capacity, string(consent.EligibleStudent)))
	}
	return consent.Capacity(cmp.Or(a.Capacity, string(consent.Parent)))
}

func (r *reader) answer(row answerRow) Answer {
	g := consent.Grant{
		ID: row.ID, Student: "s", Party: cmp.Or(row.Party, usualParty), Purpose: consent.Purpose(cmp.Or(row.Purpose, string(consent.StudentSupport))),
		Signer: row.By, Capacity: row.capacity(), Answer: consent.Answer(row.Says),
		Method: consent.Paper, Evidence: consent.Evidence{Reference: "drawer 4"},
		TextVersion: "1", Language: "en", TextSHA256: strings.Repeat("ab", 32),
		SignedAt: r.moment(row.Signed), EnteredAt: r.moment(cmp.Or(row.Entered, row.Signed)), Status: consent.InForce,
		Expires: r.date(cmp.Or(row.Until, usualUntil)), Confirmed: r.act(row.Confirmed),
		Withdrawn: r.act(row.Withdrawn), Invalidated: r.act(row.Invalidated),
	}
	if row.Pending {
		g.Status = consent.Pending
	}
	g.RecordsFrom, g.RecordsTo = r.span(cmp.Or(row.Records, usualRecords))
	for _, name := range strings.Fields(cmp.Or(row.Categories, usualCategory)) {
		g.Categories = append(g.Categories, consent.Category(name))
	}
	for _, h := range row.Held {
		hold := consent.Hold{Family: h.Family, Period: "fall", Override: h.Override, OverriddenAt: r.moment(h.Overridden)}
		hold.From, hold.To = r.span(h.Days)
		g.Held = append(g.Held, hold)
	}
	if err := g.Validate(); err != nil {
		r.faults = append(r.faults, fmt.Errorf("answer %s: %w", row.ID, err))
	}
	r.unless(row.File == "" || row.File == "second", "answer %s: %q is no file: leave it out, or write second", row.ID, row.File)
	return Answer{Grant: g, Child: row.Child, Second: row.File != "", Form: row.Pending || row.Confirmed != "", Refused: row.Refused}
}

func (r *reader) ask(row askRow) Ask {
	at := cmp.Or(row.At, usualAsk)
	a := Ask{
		Child: row.Child, Want: row.Want, Told: row.Told, Deciding: row.Deciding, Own: row.Own, exact: row.Windows != nil,
		Question: consent.Question{
			Party: cmp.Or(row.Party, usualParty), Purpose: consent.Purpose(cmp.Or(row.Purpose, string(consent.StudentSupport))),
			Category: consent.Category(cmp.Or(row.Category, usualCategory)),
			At:       r.moment(at), Known: r.moment(cmp.Or(row.Known, at)), Zone: r.zone,
		},
	}
	for _, text := range row.Windows {
		a.Windows = append(a.Windows, r.window(text))
	}
	yes := strings.HasPrefix(row.Want, string(consent.StateYes)+", ")
	if yes && !a.exact {
		w := consent.Window{}
		w.RecordsFrom, w.RecordsTo = r.span(usualRecords)
		a.Windows = []consent.Window{w}
	}
	told, _, _ := strings.Cut(cmp.Or(row.Told, row.Want), ",")
	r.unless(strings.HasPrefix(row.Want, told), "%q and %q differ in more than the reason", row.Want, row.Told)
	r.unless(yes || len(a.Windows) == 0, "%q has windows", row.Want)
	return a
}

// window reads "ID FROM..TO until DAY closed FROM..TO FROM..TO".
func (r *reader) window(text string) consent.Window {
	words := strings.Fields(text)
	if len(words) < 4 || words[2] != "until" || len(words) > 4 && words[4] != "closed" {
		r.unless(false, "%q is not a window", text)
		return consent.Window{}
	}
	w := consent.Window{Grant: words[0], Expires: r.date(words[3])}
	w.RecordsFrom, w.RecordsTo = r.span(words[1])
	for _, span := range words[min(5, len(words)):] {
		var s consent.Span
		s.From, s.To = r.span(span)
		w.Closed = append(w.Closed, s)
	}
	return w
}
