package broker

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// manyParticipants is the size from which an agreement is expected to have its
// pooled row.
const manyParticipants = 40

// preflight is what a close of a period would do now or, of a frozen one, what
// its freeze does.
type preflight struct {
	Period     periodView      `json:"period"`
	State      string          `json:"state"`
	Forecast   bool            `json:"forecast"` // the period has not ended: rosters, answers and records may change
	Census     civil.Date      `json:"census"`
	Noise      int             `json:"noise_tenths"`
	Blocked    []string        `json:"blocked"` // why a close would be refused now
	Stale      []staleFamily   `json:"stale"`
	Agreements []preflightPart `json:"agreements"`
	Lost       lostRows        `json:"pooled_lost"`
	Notes      []string        `json:"notes"`
}

// preflightPart is one agreement of it.
type preflightPart struct {
	Agreement    string          `json:"agreement"`
	Version      int             `json:"version"`
	Partner      string          `json:"partner"`
	Profile      sdc.Profile     `json:"profile"`
	Participants int             `json:"participants"` // on the roster
	Unmatched    int             `json:"unmatched"`    // of them, without a student
	Cohort       int             `json:"cohort"`       // of the pooled row: P
	Rest         int             `json:"rest"`         // R
	Figures      figureTally     `json:"figures"`
	Pooled       []pooledVerdict `json:"pooled"`
	Exposure     int             `json:"figures_a_student"` // most cohorts of one indicator that a student is in, over all agreements
	Risk         risk            `json:"risk"`
	Holds        []holdMargin    `json:"holds"`
	Totals       []totalInUse    `json:"public_totals"`
	Sees         []string        `json:"partner_sees"`
	Memo         memoState       `json:"memo"`
}

// figureTally counts figures, one for each row of each indicator with records.
type figureTally struct {
	Planned  int                `json:"planned"`
	Shown    int                `json:"shown"`
	Withheld int                `json:"withheld"`
	Share    sdc.Milli          `json:"withheld_share"`
	Reasons  map[sdc.Reason]int `json:"reasons"`
}

// pooledVerdict is the decision on the pooled row of an indicator.
type pooledVerdict struct {
	Indicator string `json:"indicator"`
	Status    string `json:"status"` // shown, withheld or not_reported
	Cause     string `json:"cause,omitzero"`
}

// holdMargin is how many more families may say yes to records of a kind before
// one may be held because of this agreement's figures.
type holdMargin struct {
	Family string `json:"family"`
	Yeses  int    `json:"more_yes"`
}

// totalInUse is a total of a school, or a grade of it, that the district has
// published. Its value is not repeated.
type totalInUse struct {
	Indicator string `json:"indicator"`
	School    string `json:"school"`
	Grade     string `json:"grade,omitzero"`
}

// lostRows are the agreements with many participants that lose a pooled row.
type lostRows struct {
	Agreements int         `json:"agreements"` // with manyParticipants or more
	Lost       int         `json:"lost"`
	Share      sdc.Milli   `json:"share"`
	Causes     []lostCause `json:"causes"`
}

type lostCause struct {
	Agreement string `json:"agreement"`
	pooledVerdict
}

// Preflight says what a close of a period would do now, by the very code that
// plans the close (officer, steward). It changes nothing and reads sets only: two
// districts whose children differ in nothing but outcomes have the same preflight.
// Of a period that is frozen already it says what that freeze does. It answers
// before the period's end too, as a forecast.
func (b *Broker) Preflight(ctx context.Context, c Caller, session string) (*Answer, error) {
	if err := b.admit(ctx, c, "read a preflight", RoleOfficer, RoleSteward); err != nil {
		return nil, err
	}
	return b.read(ctx, c, "read a preflight", func(r store.Reader, m moment) (any, error) {
		o, err := b.outlook(r, m, session)
		if err != nil {
			return nil, err
		}
		return o.preflight()
	})
}

func (o *outlook) preflight() (preflight, error) {
	p := preflight{
		Period: viewPeriod(o.period), State: o.state, Forecast: o.forecast, Census: o.freeze.Census, Noise: o.freeze.Disclosure.Noise,
		Blocked: orEmptyList(o.blocked), Stale: orEmptyList(o.d.stale(o.b.zone, ingest.Families()...)), Agreements: []preflightPart{},
		Notes: []string{"Nothing here looks at an outcome. Public totals are compared with the records at the close, which refuses those that the records contradict."},
	}
	p.Notes = append(p.Notes, "How many participants a shown row has is exact: that a child whom the partner itself named is enrolled is not treated as a secret.")
	if o.forecast {
		p.Notes = append(p.Notes, "This is a forecast: rosters, families' answers and records may still change.")
	}
	for _, part := range o.parts {
		view, err := o.view(part)
		if err != nil {
			return p, err
		}
		p.Agreements = append(p.Agreements, view)
	}
	p.Lost = lostOf(p.Agreements)
	return p, nil
}

