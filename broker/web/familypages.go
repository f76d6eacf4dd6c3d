package web

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/pages"
)

// The families' cookies. Both are sent to this very host only, over a secure connection
// only, and to no script; the session's with no request that another site began.
const (
	sessionCookie  = "__Host-family"
	languageCookie = "__Host-language"
)

// maxForm bounds a form of the pages, in bytes.
const maxForm = 4 << 10

// reading is one request of a family, in the middle of being answered.
type reading struct {
	ctx      context.Context
	service  families
	ids      map[string]string // of the path
	query    url.Values
	form     url.Values
	path     string // where the page can be read again
	language string
	chosen   bool // the reader chose the language
	signedIn bool
	visitor  broker.Visitor
	lax      bool // see Sabotage
}

// reply is a page, a file, or the way to the next page.
type reply struct {
	page     pages.Page
	html     []byte // the page, written
	status   int    // zero: 200
	location string
	file     []byte
	name     string           // of the file
	session  *broker.SignedIn // a new one; without a secret: none any more
}

func show(p pages.Page) (reply, error) { return reply{page: p}, nil }

func to(path string) (reply, error) { return reply{location: path}, nil }

// speaks takes a language of the district's file, where the reader chose none.
func (r *reading) speaks(tag string) {
	if !r.chosen && tag != "" {
		r.language = pages.Match(tag, "")
	}
}

// familyPages puts the families' pages and their style on the router.
func (h *handler[A]) familyPages(e *gin.Engine) {
	crossOrigin := http.NewCrossOriginProtection()
	for _, p := range familyPaths() {
		path := ginPath(p.path)
		h.templates[path] = p.path
		e.Handle(p.method, path, func(c *gin.Context) { h.family(c, p, crossOrigin) })
	}
	for name, content := range pages.Static() {
		path := "/static/" + name
		h.templates[path] = path
		e.GET(path, func(c *gin.Context) {
			exchangeOf(c).kind = outcomeOK
			c.Header("Cache-Control", "public, max-age=31536000, immutable")
			c.Data(http.StatusOK, "text/css; charset=utf-8", content)
		})
	}
}

// family answers one request. Whatever goes wrong is a page too, and of what depends
// on a student it says nothing.
func (h *handler[A]) family(c *gin.Context, p familyPath, crossOrigin *http.CrossOriginProtection) {
	start := h.now()
	c.Header("Content-Security-Policy", pages.SecurityPolicy)
	c.Header("Referrer-Policy", "no-referrer")
	r := &reading{ctx: c.Request.Context(), service: h.service, path: c.Request.URL.Path, ids: map[string]string{}}
	r.chooseLanguage(c)
	out, err := h.readFamily(c, p, r, crossOrigin)
	switch {
	case err != nil:
		out = h.note(c, r, err)
	case out.status == http.StatusNotFound:
		exchangeOf(c).kind = string(broker.NotAvailable)
	default:
		exchangeOf(c).kind = outcomeOK
	}
	if out.page != nil && out.location == "" && out.file == nil {
		if out.html, err = h.render(r, out.page); err != nil {
			exchangeOf(c).kind, exchangeOf(c).cause = string(broker.Internal), err
			out = reply{status: http.StatusInternalServerError}
		}
	}
	h.padding.hold(r.ctx, start)
	h.replyTo(c, out)
}

// render writes the page, filled up.
func (h *handler[A]) render(r *reading, page pages.Page) ([]byte, error) {
	html, err := pages.Render(pages.Frame{
		District: h.district.Name, Phone: h.district.Phone, Lang: r.language, Path: r.path, SignedIn: r.signedIn, Simulated: h.simulated,
	}, page)
	return h.padding.fill(html), err
}

func (h *handler[A]) readFamily(c *gin.Context, p familyPath, r *reading, crossOrigin *http.CrossOriginProtection) (reply, error) {
	if err := crossOrigin.Check(c.Request); err != nil && !h.sabotage.AnySite {
		return reply{}, notAvailable()
	}
	if !h.limiter.take(familyKey(c)).ok {
		return reply{}, &broker.Error{Kind: broker.Exhausted, Detail: "too many requests"}
	}
	r.lax = h.sabotage.LaxForms
	if err := r.parse(c, p); err != nil {
		return reply{}, err
	}
	if err := r.greet(c, p); err != nil {
		return reply{}, err
	}
	return p.answer(r)
}

// familyKey is whose rate a request is counted under: its link's or its session's; who
// has neither shares one with everybody who has neither.
func familyKey(c *gin.Context) string {
	if secret := c.Param("secret"); secret != "" {
		return "link\x00" + secret[:min(len(secret), maxDistrictID)]
	}
	if session, err := c.Cookie(sessionCookie); err == nil {
		return "session\x00" + session[:min(len(session), maxDistrictID)]
	}
	return "anybody\x00" + network(c.Request.RemoteAddr)
}

