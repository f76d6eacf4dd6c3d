package main

import (
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// report is the JSON output of either command.
type report struct {
	Verifies   bool         `json:"verifies"`
	Origin     string       `json:"origin,omitzero"`
	Simulated  bool         `json:"simulated,omitzero"`
	Size       int64        `json:"size,omitzero"` // of the signed tree
	Root       string       `json:"root,omitzero"` // base64
	Index      *int64       `json:"index,omitzero"`
	Time       string       `json:"time,omitzero"`
	Header     *tlog.Header `json:"header,omitzero"`
	Answer     string       `json:"answer,omitzero"` // "verifies" or "not given"
	NewerSize  int64        `json:"newer_size,omitzero"`
	Destroyed  *int64       `json:"destroyed,omitzero"`
	FirstEntry string       `json:"first_entry,omitzero"`
	LastEntry  string       `json:"last_entry,omitzero"`
	Fault      *faultJSON   `json:"fault,omitzero"`
}

type faultJSON struct {
	File    string `json:"file"`
	Member  string `json:"member,omitzero"`
	Line    int    `json:"line,omitzero"`
	Offset  *int64 `json:"offset,omitzero"`
	Index   *int64 `json:"index,omitzero"`
	Problem string `json:"problem"`
}

func faultReport(f *tlog.Fault) report {
	known := func(n int64) *int64 {
		if n < 0 {
			return nil
		}
		return &n
	}
	return report{Fault: &faultJSON{
		File: f.File, Member: f.Member, Line: f.Line, Offset: known(f.Offset), Index: known(f.Index), Problem: f.Problem,
	}}
}

// printed writes a report as JSON and returns code, or the code of a failed
// write.
func printed(stdout, stderr io.Writer, r report, code int) int {
	if err := writeJSON(stdout, r); err != nil {
		fmt.Fprintf(stderr, "hallpass-verify: %v\n", err)
		return exitFailed
	}
	return code
}

func writeJSON(w io.Writer, r report) error {
	b, err := json.Marshal(r, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
