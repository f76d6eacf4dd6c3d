package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// Audience is for whom a page is.
type Audience string

// The audiences. Only protected figures enter the last two: a page for them
// leaves out what consented students come to.
const (
	NamedPeople    Audience = "named_people"     // the people whom the agreement names
	BoardAndFunder Audience = "board_and_funder" // a board, a funder
	Public         Audience = "public"           // anyone
)

// ErrAudience is returned for the name of an audience that does not exist.
var ErrAudience = errors.New("the audience is none of named_people, board_and_funder and public")

// Validate reports, as an ErrAudience, a name that is no audience.
func (a Audience) Validate() error {
	switch a {
	case NamedPeople, BoardAndFunder, Public:
		return nil
	}
	return ErrAudience
}

// Stamp says for whom a page is, and names what the answer only identifies.
// Audience is required; an empty name is left out.
type Stamp struct {
	Audience  Audience
	District  string
	Partner   string
	Agreement string // its title
}

// ErrReceipt is returned for a receipt that cannot be read or is of another
// answer.
var ErrReceipt = errors.New("the receipt is not one of this answer")

// A Receipt is what a page prints of the log's receipt for its answer.
type Receipt struct {
	origin     string
	index      int64
	checkpoint string
	digest     string // of the data, as the entry recorded it
	raw        []byte
}

// ParseReceipt reads the member receipt of an answer. The error is an
// ErrReceipt. Nothing is proven by it: hallpass-verify does that.
func ParseReceipt(text []byte) (Receipt, error) {
	r, err := tlog.ParseReceipt(text)
	if err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	canonical, err := tlog.Canonicalize(r.Header)
	if err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	header, err := tlog.ParseHeader(canonical)
	if err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	return Receipt{r.Origin, r.Index, string(r.Checkpoint), header.DataSHA256, bytes.Clone(text)}, nil
}

// ParseAnswer reads a whole answer {"data": …, "receipt": …} as the service sent
// it, or the bytes of its data alone; then, and where the answer carries none,
// the receipt is nil. The error is an ErrData or an ErrReceipt.
func ParseAnswer(answer []byte) (Page, *Receipt, error) {
	if len(answer) > 2*MaxData {
		return Page{}, nil, fmt.Errorf("%w: it has over %d bytes", ErrData, 2*MaxData)
	}
	data, text, _ := tlog.SplitAnswer(answer)
	if data == nil || !jsontext.Value(answer).IsValid() {
		p, err := Parse(answer)
		return p, nil, err
	}
	p, err := Parse(data)
	if err != nil || text == nil {
		return p, nil, err
	}
	r, err := ParseReceipt(text)
	if err != nil {
		return Page{}, nil, err
	}
	return p, &r, nil
}

// belongs reports, as an ErrReceipt, a receipt whose entry recorded other data.
func (r Receipt) belongs(p Page) error {
	sum := sha256.Sum256(p.raw)
	if r.digest != hex.EncodeToString(sum[:]) {
		return fmt.Errorf("%w: the SHA-256 of the data is not the one that the entry recorded; give both exactly as the service sent them", ErrReceipt)
	}
	return nil
}
