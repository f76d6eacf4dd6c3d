package broker

import (
	"bytes"

	"github.com/hallpass-edu/hallpass/broker/report"
)

// Answer is a recorded answer that may leave. Its holder calls Deliver once,
// and Drop in any case.
type Answer struct {
	data    []byte
	receipt []byte // nil where nothing was recorded
	created bool
	flight  *flight
	page    *Page // nil where it leaves as JSON
}

// Page says how an answer is written that is to be read as a page.
type Page struct {
	Stamp report.Stamp
	File  string // a name for it: letters, digits, dots, dashes and underscores
}

// Page returns how the answer is to be written as a page, or nil where it is to
// leave as the JSON that it is.
func (a *Answer) Page() *Page { return a.page }

// parts are the whole JSON document {"data": …, "receipt": …}, data exactly
// as it was recorded. They are not joined: data may be long, and shared with
// other answers.
func (a *Answer) parts() [][]byte {
	if a.receipt == nil {
		return [][]byte{[]byte(`{"data":`), a.data, []byte(`}`)}
	}
	return [][]byte{[]byte(`{"data":`), a.data, []byte(`,"receipt":`), a.receipt, []byte(`}`)}
}

// Body returns the whole JSON document: {"data": …, "receipt": …}.
func (a *Answer) Body() []byte { return bytes.Join(a.parts(), nil) }

// Created reports whether the request made something new.
func (a *Answer) Created() bool { return a.created }

// Deliver lets the answer leave. write must write and flush the parts of the
// document in their order, and not change them; cut must make a write that is
// running fail at once. It returns ErrCut when the bytes may not leave any
// more; the connection must then be broken off.
func (a *Answer) Deliver(write func(body ...[]byte) error, cut func()) error {
	defer a.Drop()
	if a.flight != nil {
		if err := a.flight.depart(cut); err != nil {
			return err
		}
	}
	return write(a.parts()...)
}

// Drop gives the answer up; it does nothing after Deliver.
func (a *Answer) Drop() {
	if a != nil && a.flight != nil {
		a.flight.land()
	}
}
