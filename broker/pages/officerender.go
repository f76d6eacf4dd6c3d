package pages

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
)

//go:embed static/office.css
var officeStyle []byte

// RenderOffice writes a page of the district's own people as one HTML document in
// UTF-8, or none of it.
func RenderOffice(f OfficeFrame, p OfficePage) ([]byte, error) {
	var out bytes.Buffer
	if err := officeDocument(f, p).Render(context.Background(), &out); err != nil {
		return nil, fmt.Errorf("writing the page: %w", err)
	}
	return out.Bytes(), nil
}

// styleAddress is the address of a style by its name in Static.
func styleAddress(name string) string {
	sum := sha256.Sum256(Static()[name])
	return "/static/" + name + "?v=" + hex.EncodeToString(sum[:6])
}
