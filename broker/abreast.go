package broker

import "golang.org/x/sync/errgroup"

// abreast calls work with 0 to n-1, on as many goroutines as the pace of loads
// allows, and returns an error of one.
func (b *Broker) abreast(n int, work func(i int) error) error {
	const stretches = 16 // a goroutine, so that none waits long for the others
	step := max(1, n/(stretches*b.pace.Workers()))
	var side errgroup.Group
	side.SetLimit(b.pace.Workers())
	for from := 0; from < n; from += step {
		side.Go(func() error {
			for i := from; i < min(from+step, n); i++ {
				b.pace.Pause(i)
				if err := work(i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return side.Wait()
}
