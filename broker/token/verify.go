package token

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Leeway is how far clocks may differ.
const Leeway = 30 * time.Second

// DefaultCacheSize is the number of verified tokens remembered.
const DefaultCacheSize = 4096

// Config is what a verifier needs. Nothing has a default but MaxLifetime and
// CacheSize.
type Config struct {
	Issuer      string               // the district's origin
	Audience    string               // the district's origin
	Keys        map[string]PublicKey // by kid
	Now         func() time.Time
	MaxLifetime time.Duration // of a token, exp − iat; zero means DefaultLifetime
	CacheSize   int           // zero means DefaultCacheSize, negative no cache

	sabotage struct{ keepRevoked bool }
}

// ErrConfig is matched by the errors of [NewVerifier] and [Verifier.Rotate].
var ErrConfig = errors.New("token verifier not configured")

// Verifier verifies tokens. It is safe for concurrent use and its memory is
// bounded.
type Verifier struct {
	config Config
	parser *jwt.Parser
	cache  *cache
}

// NewVerifier refuses an empty issuer, audience, key set or clock: golang-jwt
// takes an empty expectation as none at all.
func NewVerifier(c Config) (*Verifier, error) {
	switch {
	case c.Issuer == "":
		return nil, fmt.Errorf("%w: no issuer", ErrConfig)
	case c.Audience == "":
		return nil, fmt.Errorf("%w: no audience", ErrConfig)
	case c.Now == nil:
		return nil, fmt.Errorf("%w: no clock", ErrConfig)
	case c.MaxLifetime < 0:
		return nil, fmt.Errorf("%w: a negative lifetime", ErrConfig)
	}
	if err := checkKeys(c.Keys); err != nil {
		return nil, err
	}
	if c.MaxLifetime == 0 {
		c.MaxLifetime = DefaultLifetime
	}
	if c.CacheSize == 0 {
		c.CacheSize = DefaultCacheSize
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{EdDSA}), jwt.WithIssuer(c.Issuer), jwt.WithAudience(c.Audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(Leeway),
		jwt.WithStrictDecoding(), jwt.WithTimeFunc(c.Now),
	)
	return &Verifier{config: c, parser: parser, cache: newCache(c.CacheSize, maps.Clone(c.Keys))}, nil
}

func checkKeys(keys map[string]PublicKey) error {
	if len(keys) == 0 {
		return fmt.Errorf("%w: no keys", ErrConfig)
	}
	for kid, k := range keys {
		if !kidForm.MatchString(kid) || k.Alg != EdDSA || len(k.Key) != ed25519.PublicKeySize {
			return fmt.Errorf("%w: a key's id, algorithm or length is wrong; keys are Ed25519 for %s", ErrConfig, EdDSA)
		}
	}
	return nil
}

// Revoke forgets every remembered token if generation is higher than any given
// before, and does nothing otherwise. The store raises its generation with each
// revocation of a token, a person or a partner: from then on each token is
// verified anew, and a verification that is under way is not remembered.
func (v *Verifier) Revoke(generation uint64) {
	if v.config.sabotage.keepRevoked {
		return
	}
	v.cache.revoke(generation)
}

// Rotate replaces the keys and forgets every remembered token.
func (v *Verifier) Rotate(keys map[string]PublicKey) error {
	if err := checkKeys(keys); err != nil {
		return err
	}
	v.cache.rotate(maps.Clone(keys), v.config.sabotage.keepRevoked)
	return nil
}

// Verify returns the claims of a valid token. Otherwise the claims are empty
// and the error is a [Kind], or a *[Refusal] for a validly signed token that is
// expired or misdirected; both match [ErrUnauthenticated].
func (v *Verifier) Verify(raw string) (Claims, error) {
	if len(raw) > MaxSize {
		return Claims{}, ErrTooLarge
	}
	sum := sha256.Sum256([]byte(raw))
	hit, ok, keys, life := v.cache.get(sum)
	if ok {
		if now := v.config.Now(); !now.Before(hit.from) && now.Before(hit.until) {
			return hit.claims.clone(), nil
		}
		v.cache.drop(sum)
	}
	claims, err := v.parse(raw, keys)
	if err != nil {
		return Claims{}, err
	}
	if v.config.CacheSize > 0 {
		from := claims.IssuedAt
		if claims.NotBefore.After(from) {
			from = claims.NotBefore
		}
		v.cache.put(sum, cached{claims: claims.clone(), from: from.Add(-Leeway), until: claims.Expires.Add(Leeway)}, life)
	}
	return claims, nil
}

func (v *Verifier) parse(raw string, keys map[string]PublicKey) (Claims, error) {
	h, err := readHeader(raw)
	if err != nil {
		return Claims{}, err
	}
	key, err := h.pinned(keys)
	if err != nil {
		return Claims{}, err
	}
	var w wire
	_, err = v.parser.ParseWithClaims(raw, &w, func(*jwt.Token) (any, error) { return key.Key, nil })
	if err == nil {
		return v.accept(w.claims())
	}
	return Claims{}, v.refuse(err, &w)
}

func (v *Verifier) accept(c Claims) (Claims, error) {
	if c.check(v.config.MaxLifetime) != nil {
		return Claims{}, ErrClaims
	}
	return c, nil
}

// refuse sorts the errors of golang-jwt, which checks claims only under a valid
// signature.
func (v *Verifier) refuse(err error, w *wire) error {
	is := func(targets ...error) bool {
		return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
	}
	switch {
	case is(jwt.ErrTokenMalformed):
		return ErrMalformed
	case is(jwt.ErrTokenSignatureInvalid, jwt.ErrTokenUnverifiable):
		return ErrSignature
	case is(ErrClaims, jwt.ErrTokenRequiredClaimMissing) || w.claims().check(v.config.MaxLifetime) != nil:
		return ErrClaims
	case is(jwt.ErrTokenInvalidAudience, jwt.ErrTokenInvalidIssuer):
		return w.refusal(ErrMisdirected)
	case is(jwt.ErrTokenNotValidYet, jwt.ErrTokenUsedBeforeIssued):
		return ErrNotYet
	case is(jwt.ErrTokenExpired):
		return w.refusal(ErrExpired)
	}
	return ErrClaims
}

func (w *wire) refusal(kind Kind) *Refusal {
	return &Refusal{Kind: kind, Subject: w.Subject, Role: w.Role, Partner: w.Partner, ID: w.ID}
}
