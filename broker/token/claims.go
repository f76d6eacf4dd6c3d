package token

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
)

// Role is what a person is to the district. The list is closed.
type Role string

// The roles.
const (
	Partner     Role = "partner"
	Guardian    Role = "guardian"
	Officer     Role = "officer"
	Auditor     Role = "auditor"
	Steward     Role = "steward"
	Coordinator Role = "coordinator"
)

// Roles returns the closed list.
func Roles() []Role { return []Role{Partner, Guardian, Officer, Auditor, Steward, Coordinator} }

// Claims are what a token says. Issuer and audience are both the origin of the
// district's service. Times are whole seconds, UTC.
type Claims struct {
	Issuer    string
	Audience  string
	Subject   string // the person's name or id
	Role      Role
	Partner   string   // id of the partner; set if and only if Role is Partner
	Sites     []string // of a partner's person; none means all
	Programs  []string // of a partner's person; none means all
	Schools   []string // that a coordinator holds
	ID        string   // jti, for revocation; [Issue] makes one if it is empty
	Epoch     uint64   // the caller's epoch at issue; the store refuses older ones
	IssuedAt  time.Time
	NotBefore time.Time // zero means from IssuedAt
	Expires   time.Time
}

// wire is the JSON form. golang-jwt decodes with encoding/json, which ignores
// the case of names and keeps the last of two equal ones; UnmarshalJSON does
// neither.
type wire struct {
	Issuer    string   `json:"iss"`
	Audience  string   `json:"aud"` // one string; a list is refused
	Subject   string   `json:"sub"`
	Role      Role     `json:"role"`
	Partner   string   `json:"partner,omitzero"`
	Sites     []string `json:"sites,omitzero"`
	Programs  []string `json:"programs,omitzero"`
	Schools   []string `json:"schools,omitzero"`
	ID        string   `json:"jti"`
	Epoch     uint64   `json:"epoch,omitzero"`
	IssuedAt  int64    `json:"iat"`
	NotBefore int64    `json:"nbf,omitzero"`
	Expires   int64    `json:"exp"`
}

type plainWire wire // has no methods, so that UnmarshalJSON does not call itself

// UnmarshalJSON refuses duplicate members, wrong types and fractional or huge
// times; it ignores members it does not know, in whatever case they stand.
func (w *wire) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, (*plainWire)(w)) }

// MarshalJSON is the counterpart, so that both use one set of rules.
func (w *wire) MarshalJSON() ([]byte, error) { return json.Marshal((*plainWire)(w)) }

func date(seconds int64) (*jwt.NumericDate, error) {
	if seconds == 0 {
		return nil, nil // absent
	}
	if seconds < 0 || seconds > maxSeconds {
		return nil, ErrClaims
	}
	return &jwt.NumericDate{Time: time.Unix(seconds, 0).UTC()}, nil
}

// maxSeconds is the last second of the year 9999.
const maxSeconds = 253402300799

// GetExpirationTime, and the methods after it, make wire a jwt.Claims.
func (w *wire) GetExpirationTime() (*jwt.NumericDate, error) { return date(w.Expires) }
func (w *wire) GetIssuedAt() (*jwt.NumericDate, error)       { return date(w.IssuedAt) }
func (w *wire) GetNotBefore() (*jwt.NumericDate, error)      { return date(w.NotBefore) }
func (w *wire) GetIssuer() (string, error)                   { return w.Issuer, nil }
func (w *wire) GetSubject() (string, error)                  { return w.Subject, nil }
func (w *wire) GetAudience() (jwt.ClaimStrings, error)       { return jwt.ClaimStrings{w.Audience}, nil }

func (w *wire) claims() Claims {
	c := Claims{
		Issuer: w.Issuer, Audience: w.Audience, Subject: w.Subject, Role: w.Role, Partner: w.Partner,
		Sites: w.Sites, Programs: w.Programs, Schools: w.Schools, ID: w.ID, Epoch: w.Epoch,
		IssuedAt: time.Unix(w.IssuedAt, 0).UTC(), Expires: time.Unix(w.Expires, 0).UTC(),
	}
	if w.NotBefore != 0 {
		c.NotBefore = time.Unix(w.NotBefore, 0).UTC()
	}
	return c
}

func wireOf(c Claims) *wire {
	w := &wire{
		Issuer: c.Issuer, Audience: c.Audience, Subject: c.Subject, Role: c.Role, Partner: c.Partner,
		Sites: c.Sites, Programs: c.Programs, Schools: c.Schools, ID: c.ID, Epoch: c.Epoch,
		IssuedAt: c.IssuedAt.Unix(), Expires: c.Expires.Unix(),
	}
	if !c.NotBefore.IsZero() {
		w.NotBefore = c.NotBefore.Unix()
	}
	return w
}

const (
	maxText = 200 // bytes of a name or id
	maxList = 100 // sites, programs or schools
)

// check holds the claims to the closed forms; the message names the claim and
// never its value.
func (c Claims) check(maxLifetime time.Duration) error {
	bad := func(claim string) error { return fmt.Errorf("%w: %s", ErrClaims, claim) }
	switch {
	case !Plain(c.Issuer) || !Plain(c.Audience):
		return bad("iss or aud")
	case !Plain(c.Subject):
		return bad("sub")
	case !Plain(c.ID):
		return bad("jti")
	case !slices.Contains(Roles(), c.Role):
		return bad("role")
	case (c.Role == Partner) != Plain(c.Partner) || c.Role != Partner && c.Partner != "":
		return bad("partner")
	case c.Role != Partner && len(c.Sites)+len(c.Programs) > 0:
		return bad("sites or programs")
	case c.Role != Coordinator && len(c.Schools) > 0:
		return bad("schools")
	case !plainList(c.Sites) || !plainList(c.Programs) || !plainList(c.Schools):
		return bad("sites, programs or schools")
	case c.IssuedAt.Unix() <= 0 || c.Expires.Unix() > maxSeconds || !c.Expires.After(c.IssuedAt):
		return bad("iat or exp")
	case c.Expires.Sub(c.IssuedAt) > maxLifetime:
		return bad("exp is too long after iat")
	}
	return nil
}

func plainList(list []string) bool {
	return len(list) <= maxList && !slices.ContainsFunc(list, func(s string) bool { return !Plain(s) })
}

// Plain reports whether a text may stand in a token, a log line and a page: 1 to 200
// bytes of printable UTF-8 without space at either end.
func Plain(s string) bool {
	return s != "" && len(s) <= maxText && utf8.ValidString(s) && s == strings.TrimSpace(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

func (c Claims) clone() Claims {
	c.Sites, c.Programs, c.Schools = slices.Clone(c.Sites), slices.Clone(c.Programs), slices.Clone(c.Schools)
	return c
}
