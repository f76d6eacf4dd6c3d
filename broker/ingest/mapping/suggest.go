package mapping

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A Suggestion is a first mapping for files that were looked at. It is a
// proposal: a person reads it before anything is imported by it.
type Suggestion struct {
	YAML    []byte
	Dates   []DatePreview
	Missing []string // plain files that nothing was found for
}

// A DatePreview says how a column of dates would be read, and why. Examples
// are dates and nothing else.
type DatePreview struct {
	File, Column string
	Plain        string // students.csv birthdate
	ISO, Serial  int    // values by kind; Serial are days of a workbook
	Slashed      int    // with numbers that may be day and month
	Other, Empty int
	FirstOver    int // of Slashed, with a first number over twelve
	SecondOver   int // of Slashed, with a second one
	Format       string
	Ambiguous    bool // somebody has to say which comes first
	Examples     []string
}

// Suggest looks at the files and writes a first mapping. It never guesses
// whether the day or the month comes first.
func Suggest(files *ingest.Files) *Suggestion {
	quiet := func(ingest.Place, string, ingest.Rule, string) {}
	samples := newExport(&Mapping{}, files, ingest.Options{}, quiet).take()
	found := drafts(samples)
	out := &Suggestion{YAML: write(found, samples)}
	for _, form := range order() {
		for _, d := range found[form] {
			out.Dates = append(out.Dates, d.previews()...)
		}
		if len(found[form]) == 0 && slices.Contains([]string{"schools.csv", "sessions.csv", "students.csv", "enrollments.csv"}, form) {
			out.Missing = append(out.Missing, form)
		}
	}
	return out
}

// SuggestPath is Suggest for a folder or a zip on disk; the report says what
// could not be read.
func SuggestPath(name string, limits ingest.Limits) (*Suggestion, *ingest.Report, error) {
	var s *Suggestion
	report, err := visit(name, limits, func(files *ingest.Files, _ *ingest.Report) { s = Suggest(files) })
	return s, report, err
}

// order is the order in which plain files are written.
func order() []string { return append(ingest.Forms(), participation) }

func (d *draft) previews() (list []DatePreview) {
	for _, column := range columnsOf(d.form) {
		c := d.columns[column]
		if c == nil || !isDate(column) {
			continue
		}
		list = append(list, preview(d, column, c.proof, "column "+itoa(c.number), c.examples))
	}
	if d.wide {
		list = append(list, preview(d, "date", d.from.dateProof, "header", nil))
	}
	return list
}

func preview(d *draft, plain string, p proof, column string, examples []string) DatePreview {
	return DatePreview{
		File: d.from.file, Column: column, Plain: d.form + " " + plain, ISO: p.iso, Serial: p.serial, Slashed: p.slashed, Other: p.other,
		Empty: p.empty, FirstOver: p.firstOver, SecondOver: p.secondOver, Format: p.word(), Ambiguous: p.ambiguous(), Examples: examples,
	}
}

func (p proof) ambiguous() bool { return p.slashed > 0 && p.format().kind == undeclared }

// word is what a mapping may declare of the column; empty where nothing needs
// to be, or can.
func (p proof) word() string {
	switch p.format().kind {
	case monthDayYear:
		return "month-day-year"
	case dayMonthYear:
		return "day-month-year"
	}
	return ""
}

// reason says on what proof a column is read.
func (p DatePreview) reason() string {
	switch {
	case p.Ambiguous:
		return "ambiguous: say which comes first, month-day-year or day-month-year"
	case p.Format == "month-day-year":
		return fmt.Sprintf("month-day-year: %d have a second number over 12", p.SecondOver)
	case p.Format == "day-month-year":
		return fmt.Sprintf("day-month-year: %d have a first number over 12", p.FirstOver)
	case p.ISO+p.Slashed+p.Serial+p.Other == 0:
		return "empty"
	case p.ISO > 0 && p.Other == 0:
		return "year first: nothing to say"
	case p.Serial > 0 && p.Other == 0:
		return "days of the workbook: nothing to say"
	}
	return "not all are dates: look at the column"
}

// Write prints how dates would be read.
func (s *Suggestion) Write(w io.Writer) error {
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "file\twhere\tplain column\tyear first\tslashed\tserial\tother\tempty\tread as\texamples")
	for _, d := range s.Dates {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\n", base(d.File), d.Column, d.Plain, d.ISO, d.Slashed, d.Serial,
			d.Other, d.Empty, d.reason(), strings.Join(d.Examples, " "))
	}
	_ = tw.Flush() // a strings.Builder takes everything
	for _, form := range s.Missing {
		fmt.Fprintf(&b, "nothing was found for %s\n", form)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
