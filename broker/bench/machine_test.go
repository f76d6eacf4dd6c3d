package bench_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The garbage collector's pace under which hallpass serve runs.
const (
	servedGrowth = 200      // percent of what is alive
	unusedMemory = 64 << 20 // bytes that count as alive
)

// asServed lets the collector run as hallpass serve does, until the test ends.
func asServed(t testing.TB) {
	t.Helper()
	unused, before := make([]byte, unusedMemory), debug.SetGCPercent(servedGrowth)
	t.Cleanup(func() {
		debug.SetGCPercent(before)
		runtime.KeepAlive(unused)
	})
}

// quantile returns the q-th quantile and sorts the list.
func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[min(int(float64(len(list))*q), len(list)-1)]
}

// processor returns the processor time that processes have used, as far as the
// system says.
func processor(pids ...int) (total time.Duration) {
	const ticks = 100 // USER_HZ of every Linux that Go runs on
	for _, pid := range pids {
		stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) < 13 {
			continue
		}
		for _, field := range fields[11:13] { // utime, stime
			n, _ := strconv.ParseInt(field, 10, 64)
			total += time.Duration(n) * time.Second / ticks
		}
	}
	return total
}

// timed runs n operations and returns their wall and processor time.
func timed(ops int, work func(), pids ...int) side {
	pids = append(pids, os.Getpid())
	cpu, start := processor(pids...), time.Now()
	work()
	s := side{wall: time.Since(start), ops: ops}
	s.cpu = processor(pids...) - cpu
	s.figure = s.wall.Seconds() / float64(max(ops, 1))
	return s
}

// paced runs an operation n times and takes the median as the figure.
func paced(n int, op func(), pids ...int) side {
	took := make([]time.Duration, n)
	s := timed(n, func() {
		for i := range took {
			start := time.Now()
			op()
			took[i] = time.Since(start)
		}
	}, pids...)
	s.figure = quantile(took, .5).Seconds()
	return s
}

// medianFigure returns the median of a side's figures, as a duration.
func medianFigure(list []side) time.Duration {
	figures := make([]float64, len(list))
	for i, s := range list {
		figures[i] = s.figure
	}
	return round(time.Duration(median(figures) * float64(time.Second)))
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

// machine describes where the bench runs, without its name.
func machine(t testing.TB) string {
	t.Helper()
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for l := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	sync := paced(200, appender(t, t.TempDir(), entrySize))
	return fmt.Sprintf("%d cores (%s), %s %s, append + fdatasync of %d bytes: %v (median)",
		runtime.NumCPU(), model, runtime.GOOS, runtime.Version(), entrySize, round(time.Duration(sync.figure*float64(time.Second))))
}
