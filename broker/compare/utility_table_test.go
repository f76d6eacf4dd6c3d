package compare_test

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// figure is a number of a table with its standard error by chance.
type figure struct{ value, err float64 }

func part(k, n float64) figure {
	p := (k + 1) / (n + 2) // never without error
	return figure{100 * k / n, 100 * math.Sqrt(p*(1-p)/n)}
}

func (a tally) half(m moments) figure { return figure{m.sum / a.trials, m.error(a.trials)} }

// printed is a table of docs/disclosure.md: by its first two columns, the numbers.
type printed struct {
	head string
	rows []printedRow
}

type printedRow struct {
	name     string
	n        int
	decimals []int
	figures  []figure
}

func widths(all []measured) printed {
	p := printed{head: "| figure | participants | noise | their interval | interval of the difference | theirs holds the truth | the difference's does | false alarms |"}
	for _, c := range all {
		a, b := c.same[0], c.new[0]
		p.rows = append(p.rows, printedRow{c.name, c.n, []int{c.decimals + 1, c.decimals, c.decimals, 1, 1, 1}, []figure{
			{c.noise, 0},
			a.half(a.cohortHalf), a.half(a.differenceHalf),
			part(a.cohort+b.cohort, a.trials+b.trials), part(a.difference+b.difference, a.trials+b.trials), part(a.clear, a.trials),
		}})
	}
	return p
}

func powers(all []measured) printed {
	p := printed{head: "| figure | participants | seen under `standard` | under `published_table` | with noise, not rounded | with nothing protected |"}
	for _, c := range all {
		row := printedRow{name: c.name, n: c.n, decimals: []int{0, 0, 0, 0}}
		for _, a := range c.new {
			row.figures = append(row.figures, part(a.right, a.trials))
		}
		p.rows = append(p.rows, row)
	}
	return p
}

// documentTrials are those behind the tables of docs/disclosure.md.
const documentTrials = 200_000

// differs lists where the printed numbers are further from the measured ones
// than four and a half standard errors of both and a half of the last decimal.
func (p printed) differs(text string, trials int) []string {
	was, out := rowsUnder(text, p.head), []string(nil)
	if len(was) != len(p.rows) {
		return []string{fmt.Sprintf("%d lines under %q, want %d", len(was), p.head, len(p.rows))}
	}
	errors := 4.5 * math.Sqrt(1+float64(trials)/documentTrials)
	for i, row := range p.rows {
		if !row.named(was[i]) {
			out = append(out, fmt.Sprintf("line %d under %q is not that of %s, %d participants", i+1, p.head, row.name, row.n))
			continue
		}
		for j, f := range row.figures {
			if said := was[i][j+2]; !f.fits(said, errors*f.err+0.51*math.Pow(10, -float64(row.decimals[j]))) {
				out = append(out, fmt.Sprintf("%s, %d participants, column %d: %s; measured %.3f ± %.3f", row.name, row.n, j+3, said, f.value, f.err))
			}
		}
	}
	return out
}

func (r printedRow) named(cells []string) bool {
	return len(cells) == len(r.figures)+2 && cells[0] == r.name && cells[1] == strconv.Itoa(r.n)
}

func (f figure) fits(said string, within float64) bool {
	v, err := strconv.ParseFloat(said, 64)
	return err == nil && math.Abs(v-f.value) <= within
}

// String is the table as docs/disclosure.md prints it.
func (p printed) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n|---|--:%s\n", p.head, strings.Repeat("|--:", strings.Count(p.head, "|")-3)+"|")
	for _, row := range p.rows {
		fmt.Fprintf(&b, "| %s | %d |", row.name, row.n)
		for j, f := range row.figures {
			fmt.Fprintf(&b, " %.*f |", row.decimals[j], f.value)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func readDoc(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/disclosure.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// rowsUnder returns the cells of the table with a head, none if there is no such
// table.
func rowsUnder(text, head string) [][]string {
	_, rest, _ := strings.Cut(text, head+"\n")
	var out [][]string
	for line := range strings.Lines(rest) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			break
		}
		if strings.HasPrefix(line, "|--") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		out = append(out, cells)
	}
	return out
}

func TestAPrintedTableThatDriftsIsNoticed(t *testing.T) {
	t.Parallel()
	p := printed{head: "| figure | participants | seen |", rows: []printedRow{
		{"attendance", 20, []int{1}, []figure{{15.04, 0.1}}},
		{"GPA", 50, []int{1}, []figure{{1.5, 0.1}}},
	}}
	right := "Before.\n" + p.String() + "\nBehind."
	if got := p.differs(right, 1000); len(got) > 0 {
		t.Errorf("a table differs from itself: %q", got)
	}
	for name, wrong := range map[string]string{
		"a number":      strings.Replace(right, "15.0", "15.8", 1),
		"no number":     strings.Replace(right, "15.0", "much", 1),
		"a name":        strings.Replace(right, "GPA", "GPI", 1),
		"a size":        strings.Replace(right, " 20 ", " 25 ", 1),
		"a missing row": strings.Replace(right, "| GPA | 50 | 1.5 |\n", "", 1),
		"no table":      "Before.",
	} {
		if len(p.differs(wrong, 1000)) != 1 {
			t.Errorf("%s: got %q", name, p.differs(wrong, 1000))
		}
	}
}
