package ingest

import (
	"runtime"

	"golang.org/x/sync/errgroup"
)

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

// Each calls work with 0 to n-1, by all workers, and returns an error of one.
func (p Pace) Each(n int, work func(i int) error) error {
	step := p.stretch(n)
	var side errgroup.Group
	side.SetLimit(p.Workers())
	for from := 0; from < n; from += step {
		side.Go(func() error {
			for i := from; i < min(from+step, n); i++ {
				p.Pause(i)
				if err := work(i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return side.Wait()
}

// stretch is how many of n pieces of work a worker takes at a time.
func (p Pace) stretch(n int) int {
	const each = 16 // stretches a worker, so that none waits long for the others
	return max(1, n/(each*p.Workers()))
}

// tallies calls work with 0 to n-1 as Each does, with a tally of its own for each
// stretch, and returns the tallies in order.
func tallies[T any](p Pace, n int, work func(tally *T, i int)) []T {
	step := p.stretch(n)
	list := make([]T, (n+step-1)/step)
	_ = p.Each(len(list), func(at int) error { // nothing fails
		var own T // beside no other's
		for i := at * step; i < min((at+1)*step, n); i++ {
			p.Pause(i)
			work(&own, i)
		}
		list[at] = own
		return nil
	})
	return list
}
