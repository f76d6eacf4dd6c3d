package tlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Receipt proves that one entry is in the signed tree: this caller, request,
// decision, clause, policy and digest of the answer. It does not prove that
// nothing else was answered.
type Receipt struct {
	Origin     string
	Index      int64
	Leaf       []byte // marshalled [Leaf]
	Salt       [32]byte
	Header     []byte // JSON of a [Header]; its canonical form is what counts
	BodyHash   [32]byte
	Proof      []Hash // inclusion in the tree of Checkpoint
	Checkpoint []byte // signed note
}

// NewReceipt joins an entry with its inclusion proof in the tree of a signed
// checkpoint.
func NewReceipt(origin string, e Entry, proof []Hash, checkpoint []byte) (Receipt, error) {
	leaf, err := e.Leaf.Marshal()
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{
		Origin: origin, Index: int64(e.Leaf.Index), Leaf: leaf, Salt: e.Salt, Header: e.Header,
		BodyHash: BodyHash(e.BodySalt, e.Body), Proof: proof, Checkpoint: checkpoint,
	}, nil
}

type receiptJSON struct {
	Origin     string         `json:"origin"`
	Index      *int64         `json:"index"`
	Leaf       string         `json:"leaf"`
	Salt       string         `json:"salt"`
	Header     jsontext.Value `json:"header"`
	BodyHash   string         `json:"body_hash"`
	Proof      []string       `json:"proof"`
	Checkpoint string         `json:"checkpoint"`
}

// MarshalJSON writes the receipt as one object: bytes as standard base64, the
// header as JSON, the checkpoint as text.
func (r Receipt) MarshalJSON() ([]byte, error) {
	o := newObject(make([]byte, 0, 2048+len(r.Header)+48*len(r.Proof)))
	o.text("origin", r.Origin)
	o.number("index", r.Index)
	o.binary("leaf", r.Leaf)
	o.binary("salt", r.Salt[:])
	o.raw("header", r.Header)
	o.binary("body_hash", r.BodyHash[:])
	o.list("proof", len(r.Proof), func(i int) { o.b = append64(o.b, r.Proof[i][:]) })
	o.text("checkpoint", string(r.Checkpoint))
	return o.end()
}

// maxReceipt bounds the text of a receipt in bytes.
const maxReceipt = 4 << 20

var errBase64 = errors.New("not the canonical base64 of so many bytes")

// ParseReceipt reads a receipt. White space and the order of members are free;
// unknown, missing and duplicate members are refused. The error is a *[Fault].
func ParseReceipt(b []byte) (Receipt, error) {
	var w receiptJSON
	if len(b) > maxReceipt {
		return Receipt{}, faultIn("receipt", "", fmt.Errorf("over %d bytes", maxReceipt))
	}
	if err := decodeStrict(b, &w); err != nil {
		return Receipt{}, faultIn("receipt", "", errors.New("not a receipt: the JSON is broken or a member is unknown, duplicate or of a wrong type"))
	}
	if w.Index == nil || w.Proof == nil || w.Header == nil {
		return Receipt{}, faultIn("receipt", "", errors.New("not a receipt: index, proof or header is missing"))
	}
	r := Receipt{Origin: w.Origin, Index: *w.Index, Header: w.Header, Checkpoint: []byte(w.Checkpoint)}
	var err error
	if r.Leaf, err = decode64(w.Leaf, LeafSize); err != nil {
		return Receipt{}, faultIn("receipt", "leaf", err)
	}
	if r.Salt, err = decode32(w.Salt); err != nil {
		return Receipt{}, faultIn("receipt", "salt", err)
	}
	if r.BodyHash, err = decode32(w.BodyHash); err != nil {
		return Receipt{}, faultIn("receipt", "body_hash", err)
	}
	if r.Proof, err = decodeHashes(w.Proof); err != nil {
		return Receipt{}, faultIn("receipt", "proof", err)
	}
	return r, nil
}

// Proven is what a receipt that verifies says.
type Proven struct {
	Leaf        Leaf
	Header      Header
	Checkpoint  Checkpoint
	DataChecked bool // the bytes of the answer were given and are those that were sent
}

