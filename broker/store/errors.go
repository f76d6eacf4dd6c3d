package store

import (
	"errors"
	"fmt"
)

// Errors of a store; compare with errors.Is.
var (
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("store: closed")
	// ErrSealed is returned by every call once a commit has failed. It wraps the
	// cause. Remedy: stop the program, look at the disk, start and verify.
	ErrSealed = errors.New("store: sealed after a failed commit; restart and verify")
	// ErrFull is returned for an Update that would not find its room on the disk. It
	// wraps the cause. Nothing of that Update stays, the store works on, and it
	// accepts everything again by itself once there is space.
	ErrFull = errors.New("disk full: only withdrawals are accepted")
	// ErrCorrupt is returned by engines for stored data that is damaged.
	// Remedy: restore the newest backup.
	ErrCorrupt = errors.New("store: the stored data is damaged; restore the newest backup")
	// ErrKeySize is returned for a key that is empty or longer than MaxKey.
	ErrKeySize = errors.New("store: a key must have 1 to 1024 bytes")
	// ErrValueSize is returned for a value longer than MaxValue.
	ErrValueSize = errors.New("store: a value must have at most 16 MB")
	// ErrCollection is returned for a collection name that Valid refuses.
	ErrCollection = errors.New("store: a collection name must have 1 to 64 letters, digits, dots, underscores, slashes, colons or hyphens")
	// ErrKeyOrder is returned for writes whose keys do not ascend.
	ErrKeyOrder = errors.New("store: the keys of many writes must ascend")
	// ErrLane is returned for a lane outside the list.
	ErrLane = errors.New("store: no such lane")
	// ErrTxDone is returned by a Tx or Reader that is used after its function has returned.
	ErrTxDone = errors.New("store: the transaction has ended")
	// ErrPanicked is returned for an Update whose function panicked; the error is a *PanicError.
	ErrPanicked = errors.New("store: the update function panicked")
	// ErrGoexit is returned for an Update whose function called runtime.Goexit.
	ErrGoexit = errors.New("store: the update function ended its goroutine")
)

// PanicError tells that an Update's function panicked. It keeps the type of the
// panic's value and the stack but not the value, which may hold a person's data.
type PanicError struct {
	Type  string // the Go type of the value, "runtime.boundsError"
	Stack []byte // as debug.Stack gives it
}

// Error names the type of the panic's value.
func (e *PanicError) Error() string {
	return fmt.Sprintf("%v with a value of type %s", ErrPanicked, e.Type)
}

// Unwrap returns ErrPanicked.
func (e *PanicError) Unwrap() error { return ErrPanicked }

func sealed(cause error) error { return fmt.Errorf("%w: %w", ErrSealed, cause) }
