package bolt_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker/store"
)

const entrySize = 400 // bytes, as a log entry with its leaf

// appendAlone appends and syncs entries one after another for a while, the plainest
// durable log there is, and returns how many a second.
func appendAlone(b *testing.B, during time.Duration) float64 {
	f, err := os.Create(filepath.Join(b.TempDir(), "raw"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	entry := make([]byte, entrySize)
	start, n := time.Now(), 0
	for ; time.Since(start) < during; n++ {
		if _, err := f.Write(entry); err != nil {
			b.Fatal(err)
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(start).Seconds()
}

// appendTogether lets writers append entries through a store, each waiting for its own.
func appendTogether(b *testing.B, s *store.Store, writers int, during time.Duration) float64 {
	entry := make([]byte, entrySize)
	start := time.Now()
	first := s.Rev()
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for time.Since(start) < during {
				_, err := s.Update(context.Background(), store.LanePartner, func(tx store.Tx) error {
					return tx.Put("entries", binary.BigEndian.AppendUint64(nil, tx.Rev()), entry)
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return float64(s.Rev()-first) / time.Since(start).Seconds()
}

// BenchmarkDurableWriters compares durable entries a second through the group commit
// with bare append and fdatasync, one after another, in alternating rounds.
func BenchmarkDurableWriters(b *testing.B) {
	const round = 150 * time.Millisecond
	for _, writers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			s, err := store.Open(open(b, fresh(b)), store.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			var alone, together float64
			for b.Loop() {
				alone += appendAlone(b, round)
				together += appendTogether(b, s, writers, round)
			}
			b.ReportMetric(together/float64(b.N), "entries/s")
			b.ReportMetric(alone/float64(b.N), "bare/s")
			b.ReportMetric(together/alone, "ratio")
		})
	}
}
