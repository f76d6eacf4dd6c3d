package seal_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker/seal"
)

func manyIDs(n int) []seal.KeyID {
	ids := make([]seal.KeyID, n)
	for i := range ids {
		ids[i] = seal.KeyID(fmt.Sprintf("student/%032x", uint64(i)*0x9e3779b97f4a7c15))
	}
	return ids
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkHundredThousandKeys tells what a large district costs: making the keys,
// opening the vault, using each key once and once more, and the memory that stays.
func BenchmarkHundredThousandKeys(b *testing.B) {
	ids := manyIDs(100_000)
	each := func(v *seal.Vault) time.Duration {
		start := time.Now()
		for _, id := range ids {
			if _, err := v.Seal(id, nil, nil); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(start)
	}
	var made, opened, first, again time.Duration
	var memory int64
	for b.Loop() {
		v, path := fresh(b)
		start := time.Now()
		newKeys(b, v, ids...)
		made += time.Since(start)
		v.Close()
		start = time.Now()
		v = open(b, path, districtKey)
		opened += time.Since(start)
		before := heap()
		first += each(v)
		again += each(v)
		memory += heap() - before
		v.Close()
	}
	perKey := float64(b.N) * float64(len(ids))
	b.ReportMetric(float64(made.Nanoseconds())/perKey, "ns/new")
	b.ReportMetric(float64(opened.Milliseconds())/float64(b.N), "ms/open")
	b.ReportMetric(float64(first.Nanoseconds())/perKey, "ns/first")
	b.ReportMetric(float64(again.Nanoseconds())/perKey, "ns/again")
	b.ReportMetric(float64(memory)/perKey, "B/key")
}

func BenchmarkSealAndOpen(b *testing.B) {
	v, _ := fresh(b)
	newKeys(b, v, "district")
	text := make([]byte, 200)
	for b.Loop() {
		data, _ := v.Seal("district", nil, text)
		if _, err := v.Open("district", nil, data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIndex(b *testing.B) {
	v, _ := fresh(b)
	for b.Loop() {
		v.Index("ids", "student", "1234567")
	}
}
