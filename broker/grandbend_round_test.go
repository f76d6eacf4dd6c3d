package broker_test

import (
	"context"
	"encoding/xml"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/consent"
)

// contactFile is what the district's file says of the people of its students, read
// without the program.
type contactFile struct {
	Contacts []struct {
		Ref    string   `xml:"id,attr"`
		Number string   `xml:"ContactUniqueId"`
		Phones []string `xml:"Telephone>TelephoneNumber"`
		Emails []string `xml:"ElectronicMail>ElectronicMailAddress"`
	} `xml:"Contact"`
	Links []struct {
		Student string `xml:"StudentReference>StudentIdentity>StudentUniqueId"`
		Contact struct {
			Ref string `xml:"ref,attr"`
		} `xml:"ContactReference"`
		Relation string `xml:"Relation"`
	} `xml:"StudentContactAssociation"`
}

// kin are the people of Grand Bend by the numbers of the file.
type kin struct {
	listed  map[string][]string // student -> all people on the file
	parents map[string][]string // student -> mother and father: they hold the rights
	reached map[string]bool     // person -> there is an address or a telephone
}

func readKin(t *testing.T) kin {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(sharedData(t, "edfi-grandbend-v52"), "Contact.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var f contactFile
	if err := xml.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	k := kin{map[string][]string{}, map[string][]string{}, map[string]bool{}}
	numbers := map[string]string{}
	for _, c := range f.Contacts {
		numbers[c.Ref] = c.Number
		k.reached[c.Number] = len(c.Phones)+len(c.Emails) > 0
	}
	for _, l := range f.Links {
		who := numbers[l.Contact.Ref]
		if !slices.Contains(k.listed[l.Student], who) {
			k.listed[l.Student] = append(k.listed[l.Student], who)
		}
		if strings.HasSuffix(l.Relation, "#Mother") || strings.HasSuffix(l.Relation, "#Father") {
			k.parents[l.Student] = append(k.parents[l.Student], who)
		}
	}
	return k
}

// distinct are the people of some students, each once.
func distinct(of map[string][]string, students []pupil) map[string]bool {
	all := map[string]bool{}
	for _, p := range students {
		for _, who := range of[p.id] {
			all[who] = true
		}
	}
	return all
}

// satchel keeps what was carried: the link or code of each message, and how many there
// were.
type satchel struct {
	mu    sync.Mutex
	links []string
	codes []string
}

// Carry keeps a message whose text is its values, as of a query.
func (s *satchel) Carry(_ context.Context, p broker.Parcel) error {
	values, err := url.ParseQuery(p.Text)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch p.Kind {
	case broker.MessageInvitation:
		s.links = append(s.links, filepath.Base(values.Get("link")))
	case broker.MessageCode:
		s.codes = append(s.codes, values.Get("code"))
	}
	return nil
}

func queried(_ broker.MessageKind, _ string, values map[string]string) (subject, text string, err error) {
	q := url.Values{}
	for name, value := range values {
		q.Set(name, value)
	}
	return "a message", q.Encode(), nil
}

// grandRound is a round to the families of one school of Grand Bend.
type grandRound struct {
	*grandBend
	kin    kin
	asked  []pupil                   // of the school
	said   map[string]consent.Answer // by participant ref
	method map[consent.Method]int    // answered children
	taken  map[string]bool           // people who have answered, or one of whose children was answered about
}

const grandClub = "club"

func newGrandRound(t *testing.T) *grandRound {
	t.Helper()
	g := &grandRound{grandBend: newGrandBend(t, 3), kin: readKin(t), said: map[string]consent.Answer{}, method: map[consent.Method]int{}, taken: map[string]bool{}}
	g.asked = g.at(grandElementary, g.students)
	g.partner(grandClub)
	r := terms(grandClub, grandClub)
	r.Schools, r.TermFrom, r.TermTo = grandSchools[:], day("2021-08-01"), day("2023-07-31")
	g.conclude(r)
	roster := slices.Concat(g.asked, g.at(grandMiddle, g.students))
	g.done(g.PutParticipation(t.Context(), officer, grandClub, strings.NewReader(g.sessions(roster))))
	return g
}

func (g *grandRound) mail() *satchel {
	g.t.Helper()
	s := &satchel{}
	if _, _, err := g.DeliverMessages(g.t.Context(), s, queried); err != nil {
		g.t.Fatal(err)
	}
	return s
}

// free reports whether nobody has answered about any child of a student's parents, and
// takes them.
func (g *grandRound) free(p pupil) bool {
	for _, who := range g.kin.parents[p.id] {
		if g.taken[who] {
			return false
		}
	}
	for _, who := range g.kin.parents[p.id] {
		g.taken[who] = true
	}
	return len(g.kin.parents[p.id]) > 0
}

// signer is a parent of a student.
func (g *grandRound) signer(p pupil) broker.SignerRef { return byGuardian(g.kin.parents[p.id][0]) }

// byLinks lets some families answer on the pages, by turns yes, no and wants to talk:
// about all their children.
func (g *grandRound) byLinks(links []string, n int) {
	g.t.Helper()
	for _, secret := range links {
		if n == 0 {
			return
		}
		door, err := g.Doorway(g.t.Context(), secret)
		if err != nil {
			g.t.Fatal(err)
		}
		i := slices.IndexFunc(g.asked, func(p pupil) bool { return p.given == door.FirstNames[0] && !g.isTaken(p) })
		if len(door.FirstNames) != 1 || i < 0 {
			continue
		}
		if g.bySecret(secret, g.asked[i], []consent.Answer{consent.Yes, consent.No, consent.Talk}[n%3]) {
			n--
		}
	}
	g.t.Errorf("%d families could not answer by their links", n)
}

func (g *grandRound) isTaken(p pupil) bool {
	return slices.ContainsFunc(g.kin.parents[p.id], func(who string) bool { return g.taken[who] })
}

// bySecret signs in by a link with the birthday of a student, who may only have the
// name of the right one, and answers.
func (g *grandRound) bySecret(secret string, p pupil, answer consent.Answer) bool {
	g.t.Helper()
	if err := g.SendCode(g.t.Context(), secret); err != nil {
		g.t.Fatal(err)
	}
	in, err := g.SignIn(g.t.Context(), secret, g.mail().codes[0], day(p.birth))
	if broker.KindOf(err) == broker.Unauthenticated {
		return false
	}
	if err != nil || !g.free(p) {
		g.t.Fatal("a family cannot sign in: ", err)
	}
	v, err := g.Visitor(g.t.Context(), in.Secret)
	if err != nil {
		g.t.Fatal(err)
	}
	m := &made{g.district}
	ask := m.waiting(v)
	page, err := g.Choice(g.t.Context(), v, ask, "en")
	if err != nil {
		g.t.Fatal(err)
	}
	_, text, err := pages.ConsentText("en", page)
	if err != nil {
		g.t.Fatal(err)
	}
	if _, err := g.AnswerAsk(g.t.Context(), v, ask, "en", answer, pages.TextHash(text)); err != nil {
		g.t.Fatal(err)
	}
	g.note(p, answer, consent.Web)
	return true
}

func (g *grandRound) note(p pupil, answer consent.Answer, method consent.Method) {
	g.said[p.ref()] = answer
	g.method[method]++
}

// form is a yes on paper.
func (g *grandRound) form(p pupil) broker.ConsentRequest {
	r := consentTo(grandClub, p)
	r.Signer, r.RecordsFrom, r.RecordsTo, r.Expires = g.signer(p), day("2021-08-23"), day("2022-06-30"), day("2022-12-31")
	r.SignedAt = afterGrandBend
	return r
}

// printed are the forms of the round as they are printed, by the student's name; names
// that two have are left out.
func (g *grandRound) printed(round string) map[string]string {
	g.t.Helper()
	forms, sheets := map[string]string{}, 0
	for after := ""; ; {
		page := data[struct {
			Sheets []struct {
				Form    string `json:"form"`
				Student string `json:"student"`
				Path    string `json:"path"`
			} `json:"sheets"`
			Next string `json:"next"`
		}](g.t, g.must(g.Packet(g.t.Context(), officer, broker.PacketRequest{Round: round, School: grandElementary, After: after})))
		for _, sheet := range page.Sheets {
			if _, err := g.Doorway(g.t.Context(), filepath.Base(sheet.Path)); err != nil {
				g.t.Fatal("a printed code leads nowhere: ", err)
			}
			forms[sheet.Student] = sheet.Form
			sheets++
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if sheets <= len(forms) {
		g.t.Errorf("%d forms of %d children: one for each parent was to be printed", sheets, len(forms))
	}
	names := map[string]int{}
	for _, p := range g.asked {
		names[p.given+" "+p.family]++
	}
	maps.DeleteFunc(forms, func(name, _ string) bool { return names[name] != 1 })
	return forms
}

// onPaper lets an officer enter the printed forms that some families sent back.
func (g *grandRound) onPaper(round string, n int) {
	g.t.Helper()
	forms := g.printed(round)
	for _, p := range g.asked {
		form := forms[p.given+" "+p.family]
		if n == 0 || form == "" || !g.free(p) {
			continue
		}
		signed := broker.PaperRequest{Answer: consent.Yes, SignedAt: afterGrandBend, Language: "en", ScanSHA256: sha}
		g.done(g.EnterPaper(g.t.Context(), officer, form, signed))
		g.note(p, consent.Yes, consent.Paper)
		n--
	}
}

// byPartner lets the partner send in forms, of which an officer confirms some.
func (g *grandRound) byPartner(n, confirmed int) {
	g.t.Helper()
	for _, p := range g.asked {
		if n == 0 || !g.free(p) {
			continue
		}
		r := g.form(p)
		r.Student, r.Signer, r.Method = broker.StudentRef{ParticipantRef: p.ref()}, broker.SignerRef{Name: "A Parent"}, consent.PartnerForm
		id := data[grantAnswer](g.t, g.must(g.CreateConsent(g.t.Context(), partnerOf(grandClub), r))).ID
		if n <= confirmed {
			g.done(g.ConfirmConsent(g.t.Context(), officer, id, broker.ConfirmRequest{Signer: g.signer(p)}))
			g.note(p, consent.Yes, consent.PartnerForm)
		}
		n--
	}
}

// yes are the participants whose families said yes.
func (g *grandRound) yes() (refs []string) {
	for ref, answer := range g.said {
		if answer == consent.Yes {
			refs = append(refs, ref)
		}
	}
	slices.Sort(refs)
	return refs
}

// counted is what an officer reads of a round.
type counted struct {
	Rounds []struct {
		Done     bool `json:"everyone_was_asked"`
		Children struct {
			Asked    int                    `json:"asked"`
			Yes      int                    `json:"yes"`
			No       int                    `json:"no"`
			Talk     int                    `json:"wants_to_talk"`
			Silent   int                    `json:"no_answer"`
			ByMethod map[consent.Method]int `json:"answered_by_method"`
		} `json:"children"`
	} `json:"rounds"`
}

func TestARoundForASchoolOfGrandBendFromPacketsAndMessagesToRows(t *testing.T) {
	t.Parallel()
	g := newGrandRound(t)
	one, many := 0, 0
	for _, p := range g.students {
		switch n := len(g.kin.listed[p.id]); {
		case n == 1:
			one++
		case n >= 3:
			many++
		}
	}
	if len(g.students) != 960 || one != 144 || many != 96 {
		t.Fatalf("the files hold %d students, %d with one guardian, %d with three or more", len(g.students), one, many)
	}
	round := data[struct{ ID string }](t, g.must(g.OpenRound(t.Context(), officer, broker.RoundRequest{
		Agreement: grandClub, Schools: []string{grandElementary}, RecordsFrom: day("2021-08-23"), RecordsTo: day("2022-06-30"),
	}))).ID
	sent := g.mail()
	parents := distinct(g.kin.parents, g.asked)
	reached := 0
	for who := range parents {
		if g.kin.reached[who] {
			reached++
		}
	}
	if len(sent.links) != reached || reached < 100 {
		t.Errorf("%d messages went out to %d parents, of whom %d can be reached", len(sent.links), len(parents), reached)
	}
	g.byLinks(sent.links, 12)
	g.onPaper(round, 20)
	g.byPartner(6, 4)

	asked := slices.DeleteFunc(slices.Clone(g.asked), func(p pupil) bool { return len(g.kin.parents[p.id]) == 0 })
	got := data[counted](t, g.must(g.Rounds(t.Context(), officer))).Rounds
	if len(got) != 1 || !got[0].Done {
		t.Fatalf("the rounds are %+v", got)
	}
	c := got[0].Children
	if want := map[consent.Method]int{consent.Web: 12, consent.Paper: 20, consent.PartnerForm: 4}; !maps.Equal(c.ByMethod, want) || !maps.Equal(c.ByMethod, g.method) {
		t.Errorf("answers by method are %v, want %v", c.ByMethod, want)
	}
	if c.Asked != len(asked) || c.Yes != len(g.yes()) || c.No != 4 || c.Talk != 4 || c.Silent != len(asked)-36 {
		t.Errorf("of %d children asked about: %+v", len(asked), c)
	}
	rows := g.rowsFor(partnerOf(grandClub), grandClub)
	if shown := slices.Sorted(maps.Keys(rows)); !slices.Equal(shown, g.yes()) {
		t.Errorf("rows are shown of %v, yes was said for %v", shown, g.yes())
	}
	for ref, row := range rows {
		if row.School != grandElementary || len(row.Grades) == 0 {
			t.Errorf("the row of %s is %+v", ref, row)
		}
	}
}
