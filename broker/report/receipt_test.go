package report_test

import (
	"bytes"
	"errors"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/report"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// inPage is what a browser has as the text of an element.
func inPage(t tester, page, id string) []byte {
	t.Helper()
	m := regexp.MustCompile(`(?s)<code id="` + id + `">(.*?)</code>`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("the page has no %s", id)
	}
	if strings.ContainsAny(m[1], "<\r\x00") {
		t.Fatalf("%s is not escaped", id)
	}
	return []byte(html.UnescapeString(m[1]))
}

// awkward is an answer whose bytes a careless page would change.
func awkward(t tester) []byte {
	a := hostileTown()
	a.Cautions = append(a.Cautions, "</code></pre>", "&amp;&#13;", "tab\tand \u00a0 spaces  ")
	data := bytes.Replace(a.json(t), []byte(`"rows":`), []byte("\r\n\r\t \"rows\":\n"), 1)
	return append([]byte("\n"), data...)
}

// The page alone is enough to check its receipt.
func TestThePageHoldsItsDataAndReceiptByteForByte(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{"small": small().json(t), "awkward": awkward(t)} {
		text, key := recorded(t, origin, data)
		r, err := report.ParseReceipt(text)
		noError(t, err)
		page := pageFor(t, data, &r, stamp())
		got := inPage(t, page, "data")
		if !bytes.Equal(got, data) {
			t.Errorf("%s: the page holds other data", name)
		}
		verifier, err := tlog.NewVerifier(key)
		noError(t, err)
		receipt, err := tlog.ParseReceipt(inPage(t, page, "receipt-json"))
		noError(t, err)
		proven, err := receipt.Verify(verifier, got)
		if err != nil || !proven.DataChecked {
			t.Errorf("%s: what the page holds does not verify: %v", name, err)
		}
		if _, err = receipt.Verify(verifier, append(got, '\n')); err == nil {
			t.Errorf("%s: the check cannot fail", name)
		}
	}
}

func TestTheReceiptOfAnotherAnswerIsRefused(t *testing.T) {
	t.Parallel()
	other := receiptOf(t, full().json(t))
	p := parsed(t, small().json(t))
	var out bytes.Buffer
	if err := report.Render(&out, p, other, stamp()); !errors.Is(err, report.ErrReceipt) || out.Len() > 0 {
		t.Errorf("it gives %v, and %d bytes", err, out.Len())
	}
	if err := report.RenderBroken(&out, p, other, stamp(), report.Broken{AnyReceipt: true}); err != nil || !strings.Contains(out.String(), "Entry 0 of the log") {
		t.Errorf("without the guard the page would have been refused all the same: %v", err)
	}
}

func TestAReceiptPrintsItsEntryAndHowToVerify(t *testing.T) {
	t.Parallel()
	data := small().json(t)
	text := pageFor(t, data, receiptOf(t, data), stamp())
	for _, want := range []string{"Entry 0 of the log " + origin, origin + "\n1\n", "— " + origin, "hallpass-verify receipt"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if !strings.Contains(page(t, small()), "No receipt was given") {
		t.Error("a page without receipt does not say so")
	}
}

func TestASimulatedDistrictIsMarked(t *testing.T) {
	t.Parallel()
	data := small().json(t)
	text, _ := recorded(t, origin+"/simulated", data)
	r, err := report.ParseReceipt(text)
	noError(t, err)
	if !strings.Contains(pageFor(t, data, &r, stamp()), "Simulated:") || strings.Contains(pageFor(t, data, receiptOf(t, data), stamp()), "Simulated:") {
		t.Error("the mark of a simulated district is missing, or stands on a real one")
	}
}

func TestAnAnswerIsTakenWholeOrAsItsDataAlone(t *testing.T) {
	t.Parallel()
	data := small().json(t)
	receipt, _ := recorded(t, origin, data)
	broken := bytes.Replace(receipt, []byte(`"index":0`), []byte(`"index":"0"`), 1)
	for name, c := range map[string]struct {
		text   string
		proven bool
		err    error
	}{
		"data alone":         {string(data), false, nil},
		"whole":              {`{"data":` + string(data) + `,"receipt":` + string(receipt) + "}\n", true, nil},
		"without receipt":    {`{"data":` + string(data) + `}`, false, nil},
		"a broken receipt":   {`{"data":` + string(data) + `,"receipt":` + string(broken) + `}`, false, report.ErrReceipt},
		"cut off":            {`{"data":` + string(data) + `,"rec`, false, report.ErrData},
		"more behind it":     {`{"data":` + string(data) + `} {}`, false, report.ErrData},
		"records of student": {`{"data":{"agreement":"a","rows":[{"participant_ref":"p1"}]}}`, false, report.ErrData},
		"nothing":            {"", false, report.ErrData},
		"far too large":      {strings.Repeat(" ", 2*report.MaxData+1), false, report.ErrData},
	} {
		p, r, err := report.ParseAnswer([]byte(c.text))
		if !errors.Is(err, c.err) || (r != nil) != c.proven {
			t.Errorf("%s: %v, receipt %v", name, err, r != nil)
		}
		if err == nil && !bytes.Equal(p.Data(), data) {
			t.Errorf("%s: other data", name)
		}
	}
}
