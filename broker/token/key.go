package token

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"regexp"
)

// EdDSA is the one algorithm that keys may be pinned to.
const EdDSA = "EdDSA"

// ErrKey is returned for text that is not a key file of this package; it never
// contains key material.
var ErrKey = errors.New("not an Ed25519 key file in PEM form")

// Key signs tokens.
type Key struct {
	ID      string // kid: the RFC 7638 thumbprint of the public key
	Private ed25519.PrivateKey
}

// PublicKey verifies tokens. Alg is pinned: a token under this key that names
// another algorithm is refused.
type PublicKey struct {
	Alg string // EdDSA
	Key ed25519.PublicKey
}

var kidForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// GenerateKey makes a key.
func GenerateKey() (Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, err
	}
	return keyOf(private), nil
}

func keyOf(private ed25519.PrivateKey) Key {
	return Key{ID: Thumbprint(private.Public().(ed25519.PublicKey)), Private: private}
}

// Public returns the key that verifies what k signs.
func (k Key) Public() PublicKey {
	return PublicKey{Alg: EdDSA, Key: k.Private.Public().(ed25519.PublicKey)}
}

// Thumbprint is the key id: base64url of the RFC 7638 thumbprint of the
// RFC 8037 JWK.
func Thumbprint(public ed25519.PublicKey) string {
	x := base64.RawURLEncoding.EncodeToString(public)
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// MarshalKey returns the text of a secret key file, PKCS #8 in PEM, for a file
// of mode 0600.
func MarshalKey(k Key) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.Private)
	if err != nil {
		return nil, ErrKey
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ParseKey reads what [MarshalKey] writes.
func ParseKey(text []byte) (Key, error) {
	der, err := onlyBlock(text, "PRIVATE KEY")
	if err != nil {
		return Key{}, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	private, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return Key{}, ErrKey
	}
	return keyOf(private), nil
}

// MarshalPublicKey returns the text of a public key file, PKIX in PEM.
func MarshalPublicKey(k PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(k.Key)
	if err != nil {
		return nil, ErrKey
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// ParsePublicKey reads what [MarshalPublicKey] writes and returns the key with
// its id.
func ParsePublicKey(text []byte) (kid string, k PublicKey, err error) {
	der, err := onlyBlock(text, "PUBLIC KEY")
	if err != nil {
		return "", PublicKey{}, err
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	public, ok := parsed.(ed25519.PublicKey)
	if err != nil || !ok {
		return "", PublicKey{}, ErrKey
	}
	return Thumbprint(public), PublicKey{Alg: EdDSA, Key: public}, nil
}

func onlyBlock(text []byte, kind string) ([]byte, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != kind || len(rest) > 0 {
		return nil, ErrKey
	}
	return block.Bytes, nil
}
