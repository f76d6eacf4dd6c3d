package broker_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// page reads one page of the log as the auditor.
func (d *town) page(from uint64, limit int) (entries []logged, size uint64) {
	d.t.Helper()
	p := data[struct {
		Entries []logged
		Size    uint64
	}](d.t, d.must(d.Entries(d.t.Context(), auditor, broker.EntriesRequest{From: from, Limit: limit})))
	return p.Entries, p.Size
}

func TestTheLogIsReadInPagesOldestFirst(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	size := d.size()
	var seen []logged
	for uint64(len(seen)) < size {
		entries, _ := d.page(uint64(len(seen)), 2)
		if len(entries) != 2 {
			t.Fatalf("a page of %d entries", len(entries))
		}
		seen = append(seen, entries...)
	}
	for i, e := range seen {
		if e.Index != uint64(i) || e.Event == "" || e.Rev == 0 || i > 0 && e.Rev <= seen[i-1].Rev {
			t.Errorf("entry %d is %+v", i, e)
		}
	}
	if entries, n := d.page(1_000_000, 10); len(entries) != 0 || n < size {
		t.Errorf("past the end there are %d entries of %d", len(entries), n)
	}
}

func TestAPageFromAnAbsurdIndexIsNoFaultOfTheService(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	for _, from := range []uint64{1 << 53, ^uint64(0) - 5, ^uint64(0)} {
		a, err := d.Entries(t.Context(), officer, broker.EntriesRequest{From: from})
		if err != nil {
			refused(t, a, err, broker.Invalid, "from")
			continue
		}
		if got := data[struct{ Entries []logged }](t, a).Entries; len(got) != 0 {
			t.Errorf("%d entries from %d on", len(got), from)
		}
	}
	a, err := d.Proof(t.Context(), officer, broker.ProofRequest{Index: ^uint64(0)})
	refused(t, a, err, broker.NotAvailable)
}

func TestAPageOfTheLogHasLimits(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	for _, limit := range []int{-1, 1001, 1 << 40} {
		a, err := d.Entries(t.Context(), officer, broker.EntriesRequest{Limit: limit})
		refused(t, a, err, broker.Invalid, "limit")
	}
	d.done(d.Entries(t.Context(), officer, broker.EntriesRequest{Limit: 1000}))
}

func TestTheLogRecordsWhoReadsIt(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	before := d.size()
	a := d.must(d.Entries(t.Context(), auditor, broker.EntriesRequest{}))
	if p := d.verified(a.Body()); p.Header.Event != tlog.OfficerViewedLog || p.Header.Caller.Subject != auditor.Subject {
		t.Errorf("the receipt says %+v", p.Header)
	}
	a.Drop()
	got := d.since(before)
	if len(got) != 1 || got[0].Event != tlog.OfficerViewedLog || got[0].Caller.Role != "auditor" || got[0].Caller.Subject != auditor.Subject {
		t.Errorf("the entries are %+v", got)
	}
}

func TestAnEntrySaysWhatWasAskedAndDecided(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	d.closePeriod(townFall)
	before := d.size()
	a := d.must(d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "club", School: "all", Period: townFall}))
	sent, _, _ := tlog.SplitAnswer(a.Body())
	a.Drop()
	d.done(d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: "current"}))
	got := d.since(before)
	if len(got) != 2 {
		t.Fatalf("%d entries", len(got))
	}
	digest := sha256.Sum256(sent)
	if got[0].Data != hex.EncodeToString(digest[:]) {
		t.Errorf("the entry names the bytes %s, sent were %x", got[0].Data, digest)
	}
	if want := `{"action":"comparison","agreement":"club","period":"` + townFall + `","school":"all"}`; canonical(t, got[0].Request) != want {
		t.Errorf("the request is %s", canonical(t, got[0].Request))
	}
	for i, clause := range []string{"comparison", "students"} {
		e := got[i]
		if e.Event != tlog.QueryReleased || e.Decision != "allow" || e.Agreement != "club" || len(e.Policy) != 64 || len(e.Digest) != 64 {
			t.Errorf("the entry of %s is %+v", clause, e)
		}
		if len(e.Clause) < len(clause) || e.Clause[len(e.Clause)-len(clause):] != clause {
			t.Errorf("the clause is %q", e.Clause)
		}
		if e.Caller.Partner != "club" || e.Caller.Subject != "Pat Partner" {
			t.Errorf("the caller is %+v", e.Caller)
		}
	}
}

