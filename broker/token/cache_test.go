package token_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/token"
)

func TestATokenOfARotatedKeyIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	if rotatedTokenPasses(t, config(testKey(0))) {
		t.Error("a remembered token outlived its key")
	}
	if !rotatedTokenPasses(t, config(testKey(0)).KeepRevoked()) {
		t.Error("with the guard removed the property should break; the test proves nothing")
	}
}

func rotatedTokenPasses(t *testing.T, c token.Config) bool {
	t.Helper()
	v, raw := newVerifier(t, c), issue(t, testKey(0), partnerClaims())
	if _, err := v.Verify(raw); err != nil {
		t.Fatal(err)
	}
	if err := v.Rotate(map[string]token.PublicKey{testKey(1).ID: testKey(1).Public()}); err != nil {
		t.Fatal(err)
	}
	_, err := v.Verify(raw)
	if err != nil && !errors.Is(err, token.ErrUnknownKey) {
		t.Fatal(err)
	}
	return err == nil
}

func TestANewGenerationForgetsAndAnOldOneDoesNot(t *testing.T) {
	t.Parallel()
	v, raw := newVerifier(t, config(testKey(0))), issue(t, testKey(0), partnerClaims())
	verify := func() {
		t.Helper()
		if _, err := v.Verify(raw); err != nil || v.Remembered() != 1 {
			t.Fatalf("%v, %d remembered", err, v.Remembered())
		}
	}
	verify()
	v.Revoke(5)
	if v.Remembered() != 0 {
		t.Error("a revocation left tokens behind")
	}
	verify()
	v.Revoke(5)
	v.Revoke(4)
	if v.Remembered() != 1 {
		t.Error("a generation that is not new emptied the cache")
	}
}

func TestAVerificationUnderWayDuringARevocationIsNotRemembered(t *testing.T) {
	t.Parallel()
	v, raw := newVerifier(t, config(testKey(0))), issue(t, testKey(0), partnerClaims())
	if _, err := v.DuringVerification(raw, func() { v.Revoke(1) }); err != nil || v.Remembered() != 0 {
		t.Errorf("%v, %d remembered after a revocation", err, v.Remembered())
	}
	if _, err := v.DuringVerification(raw, func() {}); err != nil || v.Remembered() != 1 {
		t.Errorf("%v, %d remembered without one", err, v.Remembered())
	}
}

func TestTheCacheKeepsToItsSizeAndRefusesAreNotKept(t *testing.T) {
	t.Parallel()
	c := config(testKey(0))
	c.CacheSize = 8
	v := newVerifier(t, c)
	for i := range 50 {
		claims := partnerClaims()
		claims.ID = fmt.Sprintf("jti-%d", i)
		raw := issue(t, testKey(0), claims)
		if _, err := v.Verify(raw); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(raw + "A"); err == nil {
			t.Fatal("a changed token verifies")
		}
		if n := v.Remembered(); n > 8 || n < min(i+1, 4) {
			t.Fatalf("%d tokens remembered of at most 8", n)
		}
	}
	c.CacheSize = -1
	v = newVerifier(t, c)
	if _, err := v.Verify(issue(t, testKey(0), partnerClaims())); err != nil || v.Remembered() != 0 {
		t.Errorf("%v, %d remembered without a cache", err, v.Remembered())
	}
}

func TestManyMayVerifyRevokeAndRotateAtOnce(t *testing.T) {
	t.Parallel()
	c := config(testKey(0))
	c.CacheSize = 4
	v, raw := newVerifier(t, c), issue(t, testKey(0), partnerClaims())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 20 {
				if _, err := v.Verify(raw); err != nil {
					t.Error(err)
				}
				if i == 0 {
					v.Revoke(uint64(n))
				}
				if i == 1 && v.Rotate(c.Keys) != nil {
					t.Error("rotation refused")
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkVerify(b *testing.B) {
	for name, size := range map[string]int{"remembered": 16, "anew": -1} {
		b.Run(name, func(b *testing.B) {
			c := config(testKey(0))
			c.CacheSize = size
			v, raw := newVerifier(b, c), issue(b, testKey(0), partnerClaims())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
