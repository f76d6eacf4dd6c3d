package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
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

func openNeighbours(t testing.TB, change ...func(*furnishing)) neighbours {
	t.Helper()
	h := openHomes(t, change...)
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
		form[i+1] = owner.get(at).text(t)
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
	return b.String() + filling.ReplaceAllString(hrefs.ReplaceAllString(l.body, ""), "")
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

// sights are the addresses from which a signed-in family, and its letters, begin.
func (n neighbours) sights() []string {
	ids := n.shares.ids
	return []string{
		"/", "/i/" + ids["secret"], "/i/" + ids["secret"] + "/code", "/i/nothing", "/s/" + ids["stop"], "/asks/" + ids["ask"],
		"/asks/" + ids["ask"] + "/code", "/choices", "/receipts/" + ids["number"], "/seen",
	}
}

// worded reports whether a language has all its words.
func worded(tag string) bool {
	_, err := pages.Render(pages.Frame{Lang: tag, Path: "/"}, pages.Landing{})
	return err == nil
}

// A mail scanner, a preview and a hasty browser follow whatever they find.
func TestFollowingEveryLinkOfEveryPageChangesNothing(t *testing.T) {
	t.Parallel()
	n := openNeighbours(t)
	rows := func() string {
		return string(n.partnerOf(north).get("/v1/agreements/" + northAgreement + "/students").want(http.StatusOK).member("data"))
	}
	before := rows()
	if !strings.Contains(before, "participant_ref") {
		t.Fatalf("nothing is shared: %s", before)
	}
	since := n.mark()
	for name, who := range map[string]visitor{"the family": n.shares.visitor, "a scanner": {h: n.homes}} {
		todo, seen := n.sights(), map[string]bool{}
		for len(todo) > 0 {
			at := todo[0]
			if todo = todo[1:]; seen[at] {
				continue
			}
			seen[at] = true
			if _, lang, _ := strings.Cut(at, "lang="); lang != "" && !worded(lang) {
				continue
			}
			l := who.get(at)
			if l.status >= http.StatusInternalServerError {
				t.Errorf("%s at %s: %d", name, at, l.status)
			}
			if !strings.HasPrefix(at, "/static/") {
				l.fits(t, name+" at "+at)
			}
			todo = append(todo, l.paths(hrefs)...)
			if l.location != "" {
				todo = append(todo, l.location)
			}
		}
		if len(seen) < 15 {
			t.Errorf("%s found only %d addresses", name, len(seen))
		}
	}
	if !n.untouched(since) {
		t.Error("following links wrote to the store")
	}
	if after := rows(); after != before {
		t.Errorf("the partner reads something else:\n%s\n%s", before, after)
	}
	if sent := n.mail(); len(sent) > 0 {
		t.Errorf("following links sent %d messages", len(sent))
	}
}

func TestAnotherSitesFormIsRefused(t *testing.T) {
	t.Parallel()
	n := openNeighbours(t)
	since := n.mark()
	for _, p := range web.FamilyPages() {
		if p.Method != http.MethodPost {
			continue
		}
		ids := n.shares.ids
		if strings.HasPrefix(p.Path, "/s/") {
			ids = map[string]string{"secret": ids["stop"]}
		}
		for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
			if l := n.shares.do(p.Method, fill(p.Path, ids), url.Values{}, header...); l.status != http.StatusNotFound {
				t.Errorf("%s with %v: %d", p.Path, header, l.status)
			}
		}
	}
	if !n.untouched(since) {
		t.Error("another site's form wrote to the store")
	}
	stop := "/choices/" + n.shares.ids["consent"] + "/stop"
	n.shares.do(http.MethodPost, stop, url.Values{}, "Sec-Fetch-Site", "same-origin").want(t, http.StatusSeeOther)
	open := openNeighbours(t, func(f *furnishing) { f.web.Sabotage.AnySite = true })
	stop = "/choices/" + open.shares.ids["consent"] + "/stop"
	if l := open.shares.do(http.MethodPost, stop, url.Values{}, "Sec-Fetch-Site", "cross-site"); l.status != http.StatusSeeOther {
		t.Errorf("the test does not notice that the check is gone: %d", l.status)
	}
}

