// Package casefile reads the readable cases of the law of consent: families, what
// they said and recorded, and what it comes to at a moment. One set of files is run
// against the law itself, against the API and against the rows that partners read.
package casefile

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

// What a case takes for granted unless it says otherwise. The records are the days of
// the one school year that every case knows.
const (
	UsualZone     = "America/Chicago"
	usualBirth    = "2012-04-15"
	usualParty    = "riverside"
	usualCategory = "attendance"
	usualRecords  = YearStart + ".." + YearEnd
	usualUntil    = "2026-08-31"
	usualAsk      = "2025-10-15 12:00"

	start     = "2025-07-01 08:00"
	YearStart = "2025-08-01"
	FallEnd   = "2025-12-20"
	YearEnd   = "2026-06-30"
)

// Start is when the district of the cases begins, in a time zone.
func Start(zone *time.Location) time.Time { return (&reader{zone: zone}).moment(start) }

// Self is the student among the people of a case.
const Self = "student"

// Runner is one of the ways in which the cases are run.
type Runner string

// The runners.
const (
	Domain Runner = "domain" // consent.Decide
	API    Runner = "api"    // what officers and families enter and ask over HTTP
	Rows   Runner = "rows"   // what a partner reads at that moment
)

// Case is one family. What is recorded without a moment was recorded at the start,
// before anybody answered.
type Case struct {
	File, Name string
	Not        map[Runner]string // why a runner cannot run it
	Zone       *time.Location
	Closing    *Closing
	Birth      civil.Date
	Siblings   []string // children beside the first, who has no name
	Files      []File   // the district's file on the family, the first from the start
	Merged     time.Time
	Words      []consent.Holder // of officers, about the first child
	College    []College        // about the first child
	Orders     []Order
	Pauses     []Pause
	Aliases    []consent.Alias
	Answers    []Answer
	Asks       []Ask
}

// Closing is the publication of the first term's figures of a family of indicators.
type Closing struct {
	At     time.Time
	Family string
}

// File is what the district's own file says of a family from a moment on.
type File struct {
	At     time.Time
	People []Person
}

// Person is somebody on the file.
type Person struct {
	Who         string
	Capacity    consent.Capacity
	HoldsRights bool
}

// College is an officer's word on when the student attends postsecondary education.
type College struct {
	From      civil.Date
	EnteredAt time.Time
}

// Order is a restriction on one child's file.
type Order struct {
	consent.Restriction
	Child string // a sibling's name, or none
}

// Pause is the pause of a case about one child.
type Pause struct {
	consent.Pause
	Child string // a sibling's name, or none
}

// Answer is what somebody said.
type Answer struct {
	consent.Grant
	Child   string // a sibling's name, or none
	Second  bool   // entered in the child's second file, before the two were merged
	Form    bool   // collected by the partner
	Refused string // the kind of problem with which the API refuses to enter it
}

// Ask is one question of a case and what it comes to.
type Ask struct {
	Child    string
	Question consent.Question
	Want     string // answer and reason
	Told     string // the same from the API, which never took in what it refused
	Windows  []consent.Window
	Deciding []string // nil: not asked
	Own      *bool
	exact    bool // the windows are told
}

// Load reads every case file of a folder, by name.
func Load(folder fs.FS) ([]Case, error) {
	names, err := fs.Glob(folder, "*.yaml")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no case file: %w", fs.ErrNotExist)
	}
	var cases []Case
	for _, name := range names {
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, err
		}
		more, err := read(name, text)
		if err != nil {
			return nil, err
		}
		cases = append(cases, more...)
	}
	return cases, nil
}

// Live reports whether a question is asked at its own moment, by what is known then:
// only such a question can a partner ask.
func (a Ask) Live() bool { return a.Question.At.Equal(a.Question.Known) }

// Asked is when both moments of a question have come.
func (a Ask) Asked() time.Time {
	if a.Question.Known.After(a.Question.At) {
		return a.Question.Known
	}
	return a.Question.At
}

