package broker

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/store"
)

// The collections of a district's store. Keys are built by key, so that no
// part can run into the next; nothing in a key names a person.
const (
	colHead         store.Collection = "head"         // one value a name: see the head constants
	colLog          store.Collection = "log"          // one value a name: see the log constants
	colLeaves       store.Collection = "leaves"       // index -> leaf
	colHashes       store.Collection = "hashes"       // stored hash index -> hash
	colEntries      store.Collection = "entries"      // index -> sealed entry
	colAsked        store.Collection = "asked"        // agreement, index -> nothing: a partner's request about children
	colPartners     store.Collection = "partners"     // partner -> partnerRecord
	colBans         store.Collection = "bans"         // legal entity -> ban
	colAgreements   store.Collection = "agreements"   // agreement -> agreementRecord
	colHistory      store.Collection = "history"      // agreement, version -> agreement as it was signed
	colConsentRev   store.Collection = "consent_rev"  // agreement -> revision of what families and rosters say
	colEpochs       store.Collection = "epochs"       // partner -> epoch under which its tokens count
	colConsents     store.Collection = "consents"     // sid, ordinal -> sealed grant
	colConsentIDs   store.Collection = "consent_ids"  // consent -> sid, ordinal
	colChanges      store.Collection = "changes"      // the newest counts of headConsent -> sid of whom the change is about
	colRights       store.Collection = "rights"       // sid -> sealed words on who decides
	colRestrictions store.Collection = "restrictions" // restriction or protection -> sid
	colRounds       store.Collection = "rounds"       // round -> roundRecord
	colAsks         store.Collection = "asks"         // question -> sid, sealed question
	colAskIDs       store.Collection = "ask_ids"      // sid, question -> nothing
	colReceipts     store.Collection = "receipts"     // number -> sid, sealed answer that it is of
	colDeletions    store.Collection = "deletions"    // deletion -> sid, sealed wish
	colLinks        store.Collection = "links"        // HMAC(secret) -> sealed link
	colSessions     store.Collection = "sessions"     // HMAC(secret) -> sealed session
	colStaff        store.Collection = "staff"        // HMAC(secret) -> sealed link or session of the district's people
	colMailboxes    store.Collection = "mailboxes"    // HMAC(person) -> sealed mailbox
	colWaiting      store.Collection = "waiting"      // HMAC(person) -> nothing: there is something to ask
	colWishes       store.Collection = "wishes"       // HMAC(contact) -> day, how many links were wished for
	colTold         store.Collection = "told"         // what, student or consent -> day on which the family was told
	colTexts        store.Collection = "texts"        // language, version -> who reviewed the texts
	colCases        store.Collection = "cases"        // case -> sid, sealed case
	colConflicts    store.Collection = "conflicts"    // sid -> nothing: people, or documents, may disagree about the student
	colInspections  store.Collection = "inspections"  // inspection -> sid, sealed inspection
	colForms        store.Collection = "forms"        // consent -> sealed form that a partner collected
	colIDs          store.Collection = "ids"          // HMAC(kind, source id) -> sealed sids
	colMerged       store.Collection = "merged"       // sid -> sids it had before files were merged
	colPages        store.Collection = "pages"        // data version, page -> sealed persons
	colSegments     store.Collection = "segments"     // data version, school, year -> sealed facts
	colManifests    store.Collection = "manifests"    // data version -> manifest
	colLoads        store.Collection = "loads"        // data version -> how it came to be
	colDoubts       store.Collection = "doubts"       // digest of an export -> what a second person must approve
	colRosters      store.Collection = "rosters"      // agreement, version -> roster head
	colRostered     store.Collection = "rostered"     // sid, agreement -> first roster version that holds the student, and when it was made
	colRosterRows   store.Collection = "roster_rows"  // agreement, version, ordinal -> sealed participant
	colMatches      store.Collection = "matches"      // agreement, HMAC(participant) -> sealed decision
	colGuardians    store.Collection = "guardians"    // HMAC(two guardians) -> sealed word on whether they are one
	colPeriods      store.Collection = "periods"      // session -> periodRecord
	colFreezes      store.Collection = "freezes"      // session -> freeze
	colTables       store.Collection = "tables"       // session, page -> the students whom a freeze counts
	colFrozen       store.Collection = "frozen"       // session, agreement -> its part of the freeze
	colReleases     store.Collection = "releases"     // agreement, session, number -> release
	colLedger       store.Collection = "ledger"       // sequence number -> record of a release
	colReleased     store.Collection = "released"     // agreement -> its releases, newest last
	colPublished    store.Collection = "published"    // session, agreement -> the sets behind every figure
	colKnown        store.Collection = "known"        // session -> whose values were ever opened to anyone
	colBudgets      store.Collection = "budgets"      // first day of a school year -> sealed privacy ledger
	colDraws        store.Collection = "draws"        // session, attempt -> sealed noise that was drawn and paid for
	colMemos        store.Collection = "memos"        // session, agreement -> the determination memo that was signed last
	colStops        store.Collection = "stops"        // epoch, number -> stop
	colCopies       store.Collection = "copies"       // sid, agreement, columns, index -> sealed row as it was sent
	colOutbox       store.Collection = "outbox"       // messages to families and their queues: see the outbox constants
)

