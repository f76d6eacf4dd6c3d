package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/hallpass-edu/hallpass/broker/token"
)

func TestAnIssuedTokenGivesBackItsClaims(t *testing.T) {
	t.Parallel()
	k := testKey(0)
	want := partnerClaims()
	for range 2 { // the second answer comes from the cache
		got, err := newVerifier(t, config(k)).Verify(issue(t, k, want))
		if err != nil || !cmp.Equal(got, want) {
			t.Fatalf("%v\n%s", err, cmp.Diff(want, got))
		}
	}
}

func TestClaimsHandedOutTwiceAreNotShared(t *testing.T) {
	t.Parallel()
	k := testKey(0)
	v, raw := newVerifier(t, config(k)), issue(t, k, partnerClaims())
	for range 3 {
		c, err := v.Verify(raw)
		if err != nil || c.Sites[0] != "north" {
			t.Fatal(c.Sites, err)
		}
		c.Sites[0] = "everywhere"
	}
}

// case of testdata/tokens.yaml: claims and header replace the good ones.
type tokenCase struct {
	Name, Header, Claims string
	Set                  map[string]string // raw JSON by claim; "absent" removes it
	Want                 string            // kind, or "ok"
}

func TestTokensFromTheTable(t *testing.T) {
	t.Parallel()
	var cases []tokenCase
	text, err := os.ReadFile("testdata/tokens.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &cases); err != nil || len(cases) < 60 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	k, other := testKey(0), testKey(1)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			header := c.Header
			if header == "" {
				header = `{"alg":"EdDSA","typ":"JWT","kid":"KID"}`
			}
			header = strings.ReplaceAll(header, "OTHER", other.ID)
			got, err := newVerifier(t, config(k, other)).Verify(signed(k, header, c.json()))
			assertKind(t, got, err, c.Want)
		})
	}
}

// goodClaims are the members of a valid token, in order, as JSON.
func goodClaims() [][2]string {
	return [][2]string{
		{"iss", `"https://lakeview.example"`},
		{"aud", `"https://lakeview.example"`},
		{"sub", `"Dana Whitfield"`},
		{"role", `"partner"`},
		{"partner", `"bright-futures"`},
		{"jti", `"jti-1"`},
		{"iat", "1772452800"},
		{"exp", "1772456400"},
	}
}

