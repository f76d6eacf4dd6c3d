package web

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/pages"
)

// staffCookie holds a session of one of the district's own people: sent to this very
// host only, over a secure connection only, to no script, and with no request that
// another site began.
const staffCookie = "__Host-staff"

// desk is one request of one of the district's own people, in the middle of being
// answered.
type desk[A Answer] struct {
	ctx     context.Context
	service Service[A]
	of      District
	ids     map[string]string // of the path
	query   url.Values
	form    url.Values
	files   *multipart.Reader
	path    string // of the page, as its menu names it
	session string // its secret; empty: nobody is signed in
	caller  broker.Caller
}

// deskReply is a page, or the way to one.
type deskReply struct {
	page     pages.OfficePage
	packet   *packet // forms to be printed, instead of a page
	status   int     // zero: 200
	location string
	session  *broker.SignedIn // a new one; without a secret: none any more
}

// officePages puts the pages of the district's own people on the router.
func (h *handler[A]) officePages(e *gin.Engine) {
	crossOrigin := http.NewCrossOriginProtection()
	for _, p := range officePaths[A]() {
		path := ginPath(p.path)
		h.templates[path] = p.path
		e.Handle(p.method, path, func(c *gin.Context) { h.office(c, p, crossOrigin) })
	}
}

// office answers one request. Whatever goes wrong is a page too: what is not there and
// what the role may not do are the same page.
func (h *handler[A]) office(c *gin.Context, p officePath[A], crossOrigin *http.CrossOriginProtection) {
	c.Header("Content-Security-Policy", pages.SecurityPolicy)
	c.Header("Referrer-Policy", "no-referrer")
	d := &desk[A]{ctx: c.Request.Context(), service: h.service, of: h.district, path: p.path, ids: map[string]string{}}
	out, err := h.readOffice(c, p, d, crossOrigin)
	if err != nil {
		out = d.note(exchangeOf(c), err)
	}
	h.replyFromDesk(c, d, out)
}

func (h *handler[A]) readOffice(c *gin.Context, p officePath[A], d *desk[A], crossOrigin *http.CrossOriginProtection) (deskReply, error) {
	if err := crossOrigin.Check(c.Request); err != nil {
		return deskReply{}, notAvailable()
	}
	if !h.limiter.take(officeKey(c)).ok {
		return deskReply{}, &broker.Error{Kind: broker.Exhausted, Detail: "too many requests"}
	}
	if err := d.greet(c, p.signedIn); err != nil {
		return deskReply{}, err
	}
	if err := d.parse(c, p); err != nil {
		return deskReply{}, err
	}
	return p.answer(d)
}

// officeKey is whose rate a request is counted under.
func officeKey(c *gin.Context) string {
	if secret := c.Param("secret"); secret != "" {
		return "staff link\x00" + secret[:min(len(secret), maxDistrictID)]
	}
	if session, err := c.Cookie(staffCookie); err == nil {
		return "staff session\x00" + session[:min(len(session), maxDistrictID)]
	}
	return "staff\x00" + network(c.Request.RemoteAddr)
}

// greet finds who is signed in.
func (d *desk[A]) greet(c *gin.Context, required bool) error {
	session, err := c.Cookie(staffCookie)
	if err != nil || session == "" {
		if required {
			return unauthenticated()
		}
		return nil
	}
	caller, err := d.service.Staff(d.ctx, session)
	switch {
	case err == nil:
		d.session, d.caller = session, caller
		exchangeOf(c).caller = caller
	case required || broker.KindOf(err) != broker.Unauthenticated:
		return err
	}
	return nil
}

// parse reads path, query and form strictly: known names, once each unless the form has
// a list there, and short.
func (d *desk[A]) parse(c *gin.Context, p officePath[A]) (err error) {
	for _, param := range c.Params {
		if !ownID.MatchString(param.Value) {
			return notAvailable()
		}
		d.ids[param.Key] = param.Value
	}
	if d.query, err = strictQuery(c.Request.URL.RawQuery, p.query); err != nil || p.method != post {
		return err
	}
	c.Request.Body = http.MaxBytesReader(own(c), c.Request.Body, cmp.Or(p.most, maxForm))
	if p.uploads != "" {
		wait(c, scanTime)
		if d.files, err = c.Request.MultipartReader(); err != nil {
			return unreadable("form", "holds no files", "choose the scans and try again")
		}
		return nil
	}
	if err := c.Request.ParseForm(); err != nil {
		return unreadable("form", "cannot be read", "go back and try again")
	}
	d.form = c.Request.PostForm
	for name, values := range d.form {
		if !slices.Contains(p.fields, name) && !slices.Contains(p.lists, name) || len(values) > 1 && !slices.Contains(p.lists, name) {
			return unacceptable("form", "holds what the page did not ask for", "go back and try again")
		}
	}
	return nil
}

