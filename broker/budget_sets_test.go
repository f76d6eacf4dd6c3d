package broker_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// rewrite changes the text of each file of an export.
func rewrite(t testing.TB, dir string, change func(name, text string) string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(change(e.Name(), string(raw))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestWhatIsPaidForIsDecidedWithoutOutcomes(t *testing.T) {
	t.Parallel()
	kids := makeKids(90)
	var ledgers, saids []string
	for _, perfect := range []bool{false, true} {
		d := newMade(t, afterMade)
		d.load(rewrite(t, writeMade(t, kids), func(name, text string) string {
			if header, _, _ := strings.Cut(text, "\n"); perfect && name == "attendance.csv" {
				return header + "\n" + strings.Join([]string{kids[0].id(), madeSchool, autumnStart, "absent_excused"}, ",") + "\n"
			}
			return text
		}), ingest.Options{ExportDate: day(springEnd)})
		d.newPartner("river")
		d.budgeted("river", 40)
		d.upload("river", "river", kids[:30])
		for _, session := range madePeriods {
			d.close(session)
			p := d.paid("river", session)
			saids = append(saids, canonical(t, p.Budget)+canonical(t, p.statuses()))
		}
		ledgers = append(ledgers, canonical(t, d.budgets()))
	}
	if ledgers[0] != ledgers[1] || !slices.Equal(saids[:3], saids[3:]) {
		t.Errorf("a year in which nobody is absent is paid for in another way:\n%s\n%s\n%q", ledgers[0], ledgers[1], saids)
	}
}

// Every child gets another number in the middle of the year; what was spent on it is
// not forgotten with the old one.
func TestAStudentWhoseFilesAreMergedKeepsWhatWasSpent(t *testing.T) {
	t.Parallel()
	d := budgetedMade(t, 80, []string{"river"}, func(o *broker.Options) { o.Sabotage.NoDoubts = true })
	d.done(d.SetDisclosure(t.Context(), officer, broker.Disclosure{Noise: 20, EpsilonStudent: 40, EpsilonSchool: 80}))
	d.close(madeAutumn)
	kids, renumber := makeKids(90), func(id string) string { return "78" + strings.TrimPrefix(id, "77") }
	dir := rewrite(t, writeMade(t, kids), func(_, text string) string {
		for _, k := range kids {
			text = strings.ReplaceAll(text, k.id(), renumber(k.id()))
		}
		return text
	})
	var merges bytes.Buffer
	merges.WriteString("old_student_id,new_student_id,date\n")
	for _, k := range kids {
		merges.WriteString(k.id() + "," + renumber(k.id()) + ",2026-06-22\n")
	}
	if err := os.WriteFile(filepath.Join(dir, "merges.csv"), merges.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	d.load(dir, ingest.Options{ExportDate: day(springEnd)})
	d.close(madeSpring)
	p := d.paid("river", madeSpring)
	if got := p.statuses(); !slices.Equal(got, []string{"budget_exhausted"}) {
		t.Errorf("shown are %v: every student's 0.311 was spent but for 0.061 before the files were merged", got)
	}
	if a := d.budgets()[0].account("river"); a.Spent != oneCount {
		t.Errorf("the agreement's account pays as if it were the one that is empty: %+v", a)
	}
}
