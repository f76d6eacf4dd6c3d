package web_test

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// fit reports what is wrong with a response, whatever it answers.
func (a answer) fit(h *house) error {
	var errs []error
	unless := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	id := a.header.Get("Hallpass-Request-Id")
	unless(requestID.MatchString(id), "request id %q", id)
	unless(a.header.Get("Cache-Control") == "no-store", "Cache-Control %q", a.header.Get("Cache-Control"))
	unless(a.header.Get("X-Content-Type-Options") == "nosniff", "no nosniff")
	for _, name := range []string{"Set-Cookie", "ETag", "Last-Modified", "Content-Encoding", "Location", "Allow", "Server"} {
		unless(a.header.Get(name) == "", "header %s", name)
	}
	clock := ""
	if h.Settings().IsSimulated() {
		clock = "simulated"
	}
	unless(a.header.Get("Hallpass-Clock") == clock, "Hallpass-Clock %q", a.header.Get("Hallpass-Clock"))
	unless(a.header.Get("Content-Length") == strconv.Itoa(len(a.body)) || len(a.body) == 0, "Content-Length %q of %d", a.header.Get("Content-Length"), len(a.body))
	media, policy := "application/json", "default-src 'none'; frame-ancestors 'none'"
	switch {
	case a.status >= 400:
		media = "application/problem+json"
	case a.isPage():
		media, policy = "text/html; charset=utf-8", pagePolicy.FindString(a.header.Get("Content-Security-Policy"))
		unless(bytes.Contains(a.body, []byte(html.EscapeString(strings.TrimSuffix(policy, "; frame-ancestors 'none'")))), "the page and its header have two policies")
	}
	unless(a.header.Get("Content-Type") == media, "Content-Type %q", a.header.Get("Content-Type"))
	unless(policy != "" && a.header.Get("Content-Security-Policy") == policy, "Content-Security-Policy %q", a.header.Get("Content-Security-Policy"))
	return errors.Join(append(errs, a.receipts(h))...)
}

// pagePolicy is what a page may do: have the style that it holds.
var pagePolicy = regexp.MustCompile(`^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$`)

// isPage reports whether the body is a page and not JSON.
func (a answer) isPage() bool { return bytes.HasPrefix(a.body, []byte("<!doctype html>")) }

// held is what a page holds to check it by: the data and the receipt, byte for
// byte, each empty where it is not there.
func (a answer) held() (data, receipt []byte) {
	part := func(id string) []byte {
		_, rest, _ := bytes.Cut(a.body, []byte(`<code id="`+id+`">`))
		text, _, _ := bytes.Cut(rest, []byte("</code>"))
		return []byte(html.UnescapeString(string(text)))
	}
	return part("data"), part("receipt-json")
}

// receipts verifies the receipt in a body, if there is one, over the exact
// bytes of data.
func (a answer) receipts(h *house) error {
	if len(a.body) == 0 {
		return nil
	}
	data, receipt, ok := tlog.SplitAnswer(a.body)
	if a.isPage() {
		data, receipt = a.held()
		ok = len(receipt) > 0
	}
	if a.status >= 400 {
		var p problem
		if err := json.Unmarshal(a.body, &p, json.MatchCaseInsensitiveNames(true)); err != nil {
			return err
		}
		data, receipt, ok = nil, p.Receipt, len(p.Receipt) > 0
		if p.Status != a.status || p.RequestID != a.header.Get("Hallpass-Request-Id") {
			return errors.New("status or request id differ from the response's")
		}
	}
	if !ok {
		return nil
	}
	r, err := tlog.ParseReceipt(receipt)
	if err == nil {
		_, err = r.Verify(h.public, data)
	}
	return err
}

func TestComparisonAndStudentsCarryReceiptsOfTheirExactBytes(t *testing.T) {
	t.Parallel()
	h := open(t, lakeland)
	for _, path := range []string{"/comparisons", "/students"} {
		a := h.partnerOf(north).get("/v1/agreements/" + northAgreement + path).want(http.StatusOK)
		p := a.proven()
		if !p.DataChecked || p.Header.Event != tlog.QueryReleased || p.Header.Decision != tlog.Allow || p.Header.Clause == "" || p.Header.Agreement != northAgreement {
			t.Errorf("%s: %+v", path, p.Header)
		}
		changed := []byte(a.member("data"))
		changed[len(changed)/2] ^= 1
		r, err := tlog.ParseReceipt(a.member("receipt"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Verify(h.public, changed); err == nil {
			t.Errorf("%s: one changed bit is not noticed", path)
		}
	}
}

func TestASimulatedDistrictSaysSoInEveryResponse(t *testing.T) {
	t.Parallel()
	h := open(t, simulated)
	for status, a := range map[int]answer{
		200: h.officer().get("/v1/partners"), 404: h.officer().get("/v1/nothing"), 401: h.send("GET", "/v1/partners", "", "", ""),
		403: h.officer().get("/v1/agreements/" + northAgreement + "/students"), 422: h.partnerOf(north).get("/v1/agreements/" + northAgreement + "/students?period=x"),
	} {
		if a.want(status).header.Get("Hallpass-Clock") != "simulated" {
			t.Errorf("%d does not say that the clock was set by hand", status)
		}
	}
}
