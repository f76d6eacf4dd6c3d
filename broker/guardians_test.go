package broker_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// sis is ann's sister, at whose school the office entered the mother anew.
var sis = pupil{"900006", "Selma", ann.family, "2012-08-07", north}

const (
	mothersEmail = "Mo.Almgren@Example.org"
	mothersPhone = "+1 (608) 555-0142"
)

// reached is the town's files with e-mail addresses and telephone numbers of
// some guardians, by their numbers.
func reached(f files, contacts map[string][2]string) files {
	f["guardians"][0] = append(f["guardians"][0], "email", "phone")
	for i, row := range f["guardians"][1:] {
		c := contacts[row[1]]
		f["guardians"][i+1] = append(row, c[0], c[1])
	}
	return f
}

// sisters is the town in which ann and her sister have one mother under two
// numbers.
func sisters(t *testing.T, options ...func(*broker.Options)) *town {
	t.Helper()
	d := emptyTown(t, inLent, options...)
	d.imported(reached(townFiles(sis), map[string][2]string{
		ann.mother(): {mothersEmail, ""}, sis.mother(): {strings.ToLower(mothersEmail), ""},
	}))
	return d
}

// again is the number under which a mother stands on her child's file a second
// time.
func (p pupil) again() string { return p.id + "-mother-again" }

// twiceOnFile is the town in which the mothers of some pupils stand on the
// child's own file twice.
func twiceOnFile(t *testing.T, rights string, list []pupil, options ...func(*broker.Options)) *town {
	t.Helper()
	d := emptyTown(t, inLent, options...)
	f := townFiles(list...)
	for _, p := range append([]pupil{ann}, list...) {
		f.add("guardians", p.id, p.again(), "MO", p.family, "mother", "parent", rights)
	}
	d.imported(f)
	return d
}

// duplicate is two guardians in the steward's list.
type duplicate struct {
	ID        string `json:"id"`
	State     string `json:"state"`
	Why       string `json:"why"`
	Guardians []struct {
		ID       string `json:"guardian_id"`
		Children int    `json:"children"`
	} `json:"guardians"`
}

func (d duplicate) ids() string { return d.Guardians[0].ID + " " + d.Guardians[1].ID }

type duplicateList struct {
	Duplicates, Decided []duplicate
	Waiting             int
}

func (d *town) duplicates() duplicateList {
	d.t.Helper()
	return data[duplicateList](d.t, d.must(d.Duplicates(d.t.Context(), steward)))
}

// pair finds two guardians in the list.
func (d *town) pair(a, b string) duplicate {
	d.t.Helper()
	list := d.duplicates()
	for _, p := range slices.Concat(list.Duplicates, list.Decided) {
		if p.ids() == min(a, b)+" "+max(a, b) {
			return p
		}
	}
	d.t.Fatalf("%s and %s are not in the list %+v", a, b, list)
	return duplicate{}
}

func (d *town) decide(decision, a, b string) {
	d.t.Helper()
	d.done(d.DecideDuplicate(d.t.Context(), steward, d.pair(a, b).ID, broker.DuplicateRequest{Decision: decision}))
}

// mayAnswer reports whether a guardian's token may speak about a child.
func (d *town) mayAnswer(id string, p pupil) bool {
	d.t.Helper()
	r := consentTo("club", p)
	r.Answer = "nothing" // refused after the family is known
	_, err := d.CreateConsent(d.t.Context(), guardian(id), r)
	switch broker.KindOf(err) {
	case broker.Invalid:
		return true
	case broker.NotAvailable:
		return false
	}
	d.t.Fatalf("asking with the token of %s: %v", id, err)
	return false
}

