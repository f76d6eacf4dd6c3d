package tlog

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// Continuation is a later checkpoint with the proof that its tree continues
// that of an earlier one.
type Continuation struct {
	Checkpoint  []byte // signed note
	Consistency []Hash // empty if both trees have one size
}

type continuationJSON struct {
	Checkpoint  string   `json:"checkpoint"`
	Consistency []string `json:"consistency"`
}

// MarshalJSON writes {"checkpoint": text, "consistency": [base64, …]}.
func (c Continuation) MarshalJSON() ([]byte, error) {
	return json.Marshal(continuationJSON{Checkpoint: string(c.Checkpoint), Consistency: encodeHashes(c.Consistency)})
}

// ParseContinuation reads the JSON form, or a bare signed checkpoint, which
// proves something only about trees of its own size. The error is a *[Fault].
func ParseContinuation(b []byte) (Continuation, error) {
	if len(b) > maxReceipt {
		return Continuation{}, faultIn("newer", "", fmt.Errorf("over %d bytes", maxReceipt))
	}
	if len(b) == 0 || b[0] != '{' {
		return Continuation{Checkpoint: b}, nil
	}
	var w continuationJSON
	if err := decodeStrict(b, &w); err != nil {
		return Continuation{}, faultIn("newer", "", errors.New("neither a checkpoint nor an object with the members checkpoint and consistency"))
	}
	proof, err := decodeHashes(w.Consistency)
	if err != nil {
		return Continuation{}, faultIn("newer", "consistency", err)
	}
	return Continuation{Checkpoint: []byte(w.Checkpoint), Consistency: proof}, nil
}

// Verify checks that the key signed the later checkpoint and that its tree
// continues the earlier one: a smaller tree is a log that was rolled back, and
// another root of one size a log that was forked. The error is a *[Fault].
func (c Continuation) Verify(v *Verifier, earlier Checkpoint) (Checkpoint, error) {
	later, err := v.Open(c.Checkpoint)
	if err != nil {
		return Checkpoint{}, faultIn("newer", "checkpoint", err)
	}
	switch {
	case later.Size < earlier.Size:
		err = fmt.Errorf("%w: the tree has shrunk from %d to %d entries; the log was rolled back, or the files are swapped", ErrProof, earlier.Size, later.Size)
	case later.Size == earlier.Size && later.Root != earlier.Root:
		err = fmt.Errorf("%w: two signed trees of %d entries have different roots; the log was forked", ErrProof, later.Size)
	case later.Size > earlier.Size && len(c.Consistency) == 0:
		err = fmt.Errorf("%w: no consistency proof from size %d to %d; ask the district for one", ErrProof, earlier.Size, later.Size)
	default:
		err = CheckConsistency(c.Consistency, later.Size, later.Root, earlier.Size, earlier.Root)
	}
	if err != nil {
		return Checkpoint{}, faultIn("newer", "consistency", err)
	}
	return later, nil
}
