package tlog

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Checkpoint names one state of a log: so many entries have this root.
// Its signed form is a C2SP tlog-checkpoint without extension lines.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   Hash
}

// ErrCheckpoint is matched by the errors of checkpoints.
var ErrCheckpoint = errors.New("checkpoint does not verify")

// maxCheckpoint bounds a signed checkpoint in bytes, cosignatures included.
const maxCheckpoint = 16 << 10

func checkpointError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCheckpoint, fmt.Sprintf(format, args...))
}

// Simulated reports whether the log belongs to a district with a simulated clock.
func (c Checkpoint) Simulated() bool { return strings.HasSuffix(c.Origin, simulatedSuffix) }

func (c Checkpoint) text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + c.Root.String() + "\n"
}

// Sign returns the signed checkpoint. The caller must sign only committed
// states, each a continuation of the one before.
func (s *Signer) Sign(c Checkpoint) ([]byte, error) {
	if c.Origin != s.Origin() || c.Size < 0 || c.Size > MaxSize {
		return nil, checkpointError("this key signs for another origin, or the size is out of range")
	}
	return note.Sign(&note.Note{Text: c.text()}, s.signer)
}

// Open verifies a signed checkpoint. Signature lines of other keys (a witness,
// the key's predecessor) may follow the log's own and are not believed. Every
// line must stand there once, in the one form its content has.
func (v *Verifier) Open(signed []byte) (Checkpoint, error) {
	if len(signed) > maxCheckpoint {
		return Checkpoint{}, checkpointError("over %d bytes", maxCheckpoint)
	}
	n, err := note.Open(signed, note.VerifierList(v.verifier))
	if err != nil {
		return Checkpoint{}, checkpointError("no valid signature of %s", v.Origin())
	}
	if string(signed) != canonicalNote(n) {
		return Checkpoint{}, checkpointError("a signature line is repeated, out of order or not in canonical base64")
	}
	c, err := parseCheckpoint(n.Text)
	if err == nil && c.Origin != v.Origin() {
		err = checkpointError("the origin is not the name of the key")
	}
	return c, err
}

// OpenExact is [Verifier.Open] for a checkpoint that only the log itself signed.
func (v *Verifier) OpenExact(signed []byte) (Checkpoint, error) {
	c, err := v.Open(signed)
	if err == nil && strings.Count(string(signed), "\n") != 5 {
		return Checkpoint{}, checkpointError("signature lines of other keys are not part of an export")
	}
	return c, err
}

// canonicalNote writes a note with the log's signature first.
func canonicalNote(n *note.Note) string {
	var b strings.Builder
	b.WriteString(n.Text + "\n")
	for _, list := range [][]note.Signature{n.Sigs, n.UnverifiedSigs} {
		for _, sig := range list {
			b.WriteString("— " + sig.Name + " " + canonicalBase64(sig.Base64) + "\n")
		}
	}
	return b.String()
}

func canonicalBase64(s string) string {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] == "" || lines[3] != "" {
		return Checkpoint{}, checkpointError("the text is not the three lines origin, size, root")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || size > MaxSize {
		return Checkpoint{}, checkpointError("the size is out of range")
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != len(Hash{}) {
		return Checkpoint{}, checkpointError("the root is not a base64 SHA-256")
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: Hash(root)}
	if c.text() != text {
		return Checkpoint{}, checkpointError("the text is not in canonical form")
	}
	return c, nil
}