func TestTheTokenOfEitherNumberOfAConfirmedPairSpeaksAboutBothChildren(t *testing.T) {
	t.Parallel()
	d := sisters(t)
	d.club(ann, sis)
	if d.mayAnswer(ann.mother(), sis) || d.mayAnswer(sis.mother(), ann) {
		t.Error("a suggestion alone made one family")
	}
	d.decide(broker.DuplicateConfirm, ann.mother(), sis.mother())
	if err := d.reopenTown(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{ann.mother(), sis.mother()} {
		if !d.mayAnswer(id, ann) || !d.mayAnswer(id, sis) || d.mayAnswer(id, ben) {
			t.Errorf("the token of %s speaks about others than both sisters", id)
		}
	}
	if d.mayAnswer(ann.father(), sis) {
		t.Error("the father's token speaks about the sister")
	}
	d.decide(broker.DuplicateUndo, ann.mother(), sis.mother())
	if d.mayAnswer(ann.mother(), sis) || !d.mayAnswer(ann.mother(), ann) {
		t.Error("the families are not as before")
	}
}

// reopenTown closes the town's district and opens it again.
func (d *town) reopenTown() error {
	if err := d.Close(); err != nil {
		return err
	}
	d.open(withRules(d.t))
	return nil
}

func TestAnAnswerUnderTheOtherNumberIsOnesOwn(t *testing.T) {
	t.Parallel()
	d := sisters(t)
	d.club(ann, sis)
	made := d.consent(consentTo("club", ann))
	a, err := d.Consent(t.Context(), guardian(sis.mother()), made.ID)
	refused(t, a, err, broker.NotAvailable)
	d.decide(broker.DuplicateConfirm, ann.mother(), sis.mother())
	own := data[struct{ Consents []grantAnswer }](t, d.must(d.Consents(t.Context(), guardian(sis.mother())))).Consents
	if len(own) != 1 || own[0].ID != made.ID {
		t.Fatalf("her answers are %+v", own)
	}
	d.done(d.CreateConsent(t.Context(), guardian(ann.mother()), consentTo("club", sis)))
	if rows := d.clubRows(); len(rows) != 2 {
		t.Errorf("%d rows after she said yes for both", len(rows))
	}
	d.done(d.WithdrawConsent(t.Context(), guardian(sis.mother()), made.ID, broker.WithdrawRequest{}))
	if rows := d.clubRows(); len(rows) != 1 || rows[ann.ref()].Ref != "" {
		t.Errorf("the rows after she withdrew: %v", rows)
	}
}

func TestAWordOnAPairIsAnEntryOfItsOwnWithoutItsNumbers(t *testing.T) {
	t.Parallel()
	d := sisters(t)
	before := d.size()
	id := d.pair(ann.mother(), sis.mother()).ID
	for _, step := range []struct {
		decision string
		event    tlog.Event
		subjects uint64
	}{
		{broker.DuplicateConfirm, tlog.GuardiansJoined, 2},
		{broker.DuplicateUndo, tlog.GuardiansUndecided, 2},
		{broker.DuplicateReject, tlog.GuardiansToldApart, 0},
		{broker.DuplicateUndo, tlog.GuardiansUndecided, 0},
	} {
		a := d.must(d.DecideDuplicate(t.Context(), steward, id, broker.DuplicateRequest{Decision: step.decision}))
		p := d.verified(a.Body())
		if p.Header.Event != step.event || uint64(p.Leaf.Subjects) != step.subjects {
			t.Errorf("%s left %s about %d students", step.decision, p.Header.Event, p.Leaf.Subjects)
		}
		a.Drop()
	}
	a := d.must(d.Entries(t.Context(), auditor, broker.EntriesRequest{From: before, Limit: 100}))
	defer a.Drop()
	for _, number := range []string{ann.mother(), sis.mother()} {
		if bytes.Contains(a.Body(), []byte(number)) {
			t.Errorf("the log holds %s: %s", number, a.Body())
		}
	}
}

func TestTheSameWordOnAPairTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	d := sisters(t)
	id := d.pair(ann.mother(), sis.mother()).ID
	for _, decision := range []string{broker.DuplicateConfirm, broker.DuplicateUndo, broker.DuplicateReject} {
		d.done(d.DecideDuplicate(t.Context(), steward, id, broker.DuplicateRequest{Decision: decision}))
		size, list := d.size(), fmt.Sprint(d.duplicates())
		d.done(d.DecideDuplicate(t.Context(), officer, id, broker.DuplicateRequest{Decision: decision}))
		if again := fmt.Sprint(d.duplicates()); d.size() != size || again != list {
			t.Errorf("%s twice left %d entries and the list %s, which was %s", decision, d.size()-size, again, list)
		}
	}
	a, err := d.DecideDuplicate(t.Context(), steward, id, broker.DuplicateRequest{Decision: broker.DuplicateConfirm})
	refused(t, a, err, broker.Conflict)
}

