package web_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/broker/token"
	"github.com/hallpass-edu/hallpass/broker/web"
)

// forged are authorizations that nobody's key signed, or not as a token of
// this district: none of them may leave an entry.
func forged(h *house) map[string]string {
	good := h.of(broker.RolePartner).token()
	parts := strings.Split(good, ".")
	public := h.keys.Public().Key
	list := map[string]string{
		"nothing": "", "another scheme": "Basic cGF0OnBhdA==", "no token": "Bearer ", "no scheme": good,
		"garbage": "Bearer garbage", "dots": "Bearer ..", "many dots": "Bearer " + strings.Repeat(".", 4000),
		"two parts": "Bearer " + parts[0] + "." + parts[1], "four parts": "Bearer " + good + ".x",
		"no signature": "Bearer " + parts[0] + "." + parts[1] + ".", "another payload": "Bearer " + parts[0] + "." + payload(h, "officer") + "." + parts[2],
		"a foreign key": "Bearer " + foreign(h, token.Key{ID: keyOf('z').ID, Private: keyOf('z').Private}),
		"a foreign key under the district's name": "Bearer " + foreign(h, token.Key{ID: h.keys.ID, Private: keyOf('z').Private}),
		"a name that is a path":                   "Bearer " + signedHeader(h, `{"alg":"EdDSA","typ":"JWT","kid":"../../dev/null"}`),
		"no key named":                            "Bearer " + signedHeader(h, `{"alg":"EdDSA","typ":"JWT"}`),
		"a key of its own":                        "Bearer " + signedHeader(h, `{"alg":"EdDSA","kid":"KID","jwk":{"kty":"OKP"}}`),
		"a key elsewhere":                         "Bearer " + signedHeader(h, `{"alg":"EdDSA","kid":"KID","jku":"http://127.0.0.1:1/k"}`),
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
		text := encode(`{"alg":"`+alg+`","typ":"JWT","kid":"`+h.keys.ID+`"}`) + "." + parts[1]
		list["alg "+alg] = "Bearer " + text + "."
		list["alg "+alg+" with the signature"] = "Bearer " + text + "." + parts[2]
	}
	for alg, sum := range map[string]func([]byte) []byte{"HS256": macSHA256(public), "HS512": macSHA512(public)} {
		text := encode(`{"alg":"`+alg+`","typ":"JWT","kid":"`+h.keys.ID+`"}`) + "." + parts[1]
		list[alg+" with the public key"] = "Bearer " + text + "." + base64.RawURLEncoding.EncodeToString(sum([]byte(text)))
	}
	return list
}

func macSHA256(key []byte) func([]byte) []byte {
	return func(text []byte) []byte { m := hmac.New(sha256.New, key); m.Write(text); return m.Sum(nil) }
}

