package bolt

import (
	"fmt"
	"runtime/debug"

	"github.com/hallpass-edu/hallpass/broker/store"
)

// damaged says what is wrong with the file; the text must not hold keys or values.
func damaged(what string) error { return fmt.Errorf("%w: %s", store.ErrCorrupt, what) }

// shield turns a panic of bbolt, or a fault on a page that cannot be read, into
// store.ErrCorrupt, and gives bbolt's errors their meaning. Use: defer shield(&err)().
func shield(err *error) func() {
	faults := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(faults)
		recovered(err, recover())
	}
}

// recovered is what stands behind a recover: v is its result.
func recovered(err *error, v any) {
	if v != nil {
		*err = damaged(fmt.Sprintf("bbolt stopped with a %T", v))
		return
	}
	if *err != nil {
		*err = translate(*err)
	}
}
