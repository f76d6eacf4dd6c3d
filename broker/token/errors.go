package token

// Kind is why a token was refused. To the caller of the service every kind is
// the same: each matches [ErrUnauthenticated]. The kinds are labels for metrics.
type Kind string

// The kinds of refusal.
const (
	ErrUnauthenticated Kind = "unauthenticated"
	ErrTooLarge        Kind = "too_large"     // over MaxSize bytes, refused before parsing
	ErrMalformed       Kind = "malformed"     // not a compact JWS, or header or claims not as issued here
	ErrAlgorithm       Kind = "algorithm"     // not the algorithm of the key
	ErrUnknownKey      Kind = "unknown_key"   // no such key, or no key named
	ErrSignature       Kind = "signature"     // not signed by that key
	ErrClaims          Kind = "claims"        // validly signed, but a claim is missing or out of range
	ErrNotYet          Kind = "not_yet_valid" // issued or valid only from a time to come
	ErrExpired         Kind = "expired"       // validly signed, meant for us, and over
	ErrMisdirected     Kind = "misdirected"   // validly signed for another issuer or audience
)

// Error returns the label.
func (k Kind) Error() string { return "token refused: " + string(k) }

// Is makes every kind match [ErrUnauthenticated].
func (k Kind) Is(target error) bool { return target == ErrUnauthenticated }

// Refusal is the error for a validly signed token that was refused as
// [ErrExpired] or [ErrMisdirected]: the log keeps whose it was. The claims are
// no permission.
type Refusal struct {
	Kind    Kind
	Subject string
	Role    Role
	Partner string
	ID      string
}

// Error returns the label of the kind, without the person.
func (r *Refusal) Error() string { return r.Kind.Error() }

// Unwrap returns the kind.
func (r *Refusal) Unwrap() error { return r.Kind }