func macSHA512(key []byte) func([]byte) []byte {
	return func(text []byte) []byte { m := hmac.New(sha512.New, key); m.Write(text); return m.Sum(nil) }
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// payload is the claims of somebody who never got a token.
func payload(h *house, role string) string {
	now := h.Now().Unix()
	raw, err := json.Marshal(map[string]any{
		"iss": h.Settings().Issuer(), "aud": h.Settings().Issuer(), "sub": "Mallory", "role": role, "jti": "1", "iat": now, "exp": now + 3600,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return encode(string(raw))
}

// foreign is a token under a key that is not the district's.
func foreign(h *house, k token.Key) string {
	c := h.of(broker.RolePartner).claims
	c.IssuedAt, c.Expires = h.Now().Truncate(time.Second), h.Now().Truncate(time.Second).Add(time.Hour)
	raw, err := token.Issue(k, c)
	if err != nil {
		h.t.Fatal(err)
	}
	return raw
}

// signedHeader is a token with another header, validly signed by the
// district's key.
func signedHeader(h *house, header string) string {
	text := encode(strings.ReplaceAll(header, "KID", h.keys.ID)) + "." + strings.Split(h.officer().token(), ".")[1]
	signature, err := h.keys.Private.Sign(nil, []byte(text), noHash{})
	if err != nil {
		h.t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestNoForgedTokenIsAnsweredOrLeavesAnEntry(t *testing.T) {
	t.Parallel()
	h := open(t, lakeland)
	want := h.send("GET", "/v1/agreements/"+northAgreement+"/students", "", "", "").want(http.StatusUnauthorized).face()
	before := h.size()
	for name, authorization := range forged(h) {
		for _, path := range []string{under(northAgreement, "/students"), under(northAgreement, "/comparisons"), "/v1/partners", "/v1/audit/entries"} {
			a := h.send("GET", path, authorization, "", "")
			if a.status != http.StatusUnauthorized || a.face() != want {
				t.Errorf("%s on %s: %s\nnot\n%s", name, path, a.face(), want)
			}
		}
	}
	if h.size() != before {
		t.Errorf("forged tokens left %v", h.events(before))
	}
}

func TestAValidlySignedTokenThatIsExpiredOrMisdirectedLeavesAnEntryAndLooksForged(t *testing.T) {
	t.Parallel()
	h := open(t, lakeland)
	hour := h.Now().Truncate(time.Second)
	want := h.send("GET", "/v1/partners", "", "", "").face()
	for name, c := range map[string]struct {
		change func(*token.Claims)
		events []tlog.Event
	}{
		"expired":                        {func(c *token.Claims) { c.IssuedAt, c.Expires = hour.Add(-2*time.Hour), hour.Add(-time.Minute) }, []tlog.Event{tlog.AuthMisdirected}},
		"for another audience":           {func(c *token.Claims) { c.Audience = "https://elsewhere.example" }, []tlog.Event{tlog.AuthMisdirected}},
		"from another issuer":            {func(c *token.Claims) { c.Issuer = "https://elsewhere.example" }, []tlog.Event{tlog.AuthMisdirected}},
		"for the same host, simulated":   {func(c *token.Claims) { c.Audience += "/simulated" }, []tlog.Event{tlog.AuthMisdirected}},
		"issued in an hour":              {func(c *token.Claims) { c.IssuedAt, c.Expires = hour.Add(time.Hour), hour.Add(2*time.Hour) }, nil},
		"not valid before the next hour": {func(c *token.Claims) { c.NotBefore = hour.Add(time.Hour) }, nil},
	} {
		for _, p := range []person{h.of(broker.RolePartner, c.change), h.of(broker.RoleOfficer, c.change)} {
			before := h.size()
			a := p.get("/v1/agreements/" + northAgreement + "/students")
			if a.status != http.StatusUnauthorized || a.withoutRate() != want {
				t.Errorf("%s: %s\nnot\n%s", name, a.withoutRate(), want)
			}
			if events := h.events(before); !slices.Equal(events, append([]tlog.Event{}, c.events...)) {
				t.Errorf("%s left %v", name, events)
			}
		}
	}
}

// withoutRate is a face without the headers of the rate, which a token that
// the district did sign has.
func (a answer) withoutRate() string {
	for _, name := range []string{"Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset"} {
		a.header.Del(name)
	}
	return a.face()
}

func TestATokenIsTakenFromOneAuthorizationHeaderAndNowhereElse(t *testing.T) {
	t.Parallel()
	h := open(t, lakeland)
	good := h.officer().token()
	for name, a := range map[string]answer{
		"two headers":             h.send("GET", "/v1/partners", "Bearer "+good, "", "", "Authorization", "Bearer "+good),
		"a good and a bad header": h.send("GET", "/v1/partners", "Bearer "+good, "", "", "Authorization", "Bearer x"),
		"a cookie":                h.send("GET", "/v1/partners", "", "", "", "Cookie", "Authorization=Bearer "+good+"; token="+good+"; session="+good),
		"another header":          h.send("GET", "/v1/partners", "", "", "", "X-Authorization", "Bearer "+good, "Proxy-Authorization", "Bearer "+good),
		"the query":               h.send("GET", "/v1/partners?access_token="+good, "", "", ""),
	} {
		if a.status != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	h.send("GET", "/v1/partners", "bearer "+good, "", "").want(http.StatusOK)
}

// A header of ten megabytes is not read to its end: 16 KB are taken, and the
// connection is closed.
func TestAHeaderOfTenMegabytesIsRefusedUnread(t *testing.T) {
	t.Parallel()
	var read countingListener
	h := open(t, lakeland, func(f *furnishing) { f.listen = read.over })
	before := h.size()
	conn, err := net.Dial("tcp", h.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(conn, "GET /v1/partners HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+strings.Repeat(".", 10<<20)+"\r\n\r\n")
		sent <- err
	}()
	res, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
	<-sent
	if len(res) > 0 && !strings.HasPrefix(string(res), "HTTP/1.1 431 ") {
		t.Errorf("%.80q", res)
	}
	if took := read.bytes(); took > 512<<10 {
		t.Errorf("%d bytes of the header were read", took)
	}
	if h.size() != before {
		t.Error("it left an entry")
	}
}

func TestARevokedTokenIsWorthNothingOnAnyRoute(t *testing.T) {
	t.Parallel()
	all := rows()
	for _, r := range web.Routes() {
		if !slices.Contains(r.Roles, broker.RolePartner) || strings.HasSuffix(r.Path, "/checkpoint") {
			continue
		}
		t.Run(r.Method+" "+r.Path, func(t *testing.T) {
			t.Parallel()
			h := open(t, lakeland)
			old := h.of(broker.RolePartner)
			at := all[r.Method+" "+r.Path].make(cell{h, old, broker.RolePartner, own})
			if at.path == "" {
				at.path = r.Path
			}
			if a := old.send(r.Method, at.path, at.media, at.body); a.status/100 != 2 {
				t.Fatalf("before the revocation: %d %s", a.status, a.body)
			}
			at = all[r.Method+" "+r.Path].make(cell{h, old, broker.RolePartner, own})
			if at.path == "" {
				at.path = r.Path
			}
			h.officer().post("/v1/partners/"+north+"/revoke", "").want(http.StatusOK)
			if a := old.send(r.Method, at.path, at.media, at.body); a.status != http.StatusUnauthorized {
				t.Errorf("after the revocation: %d %.200s", a.status, a.body)
			}
			if a := h.renewed(north).send(r.Method, at.path, at.media, at.body); a.status/100 != 2 {
				t.Errorf("with a new token: %d %s", a.status, a.body)
			}
		})
	}
}

func TestARevokedTokenLooksLikeAnyOtherThatIsNotValid(t *testing.T) {
	t.Parallel()
	h := open(t, lakeland)
	old := h.of(broker.RolePartner)
	h.officer().post("/v1/partners/"+north+"/revoke", "").want(http.StatusOK)
	want := h.send("GET", under(northAgreement, "/students"), "", "", "").want(http.StatusUnauthorized)
	for _, path := range []string{"/students", "/comparisons"} {
		if got := old.get(under(northAgreement, path)).want(http.StatusUnauthorized); got.withoutRate() != want.withoutRate() {
			t.Errorf("%s:\n%s\nnot\n%s", path, got.withoutRate(), want.withoutRate())
		}
	}
}