func TestARejectedPairIsNotSuggestedAgainUntilThatIsUndone(t *testing.T) {
	t.Parallel()
	d := sisters(t)
	d.decide(broker.DuplicateReject, ann.mother(), sis.mother())
	if list := d.duplicates(); list.Waiting != 0 || len(list.Decided) != 1 || list.Decided[0].State != "rejected" {
		t.Errorf("the list is %+v", list)
	}
	d.imported(reached(townFiles(sis, others(1)[0]), map[string][2]string{ann.mother(): {mothersEmail, ""}, sis.mother(): {mothersEmail, ""}}))
	if list := d.duplicates(); list.Waiting != 0 {
		t.Errorf("the next load suggests %+v", list)
	}
	d.decide(broker.DuplicateUndo, ann.mother(), sis.mother())
	if list := d.duplicates(); list.Waiting != 1 || len(list.Decided) != 0 {
		t.Errorf("the list is %+v", list)
	}
}

func TestAWordIsTakenOnlyOnAPairOfTheListAndFromTheClosedList(t *testing.T) {
	t.Parallel()
	d := sisters(t)
	id := d.pair(ann.mother(), sis.mother()).ID
	a, err := d.DecideDuplicate(t.Context(), steward, id, broker.DuplicateRequest{Decision: "join " + ann.family})
	refused(t, a, err, broker.Invalid, "decision")
	if strings.Contains(err.Error(), ann.family) {
		t.Errorf("the error repeats the request: %v", err)
	}
	for _, absent := range []string{"dup_absent", "", ann.mother()} {
		a, err := d.DecideDuplicate(t.Context(), steward, absent, broker.DuplicateRequest{Decision: broker.DuplicateConfirm})
		refused(t, a, err, broker.NotAvailable)
	}
	// The next load says that they are two people.
	d.imported(reached(townFiles(sis), map[string][2]string{ann.mother(): {mothersEmail, ""}, sis.mother(): {"another@example.org", ""}}))
	a, err = d.DecideDuplicate(t.Context(), steward, id, broker.DuplicateRequest{Decision: broker.DuplicateConfirm})
	refused(t, a, err, broker.NotAvailable)
}

func TestNoFileOfTheDistrictHoldsTheNumbersOfAPair(t *testing.T) {
	t.Parallel()
	d := emptyTown(t, inLent)
	dir := reached(townFiles(sis), map[string][2]string{ann.mother(): {mothersEmail, mothersPhone}, sis.mother(): {mothersEmail, ""}}).write(t)
	d.load(dir, loadAll)
	d.decide(broker.DuplicateConfirm, ann.mother(), sis.mother())
	if err := d.reopenTown(); err != nil {
		t.Fatal(err)
	}
	n := needles{}
	for _, text := range []string{ann.mother(), sis.mother(), mothersEmail, mothersPhone, "6085550142"} {
		n.add(t, text)
	}
	for _, found := range n.searchAll(t, d.dir) {
		t.Error(found)
	}
}

