package ingest

import "runtime"

// A Pace says how much of the machine a load takes.
type Pace int

// The two paces. A load at work in a service that answers requests is Gentle: it
// keeps one processor busy at most and lets waiting requests go before it.
const (
	Full Pace = iota
	Gentle
)

// Workers is how many goroutines may work on a load at a time.
func (p Pace) Workers() int {
	if p == Gentle {
		return 1
	}
	return runtime.GOMAXPROCS(0)
}

// stride is how many small pieces of work are done between two pauses: some
// ten microseconds' worth.
const stride = 32

// Pause lets others go first, if it is time after the i-th piece of work.
func (p Pace) Pause(i int) {
	if p == Gentle && i%stride == 0 {
		runtime.Gosched()
	}
}
