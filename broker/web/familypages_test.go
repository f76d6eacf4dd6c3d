package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/broker/web"
)

// household is a family that is signed in, with what is its own.
type household struct {
	visitor
	asked
	ids map[string]string // by the name of the path's parameter
}

// neighbours are two families: the first has a question that waits; the second has said
// yes and was shown. A third, whose link alone is used, stands for neither.
type neighbours struct {
	*homes
	waits, shares household
	link          asked
}

func openNeighbours(t testing.TB) neighbours {
	t.Helper()
	h := openHomes(t)
	list := h.invited()
	n := neighbours{homes: h, waits: household{asked: list[0]}, shares: household{asked: list[1]}, link: list[2]}
	var in leaf
	n.waits.visitor, in = h.signIn(n.waits.asked)
	n.waits.ids = map[string]string{"secret": n.waits.secret, "ask": path.Base(in.location)}
	n.shares.visitor, in = h.signIn(n.shares.asked)
	receipt := n.shares.answers(in.location, "yes")
	n.shares.ids = map[string]string{"secret": n.shares.secret, "ask": path.Base(in.location), "number": path.Base(receipt), "child": "1"}
	h.partnerOf(north).get("/v1/agreements/" + northAgreement + "/students").want(http.StatusOK)
	n.shares.ids["consent"] = strings.Split(n.shares.get("/choices").want(t, http.StatusOK).firstWith(t, actions, "/choices/"), "/")[2]
	n.shares.ids["index"] = path.Base(n.shares.get("/seen/1").want(t, http.StatusOK).firstWith(t, hrefs, "/seen/1/"))
	for _, l := range h.mail() {
		if l.kind == broker.MessageReceipt {
			n.shares.ids["stop"] = path.Base(l.values["link"])
		}
	}
	return n
}

// pageRow says how a page answers: nobody, somebody of another family about this
// family's object, the family about an object that is not there, and the family.
type pageRow struct {
	form                          []string
	of                            string // whose object: waits, shares, link or stop
	nobody, other, unknown, owner int
}

// pageRows are the rows of the families' pages, by route. Zero: the path names nothing.
func pageRows() map[string]pageRow {
	code := []string{"code", "000 000", "year", "1999", "month", "1", "day", "1"}
	return map[string]pageRow{
		"GET /":                             {nil, "waits", 200, 200, 0, 200},
		"POST /link":                        {[]string{"contact", "nobody@example.org"}, "waits", 200, 200, 0, 200},
		"GET /i/{secret}":                   {nil, "link", 200, 200, 404, 200},
		"POST /i/{secret}/code":             {nil, "link", 303, 303, 404, 303},
		"GET /i/{secret}/code":              {nil, "link", 200, 200, 404, 200},
		"POST /i/{secret}/open":             {code, "link", 200, 200, 404, 200},
		"POST /i/{secret}/wrong":            {nil, "link", 200, 200, 404, 200},
		"GET /s/{secret}":                   {nil, "stop", 200, 200, 404, 200},
		"POST /s/{secret}":                  {nil, "stop", 303, 303, 404, 303},
		"POST /sign-out":                    {nil, "waits", 401, 0, 0, 200},
		"GET /asks/{ask}":                   {nil, "waits", 401, 404, 404, 200},
		"POST /asks/{ask}":                  {[]string{"answer", "talk", "text", ""}, "waits", 401, 404, 404, 303},
		"GET /asks/{ask}/code":              {nil, "waits", 401, 404, 404, 200},
		"POST /asks/{ask}/code":             {nil, "waits", 401, 303, 303, 303},
		"POST /asks/{ask}/open":             {code, "waits", 401, 404, 404, 200},
		"GET /choices":                      {nil, "shares", 401, 200, 0, 200},
		"POST /choices/{consent}/stop":      {nil, "shares", 401, 404, 404, 303},
		"GET /receipts/{number}":            {nil, "shares", 401, 404, 404, 200},
		"POST /receipts/{number}/send":      {nil, "shares", 401, 404, 404, 200},
		"POST /receipts/{number}/deletion":  {nil, "shares", 401, 404, 404, 303},
		"GET /seen":                         {nil, "shares", 401, 303, 0, 303},
		"GET /seen/{child}":                 {nil, "shares", 401, 200, 404, 200},
		"GET /seen/{child}/{index}":         {nil, "shares", 401, 404, 404, 200},
		"GET /seen/{child}/{index}/receipt": {nil, "shares", 401, 404, 404, 200},
	}
}

