package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"unicode"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/seal"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitRejected    = 3 // by validation
	exitRefused     = 4 // by policy
	exitUnavailable = 5 // the store
	exitUnproven    = 6 // a proof does not verify
)

var errInterrupted = errors.New("interrupted before it was done; what was acknowledged before stands")

// failure is an error with the exit code and the next step that belong to it.
type failure struct {
	code int
	next string
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// remote is the exit code of a command that another process ran and reported.
type remote int

func (r remote) Error() string { return fmt.Sprintf("exit code %d", int(r)) }

// usage marks an error of the command line.
func usage(err error) error { return &failure{code: exitUsage, err: err} }

// exit reports an error, if there is one, and returns the exit code.
func (a *app) exit(err error) int {
	if code, ok := errors.AsType[remote](err); ok {
		return int(code)
	}
	if err == nil {
		return exitDone
	}
	if errors.Is(err, syscall.EPIPE) {
		return exitFailed // nobody reads any more
	}
	code, next := classify(err)
	a.say("hallpass: %s", printable(explain(err)))
	if next != "" {
		a.say("  next: %s", printable(next))
	}
	return code
}

// explain is the whole of an error: of a broker's error also the private
// half, which whoever runs the program may read.
func explain(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*broker.Error](err); ok {
		text = strings.Replace(text, string(e.Kind)+": ", "", 1)
		if cause := e.Cause(); cause != nil {
			text += " (" + cause.Error() + ")"
		}
	}
	return text
}

// classify returns the exit code of an error and what to do next.
func classify(err error) (code int, next string) {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.code, f.next
	}
	if _, ok := errors.AsType[*tlog.Fault](err); ok {
		return exitUnproven, "keep the directory as it is, stop the service, and compare with your newest backup"
	}
	if next, ok := storeTrouble(err); ok {
		return exitUnavailable, next
	}
	return kindCode(err), ""
}

// storeTrouble reports whether the store cannot be used, and what helps.
func storeTrouble(err error) (next string, trouble bool) {
	for _, t := range []struct {
		is   error
		next string
	}{
		{bolt.ErrInUse, "stop the process that has it open; a running hallpass serve takes commands through admin.sock in the same directory"},
		{store.ErrCorrupt, "restore the newest backup of the directory"},
		{seal.ErrOpen, "restore the newest backup of the directory, with its own keys.db and keys"},
		{seal.ErrDistrictKey, "put back the keys that belong to this directory"},
		{store.ErrSealed, "restart hallpass serve, then run hallpass audit verify"},
		{broker.ErrRolledBack, "put back the newest store; if it is lost, see hallpass restore begin --help"},
		{broker.ErrNoDistrict, "make a district with hallpass init, or name its directory with --dir"},
	} {
		if errors.Is(err, t.is) {
			return t.next, true
		}
	}
	return "", false
}

func kindCode(err error) int {
	switch broker.KindOf(err) {
	case broker.Invalid:
		return exitRejected
	case broker.Denied, broker.NotAvailable, broker.Unauthenticated, broker.Exhausted:
		return exitRefused
	case broker.Unavailable:
		return exitUnavailable
	default:
		return exitFailed
	}
}

// printable replaces control characters, which a name could carry to a
// terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}
