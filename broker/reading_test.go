package broker_test

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// refused asserts that an operation failed with a kind, naming the fields.
func refused(t testing.TB, a *broker.Answer, err error, kind broker.Kind, fields ...string) {
	t.Helper()
	if err == nil {
		body := string(a.Body())
		a.Drop()
		t.Fatalf("it was done, want %s %v: %.300s", kind, fields, body)
	}
	var e *broker.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a %s", err, kind)
	}
	if e.Kind != kind {
		t.Fatalf("got %v (cause %v), want %s %v", err, e.Cause(), kind, fields)
	}
	for _, name := range fields {
		if !slices.ContainsFunc(e.Fields, func(f broker.Field) bool {
			return f.Name == name && f.Problem != "" && f.Remedy != ""
		}) {
			t.Errorf("the fields are %v, want %s with a problem and a remedy", e.Fields, name)
		}
	}
}

// denied asserts that the gate refused for a reason.
func denied(t testing.TB, a *broker.Answer, err error, reason string) {
	t.Helper()
	refused(t, a, err, broker.Denied)
	var e *broker.Error
	errors.As(err, &e)
	for _, r := range e.Reasons {
		if string(r) == reason {
			return
		}
	}
	t.Errorf("the reasons are %v, want %s", e.Reasons, reason)
}

// logged is an entry as an officer reads it.
type logged struct {
	Index     uint64      `json:"index"`
	Event     tlog.Event  `json:"event"`
	Decision  string      `json:"decision"`
	Caller    tlog.Caller `json:"caller"`
	Agreement string      `json:"agreement"`
	Clause    string      `json:"clause"`
	Reasons   []string    `json:"reasons"`
	Policy    string      `json:"policy"`
	Request   any         `json:"request"`
	Digest    string      `json:"request_sha256"`
	Data      string      `json:"data_sha256"`
	Rev       uint64      `json:"rev"`
}

// since reads the entries from an index on.
func (d *district) since(index uint64) []logged {
	d.t.Helper()
	return data[struct{ Entries []logged }](d.t, d.must(d.Entries(d.t.Context(), auditor, broker.EntriesRequest{From: index, Limit: 1000}))).Entries
}

func (d *district) size() uint64 {
	d.t.Helper()
	n, err := d.LogSize(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

// events are those of the entries from an index on.
func (d *district) events(index uint64) (list []tlog.Event) {
	d.t.Helper()
	for _, e := range d.since(index) {
		list = append(list, e.Event)
	}
	return list
}

// verified checks the receipt of an answer with the public log key and the
// answer's own bytes, as its reader would.
func (d *district) verified(body []byte) tlog.Proven {
	d.t.Helper()
	answer, receipt, ok := tlog.SplitAnswer(body)
	if !ok {
		d.t.Fatalf("no receipt in %.200s", body)
	}
	return d.proven(receipt, answer)
}

func (d *district) proven(receipt, answer []byte) tlog.Proven {
	d.t.Helper()
	public, err := os.ReadFile(broker.LogKeyPath(d.dir))
	if err != nil {
		d.t.Fatal(err)
	}
	v, err := tlog.NewVerifier(string(public))
	if err != nil {
		d.t.Fatal(err)
	}
	r, err := tlog.ParseReceipt(receipt)
	if err != nil {
		d.t.Fatal(err)
	}
	p, err := r.Verify(v, answer)
	if err != nil {
		d.t.Fatalf("the receipt does not verify: %v", err)
	}
	return p
}

// sameJSON reports whether two answers say the same, whatever their receipts.
func sameJSON(t testing.TB, a, b []byte) bool {
	t.Helper()
	strip := func(body []byte) string {
		var m map[string]any
		if err := json.Unmarshal(body, &m); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(m["data"], json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	return strip(a) == strip(b)
}

// canonical is a value as JSON with its members in order.
func canonical(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// side is a cohort, a rest, a whole or a consented summary as shown.
type side struct {
	N        int
	Coverage coded
	Value    coded
	Noise    float64
	Size     *coded
}

type coded struct {
	Kind, Code, Text string
	Low, High        float64
}

// shownFigure is one indicator of a row.
type shownFigure struct {
	Indicator, Status   string
	Cohort, Rest, Whole *side
	Weighted            *side
	Consented           *struct {
		N     int
		Value float64
		Unit  string
	}
	Reading map[string]any
}

// figures are an answer's rows: the figure of each indicator, by row.
type figures map[string]map[string]shownFigure

func figuresOf(t testing.TB, a *broker.Answer) figures {
	t.Helper()
	rows := data[struct {
		Rows []struct {
			Row     string
			Figures []shownFigure
		}
	}](t, a).Rows
	out := figures{}
	for _, r := range rows {
		out[r.Row] = map[string]shownFigure{}
		for _, f := range r.Figures {
			out[r.Row][f.Indicator] = f
		}
	}
	return out
}

// compare reads an agreement's figures as the people of its partner.
func (d *district) compare(partner, agreement, school, period string) figures {
	d.t.Helper()
	return figuresOf(d.t, d.must(d.Comparison(d.t.Context(), partnerOf(partner), broker.ComparisonRequest{Agreement: agreement, School: school, Period: period})))
}

// cohort is the size of a row's cohort, 0 where the row is withheld.
func (f figures) cohort(row string) int {
	if side := f[row]["attendance_rate"].Cohort; side != nil {
		return side.N
	}
	return 0
}

func stringReader(s string) io.Reader { return strings.NewReader(s) }
