package broker

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// meter says what an agreement's own releases told so far of any one child. It is
// made of what the partner has seen and of the public calendar, so that nothing of
// other agreements, and no outcome, is in it.
type meter struct {
	Agreement string        `json:"agreement"`
	Profile   sdc.Profile   `json:"profile"`
	Periods   []meterPeriod `json:"periods"`
	Years     []meterYear   `json:"years"`
	Next      []nextFigures `json:"next"`
	Budget    *agreedBudget `json:"budget,omitzero"`
	Words     []string      `json:"words"`
}

// meterPeriod is one release.
type meterPeriod struct {
	Period     periodView       `json:"period"`
	Published  time.Time        `json:"published_at"`
	Indicators []meterIndicator `json:"indicators"`
	Told       *told            `json:"insider,omitzero"` // none without noise
	year       string
	noise      int
}

// meterIndicator counts the figures of an indicator: all that are shown, and the
// most of them that one child is in.
type meterIndicator struct {
	Indicator string `json:"indicator"`
	Shown     int    `json:"figures"`
	Child     int    `json:"figures_a_child"`
}

// told is what somebody who knows everybody else's records can have of a child's.
type told struct {
	Figures int       `json:"figures"` // of one indicator, with the total of its school
	Right   sdc.Milli `json:"right"`   // at most, as a share of guesses
}

// meterYear is all releases of a school year together, for a fact about a child
// that is the same in each of them.
type meterYear struct {
	Year string `json:"year"`
	told
}

// nextFigures is a period of the calendar that has no figures of the agreement yet.
type nextFigures struct {
	periodView
	Provisional civil.Date `json:"provisional,omitzero"`
	Final       civil.Date `json:"final,omitzero"`
}

// Meter shows an agreement's disclosure meter (officer, auditor, the partner's
// people).
func (b *Broker) Meter(ctx context.Context, c Caller, id string) (*Answer, error) {
	const operation = "read a disclosure meter"
	if err := b.admit(ctx, c, operation, RoleOfficer, RoleAuditor, RolePartner); err != nil {
		return nil, err
	}
	return b.read(ctx, c, operation, func(r store.Reader, m moment) (any, error) {
		rec, found, err := agreements.get(r, key(id))
		if err != nil || !found || !c.mine(rec.Agreement) {
			return nil, orNotAvailable(err)
		}
		return b.meter(r, m, rec.Agreement)
	})
}

func (b *Broker) meter(r store.Reader, m moment, a agreement.Agreement) (meter, error) {
	out := meter{Agreement: a.ID, Profile: sdc.Profile(a.Clauses.Profile), Periods: []meterPeriod{}, Years: []meterYear{}, Budget: budgetOf(a.Clauses)}
	d, err := b.dataset(r)
	if err != nil {
		return out, err
	}
	refs, _, err := released.get(r, key(a.ID))
	if err != nil {
		return out, err
	}
	for _, ref := range refs {
		rec, found, err := releases.get(r, key(a.ID, ref.Session, ref.Number))
		if err != nil || !found {
			return out, orNotAvailable(err)
		}
		p, err := meterOf(rec)
		if err != nil {
			return out, err
		}
		p.year = yearOf(d.district, ref.Session)
		out.Periods = append(out.Periods, p)
	}
	if out.Years, err = meterYears(out.Periods); err != nil {
		return out, err
	}
	out.Words = out.words()
	out.Next, err = nextOf(r, m, d.district, a, out.Periods)
	return out, err
}

func yearOf(d *records.District, session string) string {
	if s, ok := d.Session(session); ok {
		if year, ok := d.YearOfSession(s); ok {
			return year.ID
		}
	}
	return session
}

// meterOf counts one release.
func meterOf(rec releaseRecord) (meterPeriod, error) {
	p := meterPeriod{Period: rec.Period, Published: rec.PublishedAt, Indicators: []meterIndicator{}, noise: rec.Noise}
	most := 0
	for _, f := range rec.Release.Figures {
		i := meterIndicator{Indicator: f.Indicator, Child: aChild(f)}
		for _, row := range f.Rows {
			if row.Cohort != nil {
				i.Shown++
			}
		}
		most = max(most, i.Child)
		p.Indicators = append(p.Indicators, i)
	}
	if rec.Noise == 0 || most == 0 {
		return p, nil
	}
	t, err := tell(rec.Noise, most+1)
	p.Told = &t
	return p, err
}

