package tlog

import (
	"encoding/binary"
	"errors"
	"fmt"

	sumtlog "golang.org/x/mod/sumdb/tlog"
)

// Hash is a node of the tree (SHA-256, RFC 6962).
type Hash = sumtlog.Hash

// HashReader reads stored hashes by stored-hash index: all that were asked
// for, in order, or an error.
type HashReader = sumtlog.HashReader

// HashReaderFunc is a function that is a [HashReader].
type HashReaderFunc = sumtlog.HashReaderFunc

// MaxSize bounds the number of entries of a log.
const MaxSize = 1 << 48

// ErrProof is matched by every proof that does not prove its claim.
var ErrProof = errors.New("proof does not verify")

var errSize = errors.New("tree size or index out of range")

// LeafHash is the RFC 6962 hash of a marshalled leaf.
func LeafHash(leaf []byte) Hash { return sumtlog.RecordHash(leaf) }

// Append returns the hashes to store when leaf becomes entry number size: they
// go to consecutive stored-hash indexes from [FirstHash](size) on. It reads at
// most log2(size) earlier hashes and costs two SHA-256 amortised.
func Append(size int64, leaf []byte, r HashReader) ([]Hash, error) {
	if size < 0 || size >= MaxSize {
		return nil, errSize
	}
	return sumtlog.StoredHashes(size, leaf, r)
}

// FirstHash is the stored-hash index at which the hashes of entry number size
// begin; it is also the count of hashes stored for the size entries before.
func FirstHash(size int64) int64 { return sumtlog.StoredHashIndex(0, size) }

// HashKey is the store key of a stored-hash index, big-endian, so that keys
// sort as the indexes do.
func HashKey(index int64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, 8), uint64(index))
}

// Root returns the root of the first size entries; the root of no entries is
// the hash of the empty string.
func Root(size int64, r HashReader) (Hash, error) {
	if size < 0 || size > MaxSize {
		return Hash{}, errSize
	}
	return sumtlog.TreeHash(size, r)
}

// ProveInclusion returns the proof that entry index is in the tree of size.
func ProveInclusion(size, index int64, r HashReader) ([]Hash, error) {
	if index < 0 || index >= size || size > MaxSize {
		return nil, errSize
	}
	return sumtlog.ProveRecord(size, index, r)
}

// CheckInclusion verifies that the tree of size with root holds leaf as entry
// index. A proof that is too long or too short is refused.
func CheckInclusion(proof []Hash, size int64, root Hash, index int64, leaf Hash) error {
	if index < 0 || index >= size || size > MaxSize {
		return fmt.Errorf("%w: %w", ErrProof, errSize)
	}
	if sumtlog.CheckRecord(proof, size, root, index, leaf) != nil {
		return fmt.Errorf("%w: entry %d is not under the root of size %d", ErrProof, index, size)
	}
	return nil
}

// ProveConsistency returns the proof that the tree of size old is a prefix of
// the tree of size. Trees without entries have no proofs.
func ProveConsistency(size, old int64, r HashReader) ([]Hash, error) {
	if old < 1 || old > size || size > MaxSize {
		return nil, errSize
	}
	return sumtlog.ProveTree(size, old, r)
}

// CheckConsistency verifies that the tree of size old with oldRoot is a prefix
// of the tree of size with root.
func CheckConsistency(proof []Hash, size int64, root Hash, old int64, oldRoot Hash) error {
	if old < 1 || old > size || size > MaxSize {
		return fmt.Errorf("%w: %w", ErrProof, errSize)
	}
	if sumtlog.CheckTree(proof, size, root, old, oldRoot) != nil {
		return fmt.Errorf("%w: the tree of size %d does not continue the one of size %d", ErrProof, size, old)
	}
	return nil
}
