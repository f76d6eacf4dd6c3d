package report

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io"
	"strings"
)

//go:generate go tool -modfile=../../tools/go.mod templ generate -path . -include-version=false

//go:embed style.css
var style string

// sabotage takes guards away, for tests only.
type sabotage struct {
	keepConsented bool // consented sides enter a page for any audience
	anyReceipt    bool // a receipt of another answer is printed
}

// ErrPage is returned for a page that did not come from Parse.
var ErrPage = errors.New("there is no answer to write: read one with Parse")

// Render writes the page of an answer: one HTML document, in UTF-8. A nil
// receipt is said to be missing. It returns an ErrPage, an ErrAudience, an
// ErrReceipt for a receipt of another answer, or what w returned; a page that
// cannot be made writes nothing.
func Render(w io.Writer, p Page, r *Receipt, s Stamp) error {
	return render(w, p, r, s, sabotage{})
}

func render(w io.Writer, p Page, r *Receipt, s Stamp, broken sabotage) error {
	if p.raw == nil {
		return ErrPage
	}
	if err := s.Audience.Validate(); err != nil {
		return err
	}
	if r != nil && !broken.anyReceipt {
		if err := r.belongs(p); err != nil {
			return err
		}
	}
	var out bytes.Buffer
	if err := document(newView(p, r, s, broken)).Render(context.Background(), &out); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	_, err := w.Write(out.Bytes())
	return err
}

// SecurityPolicy is the Content-Security-Policy that a page carries in itself
// and that whoever serves it may send: nothing but the page's own style.
func SecurityPolicy(a Audience) string {
	sum := sha256.Sum256([]byte(styleFor(a)))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}

// styleFor is the page's style with the stamp at the foot of each sheet.
func styleFor(a Audience) string {
	p := english()
	return strings.NewReplacer("STAMP", p.stamps[a][0], "PAGE", p.page).Replace(style)
}

// exactly escapes text so that a browser's textContent of the element is the
// text byte for byte: it would turn a bare carriage return into a line feed.
func exactly(text string) string {
	return strings.ReplaceAll(html.EscapeString(text), "\r", "&#13;")
}
