package ingest

import (
	"bytes"
	"slices"
)

// partBytes is about how long a part of a long file is.
const partBytes = 1 << 20

// split cuts what is left of a long file at line ends into tables that may be
// read side by side, each with a report of its own; join brings them together
// again. A file with a quote, in which a line's end may stand inside a field,
// and one that may have too many rows are left whole.
func (t *table) split() []*table {
	if t.feed != nil {
		return []*table{t}
	}
	rest, line := t.scan.rest, t.scan.following
	whole := len(rest) <= partBytes || bytes.IndexByte(rest, '"') >= 0 || bytes.Count(rest, newline) >= t.limits.Rows
	if whole {
		return []*table{t}
	}
	var parts []*table
	for len(rest) > 0 {
		end := len(rest)
		if end > partBytes {
			if i := bytes.Index(rest[partBytes:], newline); i >= 0 {
				end = partBytes + i + 1
			}
		}
		part := *t
		part.report, part.counts, part.scan = newReport(), FileReport{}, newScanner(rest[:end])
		part.scan.following = line
		parts = append(parts, &part)
		line += bytes.Count(rest[:end], newline)
		rest = rest[end:]
	}
	return parts
}

var newline = []byte{'\n'}

// join takes over what the parts counted and found, as if the file had been
// read in one go.
func (t *table) join(parts []*table) {
	if parts[0] == t {
		return
	}
	for _, p := range parts {
		t.counts.Rows += p.counts.Rows
		t.counts.Good += p.counts.Good
		t.counts.Warnings += p.counts.Warnings
		t.counts.Errors += p.counts.Errors
		t.counts.addBlanks(p.counts)
		t.report.absorb(p.report)
	}
}

// absorb adds the findings of a later part of the same file.
func (r *Report) absorb(part *Report) {
	r.fatal += part.fatal
	r.listed = append(r.listed, part.listed[:min(len(part.listed), maxListed-len(r.listed))]...)
	for family, n := range part.errors {
		r.errors[family] += n
	}
	listed := map[groupKey]int{}
	for key, g := range part.counts {
		own := r.counts[key]
		if own == nil {
			own = &Group{File: g.File, Field: g.Field, Rule: g.Rule, Severity: g.Severity, What: g.What, Remedy: g.Remedy}
			r.counts[key] = own
		}
		listed[key] = own.Count
		own.Count += g.Count
		own.First = slices.Concat(own.First, g.First)
		own.First = own.First[:min(len(own.First), firstRows)]
	}
	for _, f := range part.Findings {
		key := groupKey{f.File, f.Field, f.What, f.Rule}
		if listed[key]++; listed[key] <= kept {
			r.Findings = append(r.Findings, f)
		}
	}
}
