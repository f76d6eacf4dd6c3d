package store

import "bytes"

// Limits of what a store holds.
const (
	MaxKey   = 1024     // bytes of a key
	MaxValue = 16 << 20 // bytes of a value
)

// Collection names one ordered set of keys. A collection needs no creation.
type Collection string

// Valid reports whether the name has 1 to 64 ASCII letters, digits or any of
// '.', '_', '-', '/', ':'. Other names belong to the store and its engines.
func (c Collection) Valid() bool {
	if len(c) == 0 || len(c) > 64 {
		return false
	}
	for i := range len(c) {
		if !nameByte[c[i]] {
			return false
		}
	}
	return true
}

var nameByte = func() (set [256]bool) {
	for _, b := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:") {
		set[b] = true
	}
	return set
}()

// Reader is one consistent snapshot.
//
// The slices that Get and Scan hand out are valid until the transaction ends and
// must not be changed: they may be the file itself, mapped into memory. Copy what
// must live longer. A Reader belongs to one goroutine at a time.
type Reader interface {
	// Get returns the value of a key, or nil if there is none. An empty value
	// is not nil.
	Get(c Collection, key []byte) ([]byte, error)
	// Scan calls fn for each pair of the range in the order of the keys' bytes,
	// until fn returns false or an error, which Scan returns.
	//
	// In an Update, fn may write. Scan then shows what fn wrote ahead of its
	// position, and hides what fn deleted there.
	Scan(c Collection, r Range, fn func(key, value []byte) (more bool, err error)) error
	// Rev is the number of Updates that this snapshot holds; in an Update it
	// counts that Update too, so it is the revision that Update will get.
	Rev() uint64
	// Changed is the revision of the newest Update that wrote to a collection which
	// is not of Options.Journals: two snapshots with the same hold the same pairs
	// outside of the journals. In an Update that wrote so itself it is its own.
	Changed() uint64
}

// Tx is the transaction of one Update. Any error that one of its methods returns
// dooms it: the Update fails with that error even if its function returns nil.
type Tx interface {
	Reader
	// Put sets a key's value. It copies both.
	Put(c Collection, key, value []byte) error
	// PutAll makes many writes, whose keys must ascend. It takes keys, values and
	// the list itself over: nobody may change them afterwards.
	PutAll(c Collection, writes []Write) error
	// Delete removes a key; that it is not there is no error.
	Delete(c Collection, key []byte) error
}

func checkKey(c Collection, key []byte) error {
	switch {
	case !c.Valid():
		return ErrCollection
	case len(key) == 0 || len(key) > MaxKey:
		return ErrKeySize
	}
	return nil
}

func checkPair(c Collection, key, value []byte) error {
	if err := checkKey(c, key); err != nil {
		return err
	}
	if len(value) > MaxValue {
		return ErrValueSize
	}
	return nil
}

// updateTx is one Update's view of the group: its own writes over those of the
// group over the engine. The first error stays.
type updateTx struct {
	reads    source
	own      *overlay
	at       revisions // its own, and before its own writes
	journals []Collection
	ended    bool
	err      error
}

func (t *updateTx) Rev() uint64 { return t.at.rev }

func (t *updateTx) Changed() uint64 {
	if t.own.holdsOthers(t.journals) {
		return t.at.rev
	}
	return t.at.changed
}

func (t *updateTx) doom(err error) error {
	if t.err == nil {
		t.err = err
	}
	return err
}

func (t *updateTx) Get(c Collection, key []byte) ([]byte, error) {
	if t.ended {
		return nil, ErrTxDone
	}
	value, err := get(t.reads, c, key)
	if err != nil {
		return nil, t.doom(err)
	}
	return value, nil
}

func (t *updateTx) Scan(c Collection, r Range, fn func(k, v []byte) (bool, error)) error {
	if t.ended {
		return ErrTxDone
	}
	var own error // an error of fn is the caller's to judge; it dooms nothing
	err := scan(t.reads, c, r, func(k, v []byte) (more bool, err error) {
		more, own = fn(k, v)
		return more, own
	})
	if err != nil && own == nil {
		return t.doom(err)
	}
	return err
}

func (t *updateTx) Put(c Collection, key, value []byte) error {
	if t.ended {
		return ErrTxDone
	}
	if err := checkPair(c, key, value); err != nil {
		return t.doom(err)
	}
	t.own.set(c, Write{Key: bytes.Clone(key), Value: append(make([]byte, 0, len(value)), value...)})
	return nil
}

func (t *updateTx) PutAll(c Collection, writes []Write) error {
	if t.ended {
		return ErrTxDone
	}
	for i, w := range writes {
		if err := checkPair(c, w.Key, w.Value); err != nil {
			return t.doom(err)
		}
		if i > 0 && bytes.Compare(writes[i-1].Key, w.Key) >= 0 {
			return t.doom(ErrKeyOrder)
		}
		switch {
		case w.Gone:
			writes[i].Value = nil
		case w.Value == nil:
			writes[i].Value = []byte{}
		}
	}
	t.own.setAll(c, writes)
	return nil
}

func (t *updateTx) Delete(c Collection, key []byte) error {
	if t.ended {
		return ErrTxDone
	}
	if err := checkKey(c, key); err != nil {
		return t.doom(err)
	}
	t.own.set(c, Write{Key: bytes.Clone(key), Gone: true})
	return nil
}

// viewTx is one View's snapshot.
type viewTx struct {
	engine EngineTx
	at     revisions
	ended  bool
}

func (t *viewTx) Rev() uint64 { return t.at.rev }

func (t *viewTx) Changed() uint64 { return t.at.changed }

func (t *viewTx) Get(c Collection, key []byte) ([]byte, error) {
	if t.ended {
		return nil, ErrTxDone
	}
	return get(t.engine, c, key)
}

func (t *viewTx) Scan(c Collection, r Range, fn func(k, v []byte) (bool, error)) error {
	if t.ended {
		return ErrTxDone
	}
	return scan(t.engine, c, r, fn)
}

// source is what layers and engines have in common.
type source interface {
	Get(c Collection, key []byte) ([]byte, error)
	Scan(c Collection, r Range, fn func(k, v []byte) (bool, error)) error
}

func get(from source, c Collection, key []byte) ([]byte, error) {
	if !c.Valid() {
		return nil, ErrCollection
	}
	if len(key) == 0 || len(key) > MaxKey {
		return nil, nil // there can be none
	}
	return from.Get(c, key)
}

func scan(from source, c Collection, r Range, fn func(k, v []byte) (bool, error)) error {
	if !c.Valid() {
		return ErrCollection
	}
	return from.Scan(c, r, fn)
}
