package ingest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// behind changes a long register far behind its first block.
func behind(change func(text []byte, at int) []byte) func([]byte) []byte {
	return func(text []byte) []byte {
		at := len(text) - len(text)/4
		at += bytes.IndexByte(text[at:], '\n') + 1
		return change(text, at)
	}
}

func insert(what string) func([]byte) []byte {
	return behind(func(text []byte, at int) []byte { return slices.Insert(bytes.Clone(text), at, []byte(what)...) })
}

func TestALongFileIsReadWholeWhereItCannotBeCut(t *testing.T) {
	t.Parallel()
	const rows = 90_000
	for name, c := range map[string]struct {
		change func([]byte) []byte
		rows   int
		finds  []ingest.Rule
	}{
		"as it is":                   {bytes.Clone, rows, nil},
		"with a byte-order mark":     {func(b []byte) []byte { return append([]byte("\xef\xbb\xbf"), b...) }, rows, nil},
		"with carriage returns":      {func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) }, rows, nil},
		"with a quoted row":          {insert("S00000000,SCH000,2025-09-01,\"present\",\n"), rows + 1, []ingest.Rule{ingest.DuplicateRow}},
		"with a quoted line's end":   {insert("S00000000,SCH000,2025-09-01,\"pre\nsent\",\n"), rows + 1, []ingest.Rule{ingest.UnknownCode}},
		"with an umlaut of Windows":  {insert("S\xfc,SCH000,2025-09-01,present,\n"), rows + 1, []ingest.Rule{ingest.ReadAsWindows1252, ingest.UnknownStudent}},
		"with a zero byte":           {insert("\x00"), 0, []ingest.Rule{ingest.BadEncoding}},
		"with a line that is a book": {insert(string(bytes.Repeat([]byte("x"), 3<<20)) + "\n"), rows + 1, []ingest.Rule{ingest.TooLong}},
		"without its last line end":  {func(b []byte) []byte { return bytes.TrimSuffix(b, []byte("\n")) }, rows, nil},
		"with an unfinished quote":   {insert("\"S00000000,SCH000\n"), 0, []ingest.Rule{ingest.BadSyntax}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := register(rows)
			text := c.change(files["attendance.csv"].Data)
			files["attendance.csv"].Data = text
			_, report, err := ingest.Read(files, ingest.Plain(), ingest.Options{Snapshot: ingest.SnapshotAll, Marking: records.EveryDay, ExportDate: civil.Make(2026, 6, 30)})
			if err != nil {
				t.Fatal(err)
			}
			var found []ingest.Rule
			for _, f := range report.Findings {
				found = append(found, f.Rule)
			}
			slices.Sort(found)
			if !slices.Equal(found, slices.Sorted(slices.Values(c.finds))) {
				t.Errorf("the findings are %v", found)
			}
			for _, f := range report.Files {
				if f.Name == "attendance.csv" && c.rows > 0 && f.Rows != c.rows {
					t.Errorf("%d rows were read, not %d", f.Rows, c.rows)
				}
			}
			sum := sha256.Sum256(text)
			for _, s := range report.Sources {
				if s.Name == "attendance.csv" && (s.SHA256 != hex.EncodeToString(sum[:]) || s.Bytes != int64(len(text))) {
					t.Errorf("the digest is of %d bytes, not of all %d", s.Bytes, len(text))
				}
			}
		})
	}
}
