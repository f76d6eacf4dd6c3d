package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	outputHuman = "human"
	outputJSON  = "json"
)

// say writes a message for people to standard error. That nobody reads it is
// no reason to fail.
func (a *app) say(format string, args ...any) { fmt.Fprintf(a.stderr, format+"\n", args...) }

// show writes a result: as JSON if that was asked for, else as text.
func (a *app) show(v any, human func(io.Writer) error) error {
	if a.output != outputJSON {
		return human(a.stdout)
	}
	text, err := json.Marshal(v, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	_, err = a.stdout.Write(append(text, '\n'))
	return err
}

// showAnswer writes a broker's answer: the document that the API would give,
// or what human makes of its member data.
func showAnswer[T any](a *app, body []byte, human func(io.Writer, T) error) error {
	var doc struct {
		Data T `json:"data"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return a.show(jsontext.Value(body), func(w io.Writer) error { return human(w, doc.Data) })
}

// table writes rows in columns, without control characters.
func table(w io.Writer, rows ...[]string) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = printable(cell)
		}
		fmt.Fprintln(tw, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	}
	return tw.Flush()
}

// steps shows which step of a long command runs, on a terminal only.
func (a *app) steps() func(step string, done, steps int) {
	if !a.terminal {
		return nil
	}
	return func(step string, done, steps int) {
		end := ""
		if done >= steps {
			end = "\n"
		}
		fmt.Fprintf(a.stderr, "\r\x1b[K%s (%d of %d)%s", step, done, steps, end)
	}
}

// progress shows how far a long command is, on a terminal only.
func (a *app) progress(what string) func(done, size int64) {
	if !a.terminal {
		return nil
	}
	return func(done, size int64) {
		end := ""
		if done >= size {
			end = "\n"
		}
		fmt.Fprintf(a.stderr, "\r%s %d %%%s", what, 100*done/max(size, 1), end)
	}
}
