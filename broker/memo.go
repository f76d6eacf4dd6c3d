package broker

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// memoForm is the memo with its gaps. It quotes 34 CFR 99.31(b)(1) and the
// definition of personally identifiable information in 99.3.
//
//go:embed memo.md.tmpl
var memoForm string

// memoText is what fills them.
type memoText struct {
	District   string
	Period     periodView
	Census     string
	State      string
	Part       preflightPart
	Terms      agreement.Agreement
	Partner    agreement.Partner
	TextHash   string
	Thresholds sdc.Thresholds
	Protection []string
	Known      []string // of the cohort, how many have values that somebody was given
	Reasons    []string
	Earlier    []string // releases to the same partner
	Others     []string // agreements whose figures are about students of this one
	Digest     string   // of what the memo speaks of
}

// write writes the memo. The same freeze and register give the same bytes.
func (m memoText) write() (string, error) {
	t, err := template.New("memo").Funcs(template.FuncMap{"join": strings.Join, "sentence": sentence, "counted": counted}).Parse(memoForm)
	if err != nil {
		return "", internal(err)
	}
	var b strings.Builder
	if err := t.Execute(&b, m); err != nil {
		return "", internal(err)
	}
	return b.String(), nil
}

// sentence ends a text of somebody else's with a full stop.
func sentence(s string) string { return strings.TrimRight(strings.TrimSpace(s), ".") + "." }

// memo fills the memo of one agreement.
func (o *outlook) memo(id string) (memoText, error) {
	part, err := o.part(id)
	if err != nil {
		return memoText{}, err
	}
	terms, err := o.terms(part)
	if err != nil {
		return memoText{}, err
	}
	m := memoText{
		District: o.b.settings.Name, Period: viewPeriod(o.period), Census: o.freeze.Census.String(), State: o.stateInWords(),
		Terms: terms, TextHash: agreement.TextHash(terms.Text), Thresholds: thresholds(terms.Clauses), Known: known(part.Plan),
	}
	if m.Part, err = o.view(part); err != nil {
		return m, err
	}
	for _, reason := range sortedReasons(m.Part.Figures.Reasons) {
		m.Reasons = append(m.Reasons, fmt.Sprintf("%s: %d", reason, m.Part.Figures.Reasons[reason]))
	}
	if m.Protection, err = o.freeze.Disclosure.sentences(m.Part.Profile); err != nil {
		return m, err
	}
	if m.Digest, err = o.subject(m.Part, terms); err != nil {
		return m, err
	}
	return m, o.surroundings(&m, part)
}

// surroundings are the partner and the other releases that matter.
func (o *outlook) surroundings(m *memoText, part frozenAgreement) error {
	rec, found, err := partners.get(o.r, key(m.Terms.Partner))
	if err != nil || !found {
		return orNotAvailable(err)
	}
	m.Partner = rec.Partner
	for _, id := range rec.Agreements {
		refs, _, err := released.get(o.r, key(id))
		if err != nil {
			return err
		}
		for _, ref := range refs {
			if id != part.ID || ref.Session != o.period.ID {
				m.Earlier = append(m.Earlier, fmt.Sprintf("agreement %s, period %s, published %s", id, ref.Session, ref.PublishedAt.UTC().Format(time.DateOnly)))
			}
		}
	}
	cohort, err := bitmapOf(part.Cohort)
	if err != nil {
		return err
	}
	for _, f := range part.Plan.Figures {
		m.Others = append(m.Others, o.sharing(part.ID, f.Indicator, cohort)...)
	}
	for i, id := range m.Others {
		if session, other, found := strings.Cut(id, "\x00"); found {
			m.Others[i] = other + " for " + session
		}
	}
	m.Others = sortedSet(m.Others)
	return nil
}

func (o *outlook) stateInWords() string {
	switch {
	case o.forecast:
		return "a forecast made before the period's end; it must be drawn up again for the close"
	case o.state == periodOpen:
		return "a close of the period as it would be made now"
	}
	return "the period as it was frozen"
}

// known says, for each kind of records, of how many participants somebody was
// given the values by a family's yes.
func known(p sdc.Plan) []string {
	var list []string
	for _, f := range p.Figures {
		for _, v := range f.Verdicts {
			if f.Reported && v.Key == (sdc.Key{}) {
				list = append(list, fmt.Sprintf("%s: %d of %d participants with records", f.Indicator, v.CohortCovered-v.CohortUnknown, v.CohortCovered))
			}
		}
	}
	return list
}

func sortedReasons(reasons map[sdc.Reason]int) []sdc.Reason {
	var list []sdc.Reason
	for r := range reasons {
		list = append(list, r)
	}
	slices.Sort(list)
	return list
}

// subject is the SHA-256 of what a memo speaks of: the plan, its terms and the
// risks that follow, whatever the state of the period. A memo that was signed
// before the close still speaks of a close that turned out as foreseen, and no
// more of one that did not, or after another release about the same students.
func (o *outlook) subject(v preflightPart, terms agreement.Agreement) (string, error) {
	part, err := o.part(v.Agreement)
	if err != nil {
		return "", err
	}
	raw, err := tlog.Canonical(struct {
		Session    string         `json:"session"`
		Text       string         `json:"text"`
		Version    int            `json:"version"`
		Noise      int            `json:"noise"`
		Thresholds sdc.Thresholds `json:"thresholds"`
		Plan       sdc.Plan       `json:"plan"`
		Exposure   int            `json:"exposure"`
		Year       int            `json:"year"`
		Totals     []totalInUse   `json:"totals"`
	}{o.period.ID, agreement.TextHash(terms.Text), v.Version, o.freeze.Disclosure.Noise, thresholds(terms.Clauses), part.Plan, v.Exposure, v.Risk.Year.Figures, v.Totals})
	if err != nil {
		return "", internal(err)
	}
	return digest(raw), nil
}
