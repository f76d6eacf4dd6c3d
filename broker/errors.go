package broker

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// Kind is the class of a failed request. A Kind is itself an error, so that
// errors.Is(err, broker.Denied) works through any wrapping.
type Kind string

// The closed list of kinds and the HTTP status each becomes at the edge.
const (
	Invalid         Kind = "invalid"         // 400, 413, 415 or 422: malformed, unknown, too large, out of range
	Unauthenticated Kind = "unauthenticated" // 401: no, expired or foreign token
	Denied          Kind = "denied"          // 403: refused for the agreement or the partner, with reasons
	NotAvailable    Kind = "not_available"   // 404: not yours, not there, or its truth depends on a student
	Conflict        Kind = "conflict"        // 409: id taken, wrong state
	Exhausted       Kind = "exhausted"       // 429: rate or budget, with Retry-After
	Internal        Kind = "internal"        // 500: anything else
	Unavailable     Kind = "unavailable"     // 503: policy, log or store cannot answer now
)

// Error returns the kind's name.
func (k Kind) Error() string { return string(k) }

// Field is one member of a request that was refused. It never holds a value.
type Field struct {
	Name    string `json:"name"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy,omitzero"`
}

// Error is a failed request as its caller may read it: what happened, where,
// and what to do next. The cause is for the service's own log only.
type Error struct {
	Kind       Kind
	Detail     string
	Fields     []Field
	Reasons    []policy.Reason
	RetryAfter time.Duration
	Receipt    []byte // the receipt of the recorded refusal, as JSON; nil when none was recorded
	cause      error
}

// Error returns the public half.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind.Error())
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "; %s %s: %s", f.Name, f.Problem, f.Remedy)
	}
	for _, r := range e.Reasons {
		b.WriteString("; " + r.Sentence())
	}
	return b.String()
}

// Unwrap gives the kind and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.cause}
}

// Cause returns the private half, for the service's log; nil when there is none.
func (e *Error) Cause() error { return e.cause }

// ErrToken refuses a token that is none, is not valid, or counts no more: the
// bearer is not told which.
var ErrToken error = &Error{Kind: Unauthenticated, Detail: "a valid bearer token of this district is needed"}

func invalid(fields ...Field) error {
	return &Error{Kind: Invalid, Detail: "the request cannot be read as it stands", Fields: fields}
}

func invalidField(name, problem, remedy string) error {
	return invalid(Field{Name: name, Problem: problem, Remedy: remedy})
}

func notAvailable() error {
	return &Error{Kind: NotAvailable, Detail: "there is nothing here for you"}
}

func conflict(detail string) error { return &Error{Kind: Conflict, Detail: detail} }

func internal(cause error) error {
	return &Error{Kind: Internal, Detail: "the service failed; its log has the detail", cause: cause}
}

func unavailable(detail string, cause error) error {
	return &Error{Kind: Unavailable, Detail: detail, RetryAfter: time.Second, cause: cause}
}

// KindOf returns the kind of any error; what is not an *Error is Internal, and
// nil has none.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// fieldErrors turns the domain's field errors into the caller's; anything
// else is the service's own fault.
func fieldErrors(err error) error {
	var list consent.FieldErrors
	if !errors.As(err, &list) {
		return internal(err)
	}
	fields := make([]Field, len(list))
	for i, f := range list {
		fields[i] = Field{Name: f.Field, Problem: f.Problem, Remedy: f.Remedy}
	}
	return invalid(fields...)
}

// domainError gives an error of the domain its kind: field errors are
// invalid, a step that the state does not allow is a conflict.
func domainError(err error) error {
	var step *agreement.TransitionError
	if errors.As(err, &step) {
		return conflict(step.Error())
	}
	if errors.Is(err, agreement.ErrPartySigned) || errors.Is(err, agreement.ErrOtherText) {
		return conflict(err.Error())
	}
	return fieldErrors(err)
}