// The information system may give a number to somebody else.
func TestANumberThatIsSomebodyElsesSinceIsNotHersAnyMore(t *testing.T) {
	t.Parallel()
	d := sisters(t)
	d.club(ann, sis)
	d.decide(broker.DuplicateConfirm, ann.mother(), sis.mother())
	f := townFiles(sis)
	for _, row := range f["guardians"] {
		if row[1] == sis.mother() {
			row[2], row[3] = "Nadia", "Newcomer"
		}
	}
	d.imported(f)
	if d.mayAnswer(ann.mother(), sis) || !d.mayAnswer(ann.mother(), ann) || !d.mayAnswer(sis.mother(), sis) {
		t.Error("the families are not those of two people")
	}
	if p := d.pair(ann.mother(), sis.mother()); p.State != "confirmed" || p.Why != "alike no more" {
		t.Errorf("the steward sees %+v", p)
	}
}

// answerOf is an answer that a mother gave under one of her numbers.
func answerOf(p pupil, signer string, answer consent.Answer, signed time.Time) broker.ConsentRequest {
	r := by(consentTo("club", p), broker.SignerRef{GuardianID: signer})
	r.Answer, r.SignedAt = answer, signed
	return r
}

// A mother said no under one number and yes under the other. Without the guard
// the later yes would open, which the sabotage shows.
func TestConflictingAnswersOfTwoNumbersStayClosedUntilSheAnswersAgain(t *testing.T) {
	t.Parallel()
	for _, united := range []bool{false, true} {
		d := twiceOnFile(t, "yes", nil, func(o *broker.Options) { o.Sabotage.UniteAnswers = united })
		d.club(ann)
		d.consent(answerOf(ann, ann.mother(), consent.No, inLent.AddDate(0, 0, -20)))
		d.consent(answerOf(ann, ann.again(), consent.Yes, inLent.AddDate(0, 0, -10)))
		if rows := d.clubRows(); len(rows) != 0 {
			t.Errorf("%d rows of two people who differ", len(rows))
		}
		d.decide(broker.DuplicateConfirm, ann.mother(), ann.again())
		if rows := d.clubRows(); (len(rows) == 0) == united {
			t.Errorf("united: %t, and the club reads %d rows", united, len(rows))
		}
		if united {
			continue
		}
		d.clock.Set(inLent.Add(time.Hour))
		d.done(d.CreateConsent(t.Context(), guardian(ann.again()), consentTo("club", ann)))
		if rows := d.clubRows(); len(rows) != 1 {
			t.Errorf("%d rows after she answered again", len(rows))
		}
	}
}

// Every two answers of a mother under two numbers, in both orders: whatever is
// open after the joining was open before.
func TestJoiningTwoNumbersNeverOpensARow(t *testing.T) {
	t.Parallel()
	answers := []consent.Answer{consent.Yes, consent.No, consent.Talk}
	kids := others(2 * len(answers) * len(answers))
	d := twiceOnFile(t, "yes", kids)
	d.club(kids...)
	for i, p := range kids {
		first, second := answers[i/2%len(answers)], answers[i/2/len(answers)]
		early, late := p.mother(), p.again()
		if i%2 == 1 {
			early, late = late, early
		}
		wide := answerOf(p, early, first, inLent.AddDate(0, 0, -20))
		d.consent(wide)
		narrow := answerOf(p, late, second, inLent.AddDate(0, 0, -10))
		narrow.Categories = []consent.Category{consent.Attendance}
		d.consent(narrow)
	}
	before := openCells(d.clubRows())
	for _, p := range kids {
		d.decide(broker.DuplicateConfirm, p.mother(), p.again())
	}
	after := openCells(d.clubRows())
	if len(after) == 0 || len(after) >= len(before) {
		t.Errorf("%d cells are open, before %d", len(after), len(before))
	}
	for _, cell := range after {
		if !slices.Contains(before, cell) {
			t.Errorf("joining opened %s", cell)
		}
	}
}

// openCells names the open cells of rows by child and category.
func openCells(rows map[string]shownRow) (list []string) {
	for ref, row := range rows {
		if row.Attendance != nil {
			list = append(list, ref+" attendance")
		}
		if len(row.Grades) > 0 {
			list = append(list, ref+" grades")
		}
	}
	return list
}

