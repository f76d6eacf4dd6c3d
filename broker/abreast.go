package broker

import (
	"runtime"

	"golang.org/x/sync/errgroup"
)

// abreast calls work with stretches of n things, from and up to before, on as
// many goroutines as there are processors, and returns an error of one.
func abreast(n int, work func(from, to int) error) error {
	const stretches = 16 // a processor, so that none waits long for the others
	step := max(1, n/(stretches*runtime.GOMAXPROCS(0)))
	var side errgroup.Group
	side.SetLimit(runtime.GOMAXPROCS(0))
	for from := 0; from < n; from += step {
		side.Go(func() error { return work(from, min(from+step, n)) })
	}
	return side.Wait()
}
