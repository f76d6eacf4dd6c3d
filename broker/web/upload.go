package web

import (
	"errors"
	"io"
	"net/http"

	"github.com/hallpass-edu/hallpass/broker"
)

const maxCSV = 16 << 20

// csvBody is an upload that ends with an error after 16 MB. It remembers how
// reading went, since the broker's own error may be about something else.
type csvBody struct {
	r   io.Reader
	err error
}

// openCSV checks the content type and the announced length; the rest is
// checked while the broker reads.
func openCSV(in *incoming) (*csvBody, error) {
	if err := in.carries(mediaCSV); err != nil {
		return nil, err
	}
	if in.r.ContentLength > maxCSV {
		return nil, bodyFault(&http.MaxBytesError{Limit: maxCSV})
	}
	return &csvBody{r: http.MaxBytesReader(in.w, in.r.Body, maxCSV)}, nil
}

func (b *csvBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// explain puts a failed read before the error it led to.
func (b *csvBody) explain(err error) error {
	if err == nil || b.err == nil {
		return err
	}
	return bodyFault(b.err)
}

// bodyFault says why a body could not be read to its end.
func bodyFault(err error) error {
	var tooLarge *http.MaxBytesError
	if !errors.As(err, &tooLarge) {
		return unreadable("body", "ended early", "send it again")
	}
	most := "64 KB"
	if tooLarge.Limit == maxCSV {
		most = "16 MB"
	}
	return &refusal{status: http.StatusRequestEntityTooLarge, public: &broker.Error{
		Kind: broker.Invalid, Detail: "the body is too large",
		Fields: []broker.Field{{Name: "body", Problem: "is larger than " + most, Remedy: "send less"}},
	}}
}
