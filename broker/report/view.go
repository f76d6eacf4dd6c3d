package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// view is everything that a page prints, in words: the templates only place it.
type view struct {
	phrases
	style, policy string
	audience      Audience
	simulated     bool
	heading       string
	lead          string
	facts         []fact
	tiles         []tile
	daysShown     bool
	cards         []card
	tables        []matrix // printed
	more          []matrix // on the screen only
	why           []string // of what is withheld; empty where nothing is
	whyFirst      bool     // the lead row itself is withheld in part
	stale         []string
	definitions   []definition
	notes         []note
	settings      []string
	protection    []string
	cautions      []string
	proof         proof
}

type fact struct{ name, value string }

// note is a sentence of one or more definitions, printed once.
type note struct{ of, text string }

// proof is the block of the receipt.
type proof struct {
	given                  bool
	entry, checkpoint      string
	digest, data, original string // data and receipt, byte for byte; "" where the page may not hold them
	withoutData            bool
}

// forAudience is the answer without what the audience may not see.
func (c comparison) forAudience(a Audience) comparison {
	if a == NamedPeople {
		return c
	}
	c.Stale = nil
	c.Rows, c.TwoYears, c.YearToDate = protected(c.Rows), protected(c.TwoYears), protected(c.YearToDate)
	return c
}

// protected copies rows without consented sides.
func protected(rows []row) []row {
	out := slices.Clone(rows)
	for i := range out {
		out[i].Figures = slices.Clone(out[i].Figures)
		for j := range out[i].Figures {
			out[i].Figures[j].Consented = nil
		}
	}
	return out
}

// exact reports whether the answer holds what only named people may see.
func (c comparison) exact() bool {
	has := func(r row) bool {
		return slices.ContainsFunc(r.Figures, func(f figure) bool { return f.Consented != nil })
	}
	return len(c.Stale) > 0 || slices.ContainsFunc(slices.Concat(c.Rows, c.TwoYears, c.YearToDate), has)
}

// writer makes a view of an answer.
type writer struct {
	phrases
	data          comparison
	named         map[string]definition
	protectedOnly bool
}

func newView(p Page, r *Receipt, s Stamp, broken sabotage) view {
	w := writer{phrases: english(), data: p.data, named: map[string]definition{}, protectedOnly: s.Audience != NamedPeople}
	if !broken.keepConsented {
		w.data = p.data.forAudience(s.Audience)
	}
	for _, d := range p.data.Definitions {
		w.named[d.ID] = d
	}
	lead := w.leadRow()
	v := view{
		phrases: w.phrases, style: styleFor(s.Audience), policy: SecurityPolicy(s.Audience), audience: s.Audience,
		heading: cmp.Or(plain(s.Agreement), plain(w.data.Agreement)), lead: w.leadSentence(lead, s), facts: w.facts(s),
		settings: plainly(w.data.Settings), protection: append([]string{w.profiles[w.data.Profile]}, plainly(w.data.Protection)...),
		cautions: plainly(w.data.Cautions, w.data.Notice), definitions: w.data.Definitions, notes: w.notes(),
	}
	v.tiles, v.daysShown = w.tiles(lead)
	for i, f := range inOrder(lead.Figures) {
		v.cards = append(v.cards, w.card(fmt.Sprintf("indicator-%d", i+1), f))
	}
	v.tables, v.more = w.matrices(lead)
	v.why, v.whyFirst = w.whyWithheld(), lead.withheld()
	for _, old := range w.data.Stale {
		v.stale = append(v.stale, w.familyOld(plain(old.Family), w.day(old.LoadedOn)))
	}
	v.proof = w.proof(p, r, s.Audience)
	v.simulated = r != nil && tlog.Checkpoint{Origin: r.origin}.Simulated()
	return v
}

// whyWithheld is said once, where anything is withheld.
func (w writer) whyWithheld() []string {
	switch {
	case !slices.ContainsFunc(slices.Concat(w.data.Rows, w.data.TwoYears, w.data.YearToDate), row.withheld):
		return nil
	case w.protectedOnly:
		return []string{w.whyText, w.helps}
	}
	return []string{w.whyText, w.helps, w.helpsNamed}
}

// withheld reports whether a figure of the row is.
func (r row) withheld() bool {
	return slices.ContainsFunc(r.Figures, func(f figure) bool { return f.Status == sdc.StatusWithheld })
}