// network is where a request comes from: one address, or the 64 bits of IPv6 that one
// household or office has. Whoever asks again and again from one place takes nothing from
// the rate of others; behind a proxy all share the proxy's.
func network(address string) string {
	from, err := netip.ParseAddrPort(address)
	if err != nil {
		return ""
	}
	ip := from.Addr().Unmap().WithZone("")
	if prefix, err := ip.Prefix(64); ip.Is6() && err == nil {
		return prefix.String()
	}
	return ip.String()
}

// parse reads path, query and form strictly: known names, once each, and short.
func (r *reading) parse(c *gin.Context, p familyPath) (err error) {
	for _, param := range c.Params {
		if !ownID.MatchString(param.Value) {
			return notAvailable()
		}
		r.ids[param.Key] = param.Value
	}
	if r.query, err = strictQuery(c.Request.URL.RawQuery, append([]string{"lang"}, p.query...)); err != nil {
		return err
	}
	if p.method != post {
		return nil
	}
	c.Request.Body = http.MaxBytesReader(own(c), c.Request.Body, maxForm)
	if err := c.Request.ParseForm(); err != nil {
		return unreadable("form", "cannot be read", "go back and try again")
	}
	r.form = c.Request.PostForm
	for name, values := range r.form {
		if (!slices.Contains(p.fields, name) || len(values) > 1) && !r.lax {
			return unacceptable("form", "holds what the page did not ask for", "go back and try again")
		}
	}
	return nil
}

// greet finds who is signed in.
func (r *reading) greet(c *gin.Context, p familyPath) error {
	session, err := c.Cookie(sessionCookie)
	if err != nil || session == "" {
		if p.signedIn {
			return unauthenticated()
		}
		return nil
	}
	v, err := r.service.Visitor(r.ctx, session)
	switch {
	case err == nil:
		r.visitor, r.signedIn = v, true
		exchangeOf(c).caller = v.Caller
		r.speaks(v.Language)
	case p.signedIn || broker.KindOf(err) != broker.Unauthenticated:
		return err
	}
	return nil
}

// chooseLanguage is what the reader chose, now or before, or else what the browser
// asks for.
func (r *reading) chooseLanguage(c *gin.Context) {
	wish := c.Query("lang")
	if wish != "" {
		r.language, r.chosen = pages.Match(wish, c.GetHeader("Accept-Language")), true
		http.SetCookie(c.Writer, &http.Cookie{
			Name: languageCookie, Value: r.language, Path: "/", MaxAge: 365 * 24 * 3600, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
		return
	}
	kept, err := c.Cookie(languageCookie)
	r.chosen = err == nil && kept != ""
	r.language = pages.Match(kept, c.GetHeader("Accept-Language"))
}

// noteOf says which note a failed request gets, and its status.
func noteOf(kind broker.Kind) (pages.NoteKind, int) {
	switch kind {
	case broker.NotAvailable:
		return pages.NoteNotFound, http.StatusNotFound
	case broker.Unauthenticated:
		return pages.NoteExpiredSession, http.StatusUnauthorized
	case broker.Exhausted:
		return pages.NoteTooMany, http.StatusTooManyRequests
	case broker.Invalid:
		return pages.NoteTryAgain, http.StatusUnprocessableEntity
	case broker.Conflict:
		return pages.NoteTryAgain, http.StatusConflict
	case broker.Denied:
		return pages.NoteNotAvailable, http.StatusForbidden
	case broker.Unavailable:
		return pages.NoteUnavailable, http.StatusServiceUnavailable
	}
	return pages.NoteUnavailable, http.StatusInternalServerError
}

func (h *handler[A]) note(c *gin.Context, r *reading, err error) reply {
	x := exchangeOf(c)
	kind := broker.KindOf(err)
	x.kind = string(kind)
	note, status := noteOf(kind)
	if status == http.StatusInternalServerError {
		x.cause = err
	}
	if c.Request.Method != get {
		r.path = "/"
	}
	out := reply{page: pages.Note{Kind: note}, status: status}
	if kind == broker.Unauthenticated {
		r.signedIn = false
		out.session = &broker.SignedIn{}
	}
	return out
}

// replyTo writes the page in one piece, or none of it.
func (h *handler[A]) replyTo(c *gin.Context, out reply) {
	if out.session != nil {
		keepSession(c, sessionCookie, *out.session)
	}
	switch {
	case out.location != "":
		c.Redirect(http.StatusSeeOther, out.location)
	case out.file != nil:
		c.Header("Content-Disposition", `attachment; filename="`+out.name+`"`)
		c.Data(http.StatusOK, mediaJSON, out.file)
	case out.html != nil:
		c.Data(max(out.status, http.StatusOK), mediaHTML, out.html)
	default:
		c.Status(http.StatusInternalServerError)
	}
}

// keepSession hands a session to the browser, or takes it away.
func keepSession(c *gin.Context, name string, in broker.SignedIn) {
	cookie := &http.Cookie{Name: name, Value: in.Secret, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: int(in.Lasts.Seconds())}
	if in.Secret == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(c.Writer, cookie)
}
