package web

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/token"
)

// maxToken bounds what the verifier must look at; a district's own tokens
// are well under 2 KB.
const maxToken = 8 << 10

// authenticate admits a request whose bearer token verifies and whose caller
// is within its rate. It tells nobody why a token is not valid.
func (h *handler[A]) authenticate(c *gin.Context) {
	claims, err := h.verify(c)
	if signed, ok := errors.AsType[*token.Refusal](err); ok {
		h.misdirected(c, signed)
		return
	}
	if err != nil {
		fail(c, unauthenticated())
		return
	}
	caller := broker.CallerOf(claims)
	exchangeOf(c).caller = caller
	if h.limited(c, rateKey(caller)) {
		return
	}
	c.Next()
}

func (h *handler[A]) verify(c *gin.Context) (token.Claims, error) {
	raw, ok := bearer(c.Request.Header.Values("Authorization"))
	if !ok {
		return token.Claims{}, unauthenticated()
	}
	return h.verifier.Verify(raw)
}

// misdirected leaves an entry about a token that the district did sign. Its
// rate is counted apart, so that an old token cannot use up the rate of those
// who hold a good one.
func (h *handler[A]) misdirected(c *gin.Context, r *token.Refusal) {
	named := broker.Caller{Subject: r.Subject, Role: r.Role, Partner: r.Partner}
	if h.limited(c, "misdirected\x00"+rateKey(named)) {
		return
	}
	if err := h.service.RecordMisdirected(c.Request.Context(), named, string(r.Kind)); err != nil {
		fail(c, err)
		return
	}
	fail(c, unauthenticated())
}

// limited answers 429 when the key's rate is used up.
func (h *handler[A]) limited(c *gin.Context, key string) bool {
	left := h.limiter.take(key)
	c.Header("RateLimit-Limit", strconv.Itoa(h.limiter.rate.Burst))
	c.Header("RateLimit-Remaining", strconv.Itoa(left.remaining))
	c.Header("RateLimit-Reset", seconds(left.reset))
	if left.ok {
		return false
	}
	fail(c, &broker.Error{Kind: broker.Exhausted, Detail: "too many requests; wait and ask again", RetryAfter: max(left.wait, time.Second)})
	return true
}

// bearer takes the token out of exactly one Authorization header.
func bearer(headers []string) (string, bool) {
	if len(headers) != 1 || len(headers[0]) > maxToken {
		return "", false
	}
	scheme, raw, ok := strings.Cut(headers[0], " ")
	return raw, ok && strings.EqualFold(scheme, "Bearer") && raw != ""
}

// rateKey is the organization, or the person where there is none. The parts
// are kept apart by a byte that a claim cannot hold.
func rateKey(c broker.Caller) string {
	if c.Partner != "" {
		return "partner\x00" + c.Partner
	}
	return string(c.Role) + "\x00" + c.Subject
}
