package web_test

import (
	"cmp"
	"context"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/sample"
)

// letter is a message as a carrier takes it, before it is in words.
type letter struct {
	kind   broker.MessageKind
	email  string
	values map[string]string
}

// mailbag is a carrier that keeps what it is given.
type mailbag struct {
	mu   sync.Mutex
	sent []letter
}

func (m *mailbag) Carry(_ context.Context, p broker.Parcel) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	values := map[string]string{}
	for line := range strings.Lines(p.Text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		values[name] = value
	}
	m.sent = append(m.sent, letter{p.Kind, p.Email, values})
	return nil
}

// plainly writes the values of a message, a line each.
func plainly(_ broker.MessageKind, _ string, values map[string]string) (subject, text string, err error) {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&b, "%s=%s\n", name, values[name])
	}
	return "subject", b.String(), nil
}

// unanswered is a town in which no family has been asked yet.
var unanswered = sync.OnceValues(func() (*town, error) {
	nobody := func(*sample.Partner) []sample.Consent { return nil }
	return build(sample.Generate(sample.Options{Seed: 5, Students: 320, Schools: 8}), plan{partners: []string{north}, consents: nobody})
})

// homes is a district at work whose families were asked, and what they were sent.
type homes struct {
	*house
	letters []letter
	browser *http.Client
}