// The names in colHead.
const (
	headSettings = "settings" // Settings
	headData     = "data"     // current data version
	headReleases = "releases" // counts freezes and publications
	headConsent  = "consent"  // counts changes of what families, rosters and steward say
	headTerms    = "terms"    // counts changes of agreements and calendars
	headRollover = "rollover" // Rollover

	headDisclosure = "disclosure" // Disclosure
	headLedger     = "ledger"     // ledgerHead

	headEpoch    = "epoch"    // of stops: how often the district was restored
	headRestored = "restored" // restored

	headGuardians = "guardians" // counts the words on guardians who look like one person
)

// The names in colLog.
const (
	logSize = "size" // number of leaves
	logTime = "time" // newest time in the log, Unix milliseconds
)

// journals only tell what happened: no answer to a partner depends on them.
func journals() []store.Collection {
	return []store.Collection{colLog, colLeaves, colHashes, colEntries, colAsked, colOutbox, colLinks, colSessions, colStaff, colMailboxes, colWaiting, colWishes}
}

// key joins the parts of a key. Strings end with a zero byte, which no id
// may hold; numbers are big-endian, so that they sort.
func key(parts ...any) []byte {
	var k []byte
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			k = append(append(k, p...), 0)
		case []byte:
			k = append(k, p...)
		case uint64:
			k = binary.BigEndian.AppendUint64(k, p)
		case uint32:
			k = binary.BigEndian.AppendUint32(k, p)
		case byte:
			k = append(k, p)
		default:
			panic(fmt.Sprintf("broker: a %T cannot be part of a key", p))
		}
	}
	return k
}

// table is a collection whose values are the JSON of one type.
type table[T any] struct{ name store.Collection }

// get returns the value and whether there is one.
func (t table[T]) get(r store.Reader, k []byte) (T, bool, error) {
	var v T
	raw, err := r.Get(t.name, k)
	if err != nil || raw == nil {
		return v, false, err
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, false, fmt.Errorf("reading collection %s: %w", t.name, err)
	}
	return v, true, nil
}

// memo keeps decoded values beside the very bytes they were decoded from, so
// that a value is decoded again only when the snapshot's bytes are others.
type memo[T any] struct {
	table[T]
	mu   sync.RWMutex
	kept map[string]decoded[T]
}

type decoded[T any] struct {
	raw   []byte
	value T
}

func newMemo[T any](t table[T]) *memo[T] { return &memo[T]{table: t, kept: map[string]decoded[T]{}} }

// maxMemo bounds the values kept.
const maxMemo = 16_384

// get returns the value of the snapshot, which the caller must not change.
func (m *memo[T]) get(r store.Reader, k []byte) (T, bool, error) {
	raw, err := r.Get(m.name, k)
	if err != nil || raw == nil {
		var none T
		return none, false, err
	}
	m.mu.RLock()
	have, ok := m.kept[string(k)]
	m.mu.RUnlock()
	if ok && bytes.Equal(have.raw, raw) {
		return have.value, true, nil
	}
	fresh := decoded[T]{raw: bytes.Clone(raw)}
	if err := json.Unmarshal(raw, &fresh.value); err != nil {
		return fresh.value, false, fmt.Errorf("reading collection %s: %w", m.name, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.kept) >= maxMemo {
		clear(m.kept)
	}
	m.kept[string(k)] = fresh
	return fresh.value, true, nil
}

func (t table[T]) put(tx store.Tx, k []byte, v T) error {
	w, err := t.encode(k, v)
	if err != nil {
		return err
	}
	return w.put(tx)
}

// written is a value of a table, encoded before the Update that puts it.
type written struct {
	in  store.Collection
	key []byte
	raw []byte
}

func (t table[T]) encode(k []byte, v T) (written, error) {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return written{}, fmt.Errorf("writing collection %s: %w", t.name, err)
	}
	return written{t.name, k, raw}, nil
}

func (w written) put(tx store.Tx) error { return tx.Put(w.in, w.key, w.raw) }

// all calls fn with each value under a prefix, in key order.
func (t table[T]) all(r store.Reader, prefix []byte, fn func(k []byte, v T) error) error {
	return r.Scan(t.name, store.Range{Prefix: prefix}, func(k, raw []byte) (bool, error) {
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return false, fmt.Errorf("reading collection %s: %w", t.name, err)
		}
		return true, fn(k, v)
	})
}

// number reads a counter; an absent one is zero.
func number(r store.Reader, c store.Collection, k []byte) (uint64, error) {
	raw, err := r.Get(c, k)
	if err != nil || raw == nil {
		return 0, err
	}
	if len(raw) != 8 {
		return 0, fmt.Errorf("reading collection %s: a counter of %d bytes", c, len(raw))
	}
	return binary.BigEndian.Uint64(raw), nil
}

func putNumber(tx store.Tx, c store.Collection, k []byte, n uint64) error {
	return tx.Put(c, k, binary.BigEndian.AppendUint64(nil, n))
}

func bump(tx store.Tx, c store.Collection, k []byte) error {
	n, err := number(tx, c, k)
	if err != nil {
		return err
	}
	return putNumber(tx, c, k, n+1)
}
