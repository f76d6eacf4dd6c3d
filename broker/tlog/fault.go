package tlog

import (
	"fmt"
	"strings"
)

// Fault is the first place at which something does not verify. The problem
// names no value of an entry, so a fault may be shown and logged.
type Fault struct {
	File    string // path inside the export; "receipt", "answer" or "newer" for a receipt
	Member  string // JSON member, "" if the fault is not in one
	Line    int    // from 1; 0 if the file has no lines
	Offset  int64  // byte at which the faulty part begins; -1 if not known
	Index   int64  // entry; -1 if the fault is not in one
	Problem string
	cause   error
}

// Error names place and problem in one line.
func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	if f.Offset >= 0 {
		fmt.Fprintf(&b, " at byte %d", f.Offset)
	}
	if f.Member != "" {
		b.WriteString(", member " + f.Member)
	}
	if f.Index >= 0 {
		fmt.Fprintf(&b, ", entry %d", f.Index)
	}
	b.WriteString(": " + f.Problem)
	return b.String()
}

// Unwrap returns the error of the failed check, which may be nil.
func (f *Fault) Unwrap() error { return f.cause }

// faultIn is a fault of a JSON member of a receipt or its companions.
func faultIn(file, member string, cause error) *Fault {
	return &Fault{File: file, Member: member, Offset: -1, Index: -1, Problem: cause.Error(), cause: cause}
}
