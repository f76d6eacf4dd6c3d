package agreement

import (
	"strings"
	"unicode/utf8"
)

const (
	lineWidth = 78 // characters
	hang      = "      "
)

// layout sets the lines of the filled-in wording as plain text: titles as they
// are, sections between blank lines, clauses and list items wrapped and
// indented so that only a clause begins at the margin with its number.
func layout(source string) string {
	var b strings.Builder
	for line := range strings.Lines(source) {
		line = strings.TrimRight(line, "\n")
		first, rest, _ := strings.Cut(line, " ")
		switch first {
		case "":
		case "#":
			b.WriteString(rest + "\n")
		case "##":
			b.WriteString("\n" + rest + "\n")
		case "-":
			wrap(&b, hang+"- ", hang+"  ", rest)
		default:
			b.WriteString("\n")
			wrap(&b, (first + hang)[:len(hang)], hang, rest)
		}
	}
	return b.String()
}

// wrap writes text in lines of at most lineWidth characters, if no single word
// is longer, behind a first and a further margin.
func wrap(b *strings.Builder, first, further, text string) {
	b.WriteString(first)
	used := utf8.RuneCountInString(first)
	for i, word := range strings.Fields(text) {
		width := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case used+1+width > lineWidth:
			b.WriteString("\n" + further)
			used = len(further)
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += width
	}
	b.WriteString("\n")
}
