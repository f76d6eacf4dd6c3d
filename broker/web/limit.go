package web

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate bounds the requests of one organization (or of one person, where the
// caller belongs to none).
type Rate struct {
	PerSecond float64
	Burst     int
}

const fewBuckets = 1024

// limiter keeps one token bucket a caller. A full bucket is
// forgotten, since a new one is the same: keys that somebody made up do not add up.
type limiter struct {
	rate Rate
	now  func() time.Time

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
	sweepAt int
}

// allowance is the state of a bucket after a request.
type allowance struct {
	ok        bool
	remaining int
	wait      time.Duration // until the next request is allowed
	reset     time.Duration // until the bucket is full
}

func newLimiter(r Rate, now func() time.Time) *limiter {
	return &limiter{rate: r, now: now, buckets: map[string]*rate.Limiter{}, sweepAt: fewBuckets}
}

// take asks for one request.
func (l *limiter) take(key string) allowance {
	now := l.now()
	b := l.bucket(key, now)
	ok := b.AllowN(now, 1)
	tokens := max(b.TokensAt(now), 0)
	return allowance{
		ok: ok, remaining: int(tokens),
		wait: l.duration(1 - tokens), reset: l.duration(float64(l.rate.Burst) - tokens),
	}
}

func (l *limiter) duration(tokens float64) time.Duration {
	return time.Duration(math.Ceil(max(tokens, 0) / l.rate.PerSecond * float64(time.Second)))
}

func (l *limiter) bucket(key string, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[key]
	if b == nil {
		l.sweep(now)
		b = rate.NewLimiter(rate.Limit(l.rate.PerSecond), l.rate.Burst)
		l.buckets[key] = b
	}
	return b
}

// sweep forgets full buckets, at most once for each doubling of the table.
func (l *limiter) sweep(now time.Time) {
	if len(l.buckets) < l.sweepAt {
		return
	}
	for k, b := range l.buckets {
		if b.TokensAt(now) >= float64(l.rate.Burst) {
			delete(l.buckets, k)
		}
	}
	l.sweepAt = max(fewBuckets, 2*len(l.buckets))
}
