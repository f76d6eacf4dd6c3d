package bolt_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

func filled(b *testing.B, n int) (*bolt.Engine, *store.Store) {
	e := open(b, fresh(b))
	s, err := store.Open(e, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for from := 0; from < n; from += 10_000 {
		_, err := s.Update(context.Background(), store.LaneImport, func(tx store.Tx) error {
			for i := from; i < from+10_000; i++ {
				if err := tx.Put("many", fmt.Appendf(nil, "key %028d", i), make([]byte, 100)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return e, s
}

// BenchmarkStart tells what the checks at a start cost for 100,000 pairs.
func BenchmarkStart(b *testing.B) {
	made, s := filled(b, 100_000)
	s.Close()
	path := made.Path()
	var opening, verifying time.Duration
	for b.Loop() {
		start := time.Now()
		e, err := bolt.Open(path, bolt.Options{})
		if err != nil {
			b.Fatal(err)
		}
		opening += time.Since(start)
		start = time.Now()
		if err := e.Verify(b.Context()); err != nil {
			b.Fatal(err)
		}
		verifying += time.Since(start)
		e.Close()
	}
	b.ReportMetric(opening.Seconds()*1e3/float64(b.N), "ms/open")
	b.ReportMetric(verifying.Seconds()*1e3/float64(b.N), "ms/verify")
}

func BenchmarkGet(b *testing.B) {
	_, s := filled(b, 100_000)
	key := []byte("key 0000000000000000000000054321")
	s.View(b.Context(), func(r store.Reader) error {
		for b.Loop() {
			if v, err := r.Get("many", key); err != nil || len(v) != 100 {
				b.Fatal(err)
			}
		}
		return nil
	})
}

func BenchmarkView(b *testing.B) {
	_, s := filled(b, 10_000)
	for b.Loop() {
		if err := s.View(b.Context(), func(store.Reader) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	const n = 100_000
	_, s := filled(b, n)
	scan := func(b *testing.B, r store.Reader) {
		for b.Loop() {
			seen := 0
			r.Scan("many", store.Range{}, func(k, v []byte) (bool, error) { seen++; return true, nil })
			if seen != n {
				b.Fatal(seen)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/pair")
	}
	b.Run("view", func(b *testing.B) {
		s.View(b.Context(), func(r store.Reader) error { scan(b, r); return nil })
	})
	b.Run("update", func(b *testing.B) {
		s.Update(b.Context(), store.LaneImport, func(tx store.Tx) error { scan(b, tx); return nil })
	})
}

// BenchmarkImport loads 100,000 pairs in updates of 10,000, in order and scattered.
func BenchmarkImport(b *testing.B) {
	for name, step := range map[string]int{"sorted": 1, "scattered": 7919} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s, err := store.Open(open(b, fresh(b)), store.Options{})
				if err != nil {
					b.Fatal(err)
				}
				for from := 0; from < 100_000; from += 10_000 {
					_, err := s.Update(b.Context(), store.LaneImport, func(tx store.Tx) error {
						for i := from; i < from+10_000; i++ {
							if err := tx.Put("many", fmt.Appendf(nil, "key %028d", i*step%100_003), make([]byte, 100)); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						b.Fatal(err)
					}
				}
				s.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e5, "ns/pair")
		})
	}
}
