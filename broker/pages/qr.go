package pages

import (
	goqr "github.com/piglig/go-qr"
)

// QR is the code of a text, such as a link, as rows of dark modules without the quiet
// zone. It withstands a fold or a stain (error correction M).
func QR(text string) ([][]bool, error) {
	code, err := goqr.EncodeText(text, goqr.Medium)
	if err != nil {
		return nil, err
	}
	rows := make([][]bool, code.Size())
	for y := range rows {
		rows[y] = make([]bool, code.Size())
		for x := range rows[y] {
			rows[y][x] = code.Module(x, y)
		}
	}
	return rows, nil
}
