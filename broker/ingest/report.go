package ingest

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
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
	Held     []Hold       `json:"held,omitempty"`    // families that were not loaded
	Drift    []Drift      `json:"drift,omitempty"`   // how the export differs from the last ones
	Sources  []Source     `json:"sources,omitempty"` // the files of the export

	counts map[groupKey]*Group
	listed []Finding // all, for WriteRows
	fed    hash.Hash // of the rows that a feed gave; nil where there are none
	fatal  int
	family Family         // that is being read
	errors map[Family]int // with those of whole files
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
	Empty    []int  `json:"-"` // empty fields, by column of the form
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

func newReport() *Report {
	return &Report{counts: map[groupKey]*Group{}, family: People, errors: map[Family]int{}}
}

// Note adds a finding; detail completes what the rule says and must not hold
// a value of the files.
func (r *Report) Note(at Place, field string, rule Rule, detail string) Severity {
	e, _ := explain(rule)
	if e.fatal {
		r.fatal++
	}
	if e.severity == Error {
		r.errors[r.familyAt(at)]++
	}
	what := e.what
	if detail != "" {
		what += ": " + detail
	}
	key := groupKey{at.File, field, what, rule}
	g := r.counts[key]
	if g == nil {
		g = &Group{File: at.File, Field: field, Rule: rule, Severity: e.severity, What: what, Remedy: e.remedy}
		r.counts[key] = g
	}
	g.Count++
	if at.Row > 0 && len(g.First) < firstRows {
		g.First = append(g.First, at.Row)
	}
	f := Finding{at.File, at.Row, field, rule, e.severity, what, e.remedy, at.ID}
	if g.Count <= kept {
		r.Findings = append(r.Findings, f)
	}
	if len(r.listed) < maxListed {
		r.listed = append(r.listed, f)
	}
	return e.severity
}

// familyAt is the family that a finding is about: that of the plain form's
// file, else the one that is being read.
func (r *Report) familyAt(at Place) Family {
	if Columns(at.File) != nil {
		return FamilyOf(at.File)
	}
	return r.family
}

// Suggest adds the students who look like others that left, and puts the report
// in order again.
func (r *Report) Suggest(renumbered []Place) {
	for _, at := range renumbered {
		r.Note(at, "student_id", LooksRenumbered, "")
	}
	if len(renumbered) > 0 {
		r.finish()
	}
}

// Content is a digest of the files alone, whatever was declared of them: it is
// the same on another day.
func (r *Report) Content() string {
	h := sha256.New()
	for _, s := range r.Sources {
		fmt.Fprintf(h, "%s %s\n", s.Name, s.SHA256)
	}
	h.Write(r.fedSum())
	return hex.EncodeToString(h.Sum(nil))
}

// feed adds a row that a feed gave to what the export is known by: an export may
// come from elsewhere than files.
func (r *Report) feed(form string, fields []string) {
	if r.fed == nil {
		r.fed = sha256.New()
	}
	var length [4]byte
	for _, text := range append([]string{form}, fields...) {
		binary.BigEndian.PutUint32(length[:], uint32(len(text)))
		r.fed.Write(length[:])
		r.fed.Write([]byte(text))
	}
}

func (r *Report) fedSum() []byte {
	if r.fed == nil {
		return nil
	}
	return r.fed.Sum(nil)
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
	r.holds(&b)
	if len(r.Groups) > 0 {
		b.WriteString("\nFix in this order:\n")
	}
	for i, g := range r.Groups {
		fmt.Fprintf(&b, "%3d. %s\n     %s: %s\n     To mend: %s.\n", i+1, g.place(), g.Severity, sentence(g.What), g.Remedy)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// holds says which families stay as they were, and what the files mean that the
// last ones did not.
func (r *Report) holds(b *strings.Builder) {
	if len(r.Held) > 0 {
		b.WriteString("\nNot loaded; what was loaded before stays, and is stale from now on:\n")
	}
	for _, h := range r.Held {
		fmt.Fprintf(b, "  %s: %s\n     To mend: %s.\n", h.Family, sentence(h.Why), h.Remedy)
	}
	if len(r.Drift) > 0 {
		b.WriteString("\nDifferent from the last loads:\n")
	}
	for _, d := range r.Drift {
		grade := "warning"
		if d.Hold {
			grade = "held"
		}
		fmt.Fprintf(b, "  %s, %s: %s, before %s (%s).\n     To do: %s.\n", d.Family, d.What, d.Is, d.Was, grade, d.Remedy)
	}
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
	at := cmp.Or(g.File, "the export")
	switch {
	case strings.HasPrefix(g.Field, "column "):
		at += ", " + g.Field
	case g.Field != "":
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
