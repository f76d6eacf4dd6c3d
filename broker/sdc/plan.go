package sdc

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// ErrPlan is returned for sets that cannot be planned.
var ErrPlan = errors.New("sets cannot be planned")

// RowSets are the students of one row: P the cohort, T the whole; the rest is
// T ∖ P. P must lie inside T.
type RowSets struct {
	Key  Key
	P, T *roaring.Bitmap
}

// FigureSets is one indicator over the rows of a candidate. Covered are the
// students for whom the indicator has a value (a matter of enrolment and of
// which files exist, never of what the value is); nil means all of them. The
// sums of a figure run over the covered students, so every test does too.
type FigureSets struct {
	Indicator string
	Family    string
	Covered   *roaring.Bitmap
}

// Candidate is what one agreement asks to publish for a period: sets and
// nothing else.
type Candidate struct {
	Agreement  string
	Profile    Profile
	Rows       []RowSets
	Figures    []FigureSets
	Known      map[string]Known // by indicator family
	Thresholds Thresholds
	YearEnd    bool // the period ends a school year: small schools and grades may be shown
}

// Reason says why a row is withheld. It is for the district's audit log: a
// partner sees only that a row is withheld, otherwise the reason itself would
// tell it about other programs.
type Reason string

// The reasons.
const (
	ReasonNone          Reason = ""
	ReasonPrimary       Reason = "primary"       // a set of the row is too small or too well known
	ReasonDifference    Reason = "difference"    // too close to a set published earlier
	ReasonComplementary Reason = "complementary" // it would give away a hidden row
	ReasonRank          Reason = "rank"          // a few students' sum would follow from all that is published
	ReasonExposure      Reason = "exposure"      // a student of the cohort is in as many figures as are allowed
	ReasonDetail        Reason = "detail"        // too small a part to be shown before the year's end
)

// secret reports that the row must not be computable either. A row that was left
// out for its size or for the number of figures alone might have been shown.
func (r Reason) secret() bool {
	return r != ReasonNone && r != ReasonExposure && r != ReasonDetail
}

// Verdict is the decision on one row of one figure.
//
// Cohort and Rest are the students of the row, CohortCovered and RestCovered
// those of them with a value, CohortUnknown and RestUnknown those whose value
// nobody was given. Verdicts are the district's: Protect makes of them what a
// partner may see.
type Verdict struct {
	Key           Key    `json:"key"`
	Shown         bool   `json:"shown"`                 // cohort and rest, always together
	WholeShown    bool   `json:"whole_shown,omitempty"` // the whole alone, beside a withheld row
	Reason        Reason `json:"reason,omitempty"`
	Cohort        int    `json:"cohort"`
	Rest          int    `json:"rest"`
	CohortCovered int    `json:"cohort_covered"`
	RestCovered   int    `json:"rest_covered"`
	CohortUnknown int    `json:"cohort_unknown"`
	RestUnknown   int    `json:"rest_unknown"`
}

// FigurePlan holds the verdicts of one indicator, in the order of CompareKeys.
// Reported says that somebody has a value, in the rows or beyond them.
type FigurePlan struct {
	Indicator string    `json:"indicator"`
	Family    string    `json:"family"`
	Reported  bool      `json:"reported,omitempty"`
	Verdicts  []Verdict `json:"verdicts"`
}

// Plan is what one agreement may publish for a period, of the indicators that
// were closed together. It is made once, at the freeze; a correction protects new
// values under the same plan, so a row once withheld stays withheld.
type Plan struct {
	Agreement string       `json:"agreement"`
	Figures   []FigurePlan `json:"figures"`
}

// PlanBatch decides for all candidates of one period together, in the order of
// their agreement ids whatever the order given: every pooled row first, then
// every school row, then grades, then grades within schools, then groups; last the
// wholes beside withheld rows. It returns the plans in that order and the history
// with what they publish appended; earlier is not changed. An ErrPlan names
// the agreement and row of a malformed candidate, an ErrProfile its profile, an
// ErrThresholds the low threshold.
func PlanBatch(earlier History, candidates []Candidate) ([]Plan, History, error) {
	return planBatch(earlier, candidates, sabotage{})
}

// sabotage removes one guard at a time. Only tests set it, to show that they
// notice.
type sabotage struct {
	noPrimary, noComplement, noSpan, noDifference, noExposure, noRank, noBlur bool

	noTwins, anyTwins bool // of twins each is decided on by itself; all of a family are taken for twins
}

func planBatch(earlier History, candidates []Candidate, broken sabotage) ([]Plan, History, error) {
	sorted := slices.SortedStableFunc(slices.Values(candidates), func(a, b Candidate) int {
		return cmp.Compare(a.Agreement, b.Agreement)
	})
	figures, err := prepare(earlier, sorted, broken)
	if err != nil {
		return nil, nil, err
	}
	published := newLedgers(earlier)
	published.order.seat(sorted)
	history := slices.Clone(earlier)
	publish := func(f *figure, sets History) {
		published.publish(f, sets)
		f.public.add(sets)
		for _, indicator := range f.indicators {
			history = append(history, sets.named(indicator)...)
		}
	}
	for _, level := range Levels() {
		for _, f := range figures {
			publish(f, f.settle(level, published.of(f)))
		}
	}
	for _, f := range figures {
		publish(f, f.wholes(published.of(f)))
	}
	return collect(sorted, figures), history, nil
}

