package web

import (
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hallpass-edu/hallpass/broker"
)

const (
	mediaJSON    = "application/json"
	mediaCSV     = "text/csv"
	mediaHTML    = "text/html; charset=utf-8"
	mediaProblem = "application/problem+json"

	maxDistrictID = 128 // bytes of a school or session id, and of any query value
)

// incoming is a request on a known route, before its body is read.
type incoming struct {
	w     http.ResponseWriter // the server's own, not gin's: it closes the connection of a body that is too large
	r     *http.Request
	id    string            // the path's first parameter; empty without one
	ids   map[string]string // all of them by name, unescaped and well-formed
	query url.Values

	optional bool // the body may be left out
	lax      bool // sabotage: unknown and repeated members pass
}

// newIncoming checks everything that stands before the body. rawIDs are the
// path's parameters as the router found them, in their order.
func newIncoming(w http.ResponseWriter, r *http.Request, route Route, rawIDs []string) (*incoming, error) {
	in := &incoming{w: w, r: r, ids: map[string]string{}, optional: route.BodyOptional}
	for i, name := range pathNames(route.Path) {
		id, err := pathID(name, rawIDs[i], r.URL.RawPath != "")
		if err != nil {
			return nil, err
		}
		if in.ids[name] = id; i == 0 {
			in.id = id
		}
	}
	var err error
	if in.query, err = strictQuery(r.URL.RawQuery, route.Query); err != nil {
		return nil, err
	}
	if route.Accepts == "" && r.ContentLength != 0 {
		return nil, unreadable("body", "is not taken by this path", "send no body")
	}
	return in, nil
}

// pathNames are the names of a path's parameters, in their order.
func pathNames(path string) (names []string) {
	for rest := path; ; {
		_, after, found := strings.Cut(rest, "{")
		if !found {
			return names
		}
		name, more, _ := strings.Cut(after, "}")
		names, rest = append(names, name), more
	}
}

// pathID checks one parameter of the path. An id that cannot exist is answered
// like one that does not.
func pathID(name, raw string, escaped bool) (string, error) {
	id := raw
	if escaped {
		var err error
		if id, err = url.PathUnescape(raw); err != nil {
			return "", notAvailable()
		}
	}
	if !wellFormed(name, id) {
		return "", notAvailable()
	}
	return id, nil
}

// The forms of path parameters; docs/openapi.yaml holds the same.
var (
	ownID      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)
	entryIndex = regexp.MustCompile(`^(0|[1-9][0-9]{0,18})$`)
)

func wellFormed(name, id string) bool {
	switch name {
	case "index":
		return entryIndex.MatchString(id)
	case "session_id", "school_id":
		return id != "" && printable(id)
	default:
		return ownID.MatchString(id)
	}
}

// printable reports whether s is at most 128 bytes of visible text. Control
// characters, bidirectional ones included, are not.
func printable(s string) bool {
	return len(s) <= maxDistrictID && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// strictQuery parses a query in which each known parameter may stand once.
func strictQuery(raw string, known []string) (url.Values, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, unreadable("query", "cannot be read", "percent-encode its values")
	}
	for name, v := range values {
		switch {
		case !slices.Contains(known, name):
			return nil, unacceptable("query", "holds an unknown parameter", oneOf("this path takes", known))
		case len(v) > 1:
			return nil, unacceptable(name, "stands more than once", "write it once")
		case !printable(v[0]):
			return nil, unacceptable(name, "is not short printable text", "write at most 128 bytes of printable text")
		}
	}
	return values, nil
}

// carries checks that the body is of the media type, in UTF-8 or unsaid, and
// not compressed.
func (in *incoming) carries(media string) error {
	refuse := func(problem string) error {
		return &refusal{status: http.StatusUnsupportedMediaType, public: &broker.Error{
			Kind: broker.Invalid, Detail: "the content type is not the one this path takes",
			Fields: []broker.Field{{Name: "Content-Type", Problem: problem, Remedy: "send " + media}},
		}}
	}
	types := in.r.Header.Values("Content-Type")
	if len(types) != 1 {
		return refuse("must be there once")
	}
	got, params, err := mime.ParseMediaType(types[0])
	if err != nil || got != media {
		return refuse("is not " + media)
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return refuse("names a character set other than UTF-8")
	}
	if in.r.Header.Get("Content-Encoding") != "" {
		return refuse("is compressed, which this path does not take")
	}
	return nil
}

// oneOf lists names in a remedy.
func oneOf(what string, names []string) string {
	if len(names) == 0 {
		return what + " none"
	}
	return what + ": " + strings.Join(names, ", ")
}
