package web_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/broker/token"
	"github.com/hallpass-edu/hallpass/broker/web"
)

// whose says how the object of a request stands to the person who asks.
type whose string

const (
	own    whose = "own"    // the caller's; for people of the district, one that is there
	other  whose = "other"  // there, and somebody else's
	absent whose = "absent" // not there
)

// target is one well-formed request of a row.
type target struct{ path, media, body string }

// row makes a request of a route for one cell of the matrix. Rows whose path
// or body names no object have one case only.
type row struct {
	names bool // the request names an object
	make  func(c cell) target
}

// cell is one place of the matrix: a person who asks for an object.
type cell struct {
	*house
	who   person
	role  broker.Role
	whose whose
}

// pick returns the id that the case asks for.
func (c cell) pick(mine, others, nobodys string) string {
	return map[whose]string{own: mine, other: others, absent: nobodys}[c.whose]
}

func (c cell) json(path string, body any) target {
	return target{path, "application/json", jsonText(c.t, body)}
}

// expected is the status that the table of roles demands: 0 stands for any 2xx.
func expected(r web.Route, c cell) int {
	staff := c.role == broker.RoleOfficer || c.role == broker.RoleAuditor || c.role == broker.RoleSteward
	switch {
	case c.whose == absent, r.Path == "/v1/messages/{id}/retry": // nothing in this house has written a message
		return http.StatusNotFound
	case !slices.Contains(r.Roles, c.role):
		if asksUnderAgreement(r) && c.mayRead() {
			return http.StatusForbidden // role_not_permitted: who may read the agreement is told why
		}
		return http.StatusNotFound
	case c.whose == other && !staff:
		return http.StatusNotFound
	}
	return 0
}

func asksUnderAgreement(r web.Route) bool {
	return strings.HasSuffix(r.Path, "/comparisons") || strings.HasSuffix(r.Path, "/students") || strings.HasSuffix(r.Path, "/report")
}

// mayRead reports whether somebody who is not of the partner may know of the
// agreement of the cell: officers and auditors of any, coordinators of those
// at their schools.
func (c cell) mayRead() bool {
	return c.role == broker.RoleOfficer || c.role == broker.RoleAuditor || c.role == broker.RoleCoordinator && c.whose == own
}

func TestEveryRouteAnswersEachRoleOnlyAboutItsOwn(t *testing.T) {
	t.Parallel()
	all := rows()
	for _, r := range web.Routes() {
		name := r.Method + " " + r.Path
		how, ok := all[name]
		if !ok {
			t.Errorf("%s has no row in the matrix", name)
			continue
		}
		delete(all, name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tryRoute(t, r, how)
		})
	}
	for name := range all {
		t.Errorf("%s stands in the matrix and is no route", name)
	}
}

// tryRoute fills every cell of one route.
func tryRoute(t *testing.T, r web.Route, how row) {
	h := open(t, lakeland)
	refused := refusalFace(t, h)
	cases := []whose{own}
	if how.names {
		cases = []whose{own, other, absent}
	}
	for _, role := range token.Roles() {
		for _, w := range cases {
			c := cell{h, h.member(role), role, w}
			at := how.make(c)
			if at.path == "" {
				at.path = r.Path
			}
			tryCell(t, r, c, at, refused)
		}
	}
	tryStrangers(t, r, h, how.make(cell{h, h.officer(), broker.RoleOfficer, own}))
}

// member is a person in a role who has something of its own in the town: a
// partner's person of north, a mother of a child of its roster, the
// coordinator of its first school.
func (h *house) member(role broker.Role) person {
	if role == broker.RoleGuardian {
		return h.guardian(h.families()[0].guardian)
	}
	return h.of(role)
}

func tryCell(t *testing.T, r web.Route, c cell, at target, refused string) {
	t.Helper()
	want := expected(r, c)
	before := c.size()
	a := c.who.send(r.Method, at.path, at.media, at.body)
	where := string(c.role) + " for " + string(c.whose) + " object"
	switch {
	case want == 0 && a.status/100 != 2:
		t.Errorf("%s: %d %s", where, a.status, a.body)
	case want != 0 && a.status != want:
		t.Errorf("%s: %d, not %d: %.300s", where, a.status, want, a.body)
	case want == http.StatusNotFound && a.face() != refused:
		t.Errorf("%s: another 404 than that of an absent object:\n%s\nnot\n%s", where, a.face(), refused)
	}
	if want != http.StatusNotFound {
		return
	}
	for _, e := range c.events(before) {
		if e != tlog.AccessRefused {
			t.Errorf("%s: left %s", where, e)
		}
	}
}

