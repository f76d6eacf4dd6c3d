package web

import (
	"syscall"
	"time"
)

// pause sleeps by the system's own timer, whose error does not depend on how long is
// left, as that of the runtime's does, which counts whole milliseconds from when the
// last work was done. It keeps a thread, so it is for milliseconds only.
func pause(d time.Duration) {
	left := syscall.NsecToTimespec(int64(d))
	for syscall.Nanosleep(&left, &left) == syscall.EINTR { // the runtime's own signals
	}
}
