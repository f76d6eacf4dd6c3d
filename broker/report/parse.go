package report

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// ErrData is returned for bytes that are not the member data of a comparison
// answer.
var ErrData = errors.New("this is not the data of a comparison answer")

// What a page can hold.
const (
	MaxData    = 4 << 20 // bytes
	MaxRows    = 2000    // of each list of rows
	maxFigures = 40      // of a row, and definitions
	maxTexts   = 60      // settings, cautions, protections, notes of a definition
)

// A Page is a comparison answer that can be written. The zero Page holds
// nothing and cannot.
type Page struct {
	data comparison
	raw  []byte
}

// Data returns the exact bytes of the answer's member data.
func (p Page) Data() []byte { return bytes.Clone(p.raw) }

// Parse reads the exact bytes of the member data of a comparison answer. It
// refuses more than MaxData bytes, unknown and duplicate members, and figures
// that contradict their status. The error is an ErrData; it names the place and
// holds nothing of what stands there.
func Parse(data []byte) (Page, error) {
	var c comparison
	if len(data) > MaxData {
		return Page{}, fmt.Errorf("%w: it has over %d bytes", ErrData, MaxData)
	}
	if err := json.Unmarshal(data, &c, json.RejectUnknownMembers(true)); err != nil {
		return Page{}, fmt.Errorf("%w: %s; give the answer as the service sent it", ErrData, place(err))
	}
	if why := c.fault(); why != "" {
		return Page{}, fmt.Errorf("%w: %s; give the answer as the service sent it", ErrData, why)
	}
	return Page{c, bytes.Clone(data)}, nil
}

// ours are member names of the answer, with places in lists.
var ours = regexp.MustCompile(`^[a-z0-9_/]{0,80}$`)

// place says where the JSON stopped making sense, in words of the schema only.
func place(err error) string {
	at, offset := jsontext.Pointer(""), int64(0)
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		at, offset = e.JSONPointer, e.ByteOffset
	} else if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at, offset = e.JSONPointer, e.ByteOffset
	}
	if at == "" || !ours.MatchString(string(at)) {
		return fmt.Sprintf("the JSON is broken, or a member unknown, duplicate or of a wrong type at byte %d", offset)
	}
	return fmt.Sprintf("the JSON is broken, or a member unknown, duplicate or of a wrong type at %s", at)
}

// fault says what contradicts itself, or "".
func (c comparison) fault() string {
	switch {
	case c.Agreement == "" || c.Period.SessionID == "":
		return "it names no agreement or no period"
	case c.Period.End < c.Period.Start:
		return "its period ends before it starts"
	case !slices.Contains([]profile{publishedTable, standard, budgeted}, c.Profile):
		return "its profile is none of published_table, standard and budgeted"
	case c.ForWhom.Validate() != nil:
		return "for_whom is none of named_people, board_and_funder and public"
	case len(c.Rows) == 0:
		return "it has no row"
	}
	if why := c.tooMuch(); why != "" {
		return why
	}
	for _, list := range []struct {
		name string
		rows []row
	}{{"rows", c.Rows}, {"two_years", c.TwoYears}, {"year_to_date", c.YearToDate}} {
		if why := faultOfRows(list.rows); why != "" {
			return list.name + ": " + why
		}
	}
	return c.faultOfDefinitions()
}

func (c comparison) tooMuch() string {
	texts := max(len(c.Settings), len(c.Protection), len(c.Cautions), len(c.Stale))
	switch {
	case max(len(c.Rows), len(c.TwoYears), len(c.YearToDate), len(c.SchoolNames)) > MaxRows:
		return fmt.Sprintf("it has over %d rows or schools", MaxRows)
	case len(c.Definitions) > maxFigures || texts > maxTexts:
		return fmt.Sprintf("it has over %d definitions, or over %d sentences of one kind", maxFigures, maxTexts)
	}
	return ""
}