func (c tokenCase) json() string {
	if c.Claims != "" {
		return c.Claims
	}
	var members []string
	seen := map[string]bool{}
	for _, m := range goodClaims() {
		value := m[1]
		if replaced, ok := c.Set[m[0]]; ok {
			value = replaced
		}
		seen[m[0]] = true
		if value != "absent" {
			members = append(members, `"`+m[0]+`":`+value)
		}
	}
	for name, value := range c.Set {
		if !seen[name] {
			members = append(members, `"`+name+`":`+value)
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func assertKind(t *testing.T, got token.Claims, err error, want string) {
	t.Helper()
	if want == "ok" {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	if !errors.Is(err, token.Kind(want)) || !errors.Is(err, token.ErrUnauthenticated) {
		t.Errorf("error %v, want %s", err, want)
	}
	if !cmp.Equal(got, token.Claims{}) {
		t.Error("claims came back with an error")
	}
}

func TestForeignAndForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	k, foreign := testKey(0), testKey(1)
	good := issue(t, k, partnerClaims())
	parts := strings.Split(good, ".")
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	es := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"sub": "x"})
	es.Header["kid"] = k.ID
	esRaw, err := es.SignedString(ec)
	if err != nil {
		t.Fatal(err)
	}
	impostor := token.Key{ID: k.ID, Private: foreign.Private}
	hs := part(`{"alg":"HS256","typ":"JWT","kid":"`+k.ID+`"}`) + "." + parts[1]
	mac := hmac.New(sha256.New, k.Public().Key)
	mac.Write([]byte(hs))
	for name, c := range map[string]struct{ raw, want string }{
		"a key the server does not have":               {issue(t, foreign, partnerClaims()), "unknown_key"},
		"another key under a known name":               {issue(t, impostor, partnerClaims()), "signature"},
		"an HMAC with the public key":                  {hs + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), "algorithm"},
		"an ECDSA token under an Ed25519 key":          {esRaw, "algorithm"},
		"claims that are not UTF-8":                    {signed(k, `{"alg":"EdDSA","kid":"KID"}`, "{\"sub\":\"\xff\"}"), "malformed"},
		"no signature":                                 {parts[0] + "." + parts[1] + ".", "signature"},
		"a cut signature":                              {good[:len(good)-2], "signature"},
		"a fourth part":                                {good + ".x", "malformed"},
		"two parts":                                    {parts[0] + "." + parts[1], "malformed"},
		"nothing":                                      {"", "malformed"},
		"padding":                                      {good + "==", "malformed"},
		"a newline inside":                             {good[:9] + "\n" + good[9:], "malformed"},
		"a newline at the end":                         {good + "\n", "malformed"},
		"a space before":                               {" " + good, "malformed"},
		"other claims under the signature":             {parts[0] + "." + part(`{"sub":"x"}`) + "." + parts[2], "signature"},
		"another header under the signature":           {part(`{"alg":"EdDSA","kid":"`+k.ID+`"}`) + "." + parts[1] + "." + parts[2], "signature"},
		"a signature with its unused bits set":         {flipUnusedBits(good), "malformed"},
		"over eight kilobytes":                         {good + strings.Repeat("A", token.MaxSize), "too_large"},
		"JSON serialisation instead of the compact":    {`{"payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`, "malformed"},
		"a detached payload":                           {parts[0] + ".." + parts[2], "malformed"},
		"the bearer scheme left in front of the token": {"Bearer " + good, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := newVerifier(t, config(k)).Verify(c.raw)
			assertKind(t, got, err, c.want)
		})
	}
}

// flipUnusedBits changes the last character of a 64-byte signature, whose low
// four bits encode nothing.
func flipUnusedBits(raw string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, raw[len(raw)-1])
	return raw[:len(raw)-1] + string(alphabet[last^1])
}

func TestTheRefusalOfAnExpiredOrMisdirectedTokenNamesWhoseItWas(t *testing.T) {
	t.Parallel()
	k := testKey(0)
	expired, elsewhere := partnerClaims(), partnerClaims()
	expired.IssuedAt, expired.Expires = noon().Add(-2*time.Hour), noon().Add(-time.Hour)
	elsewhere.Audience = "https://other.example"
	for kind, c := range map[token.Kind]token.Claims{token.ErrExpired: expired, token.ErrMisdirected: elsewhere} {
		_, err := newVerifier(t, config(k)).Verify(issue(t, k, c))
		refusal, ok := errors.AsType[*token.Refusal](err)
		if !ok || refusal.Kind != kind || refusal.Subject != c.Subject || refusal.ID != "jti-1" || refusal.Partner != c.Partner || refusal.Role != c.Role {
			t.Errorf("%s: %#v", kind, err)
		}
		if strings.Contains(err.Error(), c.Subject) {
			t.Error("the text of the error names the person")
		}
	}
}

func TestExpiryHoldsToTheSecondAfterTheLeeway(t *testing.T) {
	t.Parallel()
	k := testKey(0)
	for _, cached := range []bool{false, true} {
		now := noon()
		c := config(k)
		c.Now = func() time.Time { return now }
		v, raw := newVerifier(t, c), issue(t, k, partnerClaims())
		if cached {
			if _, err := v.Verify(raw); err != nil {
				t.Fatal(err)
			}
		}
		now = noon().Add(time.Hour + token.Leeway - time.Nanosecond)
		if _, err := v.Verify(raw); err != nil {
			t.Errorf("cached %v: refused before its end: %v", cached, err)
		}
		now = noon().Add(time.Hour + token.Leeway)
		if _, err := v.Verify(raw); !errors.Is(err, token.ErrExpired) {
			t.Errorf("cached %v: %v at its end", cached, err)
		}
		now = noon().Add(-token.Leeway - time.Second)
		if _, err := v.Verify(raw); !errors.Is(err, token.ErrNotYet) {
			t.Errorf("cached %v: %v before its issue", cached, err)
		}
	}
}

