package pages

import (
	"bytes"
	"io/fs"
	"strings"
	"sync"
	"testing/fstest"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"
)

// Pseudo is a language that nobody speaks: English that is 40 % longer, with
// marks on its letters, so that text which is not translated or does not fit is seen.
const Pseudo = "en-XA"

// pseudoShelf has the messages of Pseudo.
var pseudoShelf = sync.OnceValues(func() (*i18n.Bundle, error) {
	english, err := fs.ReadFile(localeFiles, "locale/active.en.toml")
	if err != nil {
		return nil, err
	}
	made, err := pseudoFile(english)
	if err != nil {
		return nil, err
	}
	return load(fstest.MapFS{"locale/active.en.toml": {Data: english}, "locale/active.en-XA.toml": {Data: made}})
})

// RenderPseudo writes a page in Pseudo.
func RenderPseudo(f Frame, p Page) ([]byte, error) {
	bundle, err := pseudoShelf()
	if err != nil {
		return nil, err
	}
	return render(wordsOf(bundle, Language{Tag: Pseudo, Name: Pseudo, Dir: "ltr", numbers: "en-US", file: Pseudo}), f, p)
}

// pseudoFile makes the file of Pseudo from that of English.
func pseudoFile(english []byte) ([]byte, error) {
	var messages map[string]any
	if err := toml.Unmarshal(english, &messages); err != nil {
		return nil, err
	}
	return toml.Marshal(lengthened(messages))
}

func lengthened(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			v[k] = lengthened(inner)
		}
		return v
	case string:
		return Lengthen(v)
	}
	return v
}

// Lengthen makes a text 40 % longer and marks its letters, but not what stands
// in braces.
func Lengthen(text string) string {
	var out strings.Builder
	depth, letters := 0, 0
	for _, r := range text {
		switch r {
		case '{':
			depth++
		case '}':
			depth--
		}
		out.WriteRune(r)
		if depth == 0 && r != '}' {
			letters++
			if strings.ContainsRune("aeiou", r) {
				out.WriteRune('\u0301')
			}
		}
	}
	for range letters * 2 / 5 / 4 {
		out.WriteString(" lóñ")
	}
	return out.String()
}

// Messages are the messages of a language by key, with their plural forms.
func Messages(tag string) (map[string]any, error) {
	lang, ok := languageOf(tag)
	if !ok {
		return nil, ErrLanguage
	}
	text, err := fs.ReadFile(localeFiles, "locale/active."+lang.file+".toml")
	if err != nil {
		return nil, err
	}
	var messages map[string]any
	err = toml.Unmarshal(text, &messages)
	return messages, err
}

// Sabotage takes guards away.
type Sabotage = sabotage

// RenderWithout writes a page without a guard.
func RenderWithout(f Frame, p Page, broken Sabotage) ([]byte, error) {
	w, err := shelved(f.Lang)
	if err != nil {
		return nil, err
	}
	w.broken = broken
	return render(w, f, p)
}

// RenderLacking writes a page where the message of a key is missing in the
// page's language.
func RenderLacking(f Frame, p Page, key string, broken Sabotage) ([]byte, error) {
	lang, _ := languageOf(f.Lang)
	files := fstest.MapFS{}
	for _, tag := range []string{"en", lang.file} {
		text, err := fs.ReadFile(localeFiles, "locale/active."+tag+".toml")
		if err != nil {
			return nil, err
		}
		if tag == lang.file {
			text = bytes.ReplaceAll(text, []byte("\n"+key+" ="), []byte("\nno_"+key+" ="))
		}
		files["locale/active."+tag+".toml"] = &fstest.MapFile{Data: text}
	}
	bundle, err := load(files)
	if err != nil {
		return nil, err
	}
	w := wordsOf(bundle, lang)
	w.broken = broken
	return render(w, f, p)
}

// FallsBack and the others are sabotages by name.
func FallsBack() Sabotage       { return Sabotage{fallsBack: true} }
func SignsAnything() Sabotage   { return Sabotage{signsAnything: true} }
func SignsInPart() Sabotage     { return Sabotage{signsInPart: true} }
func ShowsHeldNames() Sabotage  { return Sabotage{showsHeldNames: true} }
func ShowsAllRecords() Sabotage { return Sabotage{showsAllRecords: true} }