// prepare makes a figure of each agreement's twins.
func prepare(earlier History, sorted []Candidate, broken sabotage) ([]*figure, error) {
	if err := check(earlier, sorted); err != nil {
		return nil, err
	}
	lead := leads(earlier, sorted, broken)
	public := map[string]*knowledge{}
	var out []*figure
	for _, c := range sorted {
		own := map[string]*figure{}
		for _, fs := range c.Figures {
			first := lead[fs.Indicator]
			if own[first] == nil {
				if public[first] == nil {
					public[first] = newKnowledge(earlier.Of(first), everReleased(sorted, fs.Family), leastFloor(sorted))
				}
				own[first] = newFigure(c, fs, public[first], broken)
				own[first].indicator = first
				out = append(out, own[first])
			}
			own[first].indicators = append(own[first].indicators, fs.Indicator)
		}
	}
	return out, nil
}

func check(earlier History, sorted []Candidate) error {
	for i, c := range sorted {
		if i > 0 && sorted[i-1].Agreement == c.Agreement {
			return fmt.Errorf("%w: agreement %s comes twice", ErrPlan, c.Agreement)
		}
		if err := c.check(); err != nil {
			return err
		}
		for _, fs := range c.Figures {
			if earlier.has(c.Agreement, fs.Indicator) {
				return fmt.Errorf("%w: agreement %s, indicator %s is planned already; use its first plan", ErrPlan, c.Agreement, fs.Indicator)
			}
		}
	}
	return nil
}

// everReleased are those of whom a value of the family was given to anybody.
func everReleased(batch []Candidate, family string) *roaring.Bitmap {
	all := roaring.New()
	for _, c := range batch {
		k := known(c.Known[family])
		all.Or(k.Any)
		all.Or(k.Self)
	}
	return all
}

// leastFloor is under how many unreleased students no sum may be of.
func leastFloor(batch []Candidate) int {
	floor := Standard.Thresholds().HiddenFloor
	for _, c := range batch {
		floor = min(floor, c.Thresholds.UnconsentedFloor)
	}
	return floor
}

func (c Candidate) check() error {
	if err := c.Profile.Validate(); err != nil {
		return fmt.Errorf("agreement %s: %w", c.Agreement, err)
	}
	if err := c.Thresholds.Validate(c.Profile); err != nil {
		return fmt.Errorf("agreement %s: %w", c.Agreement, err)
	}
	seen := map[Key]bool{}
	for _, r := range c.Rows {
		switch {
		case r.P == nil || r.T == nil:
			return fmt.Errorf("%w: agreement %s, row %s has no sets", ErrPlan, c.Agreement, r.Key)
		case without(r.P, r.T) != 0:
			return fmt.Errorf("%w: agreement %s, row %s: its cohort is not inside its whole", ErrPlan, c.Agreement, r.Key)
		case r.Key.Level() == LevelGroup && (c.Profile != Standard || slices.ContainsFunc(c.Figures, c.plain)):
			return fmt.Errorf("%w: agreement %s, row %s: groups need the profile %s, and floors that are blurred", ErrPlan, c.Agreement, r.Key, Standard)
		case seen[r.Key]:
			return fmt.Errorf("%w: agreement %s, row %s comes twice", ErrPlan, c.Agreement, r.Key)
		}
		seen[r.Key] = true
	}
	return c.checkFigures()
}

// plain reports that nothing blurs the floors of a figure.
func (c Candidate) plain(f FigureSets) bool { return c.Known[f.Family].Blur == nil }

func (c Candidate) checkFigures() error {
	seen := map[string]bool{}
	for _, f := range c.Figures {
		if seen[f.Indicator] {
			return fmt.Errorf("%w: agreement %s, indicator %s comes twice", ErrPlan, c.Agreement, f.Indicator)
		}
		if _, ok := c.Known[f.Family]; !ok {
			return fmt.Errorf("%w: agreement %s: nothing says whose %s values are released; give empty sets if nobody's", ErrPlan, c.Agreement, f.Family)
		}
		seen[f.Indicator] = true
	}
	return nil
}

func collect(sorted []Candidate, figures []*figure) []Plan {
	out := make([]Plan, 0, len(sorted))
	for _, c := range sorted {
		p := Plan{Agreement: c.Agreement, Figures: make([]FigurePlan, 0, len(c.Figures))}
		for _, fs := range c.Figures {
			i := slices.IndexFunc(figures, func(f *figure) bool { return f.agreement == c.Agreement && slices.Contains(f.indicators, fs.Indicator) })
			p.Figures = append(p.Figures, figures[i].plan(fs.Indicator))
		}
		out = append(out, p)
	}
	return out
}