// Grants are the answers about a child, as the law reads them.
func (c Case) Grants(child string) []consent.Grant {
	var list []consent.Grant
	for _, a := range c.Answers {
		if a.Child == child {
			list = append(list, a.Grant)
		}
	}
	return list
}

// Student is what the law has to know of the child when a question is asked.
func (c Case) Student(a Ask) consent.Student {
	s := consent.Student{
		Birth: c.Birth, Aliases: slices.Clone(c.Aliases),
		Holders: []consent.Holder{{Signer: Self, Capacity: consent.EligibleStudent, HoldsRights: true}},
	}
	for _, p := range c.FileAt(a.Asked()).People {
		s.Holders = append(s.Holders, consent.Holder{Signer: p.Who, Capacity: p.Capacity, HoldsRights: p.HoldsRights})
	}
	for _, o := range c.Orders {
		if o.Child == a.Child {
			s.Restrictions = append(s.Restrictions, o.Restriction)
		}
	}
	for _, p := range c.Pauses {
		if p.Child == a.Child {
			s.Pauses = append(s.Pauses, p.Pause)
		}
	}
	if a.Child == "" {
		s.Holders = append(s.Holders, c.Words...)
		s.Postsecondary = c.postsecondary(a.Question.Known)
	}
	return s
}

// postsecondary is what the word entered last says, of those known at a moment.
func (c Case) postsecondary(known time.Time) (from civil.Date) {
	newest := time.Time{}
	for _, w := range c.College {
		if !w.EnteredAt.After(known) && !w.EnteredAt.Before(newest) {
			newest, from = w.EnteredAt, w.From
		}
	}
	return from
}

// FileAt is the district's file at a moment.
func (c Case) FileAt(at time.Time) File {
	var newest File
	for _, f := range c.Files {
		if !f.At.After(at) {
			newest = f
		}
	}
	return newest
}

// Differs says what of a state is not as the case wants it, or "". Where told, the
// reason is the one that the API gives. The order of windows and of what decided is
// no part of a case.
func (a Ask) Differs(got consent.State, told bool) string {
	want := a.Want
	if told {
		want = cmp.Or(a.Told, want)
	}
	if is := string(got.Answer) + ", " + string(got.Reason); is != want {
		return fmt.Sprintf("got %s, want %s", is, want)
	}
	if !told && a.Own != nil && got.Own != *a.Own { // the API says it by the reason
		return fmt.Sprintf("got own %v", got.Own)
	}
	if a.Deciding != nil && !slices.Equal(sorted(got.Deciding), sorted(a.Deciding)) {
		return fmt.Sprintf("decided by %v, want %v", got.Deciding, a.Deciding)
	}
	if a.exact && !slices.Equal(inWords(got.Windows), inWords(a.Windows)) {
		return fmt.Sprintf("windows %q, want %q", inWords(got.Windows), inWords(a.Windows))
	}
	if is, want := opened(got.Windows), a.Opened(); !slices.Equal(is, want) {
		return fmt.Sprintf("open are %v, want %v", is, want)
	}
	return ""
}

// Opened are the days of records that a question opens, whatever their year: by one
// window or another.
func (a Ask) Opened() []consent.Span { return opened(a.Windows) }

func opened(windows []consent.Window) []consent.Span {
	var all []consent.Span
	for _, w := range windows {
		all = append(all, consent.Open(w, w.RecordsFrom, w.RecordsTo)...)
	}
	return consent.Merge(all)
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// inWords writes windows as the files do.
func inWords(windows []consent.Window) []string {
	var list []string
	for _, w := range windows {
		text := fmt.Sprintf("%s %s..%s until %s", w.Grant, w.RecordsFrom, w.RecordsTo, w.Expires)
		for i, c := range w.Closed {
			if i == 0 {
				text += " closed"
			}
			text += fmt.Sprintf(" %s..%s", c.From, c.To)
		}
		list = append(list, text)
	}
	return sorted(list)
}