func TestDenialsAreEntriesWithReasonsAndReceipts(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.done(d.AdvancePartner(t.Context(), officer, "club", event("suspend")))
	before := d.size()
	a, err := d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: "current"})
	denied(t, a, err, "partner_suspended")
	var e *broker.Error
	if !errors.As(err, &e) || e.Receipt == nil {
		t.Fatal("the denial has no receipt")
	}
	if p := d.proven(e.Receipt, nil); p.Header.Event != tlog.QueryDenied || p.Header.Decision != tlog.Deny || len(p.Header.Reasons) == 0 {
		t.Errorf("the receipt says %+v", p.Header)
	}
	got := d.since(before)
	if len(got) != 1 || got[0].Event != tlog.QueryDenied || got[0].Decision != "deny" || got[0].Data != "" || len(got[0].Reasons) == 0 {
		t.Errorf("the entries are %+v", got)
	}
}

func TestAForeignAgreementLeavesARefusalOfTheAsker(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.partner("other")
	before := d.size()
	a, err := d.Students(t.Context(), partnerOf("other"), broker.StudentsRequest{Agreement: "club", Period: "current"})
	refused(t, a, err, broker.NotAvailable)
	got := d.since(before)
	if len(got) != 1 || got[0].Event != tlog.AccessRefused || got[0].Caller.Partner != "other" || got[0].Agreement != "" {
		t.Errorf("the entries are %+v", got)
	}
}

func TestEveryEntryHasAProofThatVerifies(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.consent(consentTo("club", ann))
	size := d.size()
	for index := range size {
		proof := data[struct {
			Index   uint64
			Receipt rawJSON
		}](t, d.must(d.Proof(t.Context(), auditor, broker.ProofRequest{Index: index})))
		if p := d.proven(proof.Receipt, nil); p.Leaf.Index != index || proof.Index != index || p.Checkpoint.Size < int64(size) {
			t.Errorf("entry %d is proven as %d in a tree of %d", index, p.Leaf.Index, p.Checkpoint.Size)
		}
	}
	a, err := d.Proof(t.Context(), officer, broker.ProofRequest{Index: size + 100})
	refused(t, a, err, broker.NotAvailable)
}

// rawJSON is JSON that is kept as it stands.
type rawJSON []byte

// UnmarshalJSON keeps the bytes.
func (r *rawJSON) UnmarshalJSON(b []byte) error {
	*r = append((*r)[:0], b...)
	return nil
}

func TestTheCheckpointCoversTheWholeLog(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	got := data[struct {
		Checkpoint string
		Size       uint64
	}](t, d.must(d.Checkpoint(t.Context(), guardian("anybody"))))
	public, err := os.ReadFile(broker.LogKeyPath(d.dir))
	if err != nil {
		t.Fatal(err)
	}
	v, err := tlog.NewVerifier(string(public))
	if err != nil {
		t.Fatal(err)
	}
	c, err := v.OpenExact([]byte(got.Checkpoint))
	if err != nil || uint64(c.Size) != d.size() || got.Size != d.size() {
		t.Errorf("the checkpoint is of %d entries, the log has %d: %v", c.Size, d.size(), err)
	}
}

func TestTheLogVerifiesWithItsProgress(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	var done, of int64
	size, err := d.VerifyLog(t.Context(), func(at, size int64) { done, of = at, size })
	if err != nil || uint64(size) != d.size() || done != size || of != size {
		t.Errorf("verified %d of %d, %d entries: %v", done, of, size, err)
	}
}