func TestAFormHoldsWhatThePageAskedForAndNoMore(t *testing.T) {
	t.Parallel()
	n := openNeighbours(t)
	ask := "/asks/" + n.waits.ids["ask"]
	text := n.waits.get(ask).text(t)
	code := append(birthday(n.link.child.Birth), "code", "000000")
	since := n.mark()
	for name, c := range map[string]struct {
		path   string
		fields []string
	}{
		"an unknown field":         {ask, []string{"answer", "yes", "text", text, "signer", "x"}},
		"an answer twice":          {ask, []string{"answer", "yes", "answer", "no", "text", text}},
		"a text twice":             {ask, []string{"answer", "yes", "text", text, "text", text}},
		"an unknown answer":        {ask, []string{"answer", "maybe", "text", text}},
		"no answer":                {ask, []string{"text", text}},
		"a book":                   {ask, []string{"answer", "yes", "text", strings.Repeat("a", 5<<10)}},
		"a field where none is":    {"/i/" + n.link.secret + "/code", []string{"code", "1"}},
		"a code twice":             {"/i/" + n.link.secret + "/open", append(slices.Clone(code), "code", "1")},
		"a code of a book":         {"/i/" + n.link.secret + "/open", append(slices.Clone(code), "month", strings.Repeat("1", 5<<10))},
		"a contact twice":          {"/link", []string{"contact", "a@example.org", "contact", "b@example.org"}},
		"an unknown parameter":     {"/link?x=1", []string{"contact", "a@example.org"}},
		"a language twice":         {"/link?lang=en&lang=es", []string{"contact", "a@example.org"}},
		"a field in the address":   {ask + "?answer=yes", []string{"text", text}},
		"a stop with a field":      {"/s/" + n.shares.ids["stop"], []string{"why", "x"}},
		"a sign-out with a reason": {"/sign-out", []string{"why", "x"}},
	} {
		if l := n.waits.tap(c.path, c.fields...); l.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", name, l.status, l.body)
		}
	}
	if l := n.waits.tap(ask, "answer", "yes", "text", strings.Repeat("0", 64)); l.status != http.StatusConflict {
		t.Errorf("another text: %d", l.status)
	}
	if !n.untouched(since) {
		t.Error("a wrong form wrote to the store")
	}
	n.waits.tap(ask, "answer", "no", "text", text).want(t, http.StatusSeeOther)
	lax := openNeighbours(t, func(f *furnishing) { f.web.Sabotage.LaxForms = true })
	if l := lax.waits.tap("/sign-out", "why", "x"); l.status != http.StatusOK {
		t.Errorf("the test does not notice that the check is gone: %d", l.status)
	}
}

// A day of birth is one: what is no day of the calendar is no near miss of another.
func TestABirthdayThatIsNoDayFitsNobody(t *testing.T) {
	t.Parallel()
	n := openNeighbours(t)
	visitor{h: n.homes}.tap("/i/"+n.link.secret+"/code").want(t, http.StatusSeeOther)
	right := n.code(n.link.email)
	year, month, day := n.link.child.Birth.Time().Date()
	for _, typed := range [][3]string{
		{fmt.Sprint(year), fmt.Sprint(int(month)), ""},
		{fmt.Sprint(year), fmt.Sprint(int(month) + 12), fmt.Sprint(day)},
		{"", "", ""},
		{fmt.Sprint(year), "0", "0"},
		{fmt.Sprint(year - 1), fmt.Sprint(int(month)), fmt.Sprint(day)},
	} {
		l := visitor{h: n.homes}.tap("/i/"+n.link.secret+"/open", "code", right, "year", typed[0], "month", typed[1], "day", typed[2])
		if l.status != http.StatusOK || l.setCookie("__Host-family") != nil {
			t.Errorf("%v opened it: %d", typed, l.status)
		}
		visitor{h: n.homes}.tap("/i/"+n.link.secret+"/code").want(t, http.StatusSeeOther)
		right = n.code(n.link.email)
	}
	n.signIn(n.link)
}

func TestTheLogOfAFamilysVisitNamesNobody(t *testing.T) {
	t.Parallel()
	n := openNeighbours(t)
	ids := n.shares.ids
	secret := []string{
		ids["secret"], ids["ask"], ids["number"], ids["consent"], ids["stop"], n.shares.cookie, n.waits.cookie, n.shares.email,
		n.shares.child.GivenName, n.shares.child.FamilyName, n.shares.child.ID, n.shares.child.Birth.String(), "CANARY",
	}
	for _, l := range n.letters {
		for _, value := range l.values {
			if len(value) > 5 {
				secret = append(secret, path.Base(value))
			}
		}
	}
	for _, at := range append(n.sights(), "/CANARY", "/i/CANARY", "/receipts/CANARY?lang=CANARY", "/seen/1?before=CANARY") {
		n.shares.get(at)
		n.waits.get(at)
	}
	n.waits.tap("/link", "contact", "CANARY@example.org").want(t, http.StatusOK)
	n.shares.tap("/choices/"+ids["consent"]+"/stop").want(t, http.StatusSeeOther)
	n.shares.tap("/receipts/"+ids["number"]+"/deletion").want(t, http.StatusSeeOther)
	said := n.log.String()
	if word := holdsAny([]byte(said), secret); word != "" {
		t.Errorf("the log holds %q:\n%s", word, said)
	}
	for _, route := range []string{`"route":"/i/{secret}"`, `"route":"/asks/{ask}"`, `"route":"/choices/{consent}/stop"`, `"route":"none"`} {
		if !strings.Contains(said, route) {
			t.Errorf("no line has %s", route)
		}
	}
	if strings.Contains(said, `"kind":"internal"`) {
		t.Errorf("a page that was answered counts as a failure:\n%s", said)
	}
}

