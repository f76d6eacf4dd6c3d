package web_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/consent/casefile"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// The one school of the cases, and its sessions.
const (
	caseSchool = "S1"
	caseYear   = "2025-26"
	caseFall   = "2025-26-F"
)

// caseKid is a child of a case: the first, a sibling, or the first one's second file.
type caseKid struct {
	number int // of the case
	place  int // 0 is the first; secondFile the second file
}

const secondFile = 9

func (k caseKid) id() string     { return fmt.Sprintf("7%04d%d", k.number, k.place) }
func (k caseKid) ref() string    { return "ref-" + k.id() }
func (k caseKid) given() string  { return "Child" + lettersOf(k.place) }
func (k caseKid) family() string { return "Family" + lettersOf(k.number) }

// lettersOf writes a number as letters, since names have no digits.
func lettersOf(n int) string {
	return strings.Map(func(r rune) rune { return 'a' + r - '0' }, fmt.Sprint(n))
}

// caseStage is a district on which the cases of one time zone are played: each case is a
// family, and all that happens to any of them happens in the order of its moments.
type caseStage struct {
	*house
	cases  []casefile.Case
	fill   int // children of nobody's case, on the rosters
	beside int // and beside them
	ids    map[caseAnswer]string
	back   map[string]string // the consent's id -> the answer's in the case
	read   reading
	*played
}

// reading is what partners read at a moment.
type reading struct {
	at   time.Time
	rows map[caseTerms]answer
}

// caseAnswer names an answer of a case.
type caseAnswer struct {
	number int
	id     string
}

// played is what came of playing.
type played struct {
	run    map[casefile.Runner]map[string]bool // by the case's name
	faults map[casefile.Runner][]string
}

func (s *caseStage) child(number int, name string, second bool) caseKid {
	if second {
		return caseKid{number, secondFile}
	}
	return caseKid{number, slices.Index(s.cases[number].Siblings, name) + 1}
}

func guardianID(number int, who string) string { return fmt.Sprintf("%s-%d", who, number) }

// fault notes what is not as a case says.
func (s *caseStage) fault(number int, r casefile.Runner, format string, args ...any) {
	c := s.cases[number]
	if c.Not[r] == "" {
		s.faults[r] = append(s.faults[r], fmt.Sprintf("%s: %s: %s", c.File, c.Name, fmt.Sprintf(format, args...)))
	}
}

// both notes it for what is read too: it depends on what was entered.
func (s *caseStage) both(number int, format string, args ...any) {
	s.fault(number, casefile.API, format, args...)
	s.fault(number, casefile.Rows, format, args...)
}

// playCases plays every case that the API can express.
func playCases(t testing.TB, cases []casefile.Case, sabotage broker.Sabotage) *played {
	t.Helper()
	p := &played{run: map[casefile.Runner]map[string]bool{casefile.API: {}, casefile.Rows: {}}, faults: map[casefile.Runner][]string{}}
	byDistrict := map[string][]casefile.Case{}
	for _, c := range cases {
		if c.Not[casefile.API] == "" {
			at := fmt.Sprint(c.Zone, " ", c.Closing != nil)
			byDistrict[at] = append(byDistrict[at], c)
		}
	}
	for _, together := range byDistrict {
		s := newStage(t, together, p, sabotage)
		s.load()
		s.conclude()
		s.play()
	}
	return p
}

func newStage(t testing.TB, cases []casefile.Case, p *played, sabotage broker.Sabotage) *caseStage {
	t.Helper()
	start := casefile.Start(cases[0].Zone)
	from := func() (*town, error) {
		dir, err := scratchDir()
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		home := filepath.Join(dir, "district")
		err = broker.Init(context.Background(), home, broker.Settings{Name: "Caseland", Host: "data.caseland.example", TimeZone: cases[0].Zone.String(), CreatedAt: start})
		if err != nil {
			return nil, err
		}
		files, err := readFiles(home)
		return &town{files: files, asOf: start}, err
	}
	s := &caseStage{cases: cases, ids: map[caseAnswer]string{}, back: map[string]string{}, played: p}
	s.house = open(t, from, func(f *furnishing) { f.broker.Sabotage = sabotage })
	if cases[0].Closing != nil {
		s.fill, s.beside = s.strangers(), 30
	}
	return s
}