func TestEveryPageAnswersItsOwnFamilyAndNobodyElse(t *testing.T) {
	t.Parallel()
	n := openNeighbours(t)
	rows := pageRows()
	for _, p := range web.FamilyPages() {
		name := p.Method + " " + p.Path
		row, ok := rows[name]
		if !ok {
			t.Errorf("%s has no row", name)
			continue
		}
		delete(rows, name)
		n.tryPage(t, p, row)
	}
	for name := range rows {
		t.Errorf("%s stands in the table and is no page", name)
	}
	for _, again := range []string{"/choices/" + n.shares.ids["consent"] + "/stop", "/receipts/" + n.shares.ids["number"] + "/deletion"} {
		known, unknown := n.waits.again().tap(again), n.waits.again().tap(strings.Replace(again, path.Base(path.Dir(again)), "nothing", 1))
		if known.status != http.StatusNotFound || known.note() != unknown.note() {
			t.Errorf("%s tells another family that it was stopped: %d", again, known.status)
		}
	}
}

// again signs a family in once more: its first session may have ended.
func (f household) again() visitor {
	v, _ := f.visitor.h.signIn(f.asked)
	return v
}

// tryPage asks as nobody, as another family, for what is not there, and as the family.
func (n neighbours) tryPage(t *testing.T, p web.FamilyPage, row pageRow) {
	t.Helper()
	n.waits.cookie = either(n.waits.ids["session"], n.waits.cookie)
	owner, other := n.shares, n.waits
	if row.of == "waits" {
		owner, other = n.waits, n.shares
	}
	ids := owner.ids
	switch row.of {
	case "link":
		ids = map[string]string{"secret": n.link.secret}
	case "stop":
		ids = map[string]string{"secret": n.shares.ids["stop"]}
	}
	at, none := fill(p.Path, ids), fill(p.Path, map[string]string{"secret": "nothing", "ask": "ask_nothing", "consent": "cns_nothing", "number": "NQTHERE2", "child": "99", "index": "999999"})
	form := slices.Clone(row.form)
	if i := slices.Index(form, "text"); i >= 0 {
		form[i+1] = shownText.FindStringSubmatch(owner.get(at).body)[1]
	}
	ask := func(who visitor, target string, want int, as string) leaf {
		if want == 0 {
			return leaf{}
		}
		var sent url.Values
		if p.Method == http.MethodPost {
			sent = url.Values{}
			for i := 0; i+1 < len(form); i += 2 {
				sent.Add(form[i], form[i+1])
			}
		}
		l := who.do(p.Method, target, sent)
		if l.status != want {
			t.Errorf("%s %s as %s: %d, not %d: %.400s", p.Method, p.Path, as, l.status, want, l.body)
		}
		l.fits(t, p.Method+" "+p.Path+" as "+as)
		return l
	}
	stranger := row.unknown
	if p.SignedIn {
		stranger = http.StatusUnauthorized
	}
	nobody, nothing := ask(visitor{h: n.homes}, at, row.nobody, "nobody"), ask(visitor{h: n.homes}, none, stranger, "nobody, about nothing")
	if p.SignedIn && nobody.note() != nothing.note() {
		t.Errorf("%s %s tells nobody what is there:\n%s\n%s", p.Method, p.Path, nobody.note(), nothing.note())
	}
	neighbour, nowhere := ask(other.visitor, at, row.other, "another family"), ask(other.visitor, none, row.unknown, "another family, about nothing")
	if row.other == http.StatusNotFound && neighbour.note() != nowhere.note() {
		t.Errorf("%s %s tells another family what is there:\n%s\n%s", p.Method, p.Path, neighbour.note(), nowhere.note())
	}
	ask(owner.visitor, none, row.unknown, "the family, about nothing")
	ask(owner.visitor, at, row.owner, "the family")
	if p.Path == "/sign-out" {
		owner.get("/choices").want(t, http.StatusUnauthorized)
		n.waits.ids["session"] = owner.again().cookie
	}
}

// fill writes ids into a path.
func fill(path string, ids map[string]string) string {
	return parameter.ReplaceAllStringFunc(path, func(name string) string { return ids[strings.Trim(name, "{}")] })
}

// note is a page without its address, which its links to other languages repeat.
func (l leaf) note() string {
	header := l.header.Clone()
	for _, name := range []string{"Hallpass-Request-Id", "Date", "Content-Length"} {
		header.Del(name)
	}
	var b strings.Builder
	fmt.Fprintln(&b, l.status)
	if err := header.Write(&b); err != nil {
		return err.Error()
	}
	return b.String() + hrefs.ReplaceAllString(l.body, "")
}

// fits holds a page to what every page is.
func (l leaf) fits(t testing.TB, where string) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": pages.SecurityPolicy, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	} {
		if got := l.header.Get(name); got != want {
			t.Errorf("%s: %s is %q", where, name, got)
		}
	}
	if l.status != http.StatusSeeOther && l.header.Get("Content-Disposition") == "" && l.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%s: the content type is %q", where, l.header.Get("Content-Type"))
	}
	for _, c := range (&http.Response{Header: l.header}).Cookies() {
		strict := c.Name != "__Host-family" || c.SameSite == http.SameSiteStrictMode
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || !strict || c.Path != "/" || c.Domain != "" {
			t.Errorf("%s: the cookie %s is %+v", where, c.Name, c)
		}
	}
}

var _ = strconv.Itoa
