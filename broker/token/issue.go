package token

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// DefaultLifetime is the longest a token may live unless a verifier is
// configured otherwise; [Issue] never exceeds it.
const DefaultLifetime = 24 * time.Hour

// Issue signs a token. It refuses claims that no verifier would accept: an
// empty issuer, audience or subject, an unknown role, a lifetime over
// [DefaultLifetime]. An empty ID is replaced by a random one.
func Issue(k Key, c Claims) (string, error) {
	if len(k.Private) != ed25519.PrivateKeySize || !kidForm.MatchString(k.ID) {
		return "", ErrKey
	}
	if c.ID == "" {
		c.ID = rand.Text()
	}
	if err := c.check(DefaultLifetime); err != nil {
		return "", err
	}
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, wireOf(c))
	t.Header["kid"] = k.ID
	raw, err := t.SignedString(k.Private)
	if err != nil {
		return "", ErrKey
	}
	if len(raw) > MaxSize {
		return "", fmt.Errorf("%w: sites, programs and schools do not fit into %d bytes", ErrTooLarge, MaxSize)
	}
	return raw, nil
}
