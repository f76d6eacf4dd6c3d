package broker_test

import (
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/consent"
)

// double is a second file of ann, by another number, that her school made by
// mistake.
var double = pupil{"900099", ann.given, ann.family, ann.birth, north}

// mergedFiles is the export after the information system joined both files.
func joinedFiles() files {
	f := townFiles()
	f["merges"] = [][]string{{"old_student_id", "new_student_id", "date"}, {double.id, ann.id, "2026-03-09"}}
	return f
}

// joinedUnderOneMother is joinedFiles in which ann's mother keeps the number that she
// had in the file that vanished.
func joinedUnderOneMother() files {
	f := joinedFiles()
	for i, row := range f["guardians"] {
		if row[1] == ann.mother() {
			f["guardians"][i][1] = double.mother()
		}
	}
	return f
}

// doubled is the town before the files were joined, where only the file that
// is going to vanish is known of ann.
func doubled(t *testing.T) *town {
	t.Helper()
	d := emptyTown(t, inLent)
	f := townFiles(double)
	for _, table := range []string{"students", "enrollments", "attendance", "grades", "guardians"} {
		f.drop(table, ann.id)
	}
	d.imported(f)
	d.club(double)
	return d
}

func TestAYesOutlivesTheMergeOfTwoFiles(t *testing.T) {
	t.Parallel()
	d := doubled(t)
	f := joinedUnderOneMother()
	d.consent(consentTo("club", double))
	if rows := d.clubRows(); len(rows) != 1 {
		t.Fatalf("%d rows before the merge", len(rows))
	}
	d.imported(f)
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows after the merge", len(rows))
	}
}

// A refusal must not be lost with the file under which it was entered.
func TestANoOutlivesTheMergeOfTwoFiles(t *testing.T) {
	t.Parallel()
	d := doubled(t)
	f := joinedUnderOneMother()
	no := consentTo("club", double)
	no.Answer = consent.No
	d.consent(no)
	d.imported(f)
	d.roster("club", ann)
	d.consent(by(consentTo("club", ann), broker.SignerRef{GuardianID: ann.father()}))
	if rows := d.clubRows(); len(rows) != 0 {
		t.Errorf("the no was forgotten: %v", rows)
	}
}

func TestAMergedChildStaysOnItsRosters(t *testing.T) {
	t.Parallel()
	d := doubled(t)
	d.imported(joinedFiles())
	d.consent(consentTo("club", ann))
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows without a new upload", len(rows))
	}
}

func TestAMergedChildIsFoundByTheNextUpload(t *testing.T) {
	t.Parallel()
	d := doubled(t)
	d.imported(joinedFiles())
	d.roster("club", ann)
	d.consent(consentTo("club", ann))
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows after a new upload", len(rows))
	}
	a, err := d.CreateConsent(t.Context(), officer, consentTo("club", double))
	if err == nil {
		a.Drop()
	} else if k := broker.KindOf(err); k != broker.NotAvailable && k != broker.Invalid {
		t.Errorf("the old number: %v", err)
	}
}

// A mother said no for one file of her child and yes for the other: which is
// meant only a person can say.
func TestConflictingAnswersOfTwoFilesRestUntilAnOfficerDecides(t *testing.T) {
	t.Parallel()
	for _, united := range []bool{false, true} {
		d := doubled(t)
		if united {
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			d.open(withRules(t), func(o *broker.Options) { o.Sabotage.UniteAnswers = true })
		}
		no := consentTo("club", double)
		no.Answer, no.SignedAt = consent.No, inLent.AddDate(0, 0, -20)
		d.consent(no)
		both, joined := townFiles(double), joinedFiles()
		for _, row := range append(both["guardians"], joined["guardians"]...) {
			if row[1] == ann.mother() {
				row[1] = double.mother() // one mother, two files
			}
		}
		d.imported(both)
		yes := data[struct{ ID string }](t, d.must(d.CreateConsent(t.Context(), officer, by(consentTo("club", ann), broker.SignerRef{GuardianID: double.mother()}))))
		d.imported(joined)
		if rows := d.clubRows(); (len(rows) == 0) == united {
			t.Errorf("united: %t, and the club reads %d rows", united, len(rows))
		}
		if united {
			continue
		}
		view := data[struct {
			Held []struct {
				Period, Meaning string
			}
		}](t, d.must(d.Consent(t.Context(), guardian(double.mother()), yes.ID)))
		if len(view.Held) == 0 || view.Held[0].Period != "merged files" {
			t.Errorf("the mother reads %+v", view)
		}
	}
}
