package ingest

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// dated is what a row says of a date, by the memo or without it.
func dated(text string, read func(*row) int32) (day int32, bad bool) {
	form := forms[slices.IndexFunc(forms, func(f form) bool { return f.name == "attendance.csv" })]
	t := &table{form: form, report: newReport(), place: []int{-1, -1, 0, -1, -1}}
	r := &row{t: t, fields: [][]byte{[]byte(text)}, line: 2}
	return read(r), r.bad
}

func TestADateThatIsRememberedIsTheDateThatIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var memo dateMemo
		date := rapid.OneOf(
			rapid.StringMatching(`20[0-9]{2}-[01][0-9]-[0-3][0-9]`),
			rapid.StringMatching(`2025-0[19]-[0-3][0-9]`),
			rapid.SampledFrom([]string{"", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", " 2025-09-02", "2025-9-2", "2025-09-02T", "2025/09/02"}),
			rapid.StringN(0, 12, 12),
		)
		for range 20 {
			text := date.Draw(t, "date")
			want, faulty := dated(text, func(r *row) int32 { return int32(r.date(2)) })
			if got, bad := dated(text, func(r *row) int32 { return int32(memo.of(r, 2)) }); got != want || bad != faulty {
				t.Fatalf("%q: %d (%v), without the memo %d (%v)", text, got, bad, want, faulty)
			}
		}
	})
}