// strangers are as many as the published cohort lacks to ten children whose families
// said nothing before: then each later yes would give away the others.
func (s *caseStage) strangers() int {
	unknown := 10
	for _, c := range s.cases {
		if !slices.ContainsFunc(c.Answers, func(a casefile.Answer) bool { return a.EnteredAt.Before(c.Closing.At) }) {
			unknown--
		}
	}
	return unknown
}

// kids are the children on file at a moment; a second file is there until the merge.
func (s *caseStage) kids(at time.Time) []caseKid {
	var list []caseKid
	for number, c := range s.cases {
		for place := range len(c.Siblings) + 1 {
			list = append(list, caseKid{number, place})
		}
		if !c.Merged.IsZero() && at.Before(c.Merged) {
			list = append(list, caseKid{number, secondFile})
		}
	}
	for i := range s.fill + s.beside {
		list = append(list, caseKid{len(s.cases) + i, 0})
	}
	return list
}

// load imports the district's files as they are now.
func (s *caseStage) load() {
	s.t.Helper()
	now := s.clock.Now()
	f := caseTables{}
	f.calendar()
	for _, k := range s.kids(now) {
		birth := "2012-04-15"
		if k.number < len(s.cases) {
			birth = ""
			if b := s.cases[k.number].Birth; !b.IsZero() {
				birth = b.String()
			}
			s.people(f, k, now)
		}
		f.child(k, birth)
	}
	f.add("merges", "old_student_id", "new_student_id", "date")
	for number, c := range s.cases {
		if !c.Merged.IsZero() && !now.Before(c.Merged) {
			f.add("merges", caseKid{number, secondFile}.id(), caseKid{number, 0}.id(), civil.Of(c.Merged, c.Zone).String())
		}
	}
	dir := filepath.Join(scratch(s.t), "csv")
	if err := f.write(dir); err != nil {
		s.t.Fatal(err)
	}
	end, err := civil.Parse(casefile.YearEnd)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := s.Import(s.t.Context(), builderSteward, broker.ImportRequest{
		Path: dir, Options: ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: end},
	})
	if err != nil || res.Rejected {
		var text strings.Builder
		_ = res.Report.Write(&text)
		s.t.Fatalf("the import: %v\n%s", err, text.String())
	}
}

// people writes the guardians of a child. Names of one person are alike; all others
// differ.
func (s *caseStage) people(f caseTables, k caseKid, now time.Time) {
	c := s.cases[k.number]
	for _, p := range c.FileAt(now).People {
		given := strings.ToUpper(p.Who)
		if slices.ContainsFunc(c.Aliases, func(a consent.Alias) bool { return a.Signer == p.Who || a.Other == p.Who }) {
			given = "Twice"
		}
		holds := "no"
		if p.HoldsRights {
			holds = "yes"
		}
		capacity := string(p.Capacity)
		if p.Capacity == consent.UnknownCapacity {
			capacity = ""
		}
		f.add("guardians", k.id(), guardianID(k.number, p.Who), holds, given, k.family(), "other", capacity)
	}
}

// caseTables is an export in the plain CSV form, by table.
type caseTables map[string][][]string

func (f caseTables) add(table string, cells ...string) { f[table] = append(f[table], cells) }

// calendar says that every day of the year is a day of school, so that each open day
// counts.
func (f caseTables) calendar() {
	f.add("schools", "school_id", "name", "level")
	f.add("schools", caseSchool, "First School", "middle")
	f.add("sessions", "session_id", "title", "type", "start", "end", "parent")
	f.add("sessions", caseYear, "School year", "schoolYear", casefile.YearStart, casefile.YearEnd, "")
	f.add("sessions", caseFall, "Fall", "term", casefile.YearStart, casefile.FallEnd, caseYear)
	f.add("calendar", "school_id", "date", "instructional")
	for day, end := caseYearSpan(); day <= end; day++ {
		f.add("calendar", caseSchool, day.String(), "yes")
	}
	f.add("students", "student_id", "given_name", "family_name", "birthdate")
	f.add("enrollments", "student_id", "school_id", "entry", "exit", "grade_level")
	f.add("attendance", "student_id", "school_id", "date", "code")
	f.add("grades", "student_id", "school_id", "session_id", "course", "value", "scale", "credits")
	f.add("discipline", "student_id", "school_id", "date", "incident_type", "action", "incident_id")
	f.add("guardians", "student_id", "guardian_id", "holds_rights", "given_name", "family_name", "relation", "capacity")
}

