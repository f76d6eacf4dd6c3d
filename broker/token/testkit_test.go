package token_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker/token"
)

const origin = "https://lakeview.example"

func noon() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }

func testKey(seed byte) token.Key {
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+seed)), ed25519.SeedSize)))
	return token.Key{ID: token.Thumbprint(private.Public().(ed25519.PublicKey)), Private: private}
}

func partnerClaims() token.Claims {
	return token.Claims{
		Issuer: origin, Audience: origin, Subject: "Dana Whitfield", Role: token.Partner, Partner: "bright-futures",
		Sites: []string{"north"}, Programs: []string{"tutoring", "mentoring"}, ID: "jti-1", Epoch: 7,
		IssuedAt: noon(), Expires: noon().Add(time.Hour),
	}
}

func config(keys ...token.Key) token.Config {
	c := token.Config{Issuer: origin, Audience: origin, Keys: map[string]token.PublicKey{}, Now: noon}
	for _, k := range keys {
		c.Keys[k.ID] = k.Public()
	}
	return c
}

func newVerifier(t testing.TB, c token.Config) *token.Verifier {
	t.Helper()
	v, err := token.NewVerifier(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func issue(t testing.TB, k token.Key, c token.Claims) string {
	t.Helper()
	raw, err := token.Issue(k, c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func part(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// signed is a token of any header and claims under a valid Ed25519 signature.
func signed(k token.Key, header, claims string) string {
	text := part(strings.ReplaceAll(header, "KID", k.ID)) + "." + part(claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(k.Private, []byte(text)))
}
