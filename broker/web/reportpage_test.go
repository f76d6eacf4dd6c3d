package web_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/report"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// audiences are all of them.
func audiences() []report.Audience {
	return []report.Audience{report.NamedPeople, report.BoardAndFunder, report.Public}
}

func TestAReleaseIsOnePageOfTheRecordedAnswer(t *testing.T) {
	t.Parallel()
	h := open(t, lakeland)
	for _, audience := range audiences() {
		before := h.size()
		a := h.partnerOf(north).get(h.report(northAgreement, audience)).want(http.StatusOK)
		data, _ := a.held()
		p, err := report.Parse(data)
		if err != nil {
			t.Fatalf("%s: %v", audience, err)
		}
		if name := a.header.Get("Content-Disposition"); name != `inline; filename="`+northAgreement+"-"+h.year()+"-"+string(audience)+`.html"` {
			t.Errorf("%s: the file is named by %s", audience, name)
		}
		for _, want := range []string{h.Settings().Name, h.partner(north).Name, "Signed checkpoint", `<strong>` + stamped[audience]} {
			if !bytes.Contains(a.body, []byte(want)) {
				t.Errorf("%s: the page lacks %q", audience, want)
			}
		}
		made := h.entries(before)
		if len(made) != 1 || made[0].Event != tlog.QueryReleased || !strings.Contains(string(made[0].Request), `"audience":"`+string(audience)+`"`) {
			t.Errorf("%s: it left %+v", audience, made)
		}
		proof := h.provenAt(before)
		if counts := proof.Leaf.Subjects > 0; proof.Header.DataSHA256 != digestOf(p.Data()) || counts != (audience == report.NamedPeople) {
			t.Errorf("%s: the entry counts %d places, and is of the page's data: %t", audience, proof.Leaf.Subjects, proof.Header.DataSHA256 == digestOf(p.Data()))
		}
	}
}

// stamped is what each page says of its readers.
var stamped = map[report.Audience]string{
	report.NamedPeople: "For the people named in the agreement", report.BoardAndFunder: "For the board and funders", report.Public: "Public",
}

func TestThePageForOthersHoldsNoConsentedSideAndNamesNobody(t *testing.T) {
	t.Parallel()
	h := open(t, lakeland)
	named := h.partnerOf(north).get(h.report(northAgreement, report.NamedPeople)).want(http.StatusOK)
	if words := exact(named); len(words) != 4 {
		t.Fatalf("the page for named people holds only %q of what the others must not", words)
	}
	for _, audience := range audiences()[1:] {
		a := h.partnerOf(north).get(h.report(northAgreement, audience)).want(http.StatusOK)
		if words := exact(a); len(words) > 0 {
			t.Errorf("%s: the page holds %q", audience, words)
		}
		if data, _ := a.held(); !bytes.Contains(data, []byte(`"for_whom":"`+string(audience)+`"`)) {
			t.Errorf("%s: its data is for somebody else", audience)
		}
	}
}

// exact lists what of a page only named people may read.
func exact(a answer) []string {
	all := []string{"consented&#34;", "whose families said yes", "receipt-json", "Pat Person"}
	return slices.DeleteFunc(all, func(word string) bool { return !bytes.Contains(a.body, []byte(word)) })
}

// A page holds every row of the comparisons that the partner could ask for one by
// one, and no other.
func TestThePageHasTheRowsOfEveryComparison(t *testing.T) {
	t.Parallel()
	h := open(t, lakeland)
	var one, all []string
	paths := []string{"/comparisons?period=" + h.year()}
	for _, school := range h.partner(north).Agreement.Schools {
		paths = append(paths, "/comparisons?period="+h.year()+"&school="+school)
	}
	for _, path := range paths {
		all = append(all, rowNames(t, h.partnerOf(north).get(under(northAgreement, path)).want(http.StatusOK))...)
	}
	one = rowNames(t, h.partnerOf(north).get(h.report(northAgreement, report.NamedPeople)).want(http.StatusOK))
	slices.Sort(one)
	slices.Sort(all)
	if !slices.Equal(one, all) || len(one) < len(paths) {
		t.Errorf("the page has %q, the comparisons %q", one, all)
	}
}