func caseYearSpan() (from, to civil.Date) {
	from, _ = civil.Parse(casefile.YearStart)
	to, _ = civil.Parse(casefile.YearEnd)
	return from, to
}

// child adds what the school has on record of a child.
func (f caseTables) child(k caseKid, birth string) {
	f.add("students", k.id(), k.given(), k.family(), birth)
	f.add("enrollments", k.id(), caseSchool, casefile.YearStart, "", "8")
	f.add("attendance", k.id(), caseSchool, "2025-08-05", "absent_excused")
	f.add("grades", k.id(), caseSchool, caseFall, "Maths", "81", "0-100", "1")
	f.add("discipline", k.id(), caseSchool, "2025-09-12", "bullying", "restorative", k.id()+"-1")
}

func (f caseTables) write(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for table, rows := range f {
		var b bytes.Buffer
		if err := csv.NewWriter(&b).WriteAll(rows); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, table+".csv"), b.Bytes(), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// terms are a party and a purpose: each pair has an agreement.
type caseTerms struct {
	party   string
	purpose consent.Purpose
}

func (a caseTerms) agreement() string {
	return a.party + "-" + strings.ReplaceAll(string(a.purpose), "_", "-")
}

// terms are those that any case names.
func (s *caseStage) terms() []caseTerms {
	var list []caseTerms
	for _, c := range s.cases {
		for _, a := range c.Answers {
			list = append(list, caseTerms{a.Party, a.Purpose})
		}
		for _, a := range c.Asks {
			list = append(list, caseTerms{a.Question.Party, a.Question.Purpose})
		}
	}
	slices.SortFunc(list, func(a, b caseTerms) int {
		return cmp.Or(cmp.Compare(a.party, b.party), cmp.Compare(a.purpose, b.purpose))
	})
	return slices.Compact(list)
}

// conclude makes the partners, the agreements with every child on their rosters, and
// has both parties sign.
func (s *caseStage) conclude() {
	s.t.Helper()
	made := map[string]bool{}
	for _, terms := range s.terms() {
		if !made[terms.party] {
			made[terms.party] = true
			s.officer().post("/v1/partners", broker.PartnerRequest{
				ID: terms.party, Name: terms.party, LegalEntity: terms.party + " Inc.", Contact: "1 Main Street",
			}).want(201)
		}
		offered := data[struct {
			Text string `json:"text_sha256"`
		}](s.officer().post("/v1/agreements", broker.AgreementRequest{
			ID: terms.agreement(), Partner: terms.party, Template: "comparison_and_consent", Profile: agreement.PublishedTable,
			Purpose: terms.purpose, PurposeText: "What the cases are about.", Schools: []string{caseSchool}, Categories: consent.Categories(),
			TermFrom: civil.Make(2025, time.July, 1), TermTo: civil.Make(2029, time.June, 30), Administrator: "Ada Admin",
		}).want(201))
		for _, party := range []string{agreement.DistrictParty, agreement.PartnerParty} {
			s.officer().post("/v1/agreements/"+terms.agreement()+"/signatures", broker.SignatureRequest{
				Party: party, Name: "Sam Signer", Title: "Director", TextSHA256: offered.Text,
			}).want(200, 201)
		}
		s.partnerOf(terms.party).upload("/v1/agreements/"+terms.agreement()+"/participation", s.participation()).want(200, 201)
	}
}

// participation is a session log of twelve days in August for every child.
func (s *caseStage) participation() string {
	var b strings.Builder
	b.WriteString("participant_ref,given_name,family_name,birthdate,school_id,date\n")
	first, _ := caseYearSpan()
	for _, k := range s.kids(s.clock.Now()) {
		if k.place == secondFile || k.number >= len(s.cases)+s.fill {
			continue
		}
		birth := civil.Make(2012, time.April, 15)
		if k.number < len(s.cases) && !s.cases[k.number].Birth.IsZero() {
			birth = s.cases[k.number].Birth
		}
		for i := range 12 {
			fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s\n", k.ref(), k.given(), k.family(), birth, caseSchool, first+civil.Date(i))
		}
	}
	return b.String()
}
