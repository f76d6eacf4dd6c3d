package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxJSON  = 64 << 10
	maxDepth = 20
	maxArray = 10_000
)

// readJSON reads the body as exactly one JSON value of T. It refuses another
// content type, more than 64 KB, unknown and repeated members, members that
// differ in case, null, anything after the value, more than 20 levels and
// arrays of more than 10,000 elements. Its errors name the place, never what
// stood there. A body that may be left out is the zero T when it is.
func readJSON[T any](in *incoming) (T, error) {
	var v T
	if in.optional && in.r.ContentLength == 0 {
		return v, nil
	}
	if err := in.carries(mediaJSON); err != nil {
		return v, err
	}
	body, err := readCapped(in, maxJSON)
	if err != nil {
		return v, err
	}
	t := reflect.TypeFor[T]()
	if err := inspect(body, in.options()); err != nil {
		return v, place(err, t)
	}
	if err := json.Unmarshal(body, &v, in.options()); err != nil {
		return v, place(err, t)
	}
	return v, nil
}

func (in *incoming) options() json.Options {
	return json.JoinOptions(json.RejectUnknownMembers(!in.lax), jsontext.AllowDuplicateNames(in.lax))
}

// readCapped reads the whole body, so that a decoder that stops early cannot
// hide what follows.
func readCapped(in *incoming, most int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(in.w, in.r.Body, most))
	if err != nil {
		return nil, bodyFault(err)
	}
	return body, nil
}

// fault is a value that JSON allows and this service does not.
type fault struct {
	at              jsontext.Pointer
	problem, remedy string
}

func (f *fault) Error() string { return f.problem }

// inspect walks the body once for what the decoder itself does not refuse.
func inspect(body []byte, o json.Options) error {
	dec := jsontext.NewDecoder(bytes.NewReader(body), o)
	for {
		tok, err := dec.ReadToken()
		if errors.Is(err, io.EOF) { // at the end of the body, not inside a value
			return nil
		}
		if err != nil {
			return err
		}
		if dec.StackDepth() > maxDepth {
			return &fault{dec.StackPointer(), "is nested too deeply", fmt.Sprintf("nest at most %d levels", maxDepth)}
		}
		if kind, n := dec.StackIndex(dec.StackDepth()); kind == '[' && n > maxArray {
			return &fault{dec.StackPointer(), "is too long", fmt.Sprintf("send at most %d elements", maxArray)}
		}
		if tok.Kind() == 'n' {
			return &fault{dec.StackPointer(), "is null", "leave the member out"}
		}
	}
}
