package oneroster_test

import (
	"reflect"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

// baseFindings are what is to be said of the small set.
const baseFindings = `results.csv:0: not-final
results.csv:0: not-final
users.csv:1:password dropped-column`

func TestTheSmallSetIsReadWhole(t *testing.T) {
	t.Parallel()
	im, report := read(t, base(t), options(t))
	same(t, "findings", ingesttest.Findings(report), lines(baseFindings))
	same(t, "students", students(im), lines(`
stu-1 Wilhelmina Quillfeather 2015-03-04 female asian
  at sch-1 2025-08-20..2026-06-05 grade 05 primary
  result sch-1 q1 Reading 9335 of 0-100
  guardian par-1 Philippa Quillfeather parent parent rights true philippa@example.org 555-0100
  guardian rel-1 Rosalind Quillfeather relative unknown rights false  
stu-2 Barnaby Quillfeather 2013-05-06 male two_or_more
  at sch-2 2025-08-18..2026-06-05 grade 06 primary
  result sch-2 q1 Mathematics (MA6) 370 of letter
  result sch-2 q1 Mathematics (ML6) 350 of 0-4
  guardian par-1 Philippa Quillfeather parent parent rights true philippa@example.org 555-0100
stu-3 Xiomara Thistlewood 2015-07-08 other hispanic_or_latino
  at sch-1 2025-08-18..2025-10-31 grade 05 primary
  at sch-2 2025-10-15..2026-06-05 grade 05 also
  result sch-1 q1 Reading 7100 of 0-100
  guardian gua-1 Gideon Thistlewood guardian unknown rights true gideon@example.org 555-0101
stu-4 Ignatius Oduya 2020-01-02 unspecified 
  at sch-1 2025-09-15..2025-11-14 grade KG primary
`))
}

func TestSchoolsAndSessionsComeOneToOne(t *testing.T) {
	t.Parallel()
	im, _ := read(t, base(t), options(t))
	if len(im.Schools) != 2 || im.Schools[1].ID != "sch-2" || im.Schools[1].Level != "middle" {
		t.Errorf("%+v", im.Schools)
	}
	if len(im.Sessions) != 5 || im.Sessions[3].Parent != "s1" || im.Sessions[3].Type != "gradingPeriod" {
		t.Errorf("%+v", im.Sessions)
	}
	want := map[string]bool{"schools.csv": true, "sessions.csv": true, "students.csv": true, "enrollments.csv": true, "grades.csv": true, "guardians.csv": true}
	if !reflect.DeepEqual(im.Present, want) {
		t.Errorf("it speaks of %v", im.Present)
	}
}

func TestADeltaChangesTheSetBeneathIt(t *testing.T) {
	t.Parallel()
	im, report := read(t, withDelta(t), options(t))
	same(t, "findings", ingesttest.Findings(report), lines("results.csv:0: not-final\nusers.csv:1:password dropped-column\nusers.csv:1:password dropped-column"))
	same(t, "students", students(im), lines(`
stu-1 Wilhelmina Quillfeather 2015-03-04 female asian
  at sch-1 2025-08-20..2026-06-05 grade 05 primary
  result sch-1 q1 Reading 9400 of 0-100
  guardian par-1 Philippa Quillfeather parent parent rights true philippa@example.org 555-0100
  guardian rel-1 Rosalind Quillfeather relative unknown rights false  
stu-2 Barnaby Quillfeather 2013-05-06 male two_or_more
  at sch-2 2025-08-18..2025-11-28 grade 06 primary
  at sch-1 2025-12-01..2026-06-05 grade 06 primary
  result sch-2 q1 Mathematics (MA6) 370 of letter
  result sch-2 q1 Mathematics (ML6) 350 of 0-4
  guardian par-1 Philippa Quillfeather parent parent rights true philippa@example.org 555-0100
stu-4 Ignatius Oduya 2020-01-02 unspecified 
  at sch-1 2025-09-15..2025-11-14 grade KG primary
stu-5 Lucian Vance 2013-11-12 male white
  at sch-2 2025-12-02.. grade 06 primary
  guardian fat-5 Magnus Vance parent parent rights true  
`))
}

func TestTheMonthAfterIsAppliedToTheMonthBefore(t *testing.T) {
	t.Parallel()
	opt := options(t)
	opt.Snapshot = ingest.SnapshotAll
	before, _ := read(t, base(t), opt)
	after, _ := read(t, withDelta(t), opt)
	first := before.Apply(nil, 1, ingesttest.Identities())
	second := after.Apply(first.District, 2, ingesttest.Identities())
	want := map[string]ingest.Delta{
		"students.csv":    {Added: 1, Removed: 1},
		"enrollments.csv": {Added: 2, Changed: 1, Removed: 2},
		"grades.csv":      {Changed: 1, Removed: 1},
	}
	for file, delta := range want {
		if second.Changes.Files[file] != delta {
			t.Errorf("%s changes by %+v, want %+v", file, second.Changes.Files[file], delta)
		}
	}
	if len(second.Changes.Removed) != 1 || second.Changes.Removed[0] != ingesttest.SIDOf("stu-3") {
		t.Errorf("removed %v", second.Changes.Removed)
	}
	if again := after.Apply(second.District, 3, ingesttest.Identities()); again.Changes.Files["enrollments.csv"] != (ingest.Delta{}) {
		t.Errorf("the same set again changes %+v", again.Changes.Files)
	}
}
