package mapping

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

func (p *parser) columns(n *yaml.Node, s *source) error {
	return p.each(n, func(key, v *yaml.Node) error {
		at, err := p.plain(key, s)
		if err != nil {
			return err
		}
		if s.columns[at] != nil {
			return &Error{key.Line, "the column is given by scale: already", "leave one of the two"}
		}
		s.columns[at], err = p.value(v)
		return err
	})
}

const valueKeys = "column, value, join, with, split, take or lookup"

// value reads what a plain column holds: a column's name or number, or keys.
func (p *parser) value(n *yaml.Node) (*value, error) {
	v := &value{with: " "}
	if n.Kind == yaml.ScalarNode {
		r, err := p.ref(n)
		v.columns = []ref{r}
		return v, err
	}
	joined := false
	err := p.pairs(n, fields{
		"column": func(c *yaml.Node) error { return p.addRef(c, v) },
		"value": func(c *yaml.Node) error {
			v.fixed = true
			return p.text(&v.constant)(c)
		},
		"join": func(c *yaml.Node) error {
			joined = true
			return p.items(c, func(item *yaml.Node) error { return p.addRef(item, v) })
		},
		"with": func(c *yaml.Node) error {
			v.with = c.Value
			return nil
		},
		"split":  func(c *yaml.Node) error { return p.split(c, v) },
		"take":   p.text(&v.take),
		"lookup": func(c *yaml.Node) error { return p.lookup(c, v) },
	}, valueKeys)
	if err == nil {
		err = v.validate(n.Line, joined)
	}
	return v, err
}

func (v *value) validate(line int, joined bool) error {
	switch {
	case v.fixed && (len(v.columns) > 0 || v.split != noSplit || v.lookup != nil):
		return &Error{line, "value: stands beside other keys", "give value: alone"}
	case !v.fixed && len(v.columns) == 0:
		return &Error{line, "no column is named", "write column:, join: or value:"}
	case !joined && len(v.columns) > 1, joined && len(v.columns) < 2:
		return &Error{line, "join: takes two columns or more, and no column:", "write join: [first, second]"}
	case (v.split != noSplit) != (v.take == "given" || v.take == "family"):
		return &Error{line, "split: and take: belong together", "write take: given or take: family"}
	}
	return nil
}

func (p *parser) addRef(n *yaml.Node, v *value) error {
	r, err := p.ref(n)
	v.columns = append(v.columns, r)
	return err
}

// ref reads a column's name or number. What may never come in cannot be asked
// for.
func (p *parser) ref(n *yaml.Node) (ref, error) {
	text := strings.TrimSpace(n.Value)
	if n.Kind != yaml.ScalarNode || text == "" {
		return ref{}, &Error{n.Line, "a column is missing here", "write its name, or its number counted from 1"}
	}
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	if number, err := strconv.Atoi(text); err == nil && !quoted {
		if number < 1 || number > maxColumn {
			return ref{}, &Error{n.Line, "not the number of a column", "count from 1"}
		}
		return ref{number: number}, nil
	}
	if ingest.Forbidden(text) {
		return ref{}, &Error{n.Line, "a column that must never come in", "leave it out; nothing of it is read"}
	}
	return ref{name: text}, nil
}

func (p *parser) split(n *yaml.Node, v *value) error {
	switch fold(n.Value) {
	case "given_family":
		v.split = givenFirst
	case "family,_given":
		v.split = familyFirst
	default:
		return &Error{n.Line, "not an order of names", "write split: given family, or split: \"family, given\""}
	}
	return nil
}

const lookupKeys = "file, sheet, header, separator, key, value"

func (p *parser) lookup(n *yaml.Node, v *value) error {
	l := &lookup{source: newSource("schools.csv", n.Line)}
	v.lookup = l
	known := p.fileKeys(l.source)
	known["key"] = func(c *yaml.Node) (err error) {
		l.key, err = p.ref(c)
		return err
	}
	known["value"] = func(c *yaml.Node) (err error) {
		l.value, err = p.ref(c)
		return err
	}
	if err := p.pairs(n, known, lookupKeys); err != nil {
		return err
	}
	none := ref{}
	if l.source.file == "" || l.key == none || l.value == none {
		return &Error{n.Line, "a lookup needs file, key and value", "say in which file, by which column, and what to take"}
	}
	if l.source.header == 0 && l.key.name+l.value.name != "" {
		return &Error{n.Line, "a column is called by a name where there is no header", "give its number, counted from 1"}
	}
	return nil
}

// fold is a text without regard to case, and to what stands between words.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' {
			return '_'
		}
		return r
	}, strings.ToLower(strings.TrimSpace(s)))
}