// field is what was typed, without space at its ends.
func (d *desk[A]) field(name string) string { return strings.TrimSpace(d.form.Get(name)) }

// note is the page of an error. Its details are those of the API: they name fields and
// remedies, and never hold a value.
func (d *desk[A]) note(x *exchange, err error) deskReply {
	public, _ := publicError(err)
	x.kind = string(public.Kind)
	kind, status := noteOf(public.Kind)
	if status == http.StatusInternalServerError {
		x.cause = err
	}
	note := pages.OfficeNote{Kind: kind, Details: detailsOf(public)}
	out := deskReply{page: note, status: status}
	if public.Kind == broker.Unauthenticated {
		d.session, d.caller = "", broker.Caller{}
		out.session = &broker.SignedIn{}
	}
	return out
}

// detailsOf are the sentences about what can be mended.
func detailsOf(e *broker.Error) (list []string) {
	switch e.Kind {
	case broker.Invalid:
		for _, f := range e.Fields {
			list = append(list, fmt.Sprintf("%s %s: %s.", strings.NewReplacer("_", " ", ".", " ").Replace(f.Name), f.Problem, f.Remedy))
		}
	case broker.Conflict, broker.Denied:
		list = []string{e.Detail + "."}
	}
	return list
}

// replyFromDesk writes the page in one piece, or none of it.
func (h *handler[A]) replyFromDesk(c *gin.Context, d *desk[A], out deskReply) {
	x := exchangeOf(c)
	if x.kind == string(broker.Internal) && out.status < http.StatusBadRequest {
		x.kind = outcomeOK
	}
	if out.session != nil {
		keepSession(c, staffCookie, *out.session)
	}
	if out.location != "" {
		c.Redirect(http.StatusSeeOther, out.location)
		return
	}
	html, err := h.renderForDesk(d, out)
	if err != nil {
		x.kind, x.cause = string(broker.Internal), err
		c.Status(http.StatusInternalServerError)
		return
	}
	c.Data(max(out.status, http.StatusOK), mediaHTML, html)
}

// renderForDesk writes a page of the office, or the forms of families in their language.
func (h *handler[A]) renderForDesk(d *desk[A], out deskReply) ([]byte, error) {
	if out.packet == nil {
		return pages.RenderOffice(h.officeFrame(d), out.page)
	}
	return pages.Render(pages.Frame{
		District: h.district.Name, Phone: h.district.Phone, Lang: out.packet.language, Path: "/", Simulated: h.simulated,
	}, out.packet.forms)
}

func (h *handler[A]) officeFrame(d *desk[A]) pages.OfficeFrame {
	return pages.OfficeFrame{
		District: h.district.Name, Phone: h.district.Phone, Person: d.caller.Subject, Role: string(d.caller.Role),
		Path: d.path, Now: d.service.Now().In(h.district.zone()), Simulated: h.simulated,
	}
}

// opened reads the data of an answer: a page shows what the API would have sent.
func opened[T any, A Answer](a A, err error) (v T, _ error) {
	if err != nil {
		return v, err
	}
	defer a.Drop()
	var body bytes.Buffer
	keep := func(parts ...[]byte) error {
		for _, part := range parts {
			body.Write(part)
		}
		return nil
	}
	if err := a.Deliver(keep, func() {}); err != nil {
		if errors.Is(err, broker.ErrCut) {
			return v, &broker.Error{Kind: broker.Unavailable, Detail: "permissions changed while the answer was on its way; ask again"}
		}
		return v, err
	}
	var answer struct {
		Data T `json:"data"`
	}
	if err := json.Unmarshal(body.Bytes(), &answer); err != nil {
		return v, fmt.Errorf("reading the answer that a page is made of: %w", err)
	}
	return answer.Data, nil
}

// done carries out an operation of whose answer nothing is shown.
func done[A Answer](a A, err error) error {
	if err != nil {
		return err
	}
	_, err = opened[any](a, nil)
	return err
}