func (c comparison) faultOfDefinitions() string {
	seen := map[string]bool{}
	for i, d := range c.Definitions {
		if d.ID == "" || d.Name == "" || seen[d.ID] || len(d.Notes) > maxTexts {
			return fmt.Sprintf("definition %d has no id or name, repeats one before it, or has over %d notes", i+1, maxTexts)
		}
		seen[d.ID] = true
	}
	return ""
}

func faultOfRows(rows []row) string {
	seen := map[string]bool{}
	for i, r := range rows {
		switch {
		case r.Row != r.key().String():
			return fmt.Sprintf("row %d is not named for its school and grade", i+1)
		case seen[r.Row]:
			return fmt.Sprintf("row %d repeats one before it", i+1)
		case len(r.Figures) == 0 || len(r.Figures) > maxFigures:
			return fmt.Sprintf("row %d has no figure, or over %d", i+1, maxFigures)
		}
		seen[r.Row] = true
		if why := faultOfFigures(r.Figures); why != "" {
			return fmt.Sprintf("row %d, %s", i+1, why)
		}
	}
	return ""
}

func faultOfFigures(figures []figure) string {
	seen := map[string]bool{}
	for i, f := range figures {
		why := f.fault()
		if f.Indicator == "" || seen[f.Indicator] {
			why = "it names no indicator, or one that the row has already"
		}
		if why != "" {
			return fmt.Sprintf("figure %d: %s", i+1, why)
		}
		seen[f.Indicator] = true
	}
	return ""
}

// fault says what of a figure contradicts its status: above all that something
// is shown which the status says is not.
func (f figure) fault() string {
	compared := f.Cohort != nil || f.Rest != nil || f.Weighted != nil || f.Reading != nil || f.WeightedReading != nil
	switch f.Status {
	case sdc.StatusOK, sdc.StatusLowPrecision:
		if f.Cohort == nil || f.Rest == nil || f.Consented != nil || f.Whole != nil {
			return "a shown figure has a cohort and a rest and nothing consented"
		}
		if f.WeightedReading != nil && f.Weighted == nil {
			return "weighted_reading stands without weighted"
		}
	case sdc.StatusWithheld:
		if compared {
			return "a withheld figure shows a comparison"
		}
	case sdc.StatusBudgetExhausted:
		if compared || f.Whole != nil {
			return "a figure that could not be paid for shows one"
		}
	case sdc.StatusNotReported, sdc.StatusNotPublished:
		if compared || f.Consented != nil || f.Whole != nil {
			return "a figure that is not published yet or not reported shows one"
		}
	default:
		return "its status is none of ok, low_precision, withheld, budget_exhausted, not_reported and not_published_yet"
	}
	return f.faultOfParts()
}

func (f figure) faultOfParts() string {
	for _, s := range []*side{f.Cohort, f.Rest, f.Weighted, f.Whole} {
		if s != nil && (min(s.N, s.EffectiveN) < 0 || min(s.Noise, s.DifferenceNoise) < 0 || !sound(s.Coverage) || !sound(s.Value) || s.Size != nil && !sound(*s.Size)) {
			return "a side has a negative number, an unknown kind, or ends before it starts"
		}
	}
	for _, r := range []*compare.Reading{f.Reading, f.WeightedReading} {
		if r != nil && !soundReading(*r) {
			return "a reading has an unknown word, or an interval that ends before it starts"
		}
	}
	if f.Consented != nil && f.Consented.N <= 0 {
		return "a consented side counts nobody"
	}
	return ""
}

func sound(s sdc.Shown) bool {
	known := s.Kind == sdc.KindValue || s.Kind == sdc.KindBand || s.Kind == sdc.KindWithheld
	return known && s.Low <= s.High
}

func soundReading(r compare.Reading) bool {
	for _, span := range []compare.Range{r.Cohort, r.Rest, r.Difference, r.Interval, r.Effect} {
		if span.Low > span.High {
			return false
		}
	}
	words := []compare.Word{compare.LikelyHigher, compare.LikelyLower, compare.NoClearDifference, compare.TooSmallToTell}
	return r.Needed >= 0 && slices.Contains(words, r.Word)
}
