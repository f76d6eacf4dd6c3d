package tlog

import (
	"encoding/base64"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// object writes one JSON object member by member, in the order of the calls:
// the same bytes as json.Marshal, without looking at types. The names are
// plain ASCII.
type object struct {
	b   []byte
	err error // the first text that is not UTF-8
}

func newObject(b []byte) *object { return &object{b: append(b, '{')} }

// end closes the object and returns everything that was written.
func (o *object) end() ([]byte, error) {
	o.b = append(o.b, '}')
	return o.b, o.err
}

func (o *object) name(name string) {
	if last := o.b[len(o.b)-1]; last != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), name...), '"', ':')
}

func (o *object) text(name, value string) {
	o.name(name)
	o.quote(value)
}

// textIfAny leaves out an empty text.
func (o *object) textIfAny(name, value string) {
	if value != "" {
		o.text(name, value)
	}
}

func (o *object) quote(value string) {
	b, err := jsontext.AppendQuote(o.b, value)
	if o.b = b; err != nil && o.err == nil {
		o.err = err
	}
}

func (o *object) number(name string, value int64) {
	o.name(name)
	o.b = strconv.AppendInt(o.b, value, 10)
}

// raw embeds a JSON value as it stands.
func (o *object) raw(name string, value []byte) {
	o.name(name)
	o.b = append(o.b, value...)
}

// binary writes bytes as standard base64.
func (o *object) binary(name string, value []byte) {
	o.name(name)
	o.b = append64(o.b, value)
}

// list writes an array; item is called for each of n.
func (o *object) list(name string, n int, item func(i int)) {
	o.name(name)
	o.b = append(o.b, '[')
	for i := range n {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		item(i)
	}
	o.b = append(o.b, ']')
}

// object writes an object within.
func (o *object) object(name string, members func()) {
	o.name(name)
	o.b = append(o.b, '{')
	members()
	o.b = append(o.b, '}')
}

func append64(b, value []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(b, '"'), value), '"')
}
