package web

import (
	"context"
	"time"
)

// SleepFor is how answers of the families' pages are held.
func SleepFor(ctx context.Context, d time.Duration) { sleepFor(ctx, d) }
