package broker

import (
	"context"
	"runtime"
	"sync"
)

// turns are how many partner requests are decided at once. A turn lasts from before the
// snapshot until the Update that records the answer has compared its stamp, not until
// that is durable: a group may be larger than there are turns.
//
// Who waits for a turn holds no snapshot that could grow old, and is not in the way of
// a withdrawal: with hundreds of requests ready to run at once, each of the few steps
// of a family's act would wait for all of them.
type turns chan struct{}

// turnsPerProcessor keep each processor busy while the writer commits.
const turnsPerProcessor = 2

func newTurns() turns { return make(turns, turnsPerProcessor*runtime.GOMAXPROCS(0)) }

// take waits for a turn, in the order of arrival. Giving it back twice is the same as
// once.
func (t turns) take(ctx context.Context) (giveBack func(), err error) {
	select {
	case t <- struct{}{}:
		return sync.OnceFunc(func() { <-t }), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
