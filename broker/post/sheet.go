package post

import (
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/hallpass-edu/hallpass/broker"
)

// Sheet writes messages as CSV, for a tool of the district's own that sends them.
type Sheet struct{ out *csv.Writer }

// NewSheet writes the line of names: id, kind, email, phone, language, subject, text.
func NewSheet(w io.Writer) (*Sheet, error) {
	s := &Sheet{csv.NewWriter(w)}
	return s, s.write("id", "kind", "email", "phone", "language", "subject", "text")
}

// Write adds a line for each message. No cell can be taken for a formula by a spreadsheet
// (CWE-1236): one that begins like one has an apostrophe before it, but for a telephone
// number, which is written as + and digits.
func (s *Sheet) Write(list []broker.Parcel) error {
	for _, p := range list {
		err := s.write(harmless(p.ID), harmless(string(p.Kind)), harmless(p.Email), dialled(p.Phone), harmless(p.Language), harmless(p.Subject), harmless(p.Text))
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Sheet) write(cells ...string) error {
	err := s.out.Write(cells)
	if s.out.Flush(); err == nil {
		err = s.out.Error()
	}
	if err != nil {
		return fmt.Errorf("writing the messages: %w", err)
	}
	return nil
}

// harmless keeps a spreadsheet from reading a cell as a formula.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n\x00＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}

// number is a telephone number as people write it.
var number = regexp.MustCompile(`^\+?[0-9() ./-]{3,30}$`)

func dialled(phone string) string {
	phone = strings.TrimSpace(phone)
	if !number.MatchString(phone) {
		return harmless(phone)
	}
	return strings.NewReplacer("(", "", ")", "", " ", "", ".", "", "/", "", "-", "").Replace(phone)
}
