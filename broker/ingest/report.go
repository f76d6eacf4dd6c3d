package ingest

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// A Report is what a check of files says: counts a file and the findings. The
// same files give the same report. It names no person and echoes no value.
type Report struct {
	Digest   string       `json:"digest,omitempty"` // SHA-256, hex, of the files and what was declared of them
	Files    []FileReport `json:"files"`
	Findings []Finding    `json:"findings"` // the first 100 of each group; Groups counts all
	Groups   []Group      `json:"groups"`   // in the order in which to mend them
	Changes  *Changes     `json:"changes,omitempty"`

	counts map[groupKey]*Group
	fatal  int
}

// A FileReport counts the rows of a file. Rows = Good + Errors; Warnings of
// the good rows have at least one.
type FileReport struct {
	Name     string `json:"name"`
	Encoding string `json:"encoding"`
	Rows     int    `json:"rows"`
	Good     int    `json:"good"`
	Warnings int    `json:"warnings"`
	Errors   int    `json:"errors"`
}

// A Group is all findings of one fault in one field of a file.
type Group struct {
	File     string   `json:"file"`
	Field    string   `json:"field,omitempty"`
	Rule     Rule     `json:"rule"`
	Severity Severity `json:"severity"`
	Count    int      `json:"count"`
	First    []int    `json:"first_rows,omitempty"` // of the first few
	What     string   `json:"what"`
	Remedy   string   `json:"remedy"`
}

type groupKey struct {
	file, field, what string
	rule              Rule
}

// kept bounds the findings listed one by one for a file, field and fault.
const kept = 100

// firstRows bounds the rows that a group names.
const firstRows = 5

func newReport() *Report { return &Report{counts: map[groupKey]*Group{}} }

// add notes a finding; detail completes what the rule says.
func (r *Report) add(file string, row int, field string, rule Rule, detail string) Severity {
	e, _ := explain(rule)
	if e.fatal {
		r.fatal++
	}
	what := e.what
	if detail != "" {
		what += ": " + detail
	}
	key := groupKey{file, field, what, rule}
	g := r.counts[key]
	if g == nil {
		g = &Group{File: file, Field: field, Rule: rule, Severity: e.severity, What: what, Remedy: e.remedy}
		r.counts[key] = g
	}
	g.Count++
	if row > 0 && len(g.First) < firstRows {
		g.First = append(g.First, row)
	}
	if g.Count <= kept {
		r.Findings = append(r.Findings, Finding{file, row, field, rule, e.severity, what, e.remedy})
	}
	return e.severity
}

// Errors returns the number of errors, those of whole files included.
func (r *Report) Errors() int { return r.count(Error) }

// Warnings returns the number of warnings.
func (r *Report) Warnings() int { return r.count(Warning) }

func (r *Report) count(s Severity) int {
	n := 0
	for _, g := range r.Groups {
		if g.Severity == s {
			n += g.Count
		}
	}
	return n
}

// Unusable reports whether a file or the whole input could not be read, so
// that there is nothing to import whatever the caller accepts.
func (r *Report) Unusable() bool { return r.fatal > 0 }

// Rejected reports whether an import must stop before it changes anything: if
// it is unusable, or has an error row and the caller did not accept to go on
// without those rows.
func (r *Report) Rejected(acceptErrorRows bool) bool {
	return r.Unusable() || r.Errors() > 0 && !acceptErrorRows
}

// finish puts files, findings and groups in their order.
func (r *Report) finish() {
	place := func(file string) int {
		i := slices.IndexFunc(forms, func(f form) bool { return f.name == file })
		if i < 0 {
			return len(forms)
		}
		return i
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(place(a.File), place(b.File)), cmp.Compare(a.File, b.File), cmp.Compare(a.Row, b.Row))
	})
	r.Groups = nil
	for _, g := range r.counts {
		r.Groups = append(r.Groups, *g)
	}
	slices.SortFunc(r.Groups, func(a, b Group) int {
		ea, oa := explain(a.Rule)
		eb, ob := explain(b.Rule)
		return cmp.Or(cmp.Compare(rank(ea), rank(eb)), cmp.Compare(place(a.File), place(b.File)), cmp.Compare(a.File, b.File),
			cmp.Compare(oa, ob), cmp.Compare(a.Field, b.Field), cmp.Compare(a.What, b.What))
	})
}

// rank puts what blocks everything first and warnings last.
func rank(e explanation) int {
	switch {
	case e.fatal:
		return 0
	case e.severity == Error:
		return 1
	}
	return 2
}

// Write prints the report for people.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	r.table(&b)
	switch {
	case r.Unusable():
		b.WriteString("\nNothing was imported: the files cannot be read as they are.\n")
	case r.Errors() > 0:
		fmt.Fprintf(&b, "\n%s in error; %s.\n", plural(r.errorRows(), "row"), plural(r.Warnings(), "warning"))
	case r.Warnings() > 0:
		fmt.Fprintf(&b, "\nNo errors; %s.\n", plural(r.Warnings(), "warning"))
	default:
		b.WriteString("\nNo errors, no warnings.\n")
	}
	if len(r.Groups) > 0 {
		b.WriteString("\nFix in this order:\n")
	}
	for i, g := range r.Groups {
		fmt.Fprintf(&b, "%3d. %s\n     %s: %s\n     To mend: %s.\n", i+1, g.place(), g.Severity, sentence(g.What), g.Remedy)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) table(b *strings.Builder) {
	tw := tabwriter.NewWriter(b, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(tw, "file\trows\tgood\twarnings\terrors\t")
	if r.Changes != nil {
		fmt.Fprint(tw, "added\tchanged\tremoved\t")
	}
	fmt.Fprintln(tw)
	for _, f := range r.Files {
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\t", f.Name, f.Rows, f.Good, f.Warnings, f.Errors)
		if r.Changes != nil {
			d := r.Changes.Files[f.Name]
			fmt.Fprintf(tw, "%d\t%d\t%d\t", d.Added, d.Changed, d.Removed)
		}
		fmt.Fprintln(tw)
	}
	_ = tw.Flush() // a strings.Builder takes everything
}

func (r *Report) errorRows() int {
	n := 0
	for _, f := range r.Files {
		n += f.Errors
	}
	return n
}

func (g Group) place() string {
	at := g.File
	if g.Field != "" {
		at += ", column " + g.Field
	}
	if len(g.First) == 0 {
		return at
	}
	rows := make([]string, len(g.First))
	for i, n := range g.First {
		rows[i] = strconv.Itoa(n)
	}
	at += ", row " + strings.Join(rows, ", ")
	if more := g.Count - len(g.First); more > 0 {
		at += fmt.Sprintf(" and %d more", more)
	}
	return at
}

// sentence ends a text with a full stop, unless it asks.
func sentence(s string) string {
	if strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}
