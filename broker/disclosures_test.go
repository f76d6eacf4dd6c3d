package broker_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// sight is one request about a child as its family reads it.
type sight struct {
	Index      uint64             `json:"index"`
	Time       time.Time          `json:"time"`
	Partner    string             `json:"partner"`
	Person     string             `json:"person"`
	Agreement  string             `json:"agreement"`
	Purpose    consent.Purpose    `json:"purpose"`
	Outcome    string             `json:"outcome"`
	Categories []consent.Category `json:"categories"`
	Reasons    []string           `json:"reasons"`
	Copy       bool               `json:"copy"`
}

type sights struct {
	Requests []sight `json:"requests"`
	Next     uint64  `json:"next"`
	Figures  []struct {
		Agreement string `json:"agreement"`
	} `json:"figures"`
}

func (s sights) outcomes() (list []string) {
	for _, r := range s.Requests {
		list = append(list, r.Agreement+" "+r.Outcome)
	}
	return list
}

// seen asks who saw a child.
func (d *made) seen(c broker.Caller, k kid) sights {
	d.t.Helper()
	a := d.must(d.Disclosures(d.t.Context(), c, broker.DisclosuresRequest{Student: of(k)}))
	defer a.Drop()
	return data[sights](d.t, a)
}

// sentCopy is a copy of what was sent, with its proof.
type sentCopy struct {
	Request sight          `json:"request"`
	Row     jsontext.Value `json:"row"`
	Proof   jsontext.Value `json:"proof"`
}

func TestAFamilyReadsEachRequestAboutItsChildAllowedOrRefused(t *testing.T) {
	t.Parallel()
	d, kids, grants := agreed(t)
	asked, onlyOnA1, never := kids[2], kids[1], kids[15]
	d.students("a1", "river")
	d.students("a2", "river")
	d.withdraw(grants[2].ID, asked)
	d.students("a1", "river")
	d.done(d.AdvancePartner(t.Context(), officer, "river", broker.TransitionRequest{Event: "suspend", Reason: "An audit."}))
	if _, err := d.ask(t.Context(), "a1"); broker.KindOf(err) != broker.Denied {
		t.Fatal(err)
	}
	if got, want := d.seen(motherOf(asked), asked).outcomes(), []string{"a1 refused", "a1 nothing", "a2 shown", "a1 shown"}; !slices.Equal(got, want) {
		t.Errorf("the mother reads %v, want %v", got, want)
	}
	if got, want := d.seen(motherOf(onlyOnA1), onlyOnA1).outcomes(), []string{"a1 refused", "a1 shown", "a1 shown"}; !slices.Equal(got, want) {
		t.Errorf("the mother of a child on one roster reads %v, want %v", got, want)
	}
	if got := d.seen(motherOf(never), never); len(got.Requests) != 0 || len(got.Figures) != 0 {
		t.Errorf("the mother of a child on no roster reads %+v", got)
	}
}

func TestARequestSaysWhoAskedForWhatAndWhy(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	d.done(d.Students(t.Context(), partnerOf("river"), broker.StudentsRequest{Agreement: "a1", Period: broker.PeriodCurrent, Categories: []consent.Category{consent.Grades}}))
	for caller, person := range map[string]string{"the mother": "", "an officer": partnerOf("river").Subject} {
		c := motherOf(kids[2])
		if caller == "an officer" {
			c = officer
		}
		got := d.seen(c, kids[2]).Requests
		if len(got) != 1 {
			t.Fatalf("%s reads %d requests", caller, len(got))
		}
		s := got[0]
		if s.Partner != "river" || s.Agreement != "a1" || !s.Purpose.Valid() || !slices.Equal(s.Categories, []consent.Category{consent.Grades}) ||
			s.Outcome != "shown" || !s.Copy || s.Person != person || s.Time.IsZero() {
			t.Errorf("%s reads %+v", caller, s)
		}
	}
}