// Verify checks the receipt against the log's public key: the header opens the
// leaf, the leaf is in the tree, the key signed the tree, and what header, leaf
// and checkpoint say agrees. If data is not nil, it must be the exact bytes of
// the member data of the answer. The error is a *[Fault] that names the member.
func (r Receipt) Verify(v *Verifier, data []byte) (Proven, error) {
	c, err := v.Open(r.Checkpoint)
	if err != nil {
		return Proven{}, faultIn("receipt", "checkpoint", err)
	}
	if r.Origin != c.Origin {
		return Proven{}, faultIn("receipt", "origin", errors.New("not the origin of the checkpoint"))
	}
	leaf, err := r.checkLeaf(c)
	if err != nil {
		return Proven{}, err
	}
	header, err := r.checkHeader(leaf)
	if err != nil {
		return Proven{}, faultIn("receipt", "header", err)
	}
	if data != nil {
		if err := header.checkData(data); err != nil {
			return Proven{}, faultIn("answer", "data", err)
		}
	}
	return Proven{Leaf: leaf, Header: header, Checkpoint: c, DataChecked: data != nil}, nil
}

func (r Receipt) checkLeaf(c Checkpoint) (Leaf, error) {
	leaf, err := ParseLeaf(r.Leaf)
	if err != nil {
		return Leaf{}, faultIn("receipt", "leaf", err)
	}
	if r.Index < 0 || leaf.Index != uint64(r.Index) {
		return Leaf{}, faultIn("receipt", "index", errors.New("not the index of the leaf"))
	}
	if err := CheckInclusion(r.Proof, c.Size, c.Root, r.Index, LeafHash(r.Leaf)); err != nil {
		return Leaf{}, faultIn("receipt", "proof", err)
	}
	return leaf, nil
}

func (r Receipt) checkHeader(leaf Leaf) (Header, error) {
	header, err := Canonicalize(r.Header)
	if err != nil {
		return Header{}, err
	}
	if err := checkHeader(leaf, header, r.BodyHash, r.Salt, r.Origin); err != nil {
		return Header{}, err
	}
	return ParseHeader(header)
}

func (h Header) checkData(data []byte) error {
	sum := sha256.Sum256(data)
	switch h.DataSHA256 {
	case "":
		return errors.New("the entry records an answer without data")
	case hex.EncodeToString(sum[:]):
		return nil
	}
	return errors.New("the SHA-256 of these bytes is not the one that was recorded; give the answer exactly as it came, not reformatted")
}

// SplitAnswer takes an HTTP answer {"data": …, "receipt": …} apart and returns
// the exact bytes of both members as they stand in it. ok is false if the text
// is not one JSON object with both members.
func SplitAnswer(answer []byte) (data, receipt []byte, ok bool) {
	d := jsontext.NewDecoder(bytes.NewBuffer(answer))
	if tok, err := d.ReadToken(); err != nil || tok.Kind() != '{' {
		return nil, nil, false
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, nil, false
		}
		member := name.String() // before the next read, which voids the token
		value, err := d.ReadValue()
		if err != nil {
			return nil, nil, false
		}
		switch member {
		case "data":
			data = bytes.Clone(value)
		case "receipt":
			receipt = bytes.Clone(value)
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, nil, false
	}
	_, err := d.ReadToken()
	return data, receipt, errors.Is(err, io.EOF) && data != nil && receipt != nil
}

func encode64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func encodeHashes(hashes []Hash) []string {
	s := make([]string, len(hashes))
	for i, h := range hashes {
		s[i] = encode64(h[:])
	}
	return s
}

func decode64(s string, size int) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) != size || encode64(b) != s {
		return nil, errBase64
	}
	return b, nil
}

func decode32(s string) ([32]byte, error) {
	b, err := decode64(s, 32)
	if err != nil {
		return [32]byte{}, err
	}
	return [32]byte(b), nil
}

func decodeHashes(list []string) ([]Hash, error) {
	hashes := make([]Hash, 0, min(len(list), 64))
	for _, s := range list {
		h, err := decode32(s)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, h)
	}
	return hashes, nil
}