func tell(tenths, figures int) (told, error) {
	t, err := noise.NewTable(Disclosure{Noise: tenths}.variance())
	if err != nil {
		return told{}, err
	}
	return told{figures, sdc.Milli(t.Insider(figures)*1000 + 0.999)}, nil
}

// aChild is the most shown figures of an indicator that one child may be in: those
// from the pooled row down to its grade at its school.
func aChild(f sdc.ShownFigure) int {
	shown := slices.DeleteFunc(slices.Clone(f.Rows), func(r sdc.ShownRow) bool { return r.Cohort == nil })
	most := 0
	for _, one := range shown {
		for _, other := range shown {
			cell := sdc.Key{School: cmp.Or(one.School, other.School), Grade: cmp.Or(one.Grade, other.Grade)}
			if covers(one.Key, cell) && covers(other.Key, cell) {
				most = max(most, above(shown, cell))
			}
		}
	}
	return most
}

// covers reports whether every child of a row is in another one by its place.
func covers(outer, inner sdc.Key) bool {
	return (outer.School == "" || outer.School == inner.School) && (outer.Grade == "" || outer.Grade == inner.Grade)
}

// above counts the different cohorts of which a cell is a part. A row with as many
// children as one that holds it has the same children and is the same figure.
func above(shown []sdc.ShownRow, cell sdc.Key) (n int) {
	for _, row := range shown {
		same := slices.ContainsFunc(shown, func(o sdc.ShownRow) bool {
			return o.Key != row.Key && covers(o.Key, row.Key) && o.Cohort.N == row.Cohort.N
		})
		if covers(row.Key, cell) && !same {
			n++
		}
	}
	return n
}

// meterYears adds the releases of each year up, under its least noise.
func meterYears(periods []meterPeriod) ([]meterYear, error) {
	figures, least := map[string]int{}, map[string]int{}
	for _, p := range periods {
		if p.Told == nil {
			continue
		}
		figures[p.year] += p.Told.Figures
		if n, seen := least[p.year]; !seen || p.noise < n {
			least[p.year] = p.noise
		}
	}
	list := []meterYear{}
	for _, year := range slices.Sorted(maps.Keys(figures)) {
		t, err := tell(least[year], figures[year])
		if err != nil {
			return nil, err
		}
		list = append(list, meterYear{year, t})
	}
	return list, nil
}

func (m meter) words() []string {
	if m.Profile == sdc.PublishedTable {
		return []string{"Figures of this agreement stand in bands without noise; the district has accepted their measured risk in the agreement."}
	}
	words := []string{}
	for _, y := range m.Years {
		words = append(words, fmt.Sprintf("%s: from this agreement's own figures somebody who knows every other student's records guesses a fact about the last one that stays the same all year right at most %d times in 100; a coin is right 50 times.",
			y.Year, int(y.Right+9)/10))
	}
	return words
}

// nextOf are the calendar's periods within the agreement's term that have no
// figures of it and whose figures may still come.
func nextOf(r store.Reader, m moment, d *records.District, a agreement.Agreement, have []meterPeriod) ([]nextFigures, error) {
	list := []nextFigures{}
	for _, s := range d.Periods() {
		published := slices.ContainsFunc(have, func(p meterPeriod) bool { return p.Period.SessionID == s.ID })
		if published || s.End < a.Clauses.TermFrom || s.Start > a.Clauses.TermTo {
			continue
		}
		p, planned, err := periods.get(r, key(s.ID))
		if err != nil {
			return nil, err
		}
		if s.Type == records.YearToDate && !planned {
			continue // until the district gives it a calendar, it may never come
		}
		if p.state() != periodPublished && (s.End >= m.today || p.Provisional >= m.today || p.Final >= m.today) {
			list = append(list, nextFigures{viewPeriod(s), p.Provisional, p.Final})
		}
	}
	slices.SortStableFunc(list, func(a, b nextFigures) int {
		return cmp.Or(cmp.Compare(a.End, b.End), cmp.Compare(a.SessionID, b.SessionID))
	})
	return list, nil
}