func TestASessionsCookieIsForThisHostAndItsPagesAlone(t *testing.T) {
	t.Parallel()
	n := openNeighbours(t)
	v, in := n.signIn(n.link)
	in.fits(t, "the first page")
	c := in.setCookie("__Host-family")
	if c.SameSite != http.SameSiteStrictMode || c.MaxAge < 60 || c.MaxAge > 3600 || !c.Expires.IsZero() || len(c.Value) < 26 {
		t.Errorf("the cookie is %+v", c)
	}
	for _, l := range pages.Languages() {
		if !worded(l.Tag) {
			continue
		}
		chosen := v.get("/choices?lang=" + l.Tag)
		chosen.fits(t, "a page in another language")
		if kept := chosen.setCookie("__Host-language"); !strings.Contains(chosen.body, `<html lang="`+l.Tag+`"`) || kept == nil || kept.Value != l.Tag {
			t.Errorf("%s was not taken: %s", l.Tag, chosen.body)
		}
	}
	if out := v.tap("/sign-out").want(t, http.StatusOK).setCookie("__Host-family"); out == nil || out.Value != "" || out.MaxAge >= 0 {
		t.Errorf("signing out leaves %+v", out)
	}
	if late := v.get("/choices").want(t, http.StatusUnauthorized).setCookie("__Host-family"); late == nil || late.MaxAge >= 0 {
		t.Errorf("a session that ended leaves %+v", late)
	}
	bearer := visitor{h: n.homes}.do(http.MethodGet, "/choices", nil, "Authorization", "Bearer "+n.guardian("x").token())
	bearer.want(t, http.StatusUnauthorized)
	n.send(http.MethodGet, "/v1/consents", "", "", "", "Cookie", "__Host-family="+n.shares.cookie).want(http.StatusUnauthorized)
}

func TestThePagesStyleIsServedToBeKept(t *testing.T) {
	t.Parallel()
	h := openHomes(t)
	for _, lang := range []string{"en", "ar"} {
		if !worded(lang) {
			continue
		}
		style := visitor{h: h}.get("/?lang="+lang).want(t, http.StatusOK).firstWith(t, hrefs, "/static/")
		l := visitor{h: h}.get(style).want(t, http.StatusOK)
		name, version, _ := strings.Cut(path.Base(style), "?v=")
		if version == "" || l.body != string(pages.Static()[name]) || l.header.Get("Content-Type") != "text/css; charset=utf-8" || l.header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %v", style, l.header)
		}
	}
	visitor{h: h}.get("/static/other.css").want(t, http.StatusNotFound)
}

// What waits longest in a queue of one is everybody else's rate.
func TestOneLinksRateIsNotAnothers(t *testing.T) {
	t.Parallel()
	h := openHomes(t, func(f *furnishing) { f.web.Rate = web.Rate{PerSecond: 1e-9, Burst: 3} })
	list := h.invited()
	for range 3 {
		visitor{h: h}.get("/i/"+list[0].secret).want(t, http.StatusOK)
	}
	visitor{h: h}.get("/i/"+list[0].secret).want(t, http.StatusTooManyRequests)
	visitor{h: h}.get("/i/"+list[1].secret).want(t, http.StatusOK)
}

func TestWhoAsksAgainAndAgainTakesNothingFromPeopleElsewhere(t *testing.T) {
	t.Parallel()
	h := open(t, lakeland, func(f *furnishing) { f.web.Rate = web.Rate{PerSecond: 1e-9, Burst: 3} })
	flood, mother := h.browser(), h.browser()
	mother.address = "198.51.100.7:1234"
	for range 3 {
		flood.post("/link", url.Values{"contact": {"nobody@example.org"}})
	}
	flood.address = "192.0.2.1:4321" // another connection is the same place
	if w := flood.get("/"); w.Code != http.StatusTooManyRequests {
		t.Errorf("after three requests the fourth gives %d", w.Code)
	}
	if w := mother.get("/"); w.Code != http.StatusOK {
		t.Errorf("somebody else is answered with %d", w.Code)
	}
}
