package broker

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/seal"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy"
)

// draft is what is to be recorded, before it has a place in the log.
type draft struct {
	event     tlog.Event
	action    string // of a partner's request: what it asked for
	caller    Caller
	decision  tlog.Decision
	agreement string
	version   int // of the agreement
	clause    string
	reasons   []policy.Reason
	request   []byte        // canonical form of what was asked; only its digest is public
	data      []byte        // the exact bytes of the answer's member data; nil when nothing left
	sum       string        // SHA-256 of data, in hex, where it is known already
	policy    [32]byte      // digest of the policy that decided; zero when none did
	key       seal.KeyID    // the key that opens the entry, and whose end destroys it
	subjects  []records.SID // the students whom the entry concerns
	places    int           // how many the reader of the receipt knows there may be
	body      []byte        // canonical form of the private half
}

// sealed is a draft that needs only its index, time and revision.
type sealed struct {
	entry     tlog.Entry
	stored    []byte
	agreement string
	asked     bool        // about children: it is filed under its agreement
	hashes    []tlog.Hash // that it adds to the log; known with its place
}

// sealDraft does everything about an entry that needs no transaction.
func (b *Broker) sealDraft(d draft) (sealed, error) {
	e := tlog.Entry{Body: d.body}
	rand.Read(e.Salt[:])
	rand.Read(e.BodySalt[:])
	var err error
	if e.Header, err = b.header(d).Canonical(); err != nil {
		return sealed{}, fmt.Errorf("encoding an entry's header: %w", err)
	}
	if max(len(e.Header), len(e.Body)) > tlog.MaxPart {
		return sealed{}, errEntryLong
	}
	tree, err := b.subjectTree(d, e)
	if err != nil {
		return sealed{}, err
	}
	e.Leaf = tlog.Leaf{
		Event: d.event, Decision: d.decision, Policy: d.policy, Actor: b.actor(d.caller),
		Subjects: tree.Size(), SubjectRoot: tree.Root(),
		Commitment: tlog.Commit(e.Header, e.Body, e.Salt, e.BodySalt),
	}
	stored, err := b.sealEntry(d.key, e)
	return sealed{entry: e, stored: stored, agreement: d.agreement, asked: asksAboutChildren(d)}, err
}

var errEntryLong = errors.New("an entry is longer than the log takes")

