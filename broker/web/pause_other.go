//go:build !linux

package web

import "time"

// pause sleeps as exactly as the runtime can.
func pause(d time.Duration) { time.Sleep(d) }
