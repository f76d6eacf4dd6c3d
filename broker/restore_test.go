package broker_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/consent"
)

// lostAndRestored is a district that was copied, in which something happened, and
// whose directory was then put back as it was copied. It is declared restored.
type lostAndRestored struct {
	*made
	far     string // another machine's disk
	options broker.Options
}

func (l *lostAndRestored) journal() string { return filepath.Join(l.far, "journal") }

func lose(t *testing.T, d *made, happens func()) *lostAndRestored {
	t.Helper()
	l := &lostAndRestored{made: d, far: filepath.Join(filepath.Dir(d.dir), "far")}
	if err := os.Mkdir(l.far, 0o700); err != nil {
		t.Fatal(err)
	}
	with := func(o *broker.Options) {
		o.Journal, o.Anchor = l.journal(), filepath.Join(l.far, "anchor")
		l.options = *o
	}
	copied := filepath.Join(fastDir(t), "copy")
	if err := d.reopen(func() { copyDistrict(t, d.dir, copied) }, with); err != nil {
		t.Fatal(err)
	}
	happens()
	err := d.reopen(func() {
		if err := os.RemoveAll(d.dir); err != nil {
			t.Fatal(err)
		}
		copyDistrict(t, copied, d.dir)
	}, with)
	if !errors.Is(err, broker.ErrRolledBack) {
		t.Fatalf("opening the copy gave %v, not ErrRolledBack", err)
	}
	l.options.Restore = &broker.RestoreOrder{By: "O", Reason: "the disk failed"}
	b, err := broker.Open(t.Context(), d.dir, l.options)
	if err != nil {
		t.Fatal(err)
	}
	d.Broker = b
	return l
}

func (l *lostAndRestored) replay(want broker.Replay) {
	l.t.Helper()
	got, err := l.ReplayJournal(l.t.Context(), "O", l.journal())
	if err != nil {
		l.t.Fatal(err)
	}
	if *got != want {
		l.t.Errorf("the replay gave %+v, want %+v", *got, want)
	}
}

func (l *lostAndRestored) refused() {
	l.t.Helper()
	if a, err := l.ask(l.t.Context(), "a1"); broker.KindOf(err) != broker.Unavailable {
		a.Drop()
		l.t.Errorf("rows of a restored district: %v", err)
	}
}

func TestEveryKindOfStopIsDoneAgainInARestoredDistrict(t *testing.T) {
	t.Parallel()
	d, kids, grants := agreed(t)
	ctx := t.Context()
	l := lose(t, d, func() {
		late := d.enter(d.yes("a2", kids[3]))
		d.withdraw(late.ID, kids[3]) // the copy has neither
		d.withdraw(grants[0].ID, kids[0])
		lifted := d.restrict(kids[1], consent.MayNotDecide, byGuardian(kids[1].father()))
		d.done(d.LiftRestriction(ctx, officer, lifted, broker.ReviewRequest{Reason: "The order ended."}))
		d.restrict(kids[1], consent.MayNotDecide, byGuardian(kids[1].mother()))
		d.openCase(motherOf(kids[2]), broker.CaseRequest{Student: of(kids[2]), Kind: broker.CaseNotMe, Consent: grants[2].ID})
		d.done(d.RevokeTokens(ctx, officer, "river"))
	})
	l.refused()
	l.replay(broker.Replay{Lines: 7, Done: 6, Nothing: 1, Counted: true, Open: true})
	c := partnerOf("river")
	if _, err := d.Students(ctx, c, broker.StudentsRequest{Agreement: "a1", Period: broker.PeriodCurrent}); broker.KindOf(err) != broker.Unauthenticated {
		t.Errorf("a token that was revoked in what was lost: %v", err)
	}
	c.Epoch = 1
	a := d.must(d.Students(ctx, c, broker.StudentsRequest{Agreement: "a1", Period: broker.PeriodCurrent}))
	for _, k := range kids[:3] {
		if shows(t, a.Body(), k) {
			t.Errorf("the row of child %d is back", k.number)
		}
	}
	a.Drop()
	if _, err := l.ReplayJournal(ctx, "O", l.journal()); broker.KindOf(err) != broker.Conflict {
		t.Errorf("a second replay gave %v", err)
	}
	l.options.Restore = nil
	if err := d.reopen(nil, func(o *broker.Options) { *o = l.options }); err != nil {
		t.Errorf("the restored district does not open again: %v", err)
	}
}

func TestAStopAboutAStudentWhomTheCopyDoesNotKnowKeepsRowsBackUntilItIsDone(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	more := makeKids(21)
	l := lose(t, d, func() {
		d.loadMade(more)
		d.restrict(more[20], consent.MayNotDecide, byGuardian(more[20].mother()))
	})
	l.replay(broker.Replay{Lines: 1, Undone: 1, Counted: true})
	l.refused()
	d.loadMade(more)
	l.replay(broker.Replay{Lines: 1, Done: 1, Counted: true, Open: true})
	if !d.rowOpen(kids[1]) {
		t.Error("the row of a family that never stopped stays away")
	}
}

func TestAJournalThatLacksOrChangedLinesOpensNothing(t *testing.T) {
	t.Parallel()
	d, kids, grants := agreed(t)
	l := lose(t, d, func() {
		d.withdraw(grants[0].ID, kids[0])
		d.withdraw(grants[1].ID, kids[1])
	})
	whole, err := os.ReadFile(l.journal())
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	write := func(text []byte) {
		if err := os.WriteFile(l.journal(), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string][]byte{
		"the first line is lost": lines[1], "lines changed places": append(bytes.Clone(lines[1]), lines[0]...),
		"one bit is flipped": bytes.Replace(whole, []byte(`"index":`), []byte(`"index":1`), 1),
	} {
		write(text)
		if _, err := l.ReplayJournal(t.Context(), "O", l.journal()); err == nil {
			t.Errorf("%s, and the journal was taken", name)
		}
		l.refused()
	}
	write(lines[0])
	l.replay(broker.Replay{Lines: 1, Done: 1, Missing: 1, Counted: true})
	l.refused()
	write(append(bytes.Clone(whole), "half a li"...)) // a crash cut it off
	l.replay(broker.Replay{Lines: 1, Done: 1, Counted: true, Open: true})
	if d.rowOpen(kids[0]) || d.rowOpen(kids[1]) || !d.rowOpen(kids[2]) {
		t.Error("the rows are not those of before")
	}
}

// A withdrawal is acknowledged though the journal's machine is away, and written
// there once it is back.
func TestAWithdrawalDoesNotWaitForAJournalThatIsAway(t *testing.T) {
	t.Parallel()
	d, kids, grants := agreed(t)
	far := filepath.Join(fastDir(t), "mount")
	with := func(o *broker.Options) { o.Journal = filepath.Join(far, "journal") }
	if err := d.reopen(nil, with); err != nil {
		t.Fatal(err)
	}
	d.withdraw(grants[0].ID, kids[0])
	if err := os.Mkdir(far, 0o700); err != nil {
		t.Fatal(err)
	}
	d.withdraw(grants[1].ID, kids[1])
	text, err := os.ReadFile(filepath.Join(far, "journal"))
	if err != nil || bytes.Count(text, []byte("\n")) != 2 {
		t.Errorf("the journal holds %d lines of 2: %v", bytes.Count(text, []byte("\n")), err)
	}
	if bytes.Contains(text, []byte(grants[0].ID)) || bytes.Contains(text, []byte(kids[0].mother())) {
		t.Error("the journal tells whom it is about")
	}
}
