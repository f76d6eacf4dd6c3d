package bolt

import (
	"encoding/binary"
	"hash/crc32"
	"hash/crc64"
	"sync"

	"go.etcd.io/bbolt"

	"github.com/hallpass-edu/hallpass/broker/store"
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	ecma       = crc64.MakeTable(crc64.ECMA)
)

// crcSize is what stands before each stored value.
const crcSize = 4

// seed holds the checksums of a collection's name, which those of its pairs continue.
type seed struct {
	crc32 uint32
	crc64 uint64
}

func seedOf(collection string) seed {
	framed := append([]byte(collection), 0, byte(len(collection)))
	return seed{crc32.Checksum(framed, castagnoli), crc64.Checksum(framed, ecma)}
}

// seeds keeps the seeds of the collections that were used: a program names a few.
type seeds struct {
	mu     sync.RWMutex
	byName map[store.Collection]seed
}

func (s *seeds) of(c store.Collection) seed {
	s.mu.RLock()
	known, ok := s.byName[c]
	s.mu.RUnlock()
	if ok {
		return known
	}
	fresh := seedOf(string(c))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName == nil {
		s.byName = map[store.Collection]seed{}
	}
	s.byName[c] = fresh
	return fresh
}

// check returns the checksum of a pair: collection, length of the key, key, value.
func (s seed) check(key, value []byte) uint32 {
	var length [2]byte
	binary.BigEndian.PutUint16(length[:], uint16(len(key)))
	c := crc32.Update(s.crc32, castagnoli, length[:])
	c = crc32.Update(c, castagnoli, key)
	return crc32.Update(c, castagnoli, value)
}

// pack appends the stored form of a value.
func (s seed) pack(to, key, value []byte) []byte {
	to = binary.BigEndian.AppendUint32(to, s.check(key, value))
	return append(to, value...)
}

// unpack returns the value of a stored form, and whether the checksum holds.
func (s seed) unpack(key, stored []byte) ([]byte, bool) {
	if len(stored) < crcSize || len(stored) > crcSize+store.MaxValue || len(key) > store.MaxKey {
		return nil, false
	}
	value := stored[crcSize:]
	return value, s.check(key, value) == binary.BigEndian.Uint32(stored)
}

// weight is what a pair adds to the sum: a mix of its key and its stored checksum.
// One flipped bit of the key always changes it.
func (s seed) weight(key, stored []byte) uint64 {
	x := crc64.Update(s.crc64, ecma, key)
	if len(stored) >= crcSize {
		x ^= uint64(binary.BigEndian.Uint32(stored)) * 0x9e3779b97f4a7c15
	}
	return mix(x)
}

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", OOPSLA 2014): a permutation of the 64-bit numbers.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// sumBucket is the bucket of the one record that says what the others must hold. No
// collection of a caller can have its name.
const sumBucket = "~sum"

var sumKey = []byte("pairs")

// sum counts all pairs of the file and adds up their weights modulo 2^64.
type sum struct {
	pairs  uint64
	weight uint64
}

func (s *sum) add(weight uint64)  { s.pairs++; s.weight += weight }
func (s *sum) drop(weight uint64) { s.pairs--; s.weight -= weight }

func (s sum) save(b *bbolt.Bucket) error {
	value := binary.BigEndian.AppendUint64(nil, s.pairs)
	value = binary.BigEndian.AppendUint64(value, s.weight)
	return b.Put(sumKey, seedOf(sumBucket).pack(nil, sumKey, value))
}

func loadSum(b *bbolt.Bucket) (sum, error) {
	if b == nil {
		return sum{}, damaged("its sums are missing")
	}
	value, ok := seedOf(sumBucket).unpack(sumKey, b.Get(sumKey))
	if !ok || len(value) != 16 {
		return sum{}, damaged("its sums do not hold")
	}
	return sum{binary.BigEndian.Uint64(value), binary.BigEndian.Uint64(value[8:])}, nil
}
