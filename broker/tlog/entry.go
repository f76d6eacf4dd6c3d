package tlog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// Caller is who asked or acted, as it is written into a [Header].
type Caller struct {
	Role    string `json:"role"`
	Subject string `json:"subject,omitzero"` // the person's name or id from the token
	Partner string `json:"partner,omitzero"`
}

// Header is the half of an entry that goes into receipts. It repeats the
// leaf's event, decision and policy, so that a header cannot be shown beside a
// leaf that says something else; index and time stand in the leaf only.
type Header struct {
	Origin           string   `json:"origin"`
	Event            Event    `json:"event"`
	Decision         Decision `json:"decision"`
	Caller           Caller   `json:"caller"`
	Request          string   `json:"request,omitzero"` // SHA-256 of the request, hex
	Agreement        string   `json:"agreement,omitzero"`
	AgreementVersion int      `json:"agreement_version,omitzero"`
	Clause           string   `json:"clause,omitzero"`      // the clause that decided
	Reasons          []string `json:"reasons,omitzero"`     // of a denial
	Policy           string   `json:"policy,omitzero"`      // policy digest, hex; absent where none decided
	DataSHA256       string   `json:"data_sha256,omitzero"` // of the exact bytes of the answer's member data, hex
}

// Entry is one event as the district keeps it: the permanent leaf and the two
// canonical JSON halves with the salts that make them destroyable. Header and
// body are at most [MaxPart] bytes each.
type Entry struct {
	Leaf           Leaf
	Header         []byte // canonical JSON of a [Header]
	Body           []byte // canonical JSON object, never leaves the district but in an export
	Salt, BodySalt [32]byte
}

// MaxPart bounds the canonical header and the canonical body of an entry.
const MaxPart = 1 << 20

// ErrEntry is matched by the errors of [Entry.Check].
var ErrEntry = errors.New("entry does not open its leaf")

const commitDomain = "hallpass/entry/v1\n"

// Commit binds a leaf to its header and body:
// SHA-256(domain ‖ salt ‖ SHA-256(header) ‖ [BodyHash](bodySalt, body)).
// Both salts must be random and new for each entry.
func Commit(header, body []byte, salt, bodySalt [32]byte) [32]byte {
	return commit(header, BodyHash(bodySalt, body), salt)
}

// BodyHash is SHA-256(bodySalt ‖ body): what a receipt shows of the body.
func BodyHash(bodySalt [32]byte, body []byte) [32]byte {
	h := sha256.New()
	h.Write(bodySalt[:])
	h.Write(body)
	return [32]byte(h.Sum(nil))
}

func commit(header []byte, bodyHash, salt [32]byte) [32]byte {
	var b [len(commitDomain) + 3*32]byte
	headerHash := sha256.Sum256(header)
	n := copy(b[:], commitDomain)
	n += copy(b[n:], salt[:])
	n += copy(b[n:], headerHash[:])
	copy(b[n:], bodyHash[:])
	return sha256.Sum256(b[:])
}

// Check verifies that header and body are canonical, open the leaf's
// commitment, and that the header agrees with the leaf and with the origin of
// the log.
func (e Entry) Check(origin string) error {
	if err := checkPart("body", e.Body); err != nil {
		return err
	}
	return checkHeader(e.Leaf, e.Header, BodyHash(e.BodySalt, e.Body), e.Salt, origin)
}

func checkPart(name string, part []byte) error {
	canonical, err := Canonicalize(part)
	switch {
	case len(part) > MaxPart:
		return fmt.Errorf("%w: the %s is over %d bytes", ErrEntry, name, MaxPart)
	case err != nil:
		return fmt.Errorf("%w: the %s is not JSON", ErrEntry, name)
	case string(canonical) != string(part) || jsontext.Value(part).Kind() != '{':
		return fmt.Errorf("%w: the %s is not a canonical JSON object", ErrEntry, name)
	}
	return nil
}

func checkHeader(leaf Leaf, header []byte, bodyHash, salt [32]byte, origin string) error {
	if err := checkPart("header", header); err != nil {
		return err
	}
	if commit(header, bodyHash, salt) != leaf.Commitment {
		return fmt.Errorf("%w: the commitment is another one", ErrEntry)
	}
	h, err := ParseHeader(header)
	if err != nil {
		return err
	}
	return h.agrees(leaf, origin)
}

// Canonical returns the RFC 8785 form of the header, the same as [Canonical],
// in a tenth of its time: each entry needs it. A version of an agreement that
// a double would round is refused.
func (h Header) Canonical() ([]byte, error) {
	if h.AgreementVersion < 0 || h.AgreementVersion >= maxExact {
		return nil, ErrCanonical
	}
	o := newObject(make([]byte, 0, 1024))
	o.textIfAny("agreement", h.Agreement)
	if h.AgreementVersion != 0 {
		o.number("agreement_version", int64(h.AgreementVersion))
	}
	o.object("caller", func() {
		o.textIfAny("partner", h.Caller.Partner)
		o.text("role", h.Caller.Role)
		o.textIfAny("subject", h.Caller.Subject)
	})
	o.textIfAny("clause", h.Clause)
	o.textIfAny("data_sha256", h.DataSHA256)
	o.text("decision", string(h.Decision))
	o.text("event", string(h.Event))
	o.text("origin", h.Origin)
	o.textIfAny("policy", h.Policy)
	if h.Reasons != nil {
		o.list("reasons", len(h.Reasons), func(i int) { o.quote(h.Reasons[i]) })
	}
	o.textIfAny("request", h.Request)
	b, err := o.end()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCanonical, err)
	}
	return b, nil
}

// maxExact is the first whole number whose successor a double rounds.
const maxExact = 1 << 53

// ParseHeader reads a header; unknown and duplicate members are refused.
func ParseHeader(b []byte) (Header, error) {
	var h Header
	if err := decodeStrict(b, &h); err != nil {
		return Header{}, fmt.Errorf("%w: the header has an unknown member or a member of a wrong type", ErrEntry)
	}
	return h, nil
}

func (h Header) agrees(l Leaf, origin string) error {
	policy := ""
	if l.Policy != [32]byte{} {
		policy = hex.EncodeToString(l.Policy[:])
	}
	disagree := func(what string) error {
		return fmt.Errorf("%w: header and leaf disagree about the %s", ErrEntry, what)
	}
	switch {
	case h.Origin != origin:
		return disagree("origin")
	case h.Event != l.Event:
		return disagree("event")
	case h.Decision != l.Decision:
		return disagree("decision")
	case h.Policy != policy:
		return disagree("policy")
	}
	return nil
}