func TestAVerifierWithoutExpectationsIsNotBuilt(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*token.Config){
		"no issuer":       func(c *token.Config) { c.Issuer = "" },
		"no audience":     func(c *token.Config) { c.Audience = "" },
		"no keys":         func(c *token.Config) { c.Keys = nil },
		"no clock":        func(c *token.Config) { c.Now = nil },
		"a negative life": func(c *token.Config) { c.MaxLifetime = -1 },
		"another algorithm": func(c *token.Config) {
			c.Keys = map[string]token.PublicKey{"k": {Alg: "HS256", Key: testKey(0).Public().Key}}
		},
		"algorithm none": func(c *token.Config) {
			c.Keys = map[string]token.PublicKey{"k": {Alg: "none", Key: testKey(0).Public().Key}}
		},
		"a short key": func(c *token.Config) {
			c.Keys = map[string]token.PublicKey{"k": {Alg: token.EdDSA, Key: []byte("short")}}
		},
		"a key named a path": func(c *token.Config) { c.Keys = map[string]token.PublicKey{"../k": testKey(0).Public()} },
	} {
		c := config(testKey(0))
		spoil(&c)
		if _, err := token.NewVerifier(c); !errors.Is(err, token.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHugeInputIsRefusedWithoutAllocating(t *testing.T) { // counts allocations, so not parallel
	v := newVerifier(t, config(testKey(0)))
	for name, raw := range map[string]string{
		"ten megabytes of dots":      strings.Repeat(".", 10<<20),
		"a megabyte of key id":       part(`{"alg":"EdDSA","kid":"`+strings.Repeat("k", 1<<20)+`"}`) + ".e30.AA",
		"eight kilobytes of dots":    strings.Repeat(".", token.MaxSize),
		"eight kilobytes of letters": strings.Repeat("A", token.MaxSize),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := v.Verify(raw)
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; err == nil || spent > 64<<10 {
			t.Errorf("%s: %v, %d bytes allocated", name, err, spent)
		}
	}
}

func FuzzVerify(f *testing.F) {
	k := testKey(0)
	good := issue(f, k, partnerClaims())
	f.Add(good)
	f.Add(signed(k, `{"alg":"EdDSA","kid":"KID"}`, "null"))
	f.Add(strings.Repeat(".", 100))
	v := newVerifier(f, config(k))
	f.Fuzz(func(t *testing.T, raw string) {
		c, err := v.Verify(raw)
		if err == nil && raw != good {
			t.Fatalf("a token nobody issued verifies: %q", raw)
		}
		if err != nil && !cmp.Equal(c, token.Claims{}) {
			t.Fatal("claims came back with an error")
		}
	})
}

func FuzzSignedClaims(f *testing.F) {
	k := testKey(0)
	f.Add(`{"alg":"EdDSA","kid":"KID"}`, tokenCase{}.json())
	f.Add(`{"alg":"EdDSA","kid":"KID","typ":"jwt"}`, `{"exp":1e400}`)
	v := newVerifier(f, config(k))
	f.Fuzz(func(t *testing.T, header, claims string) {
		c, err := v.Verify(signed(k, header, claims))
		if err != nil {
			if !errors.Is(err, token.ErrUnauthenticated) || !cmp.Equal(c, token.Claims{}) {
				t.Fatal(err)
			}
			return
		}
		if c.Issuer != origin || c.Audience != origin || c.Subject == "" || c.ID == "" || !c.Expires.After(noon().Add(-token.Leeway)) || c.Expires.Sub(c.IssuedAt) > token.DefaultLifetime {
			t.Fatalf("%#v", c)
		}
	})
}
