package web

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestNobodyGetsMoreThanBurstAndRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
		now := start
		r := Rate{PerSecond: float64(rapid.IntRange(1, 50).Draw(t, "rate")), Burst: rapid.IntRange(1, 20).Draw(t, "burst")}
		l := newLimiter(r, func() time.Time { return now })
		admitted := map[string]int{}
		for _, ms := range rapid.SliceOfN(rapid.IntRange(0, 200), 1, 100).Draw(t, "pauses in ms") {
			now = now.Add(time.Duration(ms) * time.Millisecond)
			key := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "key")
			left := l.take(key)
			if left.ok {
				admitted[key]++
			}
			if most := float64(r.Burst) + r.PerSecond*now.Sub(start).Seconds() + 1e-6; float64(admitted[key]) > most {
				t.Fatalf("%d admitted, at most %f may be", admitted[key], most)
			}
			if left.remaining < 0 || left.remaining > r.Burst || !left.ok && left.wait <= 0 {
				t.Fatalf("%+v", left)
			}
		}
	})
}

func TestForgettingACallerNeverGivesItMore(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	l := newLimiter(Rate{PerSecond: 1, Burst: 2}, func() time.Time { return now })
	for range 3 {
		l.take("busy")
	}
	for i := range 3 * fewBuckets {
		l.take(fmt.Sprint(i))
	}
	if l.take("busy").ok {
		t.Error("a caller whose rate was used up was forgotten")
	}
	now = now.Add(time.Minute)
	for i := range fewBuckets * 4 {
		l.take(fmt.Sprint("later", i))
	}
	if _, kept := l.buckets["0"]; kept {
		t.Error("a full bucket was kept although the table was swept")
	}
}
