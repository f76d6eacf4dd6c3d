package ingest

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"
)

// openLong opens a long file of the plain form, of which no more stands in
// memory than the blocks that are being read. A file that cannot be cut at its
// lines is opened whole.
func (p *plain) openLong(f form, name string, limits Limits, report *Report) *table {
	b := p.files.blocks(name)
	if b == nil {
		return p.openWhole(f, name, limits, report)
	}
	first, _, err := b.next(make([]byte, blockBytes))
	if err != nil || !plainText(first) {
		b.in.Close()
		return p.openWhole(f, name, limits, report)
	}
	t := openTable(f, first, limits, report)
	if t == nil {
		b.finish()
		return nil
	}
	t.blocks = b
	return t
}

func (p *plain) openWhole(f form, name string, limits Limits, report *Report) *table {
	data, ok := p.files.Bytes(name)
	if !ok {
		return nil
	}
	return openTable(f, data, limits, report)
}

// inParts reads every row into parts, in the order of the file: one or, of a
// long file, one a block, which are filled side by side. newPart makes a part
// for up to so many rows.
func inParts[P any](t *table, newPart func(rows int) P, read func(P, *row)) []P {
	if t.blocks != nil {
		parts, err := sideBySide(t, newPart, read)
		switch {
		case err == nil:
			return parts
		case errors.Is(err, errTooLarge):
			t.report.Note(Place{File: t.form.name}, "", TooLarge, "")
			return nil
		case !t.whole():
			return nil
		}
	}
	only := newPart(t.rowsAhead())
	t.each(func(r *row) { read(only, r) })
	return []P{only}
}

// A lined is what a good row says, of whom, and the line that it stands on.
type lined[T any] struct {
	student int32
	line    int
	what    T
}

// perStudent reads the rows of a long file, and then calls take with those of
// one student that follow one another, in the order of the file.
func perStudent[T any](t *table, read func(r *row) (student int32, what T), take func(student int32, rows []lined[T])) {
	parts := inParts(t, func(rows int) *[]lined[T] { return new(make([]lined[T], 0, rows)) }, func(part *[]lined[T], r *row) {
		if student, what := read(r); !r.bad {
			*part = append(*part, lined[T]{student, r.line, what})
		}
	})
	taken := 0
	for i, part := range parts {
		parts[i] = nil // its rows are not needed twice
		for rows := *part; len(rows) > 0; {
			n := 1
			for n < len(rows) && rows[n].student == rows[0].student {
				n++
			}
			t.pace.Pause(taken)
			taken++
			take(rows[0].student, rows[:n])
			rows = rows[n:]
		}
	}
}

// rowsAhead is how many rows there may be; a feed does not say.
func (t *table) rowsAhead() int {
	if t.feed != nil {
		return 0
	}
	return bytes.Count(t.scan.rest, newline) + 1
}

// sideBySide reads block after block, each on a goroutine. Nothing that it found
// counts if it fails.
func sideBySide[P any](t *table, newPart func(rows int) P, read func(P, *row)) ([]P, error) {
	var (
		parts  []P
		tables []*table
	)
	side, ctx := errgroup.WithContext(context.Background())
	side.SetLimit(t.pace.Workers())
	fill := func(text []byte, line int, release func()) {
		of := t.section(text, line)
		part := newPart(of.rowsAhead())
		parts, tables = append(parts, part), append(tables, of)
		side.Go(func() error {
			defer release()
			if !plainText(text) {
				return errOdd
			}
			of.each(func(r *row) { read(part, r) })
			return nil
		})
	}
	fill(t.scan.rest, t.scan.following, func() {})
	err := t.blocks.each(ctx, fill)
	if err := errors.Join(side.Wait(), err); err != nil {
		return nil, err
	}
	for _, of := range tables {
		t.join(of)
	}
	return parts, nil
}

// section is a table of some lines of the file, with a report of its own.
func (t *table) section(text []byte, line int) *table {
	of := *t
	of.blocks, of.words, of.texts, of.report, of.counts, of.scan = nil, nil, slab{}, newReport(), FileReport{}, newScanner(text)
	of.report.family = t.report.family
	of.scan.following = line
	return &of
}

// join takes over what a section counted and found, as if the file had been
// read in one go.
func (t *table) join(of *table) {
	t.counts.Rows += of.counts.Rows
	t.counts.Good += of.counts.Good
	t.counts.Warnings += of.counts.Warnings
	t.counts.Errors += of.counts.Errors
	t.counts.addBlanks(of.counts)
	t.report.absorb(of.report)
}

// whole turns to the whole of a file that cannot be read block by block; false
// where it is unusable, and the report says why.
func (t *table) whole() bool {
	data, ok := t.blocks.whole()
	t.blocks = nil
	if !ok {
		return false
	}
	text, encoding, ok := decode(data)
	if !ok {
		t.report.Note(Place{File: t.form.name}, "", BadEncoding, "")
		return false
	}
	if t.counts.Encoding = encoding; encoding == windows1252 {
		t.report.Note(Place{File: t.form.name}, "", ReadAsWindows1252, "")
	}
	t.scan = newScanner(text)
	_, err := t.scan.next() // the header, which was read before
	return err == nil
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
