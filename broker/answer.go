package broker

// Answer is a recorded answer that may leave. Its holder calls Deliver once,
// and Drop in any case.
type Answer struct {
	body    []byte
	created bool
	flight  *flight
}

// Body returns the whole JSON document: {"data": …, "receipt": …}.
func (a *Answer) Body() []byte { return a.body }

// Created reports whether the request made something new.
func (a *Answer) Created() bool { return a.created }

// Deliver lets the answer leave. write must write and flush the bytes; cut
// must make a write that is running fail at once. It returns ErrCut when the
// bytes may not leave any more; the connection must then be broken off.
func (a *Answer) Deliver(write func(body []byte) error, cut func()) error {
	defer a.Drop()
	if a.flight != nil {
		if err := a.flight.depart(cut); err != nil {
			return err
		}
	}
	return write(a.body)
}

// Drop gives the answer up; it does nothing after Deliver.
func (a *Answer) Drop() {
	if a != nil && a.flight != nil {
		a.flight.land()
	}
}

// envelope joins the exact bytes of data with the receipt.
func envelope(data, receipt []byte) []byte {
	body := make([]byte, 0, len(data)+len(receipt)+24)
	body = append(append(body, `{"data":`...), data...)
	if receipt != nil {
		body = append(append(body, `,"receipt":`...), receipt...)
	}
	return append(body, '}')
}