// leadRow is the pooled row or, where the answer is of one school, the school's.
func (w writer) leadRow() row {
	i := slices.IndexFunc(w.data.Rows, func(r row) bool { return r.key() == sdc.Key{} })
	return w.data.Rows[max(i, 0)]
}

// order is that of the registry: attendance leads, then courses and discipline.
func order(indicator string) int {
	i := slices.IndexFunc(records.Registry(), func(ind records.Indicator) bool { return ind.ID == indicator })
	if i < 0 {
		return len(records.Registry())
	}
	return i
}

func inOrder(figures []figure) []figure {
	return slices.SortedStableFunc(slices.Values(figures), func(a, b figure) int {
		return cmp.Compare(order(a.Indicator), order(b.Indicator))
	})
}

// definition is that of an indicator, or its id where the answer has none.
func (w writer) definition(indicator string) definition {
	if d, ok := w.named[indicator]; ok {
		return d
	}
	return definition{ID: indicator, Name: indicator}
}

func (w writer) unit(d definition) string { return cmp.Or(w.units[d.Unit], plain(d.Unit)) }

// rowName names a row for readers.
func (w writer) rowName(r row) string {
	switch r.key().Level() {
	case sdc.LevelSchool:
		return w.schoolName(r.School)
	case sdc.LevelGrade:
		return w.gradeName(r.Grade)
	case sdc.LevelSchoolGrade:
		return w.schoolName(r.School) + ", " + w.gradeName(r.Grade)
	case sdc.LevelGroup:
		return plain(cmp.Or(w.studentGroups[r.Group], r.Group))
	}
	return w.allSchools
}

func (w writer) schoolName(id string) string {
	return plain(cmp.Or(w.data.SchoolNames[id], w.school+" "+id))
}

func (w writer) leadSentence(lead row, s Stamp) string {
	n := ""
	for _, f := range lead.Figures {
		if f.Cohort != nil {
			n = thousands(f.Cohort.N)
			break
		}
	}
	schools := w.schoolsIn(lead)
	if n == "" {
		return w.leadIn("the", schools, plain(s.Partner))
	}
	return w.leadIn("the "+n, schools, plain(s.Partner))
}

func (w writer) schoolsIn(lead row) string {
	if lead.School != "" {
		return w.schoolName(lead.School)
	}
	n := 0
	for _, r := range w.data.Rows {
		if r.key().Level() == sdc.LevelSchool {
			n++
		}
	}
	if n == 0 {
		return w.theirSchools
	}
	return w.theirN(n)
}

func (w writer) facts(s Stamp) []fact {
	span := plain(w.data.Period.Title) + " (" + w.day(w.data.Period.Start) + " – " + w.day(w.data.Period.End) + ")"
	all := []fact{
		{w.district, plain(s.District)},
		{w.agreement, plain(w.data.Agreement)},
		{w.period, span},
		{w.census, w.day(w.data.Census)},
		{w.dataOf, w.day(w.data.DataAsOf)},
		{w.published, w.instant(w.data.PublishedAt)},
		{w.corrected, w.instant(w.correctedAt())},
		{w.stage, w.stages[w.data.Stage]},
		{w.answered, w.day(w.data.AsOf)},
	}
	return slices.DeleteFunc(all, func(f fact) bool { return f.value == "" })
}

// correctedAt is when the newest of the shown figures replaced earlier ones.
func (w writer) correctedAt() (newest time.Time) {
	for _, f := range w.data.Families {
		if f.CorrectedAt.After(newest) {
			newest = f.CorrectedAt
		}
	}
	return newest
}

// notes lists each note of the definitions once, with the names of those that
// have it.
func (w writer) notes() []note {
	var out []note
	for _, d := range w.data.Definitions {
		for _, text := range d.Notes {
			i := slices.IndexFunc(out, func(n note) bool { return n.text == plain(text) })
			if i < 0 {
				out = append(out, note{plain(d.Name), plain(text)})
				continue
			}
			out[i].of += ", " + plain(d.Name)
		}
	}
	return out
}

func (w writer) proof(p Page, r *Receipt, a Audience) proof {
	sum := sha256.Sum256(p.raw)
	out := proof{digest: hex.EncodeToString(sum[:]), withoutData: a != NamedPeople && p.data.exact()}
	if !out.withoutData {
		out.data = string(p.raw)
	}
	if r == nil {
		return out
	}
	out.given, out.checkpoint = true, r.checkpoint
	out.entry = fmt.Sprintf(w.entry, strconv.FormatInt(r.index, 10), plain(r.origin))
	if a == NamedPeople {
		out.original = string(r.raw)
	}
	return out
}