// What was asked for, and sent of other children, is no record of this one's (34 CFR
// 99.32(a)(3)).
func TestAFamilyReadsWhichKindsOfItsOwnChildsRecordsWereSent(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	narrow := kids[6]
	only := d.yes("a1", narrow)
	only.Categories = []consent.Category{consent.Attendance}
	d.enter(only)
	d.students("a1", "river")
	wide := d.yes("a1", narrow)
	d.clock.Set(d.clock.Now().Add(time.Minute))
	wide.SignedAt, wide.Categories = d.clock.Now(), []consent.Category{consent.Attendance, consent.DisciplineDates}
	d.enter(wide)
	d.students("a1", "river")
	got := d.seen(motherOf(narrow), narrow).Requests
	if len(got) != 2 || !slices.Equal(got[1].Categories, only.Categories) || !slices.Equal(got[0].Categories, wide.Categories) {
		t.Errorf("the mother reads %+v", got)
	}
	if other := d.seen(motherOf(kids[2]), kids[2]).Requests; !slices.Equal(other[0].Categories, consent.Categories()) {
		t.Errorf("the mother of a child of whom all was sent reads %+v", other[0])
	}
}

func TestACopyIsWhatWasSentAndItsProofVerifies(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	k := kids[2]
	sent := d.rowOf("a1", "river", k)
	first := d.seen(motherOf(k), k).Requests[0]
	d.clock.Set(d.clock.Now().AddDate(0, 0, 1)) // the next day's row has other days in it
	d.students("a1", "river")
	a := d.must(d.DisclosedCopy(t.Context(), motherOf(k), broker.CopyRequest{Student: of(k), Index: first.Index}))
	defer a.Drop()
	got := data[sentCopy](t, a)
	if !bytes.Contains(got.Row, []byte(`"participant_ref":"`+k.ref()+`"`)) || !bytes.Contains(got.Row, []byte(sent[1:40])) {
		t.Errorf("the copy is %s, sent was %s", got.Row, sent)
	}
	for _, other := range kids {
		if other != k && bytes.Contains(got.Row, []byte(other.ref())) {
			t.Errorf("the copy names %s", other.ref())
		}
	}
	receipt, err := tlog.ParseReceipt(got.Proof)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := receipt.Verify(d.verifier(), nil); err != nil || p.Header.Event != tlog.QueryReleased || p.Leaf.Index != first.Index {
		t.Errorf("%v, %+v", err, p)
	}
}

func TestNobodyElseReadsWhoSawAChild(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	d.students("a1", "river")
	k := kids[2]
	index := d.seen(motherOf(k), k).Requests[0].Index
	try := func(name string, c broker.Caller) {
		t.Helper()
		if _, err := d.Disclosures(t.Context(), c, broker.DisclosuresRequest{Student: of(k)}); broker.KindOf(err) != broker.NotAvailable {
			t.Errorf("%s reads the list: %v", name, err)
		}
		if _, err := d.DisclosedCopy(t.Context(), c, broker.CopyRequest{Student: of(k), Index: index}); broker.KindOf(err) != broker.NotAvailable {
			t.Errorf("%s reads a copy: %v", name, err)
		}
	}
	try("another mother", motherOf(kids[3]))
	try("the partner", partnerOf("river"))
	d.done(d.RecordHolder(t.Context(), officer, broker.HolderRequest{Student: of(k), Signer: byGuardian(k.mother()), Capacity: consent.Parent, Document: "order 7"}))
	try("a mother without rights", motherOf(k))
	d.done(d.RecordPostsecondary(t.Context(), officer, broker.PostsecondaryRequest{Student: of(k), From: civil.Of(d.clock.Now(), time.UTC), Document: "admission letter"}))
	try("the father of a student whose rights are their own", guardian(k.father()))
	if got := d.seen(guardian("student:"+k.id()), k).outcomes(); !slices.Equal(got, []string{"a1 shown"}) {
		t.Errorf("the student reads %v", got)
	}
}

