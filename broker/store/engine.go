package store

import "context"

// Engine is a transactional store of pairs below the group commit. It has at
// most one write transaction at a time (a second Begin waits) and any number of
// read transactions beside it, each a snapshot of what was committed before it
// began. storetest.Run is its contract.
type Engine interface {
	// Begin opens a transaction. The context bounds only the opening.
	Begin(ctx context.Context, writable bool) (EngineTx, error)
	// Close waits for open transactions and releases everything. Begin returns
	// ErrClosed from then on.
	Close() error
}

// EngineTx is a transaction of an engine. It ends with Commit or Rollback; after
// a failed Apply or Commit, Rollback releases what is left of it.
//
// The slices of Get and Scan are valid until it ends; keys and collections are
// not checked again here. No method panics over damaged data: it returns an
// error that wraps ErrCorrupt. A panic of Scan's fn passes through.
type EngineTx interface {
	// Get returns nil for a key that is absent and a non-nil slice for an empty value.
	Get(c Collection, key []byte) ([]byte, error)
	// Scan visits the range in order; see Reader.
	Scan(c Collection, r Range, fn func(key, value []byte) (more bool, err error)) error
	// Apply makes the writes of a whole group; it is called once, before Commit.
	// Collections that are missing are created.
	Apply(changes []Change) error
	// Commit returns after all is durable.
	Commit() error
	// Rollback drops the transaction. After Commit it does nothing.
	Rollback() error
}

// Sized is an EngineTx whose disk can run full. The store asks it before it keeps
// what an Update wrote, so that a full disk refuses that Update and never meets a
// commit, which would be fail-stop.
type Sized interface {
	EngineTx
	// Fits may also be asked of a reading transaction while no other is open. It
	// returns nil once a commit of so many writes and bytes is sure of its
	// room on the disk, else an error that wraps ErrFull. Only an urgent one may take
	// what the engine holds in reserve; any other first makes the reserve whole again.
	Fits(writes, bytes int, urgent bool) error
}

// Change is all that a group writes to one collection, in ascending order of
// keys without duplicates.
type Change struct {
	Collection Collection
	Writes     []Write
}

// Write is one key's new value, or its removal.
type Write struct {
	Key   []byte
	Value []byte
	Gone  bool // the key is removed
}
