package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

func itoa(n int) string { return strconv.Itoa(n) }

// bare is a ref by number, as a mapping writes it.
func (r ref) bare() string { return itoa(r.number) }

// quote writes a text so that YAML reads it back as it is.
func quote(s string) string { return strconv.Quote(s) }

// pattern names a file as a mapping does: what a pattern or YAML cannot hold
// is any one character.
func pattern(name string) string {
	return quote(strings.Map(func(r rune) rune {
		if control(r) || r == utf8.RuneError || strings.ContainsRune(`\*[?`, r) {
			return '?'
		}
		return r
	}, name))
}

// writable are the texts that a mapping can hold, in order.
func writable(counts map[string]int) (texts []string) {
	for text := range counts {
		if !strings.ContainsFunc(text, control) && text != "else" {
			texts = append(texts, text)
		}
	}
	slices.Sort(texts)
	return texts
}

// number reads a text as a number.
func number(text string) (float64, bool) {
	if len(text) > 20 || strings.Trim(text, "0123456789.-") != "" {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}

func separatorWord(r rune) string {
	return map[rune]string{';': "semicolon", '\t': "tab", '|': "pipe"}[r]
}

// write is the text of a mapping. Names of columns are those of the table of
// synonyms; other names are not repeated, since they may be anything.
func write(found map[string][]*draft, samples []*sample) []byte {
	var b strings.Builder
	b.WriteString("# A first mapping, made from the names of columns and the shape of what stands in\n" +
		"# them. Read it before you import by it, above all the lines with check.\nversion: 1\nfiles:\n")
	for _, form := range order() {
		if len(found[form]) > 0 {
			fmt.Fprintf(&b, "  %s:\n", form)
		}
		for _, d := range found[form] {
			d.write(&b)
		}
	}
	if len(found) == 0 { // a mapping must map something
		b.WriteString("  # Nothing was recognised. Say which file is which.\n  schools.csv:\n" +
			"    - rows:\n        - {school_id: check, name: check}\n")
	}
	for _, s := range samples {
		s.describe(&b, found)
	}
	return []byte(b.String())
}

func (d *draft) write(b *strings.Builder) {
	s := d.from
	for _, note := range d.notes {
		fmt.Fprintf(b, "    # %s\n", note)
	}
	fmt.Fprintf(b, "    - file: %s\n", pattern(s.file))
	if s.sheet != "" {
		fmt.Fprintf(b, "      sheet: %s\n", quote(s.sheet))
	}
	if s.header != 1 {
		fmt.Fprintf(b, "      header: %d\n", s.header)
	}
	if s.separator != ',' {
		fmt.Fprintf(b, "      separator: %s\n", separatorWord(s.separator))
	}
	d.writeColumns(b)
	d.writeDates(b)
	d.writeCodes(b)
	if len(d.unique) > 0 {
		fmt.Fprintf(b, "      unique: [%s]\n", strings.Join(d.unique, ", "))
	}
	if d.wide {
		d.writeWide(b)
	}
}

func (d *draft) writeColumns(b *strings.Builder) {
	b.WriteString("      columns:\n")
	for _, column := range columnsOf(d.form) {
		what := d.given[column]
		if c := d.columns[column]; c != nil {
			what = c.ref()
		}
		if what == "" || d.wide && (column == "date" || column == "code") {
			continue
		}
		fmt.Fprintf(b, "        %s: %s%s\n", column, what, comment(d.checks[column]))
	}
}

func comment(text string) string {
	if text == "" {
		return ""
	}
	return " # " + text
}

func (d *draft) writeDates(b *strings.Builder) {
	var lines []string
	for _, p := range d.previews() {
		_, column, _ := strings.Cut(p.Plain, " ")
		switch {
		case p.Ambiguous:
			lines = append(lines, fmt.Sprintf("        # %s: %s\n", column, p.reason()))
		case p.Format != "":
			lines = append(lines, fmt.Sprintf("        %s: %s # %d have a number over 12 there\n", column, p.Format, max(p.FirstOver, p.SecondOver)))
		}
	}
	head := "      dates:\n"
	if !slices.ContainsFunc(lines, func(l string) bool { return !strings.HasPrefix(l, "        #") }) {
		head = "      # dates:\n"
	}
	if len(lines) > 0 {
		b.WriteString(head + strings.Join(lines, ""))
	}
}

func (d *draft) writeCodes(b *strings.Builder) {
	var lines []string
	for _, column := range columnsOf(d.form) {
		lines = append(lines, d.codeLines(column)...)
	}
	if len(lines) > 0 {
		b.WriteString("      codes:\n" + strings.Join(lines, ""))
	}
}

// codeLines list the texts of a column and what each probably stands for.
func (d *draft) codeLines(column string) []string {
	name, c := tableOf(column), d.columns[column]
	other := keep
	if column == "holds_rights" && c == nil && d.columns["relation"] != nil {
		name, c, other = "rights", d.columns["relation"], "no"
	}
	if name == "" || c == nil || d.wide && column == "code" {
		return nil
	}
	if c.texts == nil {
		return []string{fmt.Sprintf("        %s:\n          else: %s # check: more than %d different texts\n", column, other, sampleTexts)}
	}
	texts := slices.DeleteFunc(writable(c.texts), func(text string) bool {
		return likely[name][squash(text)] == text // it is the code already
	})
	if len(texts) == 0 {
		return nil
	}
	lines := []string{fmt.Sprintf("        %s:\n", column)}
	seen := map[string]bool{}
	for _, text := range texts {
		code, known := likely[name][squash(text)]
		check := fmt.Sprintf("check: %d times", c.texts[text])
		if !known {
			code, check = other, check+", not known"
		}
		if !seen[fold(text)] {
			lines = append(lines, fmt.Sprintf("          %s: %s # %s\n", quote(text), code, check))
		}
		seen[fold(text)] = true
	}
	return lines
}

// writeWide lists the marks that stand under the dates.
func (d *draft) writeWide(b *strings.Builder) {
	s := d.from
	fmt.Fprintf(b, "      wide:\n        dates: header\n        from_column: %d\n        marks:\n", s.wideFrom)
	counts := map[string]int{}
	for _, c := range s.columns[s.wideFrom-1:] {
		for text, n := range c.texts {
			counts[text] += n
		}
	}
	seen := map[string]bool{}
	for _, text := range writable(counts) {
		code, known := likely["code"][squash(text)]
		switch {
		case !known:
			code = keep
		case d.form == participation && code != "present":
			code = drop
		}
		if !seen[fold(text)] && len(seen) < sampleTexts {
			fmt.Fprintf(b, "          %s: %s # check: %d times\n", quote(text), code, counts[text])
		}
		seen[fold(text)] = true
	}
	b.WriteString("          \"\": drop\n")
}

// describe says in comments what was seen of a file that nothing, or not all,
// was taken from.
func (s *sample) describe(b *strings.Builder, found map[string][]*draft) {
	used := map[int]bool{}
	for _, list := range found {
		for _, d := range list {
			if d.from == s {
				for _, c := range d.columns {
					used[c.number] = true
				}
			}
		}
	}
	fmt.Fprintf(b, "# %s: %d rows", quote(base(s.file)), s.rows)
	if s.header == 0 {
		b.WriteString(", no header that is known; columns by their shape:\n")
		for _, c := range s.columns {
			fmt.Fprintf(b, "#   %d: %s\n", c.number, c.shape())
		}
		return
	}
	var rest, barred []string
	for _, c := range s.columns {
		switch {
		case c.barred:
			barred = append(barred, itoa(c.number))
		case !used[c.number] && (s.wideFrom == 0 || c.number < s.wideFrom):
			rest = append(rest, itoa(c.number))
		}
	}
	if len(rest) > 0 {
		fmt.Fprintf(b, "; not used: columns %s", strings.Join(rest, ", "))
	}
	if len(barred) > 0 {
		fmt.Fprintf(b, "; must never come in and is dropped: columns %s", strings.Join(barred, ", "))
	}
	b.WriteString("\n")
}

// shape is what a column without a name looks like.
func (c *sampled) shape() string {
	filled := c.proof.iso + c.proof.slashed + c.proof.serial + c.proof.other
	switch {
	case filled == 0:
		return "empty"
	case c.proof.iso+c.proof.slashed > c.proof.other:
		return "dates"
	case c.numbers == filled:
		return "numbers"
	case c.texts != nil && len(c.texts) <= sampleTexts:
		return "codes, " + itoa(len(c.texts)) + " different"
	}
	return "texts"
}