func TestACopyOfAnotherChildsRowIsNotThere(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	d.students("a1", "river")
	shown, hidden := kids[2], kids[5]
	index := d.seen(motherOf(shown), shown).Requests[0].Index
	if got := d.seen(motherOf(hidden), hidden).outcomes(); !slices.Equal(got, []string{"a1 nothing"}) {
		t.Errorf("the mother who was not asked reads %v", got)
	}
	for _, at := range []uint64{index, 0, 1 << 40} {
		if _, err := d.DisclosedCopy(t.Context(), motherOf(hidden), broker.CopyRequest{Student: of(hidden), Index: at}); broker.KindOf(err) != broker.NotAvailable {
			t.Errorf("entry %d: %v", at, err)
		}
	}
}

func TestManyRequestsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	const all = 130
	d, kids, _ := agreed(t)
	for range all {
		d.students("a1", "river")
	}
	seen := map[uint64]bool{}
	before := uint64(0)
	for page := 0; page == 0 || before > 0; page++ {
		a := d.must(d.Disclosures(t.Context(), motherOf(kids[2]), broker.DisclosuresRequest{Student: of(kids[2]), Before: before}))
		got := data[sights](t, a)
		a.Drop()
		for _, r := range got.Requests {
			seen[r.Index] = true
		}
		before = got.Next
	}
	if len(seen) != all {
		t.Errorf("%d of %d requests were read", len(seen), all)
	}
}

func TestWhatAnOfficerReadsOfAChildIsRecorded(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	a := d.must(d.Disclosures(t.Context(), officer, broker.DisclosuresRequest{Student: of(kids[2])}))
	defer a.Drop()
	var body struct {
		Receipt jsontext.Value `json:"receipt"`
	}
	if err := json.Unmarshal(a.Body(), &body); err != nil {
		t.Fatal(err)
	}
	r, err := tlog.ParseReceipt(body.Receipt)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := r.Verify(d.verifier(), nil); err != nil || p.Header.Event != tlog.OfficerViewedLog {
		t.Errorf("%v, %+v", err, p)
	}
}

func TestAFamilyReadsWhenItsChildWasCountedAmongAFew(t *testing.T) {
	t.Parallel()
	d := newMade(t, afterAutumn)
	kids := makeKids(40)
	d.loadMade(kids)
	d.partnerWith("river", map[string][]kid{"a1": kids[:12]})
	for _, k := range kids[:11] {
		d.enter(d.yes("a1", k))
	}
	d.closePeriod(madeAutumn)
	if n := d.comparison("a1", "river", madeAutumn).counted(); n != 11 {
		t.Fatalf("the summary counts %d", n)
	}
	counted, silent := kids[3], kids[11]
	if got := d.seen(motherOf(counted), counted).outcomes(); !slices.Equal(got, []string{"a1 counted"}) {
		t.Errorf("the mother of a child in the summary reads %v", got)
	}
	if got := d.seen(motherOf(silent), silent); len(got.Requests) != 0 || len(got.Figures) != 1 || got.Figures[0].Agreement != "a1" {
		t.Errorf("the mother of a child outside reads %+v", got)
	}
	index := d.seen(motherOf(counted), counted).Requests[0].Index
	if _, err := d.DisclosedCopy(t.Context(), motherOf(counted), broker.CopyRequest{Student: of(counted), Index: index}); broker.KindOf(err) != broker.NotAvailable {
		t.Errorf("there is a copy of a sum: %v", err)
	}
}

func TestAMergedChildsRequestsAreListedOnce(t *testing.T) {
	t.Parallel()
	d := doubled(t)
	f := joinedUnderOneMother()
	d.consent(consentTo("club", double))
	d.clubRows()
	d.imported(f)
	d.clubRows()
	a := d.must(d.Disclosures(t.Context(), guardian(double.mother()), broker.DisclosuresRequest{Student: broker.StudentRef{StudentID: ann.id}}))
	defer a.Drop()
	if got := data[sights](t, a).outcomes(); !slices.Equal(got, []string{"club shown", "club shown"}) {
		t.Errorf("the mother reads %v", got)
	}
}
