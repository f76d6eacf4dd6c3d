package web

import (
	"bytes"
	"fmt"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/report"
)

// message is an answer as it goes over the wire.
type message struct {
	parts  [][]byte
	header [][2]string
}

// compose makes of the parts of an answer what its reader asked for: the JSON that
// they are or, of exactly their bytes, a page.
func compose(parts [][]byte, as *broker.Page) (message, error) {
	if as == nil {
		return message{parts, [][2]string{{"Content-Type", mediaJSON}}}, nil
	}
	p, receipt, err := report.ParseAnswer(bytes.Join(parts, nil))
	if err != nil {
		return message{}, fmt.Errorf("reading the answer that a page is made of: %w", err)
	}
	var html bytes.Buffer
	if err := report.Render(&html, p, receipt, as.Stamp); err != nil {
		return message{}, err
	}
	return message{[][]byte{html.Bytes()}, [][2]string{
		{"Content-Type", mediaHTML},
		{"Content-Disposition", `inline; filename="` + as.File + `"`},
		{"Content-Security-Policy", report.SecurityPolicy(as.Stamp.Audience) + "; frame-ancestors 'none'"},
	}}, nil
}
