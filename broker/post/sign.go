package post

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a signed call, in the form of Standard Webhooks (standardwebhooks.com).
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp" // Unix seconds
	HeaderSignature = "webhook-signature" // one or more of "v1," and base64, apart by spaces
)

// Tolerance is how far the timestamp of a call may be from the receiver's clock.
const Tolerance = 5 * time.Minute

// Secret is the key that both sides of a gateway hold.
type Secret []byte

const (
	secretPrefix   = "whsec_"
	shortestSecret = 24 // bytes
	longestKey     = 64
	signatureForm  = "v1,"
	mostSignatures = 16
)

// ErrSecret refuses a secret that is not in its form.
var ErrSecret = errors.New("the secret of a gateway is base64 of 24 to 64 random bytes, with or without whsec_ before it")

// ParseSecret reads a secret from its text form.
func ParseSecret(text string) (Secret, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, secretPrefix))
	if err != nil || len(key) < shortestSecret || len(key) > longestKey {
		return nil, ErrSecret
	}
	return key, nil
}

// String does not tell the secret.
func (Secret) String() string { return "(secret)" }

// GoString does not tell the secret.
func (Secret) GoString() string { return "(secret)" }

// signature is the HMAC-SHA256 of id, time and body, as the header has it.
func (s Secret) signature(id, timestamp string, body []byte) string {
	return signatureForm + base64.StdEncoding.EncodeToString(s.mac(id, timestamp, body))
}

func (s Secret) mac(id, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, s)
	fmt.Fprintf(mac, "%s.%s.", id, timestamp)
	mac.Write(body)
	return mac.Sum(nil)
}

// ErrSignature refuses a call that was not signed with the secret, or not lately.
var ErrSignature = errors.New("the call is not signed as it must be")

// Verify is for whoever receives the calls of a [Webhook]: it returns nil if the body was
// signed with the secret within [Tolerance] of now, and else an error that wraps
// [ErrSignature]. A receiver also keeps the ids of the calls it has taken, and answers
// 200 without sending anything to one that it has seen before.
func Verify(secret Secret, header http.Header, body []byte, now time.Time) error {
	id, timestamp := header.Get(HeaderID), header.Get(HeaderTimestamp)
	if len(secret) < shortestSecret || id == "" || strings.Contains(id, ".") {
		return fmt.Errorf("%w: there is no secret, or no %s", ErrSignature, HeaderID)
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != timestamp {
		return fmt.Errorf("%w: %s is not a time", ErrSignature, HeaderTimestamp)
	}
	if off := now.Sub(time.Unix(seconds, 0)).Abs(); off > Tolerance {
		return fmt.Errorf("%w: %s is too far from this clock", ErrSignature, HeaderTimestamp)
	}
	want := secret.mac(id, timestamp, body)
	given := strings.Fields(header.Get(HeaderSignature))
	for _, one := range given[:min(len(given), mostSignatures)] {
		encoded, ours := strings.CutPrefix(one, signatureForm)
		got, err := base64.StdEncoding.DecodeString(encoded)
		if ours && err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return fmt.Errorf("%w: no %s is of this secret, id, time and body", ErrSignature, HeaderSignature)
}
