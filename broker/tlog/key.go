package tlog

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// ErrKey is matched by the errors about keys and origins; they never contain
// key material.
var ErrKey = errors.New("not a log key")

const simulatedSuffix = "/simulated"

// Origin returns the name of a district's log, which is also the name of its
// key: "HOST/hallpass", and "HOST/hallpass/simulated" for a district with a
// simulated clock, so that each checkpoint of it says so.
func Origin(host string, simulated bool) (string, error) {
	if host == "" || len(host) > 200 || strings.IndexFunc(host, notHost) >= 0 {
		return "", fmt.Errorf("%w: the host of an origin is 1 to 200 lower-case letters, digits, dots, hyphens or a port", ErrKey)
	}
	origin := host + "/hallpass"
	if simulated {
		origin += simulatedSuffix
	}
	return origin, nil
}

func notHost(r rune) bool {
	return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '.' || r == '-' || r == ':')
}

// GenerateKey makes an Ed25519 key named by a log's origin and returns its two
// text forms, those of golang.org/x/mod/sumdb/note: the secret one for a file
// of mode 0600 and the public one to hand out.
func GenerateKey(origin string) (secret, public string, err error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := rand.Read(seed); err != nil {
		return "", "", err
	}
	return KeyFromSeed(origin, [32]byte(seed))
}

// KeyFromSeed is [GenerateKey] with a given secret seed.
func KeyFromSeed(origin string, seed [32]byte) (secret, public string, err error) {
	if strings.ContainsAny(origin, "+\n ") || origin == "" {
		return "", "", fmt.Errorf("%w: the name of a key has no space or plus", ErrKey)
	}
	return note.GenerateKey(strings.NewReader(string(seed[:])), origin)
}

// Signer signs the checkpoints of one log.
type Signer struct{ signer note.Signer }

// NewSigner reads the secret text form; one newline may end it.
func NewSigner(text string) (*Signer, error) {
	s, err := note.NewSigner(strings.TrimSuffix(text, "\n"))
	if err != nil || manyLines(text) {
		return nil, fmt.Errorf("%w: the signer's key file should hold one line PRIVATE+KEY+origin+hash+key", ErrKey)
	}
	return &Signer{s}, nil
}

// manyLines finds the line ends that base64 decoding would skip.
func manyLines(text string) bool { return strings.ContainsAny(strings.TrimSuffix(text, "\n"), "\r\n") }

// Origin is the log whose checkpoints the key signs.
func (s *Signer) Origin() string { return s.signer.Name() }

// Verifier verifies the checkpoints of one log. It is safe for concurrent use.
type Verifier struct{ verifier note.Verifier }

// NewVerifier reads the public text form; one newline may end it.
func NewVerifier(text string) (*Verifier, error) {
	v, err := note.NewVerifier(strings.TrimSuffix(text, "\n"))
	if err != nil || manyLines(text) {
		return nil, fmt.Errorf("%w: the public key file should hold one line origin+hash+key", ErrKey)
	}
	return &Verifier{v}, nil
}

// Origin is the log whose checkpoints the key verifies.
func (v *Verifier) Origin() string { return v.verifier.Name() }
