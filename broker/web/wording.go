package web

import (
	"maps"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/pages"
)

// Wording writes the messages to families in their languages. base is where the
// service is reached, such as https://data.lakeview.example: links are below it.
func Wording(base string, d District) broker.Wording {
	return func(kind broker.MessageKind, language string, values map[string]string) (subject, text string, err error) {
		with := maps.Clone(values)
		with["district"], with["phone"] = d.Name, d.Phone
		if with["link"] != "" {
			with["link"] = base + with["link"]
		}
		return pages.Letter(pages.LetterKind(kind), pages.Match(language, ""), with)
	}
}