func (b *Broker) header(d draft) tlog.Header {
	h := tlog.Header{
		Origin: b.settings.Origin, Event: d.event, Decision: d.decision,
		Caller:  tlog.Caller{Role: string(d.caller.Role), Subject: d.caller.Subject, Partner: d.caller.Partner},
		Request: digest(d.request), Agreement: d.agreement, AgreementVersion: d.version, Clause: d.clause,
	}
	for _, r := range d.reasons {
		h.Reasons = append(h.Reasons, string(r))
	}
	if d.policy != ([32]byte{}) {
		h.Policy = hex.EncodeToString(d.policy[:])
	}
	if d.data != nil {
		h.DataSHA256 = d.sum
		if d.sum == "" {
			h.DataSHA256 = digest(d.data)
		}
	}
	return h
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// actor is the caller's pseudonym in the permanent leaf.
func (b *Broker) actor(c Caller) [16]byte {
	sum := b.vault.Index("actor", string(c.Role), c.Partner, c.Subject)
	return [16]byte(sum[:16])
}

// subjectTree commits to the students of an entry under their own keys, so
// that a family can be shown its own opening and nobody else's.
func (b *Broker) subjectTree(d draft, e tlog.Entry) (*tlog.SubjectTree, error) {
	commitments := make([][32]byte, len(d.subjects))
	for i, sid := range d.subjects {
		audit, err := b.vault.Derive(studentKey(sid), "audit")
		if err != nil {
			return nil, fmt.Errorf("committing to the students of an entry: %w", err)
		}
		commitments[i] = tlog.SubjectCommitment(audit[:], e.Salt, d.event)
	}
	return tlog.NewSubjectTree(commitments, e.BodySalt, max(d.places, 0))
}

// An entry at rest is the name of its key and the sealed salts, header and
// body; it is bound to its leaf by the commitment. Destroying the key
// destroys the entry.
func (b *Broker) sealEntry(id seal.KeyID, e tlog.Entry) ([]byte, error) {
	plain := make([]byte, 0, 68+len(e.Header)+len(e.Body))
	plain = append(append(plain, e.Salt[:]...), e.BodySalt[:]...)
	plain = binary.BigEndian.AppendUint32(plain, uint32(len(e.Header)))
	plain = append(append(plain, e.Header...), e.Body...)
	stored := make([]byte, 0, 1+len(id)+len(plain)+seal.Overhead)
	stored = append(append(stored, byte(len(id))), id...)
	stored, err := b.vault.AppendSeal(stored, id, entryAAD(e.Leaf.Commitment), plain)
	if err != nil {
		return nil, fmt.Errorf("sealing an entry: %w", err)
	}
	return stored, nil
}

func entryAAD(commitment [32]byte) []byte { return append([]byte("entries|"), commitment[:]...) }

var errEntryForm = errors.New("an entry at rest is not in its form")

// readEntry opens the entry at an index. ok is false when its key was
// destroyed; the leaf is there all the same.
func (b *Broker) readEntry(r store.Reader, index uint64) (e tlog.Entry, ok bool, err error) {
	raw, err := r.Get(colLeaves, key(index))
	if err != nil {
		return e, false, err
	}
	if e.Leaf, err = tlog.ParseLeaf(raw); err != nil {
		return e, false, fmt.Errorf("reading entry %d: %w", index, err)
	}
	box, err := r.Get(colEntries, key(index))
	if err != nil {
		return e, false, err
	}
	if len(box) == 0 || len(box) < 1+int(box[0]) {
		return e, false, fmt.Errorf("reading entry %d: %w", index, errEntryForm)
	}
	id := seal.KeyID(box[1 : 1+box[0]])
	plain, err := b.vault.Open(id, entryAAD(e.Leaf.Commitment), box[1+box[0]:])
	if errors.Is(err, seal.ErrNoKey) {
		return e, false, nil
	}
	if err != nil {
		return e, false, fmt.Errorf("reading entry %d: %w", index, err)
	}
	return e, true, splitEntry(plain, &e)
}

func splitEntry(plain []byte, e *tlog.Entry) error {
	if len(plain) < 68 {
		return errEntryForm
	}
	e.Salt, e.BodySalt = [32]byte(plain[:32]), [32]byte(plain[32:64])
	n := int(binary.BigEndian.Uint32(plain[64:]))
	if n > len(plain)-68 {
		return errEntryForm
	}
	e.Header, e.Body = plain[68:68+n], plain[68+n:]
	return nil
}

// append gives the entry its place: index, time and revision, leaf and
// hashes, in the caller's transaction.
func (b *Broker) append(tx store.Tx, s *sealed) error {
	size, err := number(tx, colLog, key(logSize))
	if err != nil {
		return err
	}
	at, err := b.logTime(tx)
	if err != nil {
		return err
	}
	s.entry.Leaf.Index, s.entry.Leaf.Time, s.entry.Leaf.Rev = size, at, tx.Rev()
	leaf, err := s.entry.Leaf.Marshal()
	if err != nil {
		return err
	}
	if s.hashes, err = appendHashes(tx, int64(size), leaf); err != nil {
		return fmt.Errorf("extending the log: %w", err)
	}
	if err := tx.Put(colLeaves, key(size), leaf); err != nil {
		return err
	}
	if err := tx.Put(colEntries, key(size), s.stored); err != nil {
		return err
	}
	if s.asked {
		if err := putAsked(tx, s.agreement, size); err != nil {
			return err
		}
	}
	if err := putNumber(tx, colLog, key(logTime), uint64(at.UnixMilli())); err != nil {
		return err
	}
	return putNumber(tx, colLog, key(logSize), size+1)
}

// logTime is the time of the next entry: now, or the newest time in the log
// when the clock went back.
func (b *Broker) logTime(r store.Reader) (time.Time, error) {
	newest, err := number(r, colLog, key(logTime))
	if err != nil {
		return time.Time{}, err
	}
	now := max(b.wall().UnixMilli(), int64(newest))
	b.newest.Store(max(b.newest.Load(), now))
	return time.UnixMilli(now).UTC(), nil
}
