package mapping

import (
	"archive/zip"
	"bytes"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// Bounds of a workbook. It is unpacked in memory only: a temporary file would
// leave children's data on the disk.
const (
	maxWorkbook = 40 << 20 // bytes, unpacked
	maxParts    = 2_000
	maxRatio    = 100      // unpacked to packed bytes of a part
	smallPart   = 1 << 20  // bytes up to which the ratio says nothing
	maxCells    = 20 << 20 // of a sheet, those left free inside rows included
	maxWidth    = 2_000    // columns
)

// isWorkbook tells a workbook by its name.
func isWorkbook(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".xlsx" || ext == ".xlsm" || ext == ".xls"
}

// refuse returns why a workbook must not be opened, or nothing.
func refuse(data []byte) string {
	if bytes.HasPrefix(data, []byte{0xd0, 0xcf, 0x11, 0xe0}) {
		return "it has a password, or is of the older form .xls"
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return "it is damaged or not a workbook"
	}
	if len(z.File) > maxParts {
		return "it has too many parts"
	}
	var packed, unpacked uint64
	for _, f := range z.File {
		switch {
		case f.CompressedSize64 > uint64(len(data)) || f.UncompressedSize64 > maxWorkbook:
			return "it unpacks to too many bytes"
		case f.UncompressedSize64 > smallPart && f.UncompressedSize64/maxRatio > f.CompressedSize64:
			return "a part of it unpacks to more than it may"
		}
		packed += f.CompressedSize64
		unpacked += f.UncompressedSize64
	}
	switch {
	case packed > uint64(len(data)):
		return "its parts overlap"
	case unpacked > maxWorkbook:
		return "it unpacks to too many bytes"
	}
	return refuseParts(z.File)
}

// refuseParts reads the parts through once: the library takes
// the end of broken XML for the end of the sheet, and rows would be lost
// without a word.
func refuseParts(parts []*zip.File) string {
	for _, f := range parts {
		if strings.ToLower(path.Ext(f.Name)) != ".xml" {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return "it is damaged"
		}
		text, err := io.ReadAll(io.LimitReader(r, maxWorkbook))
		_ = r.Close() // it was read to its end, or is refused
		if err != nil || !wellFormed(text) {
			return "a part of it is broken"
		}
	}
	return ""
}

// A workbook is an open file of sheets.
type workbook struct {
	file *excelize.File
	days calendar
}

// openWorkbook returns why a workbook cannot be read, or nothing. Formulas are
// not worked out, and what it links to is not fetched.
func openWorkbook(data []byte) (w *workbook, reason string) {
	if reason = refuse(data); reason != "" {
		return nil, reason
	}
	defer func() {
		if recover() != nil { // the library's own, on a workbook made to break it
			w, reason = nil, "it is damaged"
		}
	}()
	f, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{
		RawCellValue: true, UnzipSizeLimit: maxWorkbook, UnzipXMLSizeLimit: maxWorkbook,
	})
	if err != nil {
		return nil, "it is damaged or not a workbook"
	}
	w = &workbook{file: f, days: calendar{serials: true, base: base1900}}
	if props, err := f.GetWorkbookProps(); err == nil && props.Date1904 != nil && *props.Date1904 {
		w.days.base = base1904
	}
	return w, ""
}

// sheet finds a sheet by its name or, from 1, its number; the first for no
// name. It is empty where there is none.
func (w *workbook) sheet(name string) string {
	list := w.file.GetSheetList()
	for _, s := range list {
		if name != "" && fold(s) == fold(name) {
			return s
		}
	}
	at := 1
	if name != "" {
		at, _ = strconv.Atoi(name)
	}
	if at >= 1 && at <= len(list) {
		return list[at-1]
	}
	return ""
}

// rows reads a sheet from its beginning.
func (w *workbook) rows(sheet string) (r rowReader, ok bool) {
	defer func() {
		if recover() != nil {
			r, ok = nil, false
		}
	}()
	rows, err := w.file.Rows(sheet)
	if err != nil {
		return nil, false
	}
	return &sheetRows{rows: rows}, true
}

// sheetRows gives the rows of a sheet one by one.
type sheetRows struct {
	rows  *excelize.Rows
	line  int
	cells int
}

func (s *sheetRows) next() (cells []string, line int, err error) {
	defer func() {
		if recover() != nil {
			cells, line, err = nil, s.line, errDamaged
		}
	}()
	if !s.rows.Next() {
		if s.rows.Error() != nil {
			return nil, s.line, errDamaged
		}
		return nil, s.line, io.EOF
	}
	s.line++
	cells, err = s.rows.Columns()
	if err != nil {
		return nil, s.line, errDamaged
	}
	s.cells += len(cells)
	if len(cells) > maxWidth || s.cells > maxCells {
		return nil, s.line, errTooWide
	}
	for i := range cells {
		cells[i] = shortNumber(cells[i])
	}
	return cells, s.line, nil
}

func (s *sheetRows) close() { _ = s.rows.Close() } // nothing was written

// shortNumber writes a number as the workbook shows it: 3.3, where it keeps
// 3.2999999999999998.
func shortNumber(cell string) string {
	whole, part, decimal := strings.Cut(strings.TrimPrefix(cell, "-"), ".")
	if !decimal || len(whole)+len(part) <= 15 || !digits(whole) || !digits(part) {
		return cell
	}
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		return cell
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 15, 64), 64)
	if err != nil {
		return cell
	}
	return strconv.FormatFloat(short, 'f', -1, 64)
}

// openBook opens a file as a workbook once, and says why it cannot.
func (e *export) openBook(name string) *workbook {
	if w, opened := e.books[name]; opened {
		return w
	}
	e.books[name] = nil
	data, ok := e.files.Bytes(name)
	if !ok {
		return nil
	}
	w, reason := openWorkbook(data)
	if reason != "" {
		e.report(ingest.Place{File: base(name)}, "", ingest.BadWorkbook, reason)
	}
	e.books[name] = w
	return w
}