func TestAnExportedLogVerifiesWithThePublicKeyAlone(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.consent(consentTo("club", ann))
	kept := data[struct{ Checkpoint string }](t, d.must(d.Checkpoint(t.Context(), auditor)))
	d.clubRows()
	before := d.size()
	dir := filepath.Join(t.TempDir(), "export")
	size, err := d.ExportLog(t.Context(), auditor, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile(broker.LogKeyPath(d.dir))
	if err != nil {
		t.Fatal(err)
	}
	v, err := tlog.NewVerifier(string(public))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := tlog.VerifyExport(os.DirFS(dir), v, tlog.ExportOptions{Older: [][]byte{[]byte(kept.Checkpoint)}})
	if err != nil || sum.Checkpoint.Size != size || uint64(size) != before+1 || sum.Destroyed != 0 {
		t.Errorf("the export holds %+v, want %d entries: %v", sum, before+1, err)
	}
	if got := d.since(before); len(got) != 1 || got[0].Event != tlog.LogExported {
		t.Errorf("the entries are %+v", got)
	}
	if _, err := d.ExportLog(t.Context(), auditor, dir, nil); err == nil {
		t.Error("exported over an export that was there")
	}
}

// opened exports the log and returns the private halves of its entries.
func (d *district) opened() []jsontext.Value {
	d.t.Helper()
	dir := filepath.Join(d.t.TempDir(), "export")
	if _, err := d.ExportLog(d.t.Context(), auditor, dir, nil); err != nil {
		d.t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "opened", "*"))
	if err != nil || len(paths) == 0 {
		d.t.Fatal(paths, err)
	}
	var bodies []jsontext.Value
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			d.t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var entry struct{ Body jsontext.Value }
			if err := json.Unmarshal(line, &entry, json.MatchCaseInsensitiveNames(true)); err != nil {
				d.t.Fatal(err)
			}
			bodies = append(bodies, entry.Body)
		}
	}
	return bodies
}

// The private half of an entry is made once for all who may see the same.
func TestTheLogHoldsTheFactsOfEachAskerAndOfEachDay(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.done(d.CreatePartner(t.Context(), officer, broker.PartnerRequest{
		ID: "club", Name: "Club", LegalEntity: "Club Inc.", Contact: "1 Main Street", Sites: []string{north, south},
	}))
	d.conclude(terms("club", "club"))
	d.roster("club", ann)
	narrow := partnerOf("club")
	narrow.Sites = []string{north}
	other := partnerOf("club")
	other.Subject = "Quinn Other"
	ask := func(c broker.Caller) {
		d.done(d.Students(t.Context(), c, broker.StudentsRequest{Agreement: "club", Period: broker.PeriodCurrent}))
	}
	from := d.size()
	ask(partnerOf("club"))
	ask(other)
	ask(narrow)
	d.clock.Set(inLent.AddDate(0, 0, 1))
	ask(other)
	b := d.opened()[from:]
	if !bytes.Equal(b[0], b[1]) {
		t.Errorf("two people of one partner asked the same: %s and %s", b[0], b[1])
	}
	for i, want := range []string{`"Sites":[]`, `"Sites":[]`, `"Sites":["` + north + `"]`, `"Sites":[]`} {
		if !bytes.Contains(b[i], []byte(want)) || bytes.Contains(b[i], []byte("Quinn")) {
			t.Errorf("entry %d does not say %s: %s", i, want, b[i])
		}
	}
	for i, want := range []civil.Date{civil.Of(inLent, time.UTC), civil.Of(inLent, time.UTC), civil.Of(inLent, time.UTC), civil.Of(inLent, time.UTC) + 1} {
		if !bytes.Contains(b[i], []byte(`"today":"`+want.String()+`"`)) {
			t.Errorf("entry %d is not of %s: %s", i, want, b[i])
		}
	}
}

func TestALocalListingIsTheSamePage(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	body, err := d.ListEntries(t.Context(), officer, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if p := d.verified(body); p.Header.Event != tlog.OfficerViewedLog {
		t.Errorf("the receipt says %+v", p.Header)
	}
}

func TestAMisdirectedTokenLeavesAnEntry(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	before := d.size()
	if err := d.RecordMisdirected(t.Context(), partnerOf("club"), "expired"); err != nil {
		t.Fatal(err)
	}
	if got := d.since(before); len(got) != 1 || got[0].Event != tlog.AuthMisdirected || got[0].Caller.Partner != "club" {
		t.Errorf("the entries are %+v", got)
	}
}

func TestLogTimeNeverGoesBack(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.clock.Set(inLent.AddDate(0, -1, 0))
	before := d.size()
	d.partner("club")
	a := d.must(d.Proof(t.Context(), auditor, broker.ProofRequest{Index: before}))
	proof := data[struct{ Receipt rawJSON }](t, a)
	if got := d.proven(proof.Receipt, nil).Leaf.Time; got.Before(inLent) {
		t.Errorf("the entry is of %s, the log stands at %s", got, inLent)
	}
}
