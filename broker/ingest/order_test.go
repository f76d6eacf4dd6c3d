package ingest_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

func TestTheOrderOfRowsDoesNotMatter(t *testing.T) {
	t.Parallel()
	opt := options(t)
	whole := apply(t, nil, opt, nil)
	rapid.Check(t, func(rt *rapid.T) {
		files := base(t, nil)
		for _, name := range slices.Sorted(keys(files)) {
			header, body, _ := strings.Cut(string(files[name].Data), "\n")
			rows := rapid.Permutation(slices.Collect(strings.Lines(body))).Draw(rt, name)
			files[name].Data = []byte(header + "\n" + strings.Join(rows, ""))
		}
		im, report, err := ingest.Read(files, ingest.Plain(), opt)
		if err != nil || im == nil || len(report.Findings) > 0 {
			rt.Fatalf("%v %v", err, ingesttest.Findings(report))
		}
		got := im.Apply(nil, 1, ingesttest.Identities())
		if !reflect.DeepEqual(got.District.Students, whole.District.Students) || !reflect.DeepEqual(got.District.Sessions, whole.District.Sessions) ||
			!reflect.DeepEqual(got.District.Coverage, whole.District.Coverage) || !reflect.DeepEqual(got.Profiles, whole.Profiles) {
			rt.Fatal("another order of rows made another district")
		}
	})
}

func TestTheOrderOfColumnsDoesNotMatter(t *testing.T) {
	t.Parallel()
	whole := apply(t, nil, options(t), nil)
	rapid.Check(t, func(rt *rapid.T) {
		files := base(t, nil)
		for _, name := range slices.Sorted(keys(files)) {
			lines := strings.Split(strings.TrimSuffix(string(files[name].Data), "\n"), "\n")
			order := rapid.Permutation(indexes(strings.Count(lines[0], ",")+1)).Draw(rt, name)
			var b strings.Builder
			for _, line := range lines {
				cells, moved := strings.Split(line, ","), []string{}
				for _, at := range order {
					moved = append(moved, `"`+cells[at]+`"`)
				}
				b.WriteString(strings.Join(moved, ",") + "\r\n")
			}
			files[name].Data = []byte(b.String())
		}
		im, report, err := ingest.Read(files, ingest.Plain(), options(t))
		if err != nil || im == nil || len(report.Findings) > 0 {
			rt.Fatalf("%v %v", err, ingesttest.Findings(report))
		}
		if got := im.Apply(nil, 1, ingesttest.Identities()); !reflect.DeepEqual(got.District.Students, whole.District.Students) {
			rt.Fatal("another order of columns made another district")
		}
	})
}

func indexes(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
