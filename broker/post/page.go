package post

import (
	"html"
	"regexp"
	"strings"

	"github.com/hallpass-edu/hallpass/broker"
)

// address finds what becomes a link; what often follows one in a sentence is not of it.
var address = regexp.MustCompile(`https?://[^\s<>"]*[^\s<>".,;:!?)]`)

// page writes the text of a message as HTML, without anything that is loaded from
// elsewhere: paragraphs, lines and links.
func page(p broker.Parcel) string {
	var b strings.Builder
	b.WriteString(`<!DOCTYPE html><html lang="` + html.EscapeString(p.Language) + `"><head><meta charset="utf-8"><title>` +
		html.EscapeString(p.Subject) + `</title></head><body dir="auto" style="font:16px/1.5 sans-serif">`)
	text := strings.TrimSpace(strings.ReplaceAll(p.Text, "\r\n", "\n"))
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if paragraph = strings.TrimSpace(paragraph); paragraph != "" {
			b.WriteString(`<p dir="auto">` + strings.ReplaceAll(linked(paragraph), "\n", "<br>") + "</p>")
		}
	}
	b.WriteString("</body></html>")
	return b.String()
}

// linked escapes a text and makes links of the addresses in it.
func linked(text string) string {
	var b strings.Builder
	from := 0
	for _, at := range address.FindAllStringIndex(text, -1) {
		url := html.EscapeString(text[at[0]:at[1]])
		b.WriteString(html.EscapeString(text[from:at[0]]) + `<a href="` + url + `">` + url + "</a>")
		from = at[1]
	}
	b.WriteString(html.EscapeString(text[from:]))
	return b.String()
}