func TestAWishToTalkUnderTheOtherNumberClosesFromTheJoiningOn(t *testing.T) {
	t.Parallel()
	d := twiceOnFile(t, "yes", nil)
	d.club(ann)
	d.consent(answerOf(ann, ann.mother(), consent.Yes, inLent.AddDate(0, 0, -20)))
	d.consent(answerOf(ann, ann.again(), consent.Talk, inLent.AddDate(0, 0, -10)))
	if rows := d.clubRows(); len(rows) != 1 {
		t.Fatalf("%d rows of two people", len(rows))
	}
	d.decide(broker.DuplicateConfirm, ann.mother(), ann.again())
	if rows := d.clubRows(); len(rows) != 0 {
		t.Errorf("%d rows though she wants to talk", len(rows))
	}
	d.decide(broker.DuplicateUndo, ann.mother(), ann.again())
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows after that was undone", len(rows))
	}
}

func TestRightsStayWithTheNumberOnTheChildsFile(t *testing.T) {
	t.Parallel()
	d := twiceOnFile(t, "no", nil)
	d.club(ann)
	d.decide(broker.DuplicateConfirm, ann.mother(), ann.again())
	a, err := d.CreateConsent(t.Context(), guardian(ann.again()), consentTo("club", ann))
	refused(t, a, err, broker.Invalid, "signer")
	if rows := d.clubRows(); len(rows) != 0 {
		t.Errorf("%d rows by a number without rights", len(rows))
	}
	d.done(d.CreateConsent(t.Context(), guardian(ann.mother()), consentTo("club", ann)))
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows by the number that holds the rights", len(rows))
	}
}

func TestTheTokenOfANumberThatIsNotOnTheFileSignsWithTheRightsOfTheOneThatIs(t *testing.T) {
	t.Parallel()
	d := emptyTown(t, inLent)
	f := townFiles(sis)
	for _, row := range f["guardians"] {
		if row[1] == sis.mother() {
			row[6] = "no"
		}
	}
	d.imported(reached(f, map[string][2]string{ann.mother(): {mothersEmail, ""}, sis.mother(): {mothersEmail, ""}}))
	d.club(ann, sis)
	d.decide(broker.DuplicateConfirm, ann.mother(), sis.mother())
	a, err := d.CreateConsent(t.Context(), guardian(ann.mother()), consentTo("club", sis))
	refused(t, a, err, broker.Invalid, "signer")
	d.done(d.CreateConsent(t.Context(), guardian(sis.mother()), consentTo("club", ann)))
	if rows := d.clubRows(); len(rows) != 1 || rows[ann.ref()].Ref == "" {
		t.Errorf("the rows are %v", rows)
	}
}

func TestOfTwoNumbersOnAChildsFileTheOneWithoutRightsIsBelieved(t *testing.T) {
	t.Parallel()
	d := emptyTown(t, inLent)
	f := townFiles(sis)
	f.add("guardians", ann.id, ann.again(), "Mo", ann.family, "mother", "parent", "no")
	d.imported(reached(f, map[string][2]string{ann.mother(): {mothersEmail, ""}, sis.mother(): {mothersEmail, ""}}))
	d.club(ann, sis)
	d.decide(broker.DuplicateConfirm, ann.mother(), sis.mother())
	d.decide(broker.DuplicateConfirm, ann.mother(), ann.again())
	a, err := d.CreateConsent(t.Context(), guardian(sis.mother()), consentTo("club", ann))
	refused(t, a, err, broker.Invalid, "signer")
}

func TestAJoiningIsNotUndoneOnceSheAnsweredAsOnePerson(t *testing.T) {
	t.Parallel()
	d := twiceOnFile(t, "yes", nil)
	d.club(ann)
	d.consent(consentTo("club", ann))
	d.decide(broker.DuplicateConfirm, ann.mother(), ann.again())
	id := d.pair(ann.mother(), ann.again()).ID
	d.clock.Set(inLent.Add(time.Hour))
	since := data[grantAnswer](t, d.must(d.CreateConsent(t.Context(), guardian(ann.again()), consentTo("club", ann))))
	d.imported(townFiles()) // without her second number
	a, err := d.DecideDuplicate(t.Context(), steward, id, broker.DuplicateRequest{Decision: broker.DuplicateUndo})
	refused(t, a, err, broker.Conflict)
	d.done(d.InvalidateConsent(t.Context(), officer, since.ID, broker.ReviewRequest{Reason: "Two people after all."}))
	d.done(d.DecideDuplicate(t.Context(), steward, id, broker.DuplicateRequest{Decision: broker.DuplicateUndo}))
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows by the answer before the joining", len(rows))
	}
}