// tile is one topic of the headline.
type tile struct {
	topic, name, unit string
	lines             []line
	chip              chip
	note              string
}

// chip is a reading: its mark and its words.
type chip struct{ mark, text string }

func (w writer) chip(r *compare.Reading) chip {
	if r == nil {
		return chip{}
	}
	return chip{w.marks[r.Word], w.said(*r)}
}

// topics are the indicators that may lead each topic of the headline, the first
// that is shown doing so.
func topics() [4][]string {
	return [4][]string{
		{records.AttendanceRate},
		{records.ChronicAbsence},
		{records.GPA, records.MeanCourseResult, records.CourseFailureShare},
		{records.SuspendedStudents, records.OSSStudents, records.ISSStudents, records.IncidentsPer100},
	}
}

// tiles are the headline: one for each topic that the answer has, and whether
// one of them speaks in days.
func (w writer) tiles(lead row) (out []tile, days bool) {
	for i, of := range topics() {
		f, ok := leading(of, lead.Figures)
		if !ok {
			continue
		}
		t := w.tile(f)
		t.topic = w.topics[i]
		days = days || f.Indicator == records.AttendanceRate && f.Cohort != nil
		out = append(out, t)
	}
	return out, days
}

// leading is the first of the indicators that is shown, else the first withheld,
// else the first of which there is anything.
func leading(of []string, figures []figure) (figure, bool) {
	for _, want := range []func(figure) bool{
		func(f figure) bool { return f.Cohort != nil },
		func(f figure) bool { return f.Status == sdc.StatusWithheld },
		func(figure) bool { return true },
	} {
		for _, id := range of {
			if i := slices.IndexFunc(figures, func(f figure) bool { return f.Indicator == id && want(f) }); i >= 0 {
				return figures[i], true
			}
		}
	}
	return figure{}, false
}

func (w writer) tile(f figure) tile {
	d := w.definition(f.Indicator)
	t := tile{name: plain(d.Name), unit: w.unit(d)}
	switch f.Status {
	case sdc.StatusWithheld:
		t.chip.text = w.withheldTile
		t.lines = w.consentedLines(f)
		if f.Consented != nil {
			t.lines[0].label = w.familyYes(f.Consented.N)
		}
	case sdc.StatusBudgetExhausted:
		t.chip.text = w.exhausted
		t.lines = w.consentedLines(f)
		if f.Consented != nil {
			t.lines[0].label = w.familyYes(f.Consented.N)
		}
	case sdc.StatusNotReported:
		t.note = w.notReportedShort
	case sdc.StatusNotPublished:
		t.note = w.notPublishedShort
	default:
		t.lines = w.sideLines(f)
		t.chip = w.chip(f.compared())
		if f.Indicator == records.AttendanceRate {
			w.inDays(&t, f)
		}
	}
	return t
}

// inDays shows attendance as days missed, with the rates beside them.
func (w writer) inDays(t *tile, f figure) {
	t.name, t.unit = w.days, w.rates(t.lines[0].figure, t.lines[1].figure)
	for i, s := range []*side{f.Cohort, f.against()} {
		if s.Value.Kind != sdc.KindWithheld {
			t.lines[i].figure = w.about(daysMissed(s.Value))
		}
	}
}

// yearOfDays is the school year of the illustration.
const yearOfDays = 180

// daysMissed turns an attendance rate into days: one number for a value, both
// ends of a band.
func daysMissed(rate sdc.Shown) string {
	days := func(v sdc.Milli) int { return int((100_000-v)*yearOfDays+50_000) / 100_000 }
	if rate.Kind == sdc.KindValue {
		return strconv.Itoa(days((rate.Low + rate.High) / 2))
	}
	return strconv.Itoa(days(rate.High)) + "–" + strconv.Itoa(days(rate.Low))
}

// against is the side that the cohort is compared with.
func (f figure) against() *side {
	if f.Weighted != nil {
		return f.Weighted
	}
	return f.Rest
}

// compared is the reading of the cohort beside what it is compared with.
func (f figure) compared() *compare.Reading {
	if f.Weighted != nil {
		return f.WeightedReading
	}
	return f.Reading
}
