package tlog_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/hallpass-edu/hallpass/broker/tlog"
)

func TestACheckpointComesBackFromItsNote(t *testing.T) {
	t.Parallel()
	l := newLog(t, 5)
	for size := range int64(6) {
		c, err := l.verifier.Open(l.checkpoint(t, size))
		if err != nil || c.Size != size || c.Root != l.root(t, size) || c.Origin != origin || !c.Simulated() {
			t.Errorf("size %d: %+v %v", size, c, err)
		}
	}
}

func TestEveryBitOfACheckpointCounts(t *testing.T) {
	t.Parallel()
	l := newLog(t, 5)
	signed := l.checkpoint(t, 5)
	for i := range signed {
		for bit := range 8 {
			changed := append([]byte(nil), signed...)
			changed[i] ^= 1 << bit
			if _, err := l.verifier.OpenExact(changed); !errors.Is(err, tlog.ErrCheckpoint) {
				t.Fatalf("bit %d of byte %d: %v", bit, i, err)
			}
		}
	}
}

func TestCheckpointsInAnotherFormAreRefused(t *testing.T) {
	t.Parallel()
	l := newLog(t, 5)
	good := string(l.checkpoint(t, 5))
	_, stranger := keyPair(t, origin, 2)
	if _, err := stranger.Open([]byte(good)); !errors.Is(err, tlog.ErrCheckpoint) {
		t.Error("another key of the same name accepts the checkpoint")
	}
	body, signature, _ := strings.Cut(good, "\n\n")
	for name, text := range map[string]string{
		"nothing":                      "",
		"no signature":                 body + "\n\n",
		"our signature twice":          good + signature,
		"a line at the end":            good + "\n",
		"no newline at the end":        strings.TrimSuffix(good, "\n"),
		"carriage returns":             strings.ReplaceAll(good, "\n", "\r\n"),
		"over sixteen kilobytes":       good + strings.Repeat("— a aaaaaaaa\n", 2000),
		"the size with a leading zero": strings.Replace(good, "\n5\n", "\n05\n", 1),
	} {
		if _, err := l.verifier.Open([]byte(text)); !errors.Is(err, tlog.ErrCheckpoint) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExtensionLinesAreRefusedEvenWhenSigned(t *testing.T) {
	t.Parallel()
	secret, public, err := tlog.KeyFromSeed(origin, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := tlog.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	root := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for text, want := range map[string]bool{
		origin + "\n5\n" + root + "\n":                                 true,
		origin + "\n5\n" + root + "\nextension\n":                      false,
		origin + "\n5\n" + strings.Replace(root, "A=", "B=", 1) + "\n": false, // unused bits of the base64
		origin + "\n+5\n" + root + "\n":                                false,
		origin + "\n05\n" + root + "\n":                                false,
		origin + "\n-5\n" + root + "\n":                                false,
		origin + "\n9223372036854775807\n" + root + "\n":               false,
		origin + "\n5\nAAAA\n":                                         false,
		"other.example/hallpass\n5\n" + root + "\n":                    false,
		origin + "\n": false,
	} {
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verifier.Open(signed); (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAWitnessMaySignBesideTheLog(t *testing.T) {
	t.Parallel()
	l := newLog(t, 5)
	good := string(l.checkpoint(t, 5))
	witness, _ := keyPair(t, "witness.example", 3)
	other, err := witness.Sign(tlog.Checkpoint{Origin: "witness.example", Size: 5})
	if err != nil {
		t.Fatal(err)
	}
	line := string(other[strings.Index(string(other), "— "):])
	if _, err := l.verifier.Open([]byte(good + line)); err != nil {
		t.Error(err)
	}
	if _, err := l.verifier.OpenExact([]byte(good + line)); !errors.Is(err, tlog.ErrCheckpoint) {
		t.Error("an export may hold lines of strangers")
	}
	if _, err := l.verifier.Open([]byte(good + line + line)); !errors.Is(err, tlog.ErrCheckpoint) {
		t.Error("a line stands twice")
	}
}

func TestAKeySignsOnlyForItsOrigin(t *testing.T) {
	t.Parallel()
	signer, verifier := keyPair(t, origin, 1)
	for _, c := range []tlog.Checkpoint{{Origin: "other.example/hallpass", Size: 1}, {Origin: origin, Size: -1}, {Origin: origin, Size: tlog.MaxSize + 1}} {
		if _, err := signer.Sign(c); !errors.Is(err, tlog.ErrCheckpoint) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if signer.Origin() != origin || verifier.Origin() != origin {
		t.Error("the key has another name")
	}
}

func TestOriginsSayWhetherTheClockIsSimulated(t *testing.T) {
	t.Parallel()
	for _, simulated := range []bool{false, true} {
		got, err := tlog.Origin("lakeview.example", simulated)
		if err != nil || (tlog.Checkpoint{Origin: got}).Simulated() != simulated || strings.Contains(got, "simulated") != simulated {
			t.Errorf("%q %v", got, err)
		}
	}
	for _, host := range []string{"", "Lakeview", "a b", "a/b", "a+b", "a\nb", strings.Repeat("a", 201)} {
		if _, err := tlog.Origin(host, false); !errors.Is(err, tlog.ErrKey) {
			t.Errorf("%q is taken for a host", host)
		}
	}
}

func TestGeneratedKeysWorkAndDiffer(t *testing.T) {
	t.Parallel()
	secret, public, err := tlog.GenerateKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := tlog.GenerateKey(origin)
	if err != nil || again == secret {
		t.Error("two keys are one")
	}
	s, err := tlog.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.Sign(tlog.Checkpoint{Origin: origin, Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	v, err := tlog.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Open(signed); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"", "x", public, secret + "\n\n", secret[:len(secret)-3]} {
		if _, err := tlog.NewSigner(text); !errors.Is(err, tlog.ErrKey) || len(text) > 3 && strings.Contains(err.Error(), text) {
			t.Errorf("a signer of %d bytes: %v", len(text), err)
		}
	}
	for _, text := range []string{"", "x", secret, public + "x", "a+00000000+AA=="} {
		if _, err := tlog.NewVerifier(text); !errors.Is(err, tlog.ErrKey) {
			t.Errorf("a verifier of %d bytes: %v", len(text), err)
		}
	}
	for _, name := range []string{"", "a b", "a+b", "a\nb"} {
		if _, _, err := tlog.GenerateKey(name); !errors.Is(err, tlog.ErrKey) {
			t.Errorf("a key is named %q", name)
		}
	}
}

func FuzzOpenCheckpoint(f *testing.F) {
	l := newLog(f, 3)
	good := l.checkpoint(f, 3)
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := l.verifier.OpenExact(b)
		if err == nil && string(b) != string(good) && c.Size == 3 {
			t.Fatal("another text is the same signed checkpoint")
		}
	})
}
