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
func mergedFiles() files {
	f := townFiles()
	f["merges"] = [][]string{{"old_student_id", "new_student_id", "date"}, {double.id, ann.id, "2026-03-09"}}
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
	f := mergedFiles()
	for i, row := range f["guardians"] {
		if row[1] == ann.mother() {
			f["guardians"][i][1] = double.mother() // the same person keeps her number
		}
	}
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
	f := mergedFiles()
	for i, row := range f["guardians"] {
		if row[1] == ann.mother() {
			f["guardians"][i][1] = double.mother()
		}
	}
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
	d.imported(mergedFiles())
	d.consent(consentTo("club", ann))
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows without a new upload", len(rows))
	}
}

func TestAMergedChildIsFoundByTheNextUpload(t *testing.T) {
	t.Parallel()
	d := doubled(t)
	d.imported(mergedFiles())
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
