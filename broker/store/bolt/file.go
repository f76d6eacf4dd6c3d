package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/hallpass-edu/hallpass/broker/store"
)

// ErrInUse is returned by Open for a file that another process, or another Engine,
// has open. Remedy: stop the other one, or give the command to it.
var ErrInUse = errors.New("bolt: the store is open in another process")

// Options of an engine; the zero value is right.
type Options struct {
	// MmapSize is how many bytes of address space to take at first. When a file
	// outgrows it, the commit that grows it waits for all readers, and new readers
	// for it. Default: 1 GiB, where pointers have 64 bits.
	MmapSize int
	// LockTimeout is how long Open waits for a file in use. Default: 1 s.
	LockTimeout time.Duration
	// Ballast is how many bytes of the disk the file holds beyond what it uses, in real
	// blocks at its end. Only urgent work may use them up when the disk is full; see
	// store.Sized. Default: none.
	Ballast int64
	// Sabotage removes guards, for tests that prove that the guards are needed.
	Sabotage Sabotage
}

// Sabotage removes an engine's guards. Only tests set it.
type Sabotage struct {
	NoSums  bool // read without testing checksums, and let Verify pass
	NoPages bool // let bbolt open the file unchecked

	NoBallast bool // hold nothing in reserve
	NoRoom    bool // let the commit find out that the disk is full
}

func (o Options) mmapSize() int {
	if o.MmapSize > 0 {
		return o.MmapSize
	}
	if strconv.IntSize < 64 {
		return 0
	}
	return 1 << 30
}

func (o Options) lockTimeout() time.Duration {
	if o.LockTimeout > 0 {
		return o.LockTimeout
	}
	return time.Second
}

// Create makes an empty store file with mode 0600. The file appears under its name
// only when it is complete and durable. It refuses, with fs.ErrExist, a path that is
// taken.
func Create(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fs.ErrExist
		}
		return fmt.Errorf("creating the store %s: %w", path, err)
	}
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing an unfinished store: %w", err)
	}
	if err := format(fresh); err != nil {
		return fmt.Errorf("creating the store %s: %w", path, err)
	}
	return Rename(fresh, path)
}

func format(path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, Timeout: time.Second})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte(sumBucket))
		if err != nil {
			return err
		}
		return sum{}.save(b)
	})
	return errors.Join(err, db.Close())
}

// Rename gives a file a new name, replacing what had it, and returns when the file's
// content and its name are both durable. Both names must be in one folder.
func Rename(from, to string) error {
	if err := syncFile(from, os.O_RDWR); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synced there; NTFS logs renames itself
	}
	return syncFile(filepath.Dir(to), os.O_RDONLY)
}

func syncFile(path string, flag int) error {
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Open opens a file that Create made. It makes nothing: a missing file is
// fs.ErrNotExist, a file in use ErrInUse, and one whose pages do not hang together
// store.ErrCorrupt. Call Verify before using what it holds.
func Open(path string, o Options) (*Engine, error) {
	e := &Engine{path: path, options: o}
	if err := e.openChecked(); err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", path, err)
	}
	return e, nil
}

func (e *Engine) openChecked() (err error) {
	defer shield(&err)()
	o := e.options
	e.db, err = bbolt.Open(e.path, 0o600, &bbolt.Options{
		NoFreelistSync:  true,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: o.mmapSize(),
		Timeout:         o.lockTimeout(),
		NoStatistics:    true,
		OpenFile: func(path string, flag int, mode os.FileMode) (_ *os.File, err error) {
			e.room.file, err = o.openFile(path, flag, mode)
			return e.room.file, err
		},
	})
	return err
}

// openFile locks and checks the file before bbolt reads it.
func (o Options) openFile(path string, flag int, mode os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, flag&^os.O_CREATE, mode)
	if err != nil {
		return nil, err
	}
	if err = lock(f, o.lockTimeout()); err == nil && !o.Sabotage.NoPages {
		err = checkPages(f)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// translate gives bbolt's errors their meaning here.
func translate(err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return ErrInUse
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return store.ErrClosed
	case errors.Is(err, berrors.ErrTxClosed):
		return store.ErrTxDone
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return damaged(err.Error())
	}
	return err
}