// openHomes opens the town and asks the families of north's roster.
func openHomes(t testing.TB, change ...func(*furnishing)) *homes {
	t.Helper()
	named := func(f *furnishing) { f.web.District.Name, f.web.District.Phone = "Lakeland Schools", "612-555-0100" }
	h := &homes{house: open(t, unanswered, append(change, named)...)}
	h.browser = &http.Client{Transport: h.client.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	h.officer().post("/v1/rounds", broker.RoundRequest{Agreement: northAgreement, RecordsFrom: h.Year.Start, RecordsTo: h.AsOf}).want(http.StatusCreated)
	h.mail()
	return h
}

// mail delivers what waits, keeps it, and returns it.
func (h *homes) mail() []letter {
	h.t.Helper()
	var bag mailbag
	if _, _, err := h.DeliverMessages(h.t.Context(), &bag, plainly); err != nil {
		h.t.Fatal(err)
	}
	h.letters = append(h.letters, bag.sent...)
	return bag.sent
}

// asked is a family of one child, reading English, that was sent a link.
type asked struct {
	child  *sample.Student
	email  string
	secret string
}

// invited is one guardian of each child, where a link was sent.
func (h *homes) invited() (list []asked) {
	h.t.Helper()
	for _, l := range h.letters {
		if l.kind != broker.MessageInvitation {
			continue
		}
		var children []*sample.Student
		for i := range h.town.Students {
			s := &h.town.Students[i]
			if slices.ContainsFunc(s.Guardians, func(g sample.Guardian) bool { return g.Email == l.email && g.Language == "en" }) {
				children = append(children, s)
			}
		}
		if len(children) == 1 {
			list = append(list, asked{children[0], l.email, path.Base(l.values["link"])})
		}
	}
	slices.SortFunc(list, func(a, b asked) int {
		return cmp.Or(strings.Compare(a.child.ID, b.child.ID), strings.Compare(a.email, b.email))
	})
	list = slices.CompactFunc(list, func(a, b asked) bool { return a.child == b.child })
	if len(list) < 4 {
		h.t.Fatalf("only %d families were asked", len(list))
	}
	return list
}

// visitor is a browser of somebody, with a session or without.
type visitor struct {
	h      *homes
	cookie string
}

// leaf is a page as it came.
type leaf struct {
	status   int
	header   http.Header
	body     string
	location string
}

func (v visitor) do(method, target string, form url.Values, header ...string) leaf {
	v.h.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(v.h.t.Context(), method, "http://"+v.h.address+target, body)
	if err != nil {
		v.h.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if v.cookie != "" {
		req.AddCookie(&http.Cookie{Name: "__Host-family", Value: v.cookie, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := v.h.browser.Do(req)
	if err != nil {
		v.h.t.Fatal(err)
	}
	a := v.h.read(res)
	return leaf{a.status, a.header, string(a.body), a.header.Get("Location")}
}

func (v visitor) get(target string) leaf { v.h.t.Helper(); return v.do(http.MethodGet, target, nil) }

func (v visitor) tap(target string, fields ...string) leaf {
	v.h.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return v.do(http.MethodPost, target, form)
}

// want fails the test unless the page came with a status.
func (l leaf) want(t testing.TB, status int) leaf {
	t.Helper()
	if l.status != status {
		t.Fatalf("%d, not %d: %s", l.status, status, l.body)
	}
	return l
}

// setCookie finds a cookie that a page sets.
func (l leaf) setCookie(name string) *http.Cookie {
	for _, c := range (&http.Response{Header: l.header}).Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// code is the newest code that was sent to somebody.
func (h *homes) code(email string) string {
	h.t.Helper()
	h.mail()
	for _, l := range slices.Backward(h.letters) {
		if l.kind == broker.MessageCode && l.email == email {
			return l.values["code"]
		}
	}
	h.t.Fatal("no code was sent")
	return ""
}

// birthday writes a day as the form of the code does.
func birthday(d civil.Date) []string {
	year, month, day := d.Time().Date()
	return []string{"year", fmt.Sprint(year), "month", fmt.Sprint(int(month)), "day", fmt.Sprint(day)}
}

// signIn follows a family's link and types its code.
func (h *homes) signIn(a asked) (visitor, leaf) {
	h.t.Helper()
	visitor{h: h}.tap("/i/"+a.secret+"/code").want(h.t, http.StatusSeeOther)
	in := visitor{h: h}.tap("/i/"+a.secret+"/open", append(birthday(a.child.Birth), "code", h.code(a.email))...).want(h.t, http.StatusSeeOther)
	cookie := in.setCookie("__Host-family")
	if cookie == nil {
		h.t.Fatal("no session began")
	}
	return visitor{h, cookie.Value}, in
}

var (
	shownText = regexp.MustCompile(`name="text" value="([0-9a-f]{64})"`)
	filling   = regexp.MustCompile(`<!-- [A-Z2-7]* -->`) // of random text, to a whole number of pieces
	hrefs     = regexp.MustCompile(`href="([^"#][^"]*)"`)
	actions   = regexp.MustCompile(`action="([^"]*)"`)
)

// paths finds the addresses that a page names.
func (l leaf) paths(of *regexp.Regexp) (list []string) {
	for _, m := range of.FindAllStringSubmatch(l.body, -1) {
		if target := html.UnescapeString(m[1]); strings.HasPrefix(target, "/") {
			list = append(list, target)
		}
	}
	return list
}

// text is the hash of the text to sign that a page shows.
func (l leaf) text(t testing.TB) string {
	t.Helper()
	text := shownText.FindStringSubmatch(l.body)
	if text == nil {
		t.Fatalf("the page shows no text to sign: %s", l.body)
	}
	return text[1]
}

// firstWith is the first address that begins so.
func (l leaf) firstWith(t testing.TB, of *regexp.Regexp, prefix string) string {
	t.Helper()
	for _, p := range l.paths(of) {
		if strings.HasPrefix(p, prefix) && p != prefix {
			return p
		}
	}
	t.Fatalf("the page names no %s…: %s", prefix, l.body)
	return ""
}

// answers answers a family's one question, and returns the path of the receipt.
func (v visitor) answers(ask, answer string) string {
	v.h.t.Helper()
	page := v.get(ask).want(v.h.t, http.StatusOK)
	return v.tap(ask, "answer", answer, "text", page.text(v.h.t)).want(v.h.t, http.StatusSeeOther).location
}
