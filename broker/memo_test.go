package broker_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

var update = flag.Bool("update", false, "write the golden files anew")

// memoAnswer is what is read of a memo.
type memoAnswer struct {
	Text, SHA256, State string
	Signed              struct{ Name, Title, By, SHA256, Text string }
}

func (d *town) memo(session, agreement string) memoAnswer {
	d.t.Helper()
	return data[memoAnswer](d.t, d.must(d.Memo(d.t.Context(), officer, broker.MemoRequest{Session: session, Agreement: agreement})))
}

func signatureUnder(m memoAnswer, agreement string) broker.MemoSignature {
	return broker.MemoSignature{Agreement: agreement, Name: "Olga Officer", Title: "Privacy officer", SHA256: m.SHA256}
}

// memoTown has two agreements, under noise and without, over the same forty
// children, and a public total.
func memoTown(t *testing.T) *town {
	t.Helper()
	kids := others(80)
	f := townFiles(kids...)
	f["public_totals"] = [][]string{{"school_id", "session_id", "indicator", "row", "value", "precision"}, {north, townFall, "chronic_absence", "all", "0", "1"}}
	d := emptyTown(t, inLent)
	d.load(f.write(t), ingest.Options{})
	for partner, profile := range map[string]agreement.Profile{"one": agreement.Standard, "two": agreement.PublishedTable} {
		id := string(profile)
		d.partner(partner)
		r := terms(partner, id)
		r.Profile, r.Indicators = profile, []string{"attendance_rate", "chronic_absence"}
		d.conclude(r)
		d.roster(id, kids[:40]...)
	}
	d.consent(consentTo("standard", kids[0]))
	return d
}

// The memos as an officer reads them stand in testdata/memo. A change of their
// words is a change that a lawyer should see.
func TestTheMemosReadAsTheyStandOnFile(t *testing.T) {
	t.Parallel()
	d := memoTown(t)
	check := func(name, text string) {
		file := filepath.Join("testdata", "memo", name+".md")
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		if text != string(want) {
			t.Errorf("testdata/memo/%s.md differs (go test -update writes it anew):\n%s", name, text)
		}
	}
	check("standard", d.memo(townFall, "standard").Text)
	check("published_table", d.memo(townFall, "published_table").Text)
	check("forecast", d.memo(townLent, "standard").Text)
	d.closePeriod(townFall)
	check("published", d.memo(townFall, "standard").Text)
}

func TestAnOfficerSignsTheMemoThatWasReadAndTheCloseNamesIt(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	m := d.memo(townFall, "club")
	if m.State != "unsigned" || d.preflight(townFall).part(t, "club").Memo.State != "unsigned" {
		t.Errorf("before a signature the memo is %s", m.State)
	}
	before := d.size()
	a := d.must(d.SignMemo(t.Context(), officer, townFall, signatureUnder(m, "club")))
	d.verified(a.Body())
	a.Drop()
	if got := d.events(before); len(got) != 1 || got[0] != tlog.DeterminationSigned {
		t.Errorf("the entries are %v", got)
	}
	d.closePeriod(townFall)
	p := d.preflight(townFall).part(t, "club").Memo
	if p.State != "signed" || p.By != "Olga Officer" {
		t.Errorf("after a close as foreseen the memo is %+v", p)
	}
	if got := d.memo(townFall, "club"); got.Signed.SHA256 != m.SHA256 || got.Signed.Text != m.Text || got.Signed.By != officer.Subject {
		t.Errorf("the signed memo is %+v", got.Signed)
	}
}

func TestTheEntryOfACloseNamesTheSignedMemos(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	m := d.memo(townFall, "club")
	d.done(d.SignMemo(t.Context(), officer, townFall, signatureUnder(m, "club")))
	d.closePeriod(townFall)
	dir := filepath.Join(t.TempDir(), "log")
	if _, err := d.ExportLog(t.Context(), officer, dir, nil); err != nil {
		t.Fatal(err)
	}
	named := false
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		named = named || strings.Contains(string(raw), `"determinations":{"club":"`+m.SHA256+`"}`)
		return err
	})
	if err != nil || !named {
		t.Errorf("the exported log does not name the memo %s (%v)", m.SHA256, err)
	}
}

func TestAMemoIsOutdatedWhenWhatItSpeaksOfChanges(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	m := d.memo(townFall, "club")
	d.done(d.SignMemo(t.Context(), officer, townFall, signatureUnder(m, "club")))
	for _, kid := range kids[:3] {
		d.consent(consentTo("club", kid))
	}
	if got := d.preflight(townFall).part(t, "club").Memo.State; got != "outdated" {
		t.Errorf("after the pooled row was lost the memo is %s", got)
	}
	a, err := d.SignMemo(t.Context(), officer, townFall, signatureUnder(m, "club"))
	refused(t, a, err, broker.Conflict)
	d.done(d.SignMemo(t.Context(), officer, townFall, signatureUnder(d.memo(townFall, "club"), "club")))
	if got := d.preflight(townFall).part(t, "club").Memo.State; got != "signed" {
		t.Errorf("after another signature the memo is %s", got)
	}
}

func TestAForecastCannotBeSigned(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	a, err := d.SignMemo(t.Context(), officer, townLent, signatureUnder(d.memo(townLent, "club"), "club"))
	refused(t, a, err, broker.Conflict)
	if got := d.preflight(townLent).part(t, "club").Memo.State; got != "unsigned" {
		t.Errorf("the memo is %s", got)
	}
}

func TestASignatureWithoutItsPartsIsRefusedByField(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	whole := signatureUnder(d.memo(townFall, "club"), "club")
	for field, spoil := range map[string]func(*broker.MemoSignature){
		"agreement": func(s *broker.MemoSignature) { s.Agreement = "" },
		"name":      func(s *broker.MemoSignature) { s.Name = " " },
		"title":     func(s *broker.MemoSignature) { s.Title = strings.Repeat("x", 129) },
		"sha256":    func(s *broker.MemoSignature) { s.SHA256 = "abc" },
	} {
		s := whole
		spoil(&s)
		a, err := d.SignMemo(t.Context(), officer, townFall, s)
		refused(t, a, err, broker.Invalid, field)
	}
	whole.Agreement = "absent"
	a, err := d.SignMemo(t.Context(), officer, townFall, whole)
	refused(t, a, err, broker.NotAvailable)
	a, err = d.Memo(t.Context(), officer, broker.MemoRequest{Session: townFall, Agreement: "absent"})
	refused(t, a, err, broker.NotAvailable)
	a, err = d.Memo(t.Context(), officer, broker.MemoRequest{Session: townFall})
	refused(t, a, err, broker.Invalid, "agreement")
}