func rowNames(t *testing.T, a answer) (names []string) {
	t.Helper()
	var data struct {
		Rows []struct {
			Row string `json:"row"`
		} `json:"rows"`
	}
	if err := json.Unmarshal(a.member("data"), &data); err != nil {
		t.Fatal(err)
	}
	for _, r := range data.Rows {
		names = append(names, r.Row)
	}
	return names
}

// provenAt is what the receipt of an entry proves, without its data.
func (h *house) provenAt(index uint64) tlog.Proven {
	h.t.Helper()
	text, err := h.Prove(h.t.Context(), index)
	if err != nil {
		h.t.Fatal(err)
	}
	r, err := tlog.ParseReceipt(text)
	if err != nil {
		h.t.Fatal(err)
	}
	p, err := r.Verify(h.public, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func TestARefusedPageIsAProblemAndNoPage(t *testing.T) {
	t.Parallel()
	h := open(t, lakeland)
	for path, want := range map[string]int{
		"/releases/nothing/report":                             http.StatusNotFound,
		"/releases/" + h.spring() + "/report":                  http.StatusForbidden,
		"/releases/" + h.year() + "/report?x=1":                http.StatusUnprocessableEntity,
		"/releases/" + h.year() + "/report/":                   http.StatusNotFound,
		"/releases/" + h.year() + "/report?audience=everybody": http.StatusUnprocessableEntity,
	} {
		h.partnerOf(north).get(under(northAgreement, path)).want(want).problem()
	}
	h.officer().get(h.report(northAgreement, report.Public)).want(http.StatusForbidden).problem()
}

// paged answers every operation with what a page is made of, delivered as told.
func paged(t *testing.T, deliver func(page []byte, write func(...[]byte) error, cut func()) error) *reply {
	t.Helper()
	example := loadSpec(t).examplePage(t)
	r := &reply{page: example.page}
	r.deliver = func(write func(...[]byte) error, cut func()) error { return deliver(example.body, write, cut) }
	return r
}

func TestAPageThatIsCutBeforeItsFirstByteIsAProblem(t *testing.T) {
	t.Parallel()
	r := paged(t, func(page []byte, write func(...[]byte) error, cut func()) error {
		cut()
		return write(page)
	})
	f := newFixture(t, func(context.Context, string, broker.Caller, ...any) (*reply, error) { return r, nil })
	w := f.send(t, broker.RolePartner, "GET", "/v1/agreements/a/releases/2025-26/report", "")
	wantProblem(t, w, http.StatusServiceUnavailable, broker.Unavailable)
	if w.Header().Get("Content-Disposition") != "" || w.Header().Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'" {
		t.Errorf("the problem has a page's headers: %v", w.Header())
	}
}

func TestAPageIsOnItsWayUntilItsLastByteWasFlushed(t *testing.T) {
	t.Parallel()
	type state struct{ whole, page bool }
	seen := make(chan state, 1)
	w := newWire(t, func(w *wire) *reply {
		return paged(t, func(page []byte, write func(...[]byte) error, _ func()) error {
			err := write(page)
			seen <- state{w.sent.holds("</html>"), w.sent.holds("text/html; charset=utf-8")}
			return err
		})
	})
	w.ask(t)
	if _, _, err := w.answer(t); err != nil {
		t.Fatal(err)
	}
	if s := <-seen; !s.whole || !s.page {
		t.Errorf("when the write had returned, the connection had the page's head %t, its end %t", s.page, s.whole)
	}
}

func TestWhatCannotBeAPageIsTheServicesFaultAndShowsNothing(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"another answer":    `{"data":{"CANARY":1}}`,
		"a foreign receipt": `{"data":{},"receipt":{"CANARY":1}}`,
	} {
		f := newFixture(t, func(context.Context, string, broker.Caller, ...any) (*reply, error) {
			return &reply{body: []byte(body), page: &broker.Page{Stamp: report.Stamp{Audience: report.Public}, File: "page.html"}}, nil
		})
		w := f.send(t, broker.RolePartner, "GET", "/v1/agreements/a/releases/2025-26/report", "")
		wantProblem(t, w, http.StatusInternalServerError, broker.Internal)
		if strings.Contains(w.Body.String()+f.log.String(), "CANARY") {
			t.Errorf("%s: it is shown or logged", name)
		}
	}
}
