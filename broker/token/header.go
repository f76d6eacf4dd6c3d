package token

import (
	"encoding/base64"
	"strings"

	"github.com/go-json-experiment/json"
)

// MaxSize bounds a token in bytes; a longer one is refused unread.
const MaxSize = 8 << 10

// header is the whole of what a header may hold. Members that would point at
// or carry a key (jku, jwk, x5u, x5c), change what is signed (b64, zip) or ask
// for understanding (crit) are unknown members and refuse the token.
type header struct {
	Alg string  `json:"alg"`
	Typ *string `json:"typ"`
	Kid *string `json:"kid"`
}

// readHeader parses the first part of a compact JWS before anything else is
// looked at.
func readHeader(raw string) (header, error) {
	first, _, ok := strings.Cut(raw, ".")
	if !ok || strings.Count(raw, ".") != 2 {
		return header{}, ErrMalformed
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(first)
	if err != nil || strings.ContainsAny(raw, "\r\n") { // the decoder skips line ends
		return header{}, ErrMalformed
	}
	var h header
	if err := json.Unmarshal(b, &h, json.RejectUnknownMembers(true)); err != nil {
		return header{}, ErrMalformed
	}
	if h.Typ != nil && !strings.EqualFold(*h.Typ, "JWT") {
		return header{}, ErrMalformed
	}
	return h, nil
}

// pinned returns the key that a header names, if the header's algorithm is the
// key's own.
func (h header) pinned(keys map[string]PublicKey) (PublicKey, error) {
	if h.Kid == nil || !kidForm.MatchString(*h.Kid) {
		return PublicKey{}, ErrUnknownKey
	}
	k, ok := keys[*h.Kid]
	if !ok {
		return PublicKey{}, ErrUnknownKey
	}
	if h.Alg != k.Alg {
		return PublicKey{}, ErrAlgorithm
	}
	return k, nil
}