// tryStrangers asks without a token and with one that has expired.
func tryStrangers(t *testing.T, r web.Route, h *house, at target) {
	t.Helper()
	if at.path == "" {
		at.path = r.Path
	}
	late := h.of(broker.RoleOfficer, func(c *token.Claims) {
		c.IssuedAt, c.Expires = h.Now().Add(-3*time.Hour).Truncate(time.Second), h.Now().Add(-time.Hour).Truncate(time.Second)
	})
	before := h.size()
	without := h.send(r.Method, at.path, "", at.media, at.body)
	expired := late.send(r.Method, at.path, at.media, at.body)
	if without.status != http.StatusUnauthorized || expired.status != http.StatusUnauthorized {
		t.Errorf("without a token %d, with an expired one %d", without.status, expired.status)
	}
	if events := h.events(before); !slices.Equal(events, []tlog.Event{tlog.AuthMisdirected}) {
		t.Errorf("left %v", events)
	}
}

// refusalFace is the one 404 of the service.
func refusalFace(t *testing.T, h *house) string {
	t.Helper()
	return h.officer().get("/v1/partners/nobody").want(http.StatusNotFound).face()
}

// face is a response without what differs by chance: its id, its date and how
// much of the rate is left.
func (a answer) face() string {
	header := a.header.Clone()
	for _, name := range []string{"Hallpass-Request-Id", "Date", "Ratelimit-Remaining", "Ratelimit-Reset"} {
		if header.Get(name) != "" {
			header.Set(name, "…")
		}
	}
	var b strings.Builder
	b.WriteString(http.StatusText(a.status) + "\n")
	if err := header.Write(&b); err != nil {
		return err.Error()
	}
	return b.String() + requestID.ReplaceAllString(string(a.body), "ID")
}

func TestEveryOtherSpellingOfAPathIsTheSame404OnTheWire(t *testing.T) {
	t.Parallel()
	h := open(t, lakeland)
	want := spelling(t, h, "GET", "/v1/partners/nobody", h.officer().token())
	for _, line := range []string{
		"GET /v1/partners/", "GET /v1/partners/" + north + "/", "GET /V1/partners", "GET /v1/Partners", "GET //v1/partners", "GET /v1//partners",
		"GET /v1/./partners", "GET /v1/x/../partners", "GET /v1%2Fpartners", "GET /v1/partners%2F" + north, "GET /v1/%70artners", "GET /v1/partners/..%2f" + north,
		"GET /v1/partners/" + strings.ToUpper(north), "GET /v1/partners/" + north + "%00", "GET /v1/agreements/" + northAgreement + "/students/", "GET /v1/agreements/" + northAgreement + "/Students",
		"GET /v1/agreements//" + northAgreement, "GET /v1/agreements/" + northAgreement + "%2Fstudents", "GET /v1/nothing", "PUT /", "GET /v1", "GET /metrics", "GET /debug/pprof/",
		"DELETE /v1/partners", "PATCH /v1/partners/" + north, "PUT /v1/partners", "OPTIONS /v1/partners", "TRACE /v1/partners", "BREW /v1/partners",
		"POST /v1/agreements/" + northAgreement + "/students", "PUT /v1/agreements/" + northAgreement + "/comparisons", "DELETE /v1/agreements/" + northAgreement,
		"get /v1/partners", "GET /v1/audit/entries/-1/proof", "GET /v1/audit/entries/01/proof",
	} {
		method, path, _ := strings.Cut(line, " ")
		if got := spelling(t, h, method, path, h.officer().token()); got != want {
			t.Errorf("%s:\n%s\nnot\n%s", line, got, want)
		}
	}
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"} {
		if got := spelling(t, h, "DELETE", "/v1/partners", h.officer().token(), name+": GET"); got != want {
			t.Errorf("%s is heeded:\n%s", name, got)
		}
	}
	for _, name := range []string{"X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path"} {
		if got := spelling(t, h, "GET", "/v1/nothing", h.officer().token(), name+": /v1/partners"); got != want {
			t.Errorf("%s is heeded:\n%s", name, got)
		}
	}
}

// spelling sends a request line as it stands, which the client of net/http
// would mend, and returns the face of the response. How much of its rate a
// caller has left is no part of it: a path that is no route costs nothing.
func spelling(t *testing.T, h *house, method, path, bearer string, header ...string) string {
	t.Helper()
	conn, err := net.Dial("tcp", h.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	lines := append([]string{method + " " + path + " HTTP/1.1", "Host: x", "Authorization: Bearer " + bearer}, header...)
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	a := h.read(res)
	for _, name := range []string{"Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset"} {
		a.header.Del(name)
	}
	return a.face()
}
