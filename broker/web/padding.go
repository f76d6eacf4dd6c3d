package web

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"time"
)

// What a family's page costs and holds may depend on whether somebody is known, so
// neither how long an answer takes nor how long it is tells it: every answer of the
// families' pages leaves at a whole step of time after its request, and every page has
// a whole number of pieces.
const (
	leastHeld = 50 * time.Millisecond // longer than nearly every answer takes
	heldStep  = 25 * time.Millisecond
	sizeStep  = 1 << 10 // bytes
)

// padding holds answers back and fills pages up.
type padding struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration)
	off   bool // sabotage
}

// hold returns when the answer to a request that began at start may leave, or when the
// request's context ends.
func (p padding) hold(ctx context.Context, start time.Time) {
	if p.off {
		return
	}
	p.sleep(ctx, leftOf(p.now().Sub(start)))
}

// leftOf is how long an answer that took so long is held.
func leftOf(took time.Duration) time.Duration {
	until := max(took, leastHeld)
	return (until+heldStep-1)/heldStep*heldStep - took
}

// The comment at the end of a page. What it holds is random, so that it fills as much
// after it was compressed on its way.
const (
	fillingBegins = "<!-- "
	fillingEnds   = " -->\n"
)

// fill makes a page a whole number of pieces long.
func (p padding) fill(html []byte) []byte {
	if p.off {
		return html
	}
	bare := len(html) + len(fillingBegins) + len(fillingEnds)
	missing := (sizeStep - bare%sizeStep) % sizeStep
	random := make([]byte, (missing*5+7)/8)
	_, _ = rand.Read(random) // never fails (crypto/rand, Go 1.24)
	filled := append(make([]byte, 0, bare+missing), html...)
	filled = append(filled, fillingBegins...)
	filled = append(filled, base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random)[:missing]...)
	return append(filled, fillingEnds...)
}

// exactly is the end of a wait that the runtime's timers would blur by up to a
// millisecond, more or less as the work before it took less or more.
const exactly = 2 * time.Millisecond

// awake is the end of it, which is not slept: how fast a processor wakes, and what of
// the service it still holds, depends on how long it slept.
const awake = 500 * time.Microsecond

// sleepFor waits to the end of a time, but not longer than anybody waits for the answer.
func sleepFor(ctx context.Context, d time.Duration) {
	until := time.Now().Add(d)
	timer := time.NewTimer(d - exactly)
	defer timer.Stop()
	select {
	case <-timer.C:
		pause(max(time.Until(until)-awake, 0))
		for time.Now().Before(until) {
		}
	case <-ctx.Done():
	}
}
