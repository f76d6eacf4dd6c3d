package token_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker/token"
)

func TestKeyFilesGiveBackTheirKeys(t *testing.T) {
	t.Parallel()
	k, err := token.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	secret, err := token.MarshalKey(k)
	if err != nil {
		t.Fatal(err)
	}
	back, err := token.ParseKey(secret)
	if err != nil || back.ID != k.ID || !back.Private.Equal(k.Private) {
		t.Fatalf("%v: the key came back changed", err)
	}
	public, err := token.MarshalPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	kid, pub, err := token.ParsePublicKey(public)
	if err != nil || kid != k.ID || !pub.Key.Equal(k.Private.Public()) || pub.Alg != token.EdDSA {
		t.Fatalf("%v: the public key came back changed", err)
	}
	if bytes.Contains(public, []byte("PRIVATE")) {
		t.Error("the public key file holds the secret")
	}
}

func TestTheKeyIDIsTheThumbprintOfRFC8037(t *testing.T) {
	t.Parallel()
	x, err := base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	if err != nil {
		t.Fatal(err)
	}
	if got := token.Thumbprint(ed25519.PublicKey(x)); got != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" { // RFC 8037, appendix A.3
		t.Error(got)
	}
}

func TestTextThatIsNoKeyFileIsRefused(t *testing.T) {
	t.Parallel()
	secret, err := token.MarshalKey(testKey(0))
	if err != nil {
		t.Fatal(err)
	}
	junk := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("junk")})
	for name, text := range map[string][]byte{
		"nothing": nil, "words": []byte("not a key"), "junk in PEM": junk,
		"two keys": append(bytes.Clone(secret), secret...), "the public part": must(token.MarshalPublicKey(testKey(0).Public())),
	} {
		if _, err := token.ParseKey(text); !errors.Is(err, token.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	x25519 := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(testKey(0).Public().Key))[:10]})
	if _, _, err := token.ParsePublicKey(x25519); !errors.Is(err, token.ErrKey) {
		t.Error(err)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestClaimsThatNoVerifierWouldAcceptAreNotIssued(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*token.Claims){
		"no issuer":                   func(c *token.Claims) { c.Issuer = "" },
		"no audience":                 func(c *token.Claims) { c.Audience = "" },
		"no subject":                  func(c *token.Claims) { c.Subject = "" },
		"a control character":         func(c *token.Claims) { c.Subject = "Dana\nWhitfield" },
		"a right-to-left override":    func(c *token.Claims) { c.Subject = "Dana\u202e" },
		"a blank before":              func(c *token.Claims) { c.Subject = " Dana" },
		"an unknown role":             func(c *token.Claims) { c.Role = "admin" },
		"a partner without its id":    func(c *token.Claims) { c.Partner = "" },
		"an officer with a partner":   func(c *token.Claims) { c.Role = token.Officer },
		"an officer with sites":       func(c *token.Claims) { c.Role, c.Partner = token.Officer, "" },
		"a partner with schools":      func(c *token.Claims) { c.Schools = []string{"s"} },
		"an empty site":               func(c *token.Claims) { c.Sites = []string{""} },
		"too many sites":              func(c *token.Claims) { c.Sites = strings.Split(strings.Repeat("a,", 100)+"a", ",") },
		"over a day":                  func(c *token.Claims) { c.Expires = c.IssuedAt.Add(24*time.Hour + time.Second) },
		"an end before its beginning": func(c *token.Claims) { c.Expires = c.IssuedAt },
		"no times":                    func(c *token.Claims) { c.IssuedAt, c.Expires = time.Time{}, time.Time{} },
		"a name of over 200 bytes":    func(c *token.Claims) { c.Subject = strings.Repeat("n", 201) },
		"more than fits into its size": func(c *token.Claims) {
			c.Sites = strings.Split(strings.Repeat(strings.Repeat("a", 150)+",", 99)+"a", ",")
		},
	} {
		c := partnerClaims()
		spoil(&c)
		if raw, err := token.Issue(testKey(0), c); err == nil || raw != "" {
			t.Errorf("%s: issued", name)
		}
	}
	if _, err := token.Issue(token.Key{ID: "k"}, partnerClaims()); !errors.Is(err, token.ErrKey) {
		t.Error("issued without a key")
	}
}

func TestEveryRoleCanBeIssuedAndTokensGetDistinctIDs(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, config(testKey(0)))
	seen := map[string]bool{}
	for _, role := range token.Roles() {
		c := token.Claims{Issuer: origin, Audience: origin, Subject: "Sam Ortiz", Role: role, IssuedAt: noon(), Expires: noon().Add(time.Hour)}
		switch role {
		case token.Partner:
			c.Partner = "bright-futures"
		case token.Coordinator:
			c.Schools = []string{"s1", "s2"}
		}
		got, err := v.Verify(issue(t, testKey(0), c))
		if err != nil || got.Role != role || got.ID == "" || seen[got.ID] {
			t.Errorf("%s: %v %q", role, err, got.ID)
		}
		seen[got.ID] = true
	}
}
