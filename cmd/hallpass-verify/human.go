package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// printLines writes labels and values in two columns, without empty values and
// without control characters, which a forged header could carry to a terminal.
func printLines(w io.Writer, lines [][2]string) error {
	for _, line := range lines {
		if line[1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "  %-11s%s\n", line[0], printable(line[1])); err != nil {
			return err
		}
	}
	return nil
}

func simulatedMark(r report) string {
	if r.Simulated {
		return r.Origin + " (simulated clock)"
	}
	return r.Origin
}

// joined lists the parts that are not empty.
func joined(parts ...string) string {
	parts = slices.DeleteFunc(slices.Clone(parts), func(s string) bool { return s == "" })
	return strings.Join(parts, ", ")
}

func agreement(h *tlog.Header) string {
	if h.AgreementVersion == 0 {
		return h.Agreement
	}
	return fmt.Sprintf("%s, version %d", h.Agreement, h.AgreementVersion)
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}
