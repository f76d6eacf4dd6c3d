package tlog

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"slices"

	sumtlog "golang.org/x/mod/sumdb/tlog"
)

// MaxSubjects bounds the padded size of a subject tree.
const MaxSubjects = 1 << 20

// ErrSubject is returned for a subject that a tree does not hold, or for more
// subjects than a tree may have.
var ErrSubject = errors.New("subject not in the tree, or too many subjects")

// SubjectCommitment is what a subject tree holds for one student:
// HMAC-SHA256(the student's audit key, salt ‖ event), where salt is the entry's
// own. The salt is new for each entry, so without the key no two commitments
// of one student can be linked, and destroying the key makes them unopenable.
func SubjectCommitment(auditKey []byte, salt [32]byte, event Event) [32]byte {
	mac := hmac.New(sha256.New, auditKey)
	mac.Write([]byte("hallpass/subject/v1\n"))
	mac.Write(salt[:])
	mac.Write([]byte(event))
	return [32]byte(mac.Sum(nil))
}

// SubjectTree is a Merkle tree over subject commitments, sorted by value (to
// whoever lacks the keys: shuffled) among random padding.
type SubjectTree struct {
	leaves []([32]byte)
	levels [][]Hash // levels[0] are the leaf hashes
}

// NewSubjectTree builds the tree over the commitments of one entry. The tree is
// padded to a power of two that is at least places; places must follow only
// from what the reader of the receipt knows already (the rows of an upload,
// the size of the partner's own roster), never from how many matched. The
// padding derives from the entry's secret body salt, so the same arguments
// give the same tree. Without commitments and places the tree is empty, with
// a zero root.
func NewSubjectTree(commitments [][32]byte, bodySalt [32]byte, places int) (*SubjectTree, error) {
	want := max(len(commitments), places)
	if want > MaxSubjects || places < 0 {
		return nil, ErrSubject
	}
	if want == 0 {
		return &SubjectTree{}, nil
	}
	size := 1
	for size < want {
		size *= 2
	}
	t := &SubjectTree{leaves: append(make([][32]byte, 0, size), commitments...)}
	if err := t.pad(size, bodySalt); err != nil {
		return nil, err
	}
	slices.SortFunc(t.leaves, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
	t.build()
	return t, nil
}

// pad fills the tree with the key stream of AES-256 in counter mode, under a
// key that the body salt gives: to whoever lacks the salt it looks like
// commitments.
func (t *SubjectTree) pad(size int, bodySalt [32]byte) error {
	mac := hmac.New(sha256.New, bodySalt[:])
	mac.Write([]byte("hallpass/subject-padding/v1\n"))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		return err
	}
	stream := make([]byte, (size-len(t.leaves))*sha256.Size)
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(stream, stream)
	for chunk := range slices.Chunk(stream, sha256.Size) {
		t.leaves = append(t.leaves, [32]byte(chunk))
	}
	return nil
}

func (t *SubjectTree) build() {
	level := make([]Hash, len(t.leaves))
	for i, c := range t.leaves {
		level[i] = subjectHash(c)
	}
	t.levels = append(t.levels, level)
	for len(level) > 1 {
		next := make([]Hash, len(level)/2)
		for i := range next {
			next[i] = sumtlog.NodeHash(level[2*i], level[2*i+1])
		}
		t.levels = append(t.levels, next)
		level = next
	}
}

// subjectHash is LeafHash without its allocations.
func subjectHash(commitment [32]byte) Hash {
	var leaf [1 + len(commitment)]byte // RFC 6962: a zero byte, then the leaf
	copy(leaf[1:], commitment[:])
	return sha256.Sum256(leaf[:])
}

// Size is the padded number of places, for [Leaf.Subjects].
func (t *SubjectTree) Size() uint32 { return uint32(len(t.leaves)) }

// Root is the root for [Leaf.SubjectRoot]; zero for an empty tree.
func (t *SubjectTree) Root() [32]byte {
	if len(t.levels) == 0 {
		return [32]byte{}
	}
	return t.levels[len(t.levels)-1][0]
}

// Path returns the place of a commitment and its sibling hashes, leaf first.
func (t *SubjectTree) Path(commitment [32]byte) (place uint32, path []Hash, err error) {
	at, ok := slices.BinarySearchFunc(t.leaves, commitment, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
	if !ok {
		return 0, nil, ErrSubject
	}
	for i, level := at, 0; level < len(t.levels)-1; i, level = i/2, level+1 {
		path = append(path, t.levels[level][i^1])
	}
	return uint32(at), path, nil
}

// CheckSubject verifies that the subject tree of a leaf holds the commitment
// at place.
func CheckSubject(l Leaf, commitment [32]byte, place uint32, path []Hash) error {
	return CheckInclusion(path, int64(l.Subjects), l.SubjectRoot, int64(place), LeafHash(commitment[:]))
}
