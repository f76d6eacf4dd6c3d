package mapping

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of a mapping's text.
const (
	maxText  = 1 << 20
	maxDepth = 12
	maxNodes = 50_000
	maxItems = 1_000 // sources of a plain file
)

// Parse reads the text of a mapping. It takes nothing that it does not know,
// and no anchors, aliases, tags or second documents. An error is an *Error.
func Parse(text []byte) (*Mapping, error) {
	if len(text) > maxText {
		return nil, &Error{0, "it is larger than a mapping may be", "keep it under 1 MiB"}
	}
	root, err := document(text)
	if err != nil {
		return nil, err
	}
	p := &parser{}
	if err := p.check(root, 0); err != nil {
		return nil, err
	}
	m := &Mapping{forms: map[string][]*source{}, digest: sha256.Sum256(text)}
	err = p.pairs(root, fields{
		"version": version,
		"files":   func(n *yaml.Node) error { return p.files(n, m) },
	}, "version, files")
	if err == nil && len(m.forms) == 0 {
		err = &Error{root.Line, "it maps no file", "give files: with the plain files, such as students.csv:"}
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func version(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode || n.Value != "1" {
		return &Error{n.Line, "a version that is not known", "write version: 1"}
	}
	return nil
}

// document returns the mapping node of the one document of a text.
func document(text []byte) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var first, second yaml.Node
	if err := d.Decode(&first); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &Error{0, "it is empty", "hallpass import map writes a first one"}
		}
		return nil, &Error{lineOf(err), "it is not YAML", "look at the indentation and the quotes there"}
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, &Error{second.Line, "something follows after its end", "leave one document, without ---"}
	}
	if len(first.Content) != 1 || first.Content[0].Kind != yaml.MappingNode {
		return nil, &Error{1, "it does not begin with keys", "begin with version: 1 and files:"}
	}
	return first.Content[0], nil
}

var lineNumber = regexp.MustCompile(`line (\d+)`)

// lineOf takes the line out of a message of the YAML reader, and nothing else
// of it, since it may repeat the text.
func lineOf(err error) int {
	if m := lineNumber.FindStringSubmatch(err.Error()); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return 0
}

// A parser counts the nodes of one text.
type parser struct{ nodes int }

// check refuses what a mapping has no use for, before anything is read.
func (p *parser) check(n *yaml.Node, depth int) error {
	p.nodes++
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return &Error{n.Line, "an anchor or an alias", "write the text out where it is meant"}
	case n.Style&yaml.TaggedStyle != 0:
		return &Error{n.Line, "a tag", "write the text without !"}
	case depth > maxDepth:
		return &Error{n.Line, "too deep", "no key lies so far inside others"}
	case p.nodes > maxNodes:
		return &Error{n.Line, "it is longer than a mapping may be", "map fewer files or codes"}
	case n.Kind == yaml.ScalarNode && strings.ContainsFunc(n.Value, control):
		return &Error{n.Line, "a control character", "remove it"}
	}
	for _, c := range n.Content {
		if err := p.check(c, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }

// fields are the keys that may stand at a place, and what reads them.
type fields map[string]func(*yaml.Node) error

// pairs reads the keys of a mapping node, each once.
func (p *parser) pairs(n *yaml.Node, known fields, list string) error {
	return p.each(n, func(key, v *yaml.Node) error {
		read, there := known[key.Value]
		if !there {
			return &Error{key.Line, "a key that is not known here", "use " + list}
		}
		return read(v)
	})
}

// each calls fn with the keys of a mapping node and what stands there.
func (p *parser) each(n *yaml.Node, fn func(key, v *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return &Error{n.Line, "keys are missing here", "write key: value, indented"}
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			return &Error{key.Line, "a key that is no text", "write key: value"}
		case seen[key.Value]:
			return &Error{key.Line, "a key that stands twice", "leave one of the two"}
		}
		seen[key.Value] = true
		if err := fn(key, v); err != nil {
			return err
		}
	}
	return nil
}

// items calls fn with each item of a list; one that is not a list is its only
// item.
func (p *parser) items(n *yaml.Node, fn func(*yaml.Node) error) error {
	list := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		list = n.Content
	}
	if len(list) == 0 || len(list) > maxItems {
		return &Error{n.Line, "a list that is empty or too long", "give from 1 to 1000 items"}
	}
	for _, item := range list {
		if err := fn(item); err != nil {
			return err
		}
	}
	return nil
}

// text reads a text that is not empty into the place given.
func (p *parser) text(into *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" {
			return &Error{n.Line, "a text is missing here", "write it behind the colon"}
		}
		*into = strings.TrimSpace(n.Value)
		return nil
	}
}

// number reads a whole number from 1.
func (p *parser) number(into *int, most int) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		v, err := strconv.Atoi(n.Value)
		if n.Kind != yaml.ScalarNode || err != nil || v < 1 || v > most {
			return &Error{n.Line, "not a number that fits here", "count from 1"}
		}
		*into = v
		return nil
	}
}
