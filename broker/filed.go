package broker

import (
	"errors"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/seal"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// filed is a collection of things about one student each, by id, sealed under the
// student's key: whose key is destroyed is in none of them.
type filed[T any] struct{ name store.Collection }

var errFiledForm = errors.New("what is filed about a student is not in its form")

func (f filed[T]) aad(id string) []byte { return append([]byte(string(f.name)+"|"), id...) }

func (f filed[T]) put(b *Broker, tx store.Tx, id string, sid records.SID, v T) error {
	plain, err := json.Marshal(v)
	if err != nil {
		return err
	}
	box, err := b.vault.Seal(studentKey(sid), f.aad(id), plain)
	if err != nil {
		return err
	}
	return tx.Put(f.name, key(id), append(slices.Clone(sid[:]), box...))
}

// get returns the thing and its student. One that is not there is not available.
func (f filed[T]) get(b *Broker, r store.Reader, id string) (sid records.SID, v T, err error) {
	raw, err := r.Get(f.name, key(id))
	if err != nil || raw == nil {
		return sid, v, orNotAvailable(err)
	}
	sid, v, ok, err := f.open(b, id, raw)
	if err == nil && !ok {
		err = notAvailable()
	}
	return sid, v, err
}

func (f filed[T]) open(b *Broker, id string, raw []byte) (sid records.SID, v T, ok bool, err error) {
	if len(raw) < len(sid) {
		return sid, v, false, errFiledForm
	}
	sid = records.SID(raw[:len(sid)])
	plain, err := b.vault.Open(studentKey(sid), f.aad(id), raw[len(sid):])
	if errors.Is(err, seal.ErrNoKey) {
		return sid, v, false, nil
	}
	if err != nil {
		return sid, v, false, err
	}
	return sid, v, true, json.Unmarshal(plain, &v)
}

// all calls fn with everything that can be opened, in the order of id.
func (f filed[T]) all(b *Broker, r store.Reader, fn func(id string, sid records.SID, v T) error) error {
	return r.Scan(f.name, store.Range{}, func(k, raw []byte) (bool, error) {
		id := string(k[:len(k)-1])
		sid, v, ok, err := f.open(b, id, raw)
		if err != nil || !ok {
			return true, err
		}
		return true, fn(id, sid, v)
	})
}

// move files what is about a merged student under the staying name.
func (f filed[T]) move(b *Broker, tx store.Tx, old, staying records.SID) error {
	moving := map[string]T{}
	err := f.all(b, tx, func(id string, sid records.SID, v T) error {
		if sid == old {
			moving[id] = v
		}
		return nil
	})
	for id, v := range moving {
		err = errors.Join(err, f.put(b, tx, id, staying, v))
	}
	return err
}