// chained is the town in which one mother stands on the files of four sisters
// under four numbers.
func chained(t testing.TB) (*town, []pupil) {
	t.Helper()
	kids := []pupil{ann}
	contacts := map[string][2]string{ann.mother(): {mothersEmail, ""}}
	for i := range 3 {
		p := pupil{fmt.Sprintf("90005%d", i), "Sister" + inLetters(i), ann.family, day("2012-01-01").String(), north}
		kids = append(kids, p)
		contacts[p.mother()] = [2]string{mothersEmail, ""}
	}
	d := emptyTown(t, inLent)
	d.imported(reached(townFiles(kids[1:]...), contacts))
	d.club(kids...)
	return d, kids
}

func TestNumbersJoinedOneByOneAreOnePersonInWhateverOrder(t *testing.T) {
	t.Parallel()
	d, kids := chained(t)
	rapid.Check(t, func(t *rapid.T) {
		type step struct{ a, b string }
		var confirmed []step
		for _, at := range rapid.Permutation([][2]int{{0, 1}, {2, 3}, {1, 2}, {0, 3}, {1, 3}, {0, 2}}).Draw(t, "order") {
			a, b := kids[at[0]].mother(), kids[at[1]].mother()
			waiting := d.duplicates().Duplicates
			i := slices.IndexFunc(waiting, func(p duplicate) bool { return p.ids() == min(a, b)+" "+max(a, b) })
			if i < 0 {
				continue // one person already
			}
			d.done(d.DecideDuplicate(d.t.Context(), steward, waiting[i].ID, broker.DuplicateRequest{Decision: broker.DuplicateConfirm}))
			confirmed = append(confirmed, step{a, b})
		}
		if len(confirmed) != len(kids)-1 || d.duplicates().Waiting != 0 {
			t.Fatalf("%v joined four numbers", confirmed)
		}
		for _, k := range kids {
			for _, p := range kids {
				if !d.mayAnswer(k.mother(), p) {
					t.Fatalf("%v: the token of %s does not speak about %s", confirmed, k.mother(), p.id)
				}
			}
		}
		for _, s := range rapid.Permutation(confirmed).Draw(t, "undone") {
			d.decide(broker.DuplicateUndo, s.a, s.b)
		}
		for _, k := range kids[1:] {
			if d.mayAnswer(ann.mother(), k) {
				t.Fatalf("all was undone, and the token of ann's mother speaks about %s", k.id)
			}
		}
	})
}

func TestTwoPersonsOfWhomAPairIsRejectedAreNotJoinedThroughAThird(t *testing.T) {
	t.Parallel()
	d, kids := chained(t)
	d.decide(broker.DuplicateReject, kids[0].mother(), kids[1].mother())
	through := d.pair(kids[1].mother(), kids[2].mother())
	d.decide(broker.DuplicateConfirm, kids[0].mother(), kids[2].mother())
	for _, p := range d.duplicates().Duplicates {
		if strings.Contains(p.ids(), kids[1].mother()) && !strings.Contains(p.ids(), kids[3].mother()) {
			t.Errorf("still suggested: %+v", p)
		}
	}
	a, err := d.DecideDuplicate(t.Context(), steward, through.ID, broker.DuplicateRequest{Decision: broker.DuplicateConfirm})
	refused(t, a, err, broker.NotAvailable)
	if d.mayAnswer(kids[0].mother(), kids[1]) {
		t.Error("the rejected two are one family")
	}
}
