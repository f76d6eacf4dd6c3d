package bench_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sample"
)

// benchYielding measures how long requests take, at half of the rate that the
// service can answer, while a register of every day is loaded, and while not.
func benchYielding(t *testing.T) outcome {
	const connections, lasts = 64, 4 * time.Second
	l := line{bench: "request p99 at half load, while importing", peer: "itself, idle", goal: 3, atMost: true}
	made := sample.Generate(sample.Options{Students: 20_000, Schools: 40})
	folders := registers(t, made)
	d := furnishedFrom(t, t.TempDir(), folders[0], records.EveryDay, made, unasked, func(o *broker.Options) { o.Serving = true })
	address, request := serve(t, api(t, d)), get(t, d, made)
	_, most := send(t, order{Address: address, Request: request, Connections: connections, For: lasts})
	every := 2 * most.Took * connections / time.Duration(most.Requests)
	var idle, busy []load
	turn := func(loads *[]load) side {
		s, got := send(t, order{Address: address, Request: request, Connections: connections, For: lasts, Every: every})
		s.figure = got.P99.Seconds()
		*loads = append(*loads, got)
		return s
	}
	imports := 1 // the first export is loaded
	o := l.measure(t, func() side {
		stop, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for {
				select {
				case <-stop:
					return
				default:
					d.reload(folders[imports%len(folders)])
					imports++
				}
			}
		}()
		s := turn(&busy)
		close(stop)
		<-done
		return s
	}, func() side { return turn(&idle) })
	o.notes = append(o.notes, "while importing: "+loadText(busy), "idle: "+loadText(idle), fmt.Sprintf("%d imports of %d students", imports, len(made.Students)))
	return o
}

// registers are two exports of a district that differ in a few marks, so that
// neither changes nothing after the other.
func registers(t testing.TB, made *sample.District) []string {
	t.Helper()
	folders := []string{filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "other")}
	register(t, folders[0], made)
	other := *made
	other.Students = append([]sample.Student(nil), made.Students...)
	for i := range other.Students {
		if marks := other.Students[i].Marks; i%50 == 0 && len(marks) > 0 {
			other.Students[i].Marks = marks[1:]
		}
	}
	register(t, folders[1], &other)
	return folders
}

// reload imports an export over the one before it.
func (d *district) reload(path string) {
	d.t.Helper()
	result, err := d.Import(d.t.Context(), steward, broker.ImportRequest{
		Path: path, Options: ingest.Options{Snapshot: ingest.SnapshotAll, Marking: records.EveryDay},
	})
	if err != nil || result.Rejected || result.Unchanged {
		d.t.Errorf("the import: %v, rejected %t, unchanged %t, doubted %t", err, result.Rejected, result.Unchanged, result.Doubted)
	}
}
