package web

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// place turns a decoder's error into a refusal that names the member of t at
// fault. Names that t does not have are the sender's own words and are left
// out like values.
func place(err error, t reflect.Type) error {
	var f *fault
	var syntax *jsontext.SyntacticError
	var meaning *json.SemanticError
	switch {
	case errors.As(err, &f):
		name, _ := known(t, f.at)
		return unacceptable(name, f.problem, f.remedy)
	case errors.As(err, &syntax) && errors.Is(syntax, jsontext.ErrDuplicateName):
		name, _ := known(t, syntax.JSONPointer)
		return unacceptable(name, fmt.Sprintf("is repeated at byte %d", syntax.ByteOffset), "write each member once")
	case errors.As(err, &syntax):
		return unreadable("body", fmt.Sprintf("is not JSON at byte %d", syntax.ByteOffset), "send one JSON object in UTF-8 and nothing after it")
	case errors.As(err, &meaning) && errors.Is(meaning, json.ErrUnknownName):
		name, at := known(t, meaning.JSONPointer)
		return unacceptable(name, fmt.Sprintf("holds an unknown member at byte %d", meaning.ByteOffset), oneOf("its members are", members(at)))
	case errors.As(err, &meaning):
		name, at := known(t, meaning.JSONPointer)
		return unacceptable(name, "is not of the right form", form(at))
	}
	return unreadable("body", "cannot be read", "send one JSON object in UTF-8")
}

// known follows a pointer as far as t knows it: the pointer's known part, or
// "body" for the whole, and the type it points to.
func known(t reflect.Type, p jsontext.Pointer) (string, reflect.Type) {
	var at strings.Builder
	for token := range p.Tokens() {
		next, ok := step(t, token)
		if !ok {
			break
		}
		at.WriteString("/" + token)
		t = next
	}
	return orElse(at.String(), "body"), t
}

func step(t reflect.Type, token string) (reflect.Type, bool) {
	t = plain(t)
	switch {
	case isText(t):
		return nil, false
	case t.Kind() == reflect.Struct:
		for f := range fields(t) {
			if f.name == token {
				return f.typ, true
			}
		}
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Array:
		_, err := strconv.Atoi(token)
		return t.Elem(), err == nil
	}
	return nil, false
}

type member struct {
	name string
	typ  reflect.Type
}

// fields yields the members of a struct's JSON form.
func fields(t reflect.Type) func(yield func(member) bool) {
	return func(yield func(member) bool) {
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !f.IsExported() || name == "-" {
				continue
			}
			if !yield(member{orElse(name, f.Name), f.Type}) {
				return
			}
		}
	}
}

// members returns the names a JSON object of type t may hold, sorted.
func members(t reflect.Type) []string {
	var names []string
	if t = plain(t); t.Kind() == reflect.Struct {
		for f := range fields(t) {
			names = append(names, f.name)
		}
	}
	slices.Sort(names)
	return names
}

func plain(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// isText reports whether t is written as a JSON string although it is not a
// Go string.
func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// form says how a value of type t is written.
func form(t reflect.Type) string {
	t = plain(t)
	switch {
	case t == reflect.TypeFor[civil.Date]():
		return "write a day as 2026-11-21"
	case t == reflect.TypeFor[time.Time]():
		return "write an instant as 2026-11-21T14:30:00Z"
	}
	switch t.Kind() {
	case reflect.String:
		return "write a text"
	case reflect.Bool:
		return "write true or false"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "write a whole number"
	case reflect.Slice:
		return "write a list"
	default:
		return "write an object"
	}
}
