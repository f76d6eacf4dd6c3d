package web_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/sample"
)

// mailed is a message as it left, before it is in words.
type mailed struct {
	kind   broker.MessageKind
	to     string // e-mail address and telephone number
	values map[string]string
}

// carrier keeps what it is given.
type carrier struct {
	mu   sync.Mutex
	sent []mailed
}

// Carry keeps a message whose text is its values, as of a query.
func (c *carrier) Carry(_ context.Context, p broker.Parcel) error {
	values, err := url.ParseQuery(p.Text)
	if err != nil {
		return err
	}
	m := mailed{p.Kind, p.Email + p.Phone, map[string]string{}}
	for name := range values {
		m.values[name] = values.Get(name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, m)
	return nil
}

func asQuery(_ broker.MessageKind, _ string, values map[string]string) (subject, text string, err error) {
	q := url.Values{}
	for name, value := range values {
		q.Set(name, value)
	}
	return "a message", q.Encode(), nil
}

// mail delivers what waits and returns it.
func (h *house) mail() []mailed {
	h.t.Helper()
	var c carrier
	if _, _, err := h.DeliverMessages(h.t.Context(), &c, asQuery); err != nil {
		h.t.Fatal(err)
	}
	return c.sent
}

// reachable is a guardian whom the district can write to, with a child of the round.
type reachable struct {
	guardian sample.Guardian
	child    *sample.Student
	link     string // the path in the message
}

func (g reachable) contact() string {
	if g.guardian.Email != "" {
		return g.guardian.Email
	}
	return g.guardian.Phone
}

// asked opens a round to the families of an agreement and returns those that were
// written to, each once, in the order of their children.
func (h *house) asked(agreement string) (list []reachable, sent []mailed) {
	h.t.Helper()
	a, err := h.OpenRound(h.t.Context(), builderOfficer, broker.RoundRequest{Agreement: agreement, RecordsFrom: h.Year.Start, RecordsTo: h.Year.End})
	if err != nil {
		h.t.Fatal(err)
	}
	a.Drop()
	sent = h.mail()
	links := map[string]string{}
	for _, m := range sent {
		links[m.to] = m.values["link"]
	}
	for i := range h.District.Students {
		door, err := h.Doorway(h.t.Context(), path.Base(h.linkTo(links, i)))
		if err != nil || !slices.Contains(door.FirstNames, h.District.Students[i].GivenName) {
			continue // a sister or brother of the child in question
		}
		for _, g := range h.District.Students[i].Guardians {
			if link := links[g.Email+g.Phone]; link != "" && g.HoldsRights {
				list = append(list, reachable{g, &h.District.Students[i], link})
				delete(links, g.Email+g.Phone)
			}
		}
	}
	return list, sent
}

// linkTo is the link of whoever of a child's guardians has one, or nothing.
func (h *house) linkTo(links map[string]string, child int) string {
	for _, g := range h.District.Students[child].Guardians {
		if link := links[g.Email+g.Phone]; link != "" && g.HoldsRights {
			return link
		}
	}
	return ""
}

// browser is somebody who reads the pages: it keeps cookies, and says no more of
// itself than it must.
type browser struct {
	h       *house
	address string // of the connection
	header  http.Header
	cookies map[string]string
}

func (h *house) browser() *browser {
	return &browser{h: h, address: "192.0.2.1:1234", header: http.Header{}, cookies: map[string]string{}}
}

// do sends one request to the router itself.
func (b *browser) do(method, path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.RemoteAddr = b.address
	maps.Copy(r.Header, b.header)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, name := range slices.Sorted(maps.Keys(b.cookies)) {
		r.AddCookie(&http.Cookie{Name: name, Value: b.cookies[name]})
	}
	w := httptest.NewRecorder()
	b.h.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return w
}

func (b *browser) get(path string) *httptest.ResponseRecorder { return b.do(http.MethodGet, path, nil) }

func (b *browser) post(path string, form url.Values) *httptest.ResponseRecorder {
	return b.do(http.MethodPost, path, form)
}

// signedIn reports whether the browser has a session.
func (b *browser) signedIn() bool { return b.cookies["__Host-family"] != "" }

// typed is the form of a code and a birthday.
func typed(code string, birth civil.Date) url.Values {
	year, month, day := birth.Time().Date()
	return url.Values{"code": {code}, "year": {strconv.Itoa(year)}, "month": {strconv.Itoa(int(month))}, "day": {strconv.Itoa(day)}}
}

// code lets a link send a code and reads it.
func (b *browser) code(link string) string {
	b.h.t.Helper()
	if w := b.post(link+"/code", nil); w.Code != http.StatusSeeOther {
		b.h.t.Fatalf("a code was asked for: %d", w.Code)
	}
	for _, m := range b.h.mail() {
		if m.kind == broker.MessageCode {
			return m.values["code"]
		}
	}
	b.h.t.Fatal("no code was sent")
	return ""
}

// signIn opens a session by a reachable's link.
func (b *browser) signIn(t testing.TB, g reachable) *browser {
	t.Helper()
	if w := b.post(g.link+"/open", typed(b.code(g.link), g.child.Birth)); w.Code != http.StatusSeeOther || !b.signedIn() {
		t.Fatalf("the family could not sign in: %d", w.Code)
	}
	return b
}

// newLink asks for another link to a reachable and returns it as sent.
func (b *browser) newLink(t testing.TB, g reachable) reachable {
	t.Helper()
	if w := b.post("/link", url.Values{"contact": {g.contact()}}); w.Code != http.StatusOK {
		t.Fatalf("another link was asked for: %d", w.Code)
	}
	for _, m := range b.h.mail() {
		if m.kind == broker.MessageLink && m.to == g.guardian.Email+g.guardian.Phone {
			g.link = m.values["link"]
			return g
		}
	}
	t.Fatal("no link was sent")
	return g
}