func orEmptyList[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// view is what is said of one agreement.
func (o *outlook) view(part frozenAgreement) (v preflightPart, err error) {
	terms, err := o.terms(part)
	if err != nil {
		return v, err
	}
	v = preflightPart{
		Agreement: part.ID, Version: part.Version, Partner: terms.Partner, Profile: sdc.Profile(terms.Clauses.Profile),
		Figures: tally(part.Plan), Holds: o.holds(part), Sees: sees(part.Plan),
	}
	if v.Participants, v.Unmatched, err = o.unmatched(part); err != nil {
		return v, err
	}
	cohort, err := bitmapOf(part.Cohort)
	if err != nil {
		return v, err
	}
	v.Exposure = o.exposure.Most(cohort)
	var others []string
	for _, f := range part.Plan.Figures {
		shares := o.sharing(part.ID, f.Indicator, cohort)
		others = append(others, shares...)
		verdict, pooled := pooledOn(f, thresholds(terms.Clauses), shares)
		v.Cohort, v.Rest, v.Pooled = verdict.Cohort, verdict.Rest, append(v.Pooled, pooled)
	}
	if v.Risk, err = riskOf(terms.Clauses, o.freeze.Disclosure, v.Exposure, sdc.MostOver(append(o.year, o.exposure), cohort)); err != nil {
		return v, err
	}
	unhidden, err := o.withoutNoise(others)
	if err != nil {
		return v, err
	}
	v.Risk.unhidden(unhidden)
	if v.Totals, err = o.totals(terms.Clauses); err != nil {
		return v, err
	}
	v.Memo, err = o.memoState(v, terms)
	return v, err
}

func pooledOn(f sdc.FigurePlan, t sdc.Thresholds, shares []string) (sdc.Verdict, pooledVerdict) {
	i := slices.IndexFunc(f.Verdicts, func(v sdc.Verdict) bool { return v.Key == sdc.Key{} })
	out := pooledVerdict{Indicator: f.Indicator, Status: "withheld"}
	switch {
	case i < 0:
		return sdc.Verdict{}, out
	case !f.Reported:
		out.Status, out.Cause = string(sdc.StatusNotReported), "The district has loaded no records of this kind for the period."
	case f.Verdicts[i].Shown:
		out.Status = "shown"
	default:
		out.Cause = cause(f.Verdicts[i], t, shares)
	}
	return f.Verdicts[i], out
}

// sharing are the other agreements with published figures about students of the
// cohort.
func (o *outlook) sharing(agreement, indicator string, cohort *roaring.Bitmap) []string {
	return slices.DeleteFunc(o.history.Sharing(indicator, cohort), func(id string) bool { return id == agreement })
}

// withoutNoise are those of the agreements that add none.
func (o *outlook) withoutNoise(ids []string) (list []string, err error) {
	for _, id := range sortedSet(ids) {
		_, other, found := strings.Cut(id, "\x00")
		if !found {
			other = id
		}
		rec, _, err := agreements.get(o.r, key(other))
		if err != nil {
			return nil, err
		}
		if rec.Agreement.Clauses.Profile == agreement.PublishedTable {
			list = append(list, other)
		}
	}
	return sortedSet(list), nil
}

func tally(p sdc.Plan) figureTally {
	t := figureTally{Reasons: map[sdc.Reason]int{}}
	for _, f := range p.Figures {
		if !f.Reported {
			continue
		}
		for _, v := range f.Verdicts {
			if t.Planned++; v.Shown {
				t.Shown++
				continue
			}
			t.Reasons[v.Reason]++
		}
	}
	t.Withheld = t.Planned - t.Shown
	t.Share = portion(t.Withheld, t.Planned)
	return t
}

// portion is a part of a whole, in thousandths; none of none is none.
func portion(part, whole int) sdc.Milli {
	if whole == 0 {
		return 0
	}
	return sdc.Milli((1000*part + whole/2) / whole)
}

// holds are the margins of the families of records that the agreement's figures
// are of.
func (o *outlook) holds(part frozenAgreement) []holdMargin {
	list := []holdMargin{}
	for _, family := range slices.Sorted(maps.Keys(o.opened)) {
		if yeses, some := o.history.OfFamily(family).Slack(part.ID, o.opened[family]); some {
			list = append(list, holdMargin{family, yeses})
		}
	}
	return list
}

// totals are the public ones of the agreement's schools and indicators.
func (o *outlook) totals(c agreement.Clauses) ([]totalInUse, error) {
	all, err := publicTotals(o.d.district, o.period)
	list := []totalInUse{}
	for _, indicator := range slices.Sorted(maps.Keys(all)) {
		if !slices.Contains(c.Indicators, indicator) {
			continue
		}
		for _, k := range slices.SortedFunc(maps.Keys(all[indicator]), sdc.CompareKeys) {
			if slices.Contains(c.Schools, k.School) {
				list = append(list, totalInUse{indicator, k.School, k.Grade})
			}
		}
	}
	return list, err
}

func lostOf(parts []preflightPart) lostRows {
	lost := lostRows{Causes: []lostCause{}}
	for _, p := range parts {
		if p.Cohort < manyParticipants {
			continue
		}
		lost.Agreements++
		before := len(lost.Causes)
		for _, v := range p.Pooled {
			if v.Status == "withheld" {
				lost.Causes = append(lost.Causes, lostCause{p.Agreement, v})
			}
		}
		if len(lost.Causes) > before {
			lost.Lost++
		}
	}
	lost.Share = portion(lost.Lost, lost.Agreements)
	return lost
}
