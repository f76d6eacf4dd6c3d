package oneroster_test

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

// cellsOf are the rows of a file, the header first.
func cellsOf(t interface{ Fatal(...any) }, data []byte) [][]string {
	r := csv.NewReader(strings.NewReader(string(data)))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// written is rows as CSV, every cell in quotes if so drawn.
func written(rows [][]string, quoted bool) *fstest.MapFile {
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				b.WriteByte(',')
			}
			if quoted || strings.ContainsAny(cell, ",\"\n") {
				cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
			}
			b.WriteString(cell)
		}
		b.WriteString("\r\n")
	}
	return &fstest.MapFile{Data: []byte(b.String())}
}

// shuffled is a file with its rows and columns in another order and a vendor's
// column more.
func shuffled(t *rapid.T, rows [][]string) [][]string {
	columns := rapid.Permutation(order(len(rows[0]))).Draw(t, "columns")
	records := rapid.Permutation(order(len(rows)-1)).Draw(t, "rows")
	turn := func(row []string, last string) (turned []string) {
		for _, c := range columns {
			turned = append(turned, row[c])
		}
		return append(turned, last)
	}
	out := [][]string{turn(rows[0], "metadata.vendor")}
	for _, r := range records {
		out = append(out, turn(rows[r+1], "x"))
	}
	return out
}

func order(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func drawnRead(t *rapid.T, set fstest.MapFS, opt ingest.Options) []string {
	im, _, err := ingest.Read(set, formatUnderTest(), opt)
	if err != nil || im == nil {
		t.Fatal("not read", err)
	}
	return students(im)
}

func TestTheOrderOfRowsAndColumnsAndQuotesDoNotMatter(t *testing.T) {
	t.Parallel()
	set, opt := base(t), options(t)
	im, _ := read(t, set, opt)
	want := students(im)
	rapid.Check(t, func(t *rapid.T) {
		drawn := fstest.MapFS{}
		for _, name := range sortedNames(set) {
			drawn[name] = written(shuffled(t, cellsOf(t, set[name].Data)), rapid.Bool().Draw(t, "quoted"))
		}
		if got := drawnRead(t, drawn, opt); !slices.Equal(got, want) {
			t.Fatalf("%q", got)
		}
	})
}

func sortedNames(set fstest.MapFS) []string {
	var all []string
	for name := range set {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// TestABulkSetIsTheSameInParts moves drawn rows into a delta and lets the base
// have older versions of others.
func TestABulkSetIsTheSameInParts(t *testing.T) {
	t.Parallel()
	set, opt := withoutManifest(t), options(t)
	im, _ := read(t, set, opt)
	want := students(im)
	rapid.Check(t, func(t *rapid.T) {
		drawn := fstest.MapFS{}
		manifest := "propertyName,value\noneroster.version,1.2\n"
		for _, name := range sortedNames(set) {
			older, delta := parted(t, cellsOf(t, set[name].Data))
			drawn["a/"+name], drawn["b/"+name] = written(older, false), written(delta, false)
			manifest += "file." + strings.TrimSuffix(name, ".csv") + ",delta\n"
		}
		drawn["b/manifest.csv"] = &fstest.MapFile{Data: []byte(manifest)}
		if got := drawnRead(t, drawn, opt); !slices.Equal(got, want) {
			t.Fatalf("%q", got)
		}
	})
}

// parted draws for each row whether it stands in the base alone, in the delta
// alone, or changed or deleted in the base and right in the delta.
func parted(t *rapid.T, rows [][]string) (older, delta [][]string) {
	older, delta = [][]string{rows[0]}, [][]string{rows[0]}
	status := slices.Index(rows[0], "status")
	for _, row := range rows[1:] {
		changed := slices.Clone(row)
		switch rapid.IntRange(0, 3).Draw(t, "part") {
		case 0:
			older = append(older, row)
			continue
		case 1:
			changed[status] = "tobedeleted"
			older = append(older, changed)
		case 2:
			changed[len(changed)-1] = "x"
			changed[status] = "inactive"
			older = append(older, changed)
		}
		delta = append(delta, row)
	}
	return older, delta
}

// TestADeleteLeavesNoRecordThatNamesNothing deletes drawn records and asks for
// no finding of a reference that leads nowhere beside the lists of agents.
func TestADeleteLeavesNoRecordThatNamesNothing(t *testing.T) {
	t.Parallel()
	set, opt := withoutManifest(t), options(t)
	rapid.Check(t, func(t *rapid.T) {
		drawn := fstest.MapFS{}
		for _, name := range sortedNames(set) {
			rows := cellsOf(t, set[name].Data)
			status := slices.Index(rows[0], "status")
			for _, row := range rows[1:] {
				if rapid.IntRange(0, 2).Draw(t, "deleted") == 0 {
					row[status] = "tobedeleted"
				}
			}
			drawn[name] = written(rows, false)
		}
		_, report, err := ingest.Read(drawn, formatUnderTest(), opt)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range ingesttest.Findings(report) {
			if strings.Contains(line, "reference") || strings.Contains(line, " unknown-") && !strings.Contains(line, "studentSourcedId") {
				t.Fatalf("%v", ingesttest.Findings(report))
			}
		}
	})
}
