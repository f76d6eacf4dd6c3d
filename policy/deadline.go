package policy

import (
	"context"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/topdown"
)

// watch ends an evaluation at its deadline or with its context. The rule engine
// asks it before every expression, on the goroutine that evaluates.
type watch struct {
	ctx     context.Context
	until   time.Time
	steps   uint
	stopped bool
	lenient bool // sabotage: never stops, never late
}

// stride is the number of expressions between two looks at the clock.
const stride = 16

var _ topdown.Cancel = (*watch)(nil)

// Cancel ends the evaluation at its next expression.
func (w *watch) Cancel() { w.stopped = true }

// Cancelled reports whether the evaluation must end.
func (w *watch) Cancelled() bool {
	if w.steps++; w.steps%stride == 0 && w.late() != nil {
		w.stopped = true
	}
	return w.stopped
}

// late returns an error once the time is over.
func (w *watch) late() error {
	switch {
	case w.lenient:
		return nil
	case !time.Now().Before(w.until):
		return ErrLate
	case w.ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ErrLate, context.Cause(w.ctx))
	}
	return nil
}

// within runs work on one of the engine's slots, for no longer than limit. Work
// that is not ready by then is stopped before its next expression, and a result
// that comes late all the same is discarded. One expression is short: its cost
// is bounded by the sizes of input and policy, because the closed list of
// built-ins has none that costs more than its operands' size.
func within[T any](ctx context.Context, e *Engine, limit time.Duration, work func(topdown.Cancel) (T, error)) (T, error) {
	var zero T
	w := &watch{ctx: ctx, until: time.Now().Add(limit), lenient: e.options.Sabotage.AcceptLate}
	if err := e.takeSlot(w, limit); err != nil {
		return zero, err
	}
	defer func() { <-e.slots }()
	value, err := guarded(work, w)
	if late := w.late(); late != nil {
		return zero, late
	}
	return value, err
}

func (e *Engine) takeSlot(w *watch, limit time.Duration) error {
	select {
	case e.slots <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case e.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return fmt.Errorf("%w: every slot is taken", ErrLate)
	case <-w.ctx.Done():
		return fmt.Errorf("%w: %w", ErrLate, context.Cause(w.ctx))
	}
}

// guarded turns a panic of the rule engine into an error.
func guarded[T any](work func(topdown.Cancel) (T, error), stop topdown.Cancel) (value T, err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("%w: the rule engine gave up", ErrEvaluation)
		}
	}()
	return work(stop)
}
