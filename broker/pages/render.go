package pages

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/a-h/templ"
)

//go:generate go tool -modfile=../../tools/go.mod templ generate -path . -include-version=false

//go:embed static/family.css
var style []byte

//go:embed static/family.rtl.css
var mirroredStyle []byte

// SecurityPolicy is the Content-Security-Policy under which every page works.
const SecurityPolicy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ErrPage is returned for a page that is not one of the structs of views.go, by
// value.
var ErrPage = errors.New("there is no such page: pass one of the structs of this package, by value")

// Render writes a page as one HTML document in UTF-8. It returns ErrLanguage, ErrPage,
// ErrTerms or, for a state that is on no list, an error; it never returns part of a page.
func Render(f Frame, p Page) ([]byte, error) {
	w, err := shelved(f.Lang)
	if err != nil {
		return nil, err
	}
	return render(w, f, p)
}

func render(w *words, f Frame, p Page) ([]byte, error) {
	var out bytes.Buffer
	if err := document(w, f, p).Render(context.Background(), &out); err != nil {
		return nil, fmt.Errorf("writing the page: %w", err)
	}
	if w.fault != nil {
		return nil, fmt.Errorf("writing the page: %w", w.fault)
	}
	return out.Bytes(), nil
}

// Static returns the files that pages load, by the name under which they are to be
// served below /static/. Pages ask for them with ?v= and the start of their
// SHA-256, so that they may be kept for ever.
func Static() map[string][]byte {
	return map[string][]byte{"family.css": bytes.Clone(style), "family.rtl.css": bytes.Clone(mirroredStyle), "office.css": bytes.Clone(officeStyle)}
}

// stylesheet is the address of the page's style.
func (w *words) stylesheet() string {
	name, text := "family.css", style
	if w.rtl() {
		name, text = "family.rtl.css", mirroredStyle
	}
	sum := sha256.Sum256(text)
	return "/static/" + name + "?v=" + hex.EncodeToString(sum[:6])
}

// inLanguage is the page in another language. A path that could lead to another
// host leads home.
func (f Frame) inLanguage(tag string) templ.SafeURL {
	path := f.Path
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, "\\") {
		path = "/"
	}
	return templ.SafeURL((&url.URL{Path: path}).EscapedPath() + "?lang=" + url.QueryEscape(tag))
}

// at is a path of ours with what identifies something in it.
func at(before, id, after string) string { return before + url.PathEscape(id) + after }
