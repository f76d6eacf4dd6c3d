package ingest

import (
	"cmp"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
)

// maxListed bounds the rows that WriteRows lists.
const maxListed = 100_000

// WriteRows writes every finding, up to 100,000, as CSV: file, rowNumber,
// sourceId, field, status, message. sourceId is the row's own id in the export
// and may be a student's number: the list is for the person who mends the
// export. Nothing in it can be taken for a formula by a spreadsheet (CWE-1236).
func (r *Report) WriteRows(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"file", "rowNumber", "sourceId", "field", "status", "message"}); err != nil {
		return err
	}
	list := slices.Clone(r.listed)
	slices.SortStableFunc(list, func(a, b Finding) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Row, b.Row)) })
	for _, f := range list {
		row := ""
		if f.Row > 0 {
			row = strconv.Itoa(f.Row)
		}
		record := []string{f.File, row, f.ID, f.Field, string(f.Severity), f.What + "; to mend: " + f.Remedy}
		for i := range record {
			record[i] = harmless(record[i])
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// harmless keeps a spreadsheet from reading a cell as a formula.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\x00＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}
