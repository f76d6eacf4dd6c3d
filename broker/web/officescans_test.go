package web_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/pages"
)

// scanFile is a scan as a browser sends it.
type scanFile struct{ name, content string }

// scanned is the content of a scan of a form.
func scanned(what string) string { return "%PDF-1.7\n" + what }

// upload sends files of a field.
func (c clerk) upload(field string, files ...scanFile) leaf {
	c.h.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, f := range files {
		part, err := w.CreateFormFile(field, f.name)
		if err == nil {
			_, err = part.Write([]byte(f.content))
		}
		if err != nil {
			c.h.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		c.h.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(c.h.t.Context(), http.MethodPost, "http://"+c.h.address+"/office/paper/scans", &body)
	if err != nil {
		c.h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("Cookie", (&http.Cookie{Name: "__Host-staff", Value: c.cookie}).String())
	res, err := c.h.browser.Do(req)
	if err != nil {
		c.h.t.Fatal(err)
	}
	a := c.h.read(res)
	return leaf{a.status, a.header, string(a.body), a.header.Get("Location")}
}

var rowField = regexp.MustCompile(`(?s)name="(form|scan|file)" value="([^"]*)"`)

// rows are the fields that a page of scans has filled in, in their order.
func (l leaf) rows() (fields []string) {
	for _, m := range rowField.FindAllStringSubmatch(l.body, -1) {
		fields = append(fields, m[1], m[2])
	}
	return fields
}

func TestAStackOfScansIsEnteredInOneGo(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	_, forms := o.sheets()
	cut := forms[1].Form[:12]
	l := o.officer.upload("scans",
		scanFile{forms[0].Form + ".pdf", scanned("one")}, scanFile{`C:\\scans\\` + strings.ToUpper(cut) + " page 1.pdf", scanned("two")}, scanFile{"0003.pdf", scanned("three")},
	).want(t, http.StatusOK).says(t, forms[0].Student, forms[1].Student, "A scan without a number")
	for _, what := range []string{"one", "two", "three"} {
		sum := sha256.Sum256([]byte(scanned(what)))
		l.says(t, hex.EncodeToString(sum[:]))
	}
	fields := l.rows()
	if len(fields) != 2*(3+3+2) {
		t.Fatalf("the page has the fields %q", fields)
	}
	fields = append(fields, "form", "ask_notthere")
	for _, answer := range []string{"yes", "no", "talk"} {
		fields = append(fields, "answer", answer, "language", "en", "signed", o.AsOf.String())
	}
	o.officer.send("/office/paper", fields...).want(t, http.StatusUnprocessableEntity).
		says(t, "2 answers are entered.", "No form has this number.", "A scan without a number")
	o.officer.get("/office/rounds").want(t, http.StatusOK).says(t, "Answered 2 on paper.")
	o.officer.upload("scans", scanFile{forms[0].Form + ".pdf", scanned("one")}).want(t, http.StatusOK).says(t, "This form is answered already.")
}

func TestARowWithoutAnAnswerWaitsAndAFaultyOneSaysWhy(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	_, forms := o.sheets()
	row := func(form, answer, signed, scan string) []string {
		return []string{"form", form, "answer", answer, "signed", signed, "language", "en", "scan", scan, "file", "a.pdf"}
	}
	day := o.AsOf.String()
	for name, c := range map[string]struct {
		row  []string
		code int
		says string
	}{
		"no answer":       {row(forms[0].Form, "", "", sum), http.StatusOK, forms[0].Student},
		"no number":       {row("", "yes", day, sum), http.StatusUnprocessableEntity, "copy what stands on the form"},
		"no day":          {row(forms[0].Form, "yes", "", sum), http.StatusUnprocessableEntity, "The day of the signature is missing."},
		"no such answer":  {row(forms[0].Form, "perhaps", day, sum), http.StatusUnprocessableEntity, "answer "},
		"no scan":         {row(forms[0].Form, "yes", day, "x"), http.StatusUnprocessableEntity, "scan sha256 is not a SHA-256"},
		"a day to come":   {row(forms[0].Form, "yes", (o.AsOf + 400).String(), sum), http.StatusUnprocessableEntity, "is to come"},
		"half a row":      {row(forms[0].Form, "yes", day, sum)[:8], http.StatusUnprocessableEntity, "form is not whole"},
		"something else":  {append(row(forms[0].Form, "yes", day, sum), "student", "1"), http.StatusUnprocessableEntity, "did not ask for"},
		"an unknown form": {row("ask_aaaaaaaa", "yes", day, sum), http.StatusUnprocessableEntity, "No form has this number."},
	} {
		t.Run(name, func(t *testing.T) {
			o.officer.send("/office/paper", c.row...).want(t, c.code).says(t, c.says)
		})
	}
	if l := o.officer.get("/office/rounds").want(t, http.StatusOK); strings.Contains(l.body, "on paper") {
		t.Error("something was entered")
	}
}

func TestWhatIsNoScanIsRefusedAndEachRoleIsToldTheSame(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	good := scanFile{"a.pdf", scanned("one")}
	o.officer.upload("scans", good, scanFile{"b.pdf", "<html>"}).want(t, http.StatusUnprocessableEntity).says(t, "number 2, a file that is neither a PDF nor a picture")
	o.officer.upload("records", good).want(t, http.StatusUnprocessableEntity).says(t, "did not ask for")
	many := make([]scanFile, pages.MaxScans+1)
	for i := range many {
		many[i] = scanFile{fmt.Sprintf("%d.pdf", i), scanned("x")}
	}
	o.officer.upload("scans", many...).want(t, http.StatusUnprocessableEntity).says(t, "send fewer at once")
	o.officer.upload("scans", many[1:]...).want(t, http.StatusOK)
	for _, c := range []clerk{o.auditor, o.steward} {
		c.upload("scans", good).want(t, http.StatusNotFound)
	}
	clerk{h: o.homes}.upload("scans", good).want(t, http.StatusUnauthorized)
}
