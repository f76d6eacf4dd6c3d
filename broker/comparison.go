package broker

import (
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// cautions stand under every comparison.
var cautions = []string{
	"Children chose to join. A difference is not proof that the program caused it.",
	"Where a weighted rest is given, it is the rest at the cohort's mix of schools and grades, as far as shown rows allow; the plain rest is not adjusted to it.",
}

// Comparison answers with an agreement's released figures (the partner's
// people).
func (b *Broker) Comparison(ctx context.Context, c Caller, req ComparisonRequest) (*Answer, error) {
	if req.School == "" {
		req.School = policy.AllSchools
	}
	if err := req.checkWhole(); err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"school": req.School, "period": req.Period} {
		if len(value) > maxIDText {
			return nil, invalidField(name, "is too long", "give the id as the district's lists have it")
		}
	}
	return b.answer(ctx, c, comparisonQuestion{req})
}

// maxIDText bounds an id in a request, in bytes.
const maxIDText = 128

type comparisonQuestion struct{ req ComparisonRequest }

func (q comparisonQuestion) agreement() string { return q.req.Agreement }

func (q comparisonQuestion) asked() any {
	return struct {
		Action    string `json:"action"`
		Agreement string `json:"agreement"`
		Period    string `json:"period"`
		School    string `json:"school"`
		Whole     bool   `json:"whole,omitzero"`
		Audience  string `json:"audience,omitzero"`
	}{policy.ActionComparison, q.req.Agreement, q.req.Period, q.req.School, q.req.Whole, string(q.req.Audience)}
}

func (q comparisonQuestion) facts(s *snapshot, f *policy.Facts) error {
	period, err := q.period(s)
	if err != nil {
		return err
	}
	published := slices.ContainsFunc(s.released, func(ref releaseRef) bool { return ref.Session == period.ID })
	clauses := s.agreement.Agreement.Clauses
	f.Action = policy.ActionComparison
	f.Request = policy.Request{
		School: q.req.School, Period: period.ID, PeriodFrom: period.Start, PeriodTo: period.End,
		Grain: q.grain(clauses), Categories: clauses.Categories, Indicators: clauses.Indicators,
	}
	f.ReleasePublished = published
	f.RosterPresent = published
	if published || s.agreement.Roster == 0 {
		return nil
	}
	// Who is on the roster must not decide it: a period that was frozen without this
	// agreement was frozen before its first upload.
	_, frozen, err := s.b.memo.parts.get(s.r, key(period.ID, q.req.Agreement))
	if err != nil {
		return err
	}
	closed, _, err := periods.get(s.r, key(period.ID))
	f.RosterPresent = frozen || closed.state() == periodOpen
	return err
}

// grain is the finest that the answer needs: of a whole release, the finest that
// the agreement has, so that rows by school are decided on as such.
func (q comparisonQuestion) grain(c agreement.Clauses) string {
	if q.req.School != policy.AllSchools || q.req.Whole && slices.Contains(c.Grain, agreement.GrainSchool) {
		return agreement.GrainSchool
	}
	return agreement.GrainAll
}

// period is the session that was named or, where none was, the one of the
// newest release and, without any, the current school year.
func (q comparisonQuestion) period(s *snapshot) (records.Session, error) {
	if q.req.Period != "" {
		period, ok := s.data.district.Session(q.req.Period)
		if !ok {
			return period, notAvailable()
		}
		return period, nil
	}
	if newest := newestPeriod(s.released); newest != "" {
		if period, ok := s.data.district.Session(newest); ok {
			return period, nil
		}
	}
	period, ok := s.data.district.CurrentYear(s.today)
	if !ok {
		return period, unavailable("the district has loaded no school year yet", nil)
	}
	return period, nil
}

// newestPeriod is the one that was published first of late: neither a later family
// nor a correction makes an old period the newest.
func newestPeriod(refs []releaseRef) (session string) {
	seen := map[string]bool{}
	for _, ref := range refs {
		if !seen[ref.Session] {
			seen[ref.Session], session = true, ref.Session
		}
	}
	return session
}

// comparisonData is the member data of the answer.
type comparisonData struct {
	Agreement   string            `json:"agreement"`
	Period      periodView        `json:"period"`
	School      string            `json:"school"`
	Census      civil.Date        `json:"census"`
	AsOf        civil.Date        `json:"as_of"`
	DataAsOf    civil.Date        `json:"data_as_of"`
	FrozenAt    time.Time         `json:"frozen_at"`
	PublishedAt time.Time         `json:"published_at"`
	Stage       string            `json:"stage,omitzero"` // provisional or final, by the district's calendar
	Families    []servedFamily    `json:"families"`
	Profile     string            `json:"profile"`
	ForWhom     string            `json:"for_whom"`
	Stale       []staleFamily     `json:"stale,omitzero"` // of a consented summary, which is live
	Rows        []comparisonRow   `json:"rows"`
	TwoYears    []comparisonRow   `json:"two_years,omitzero"`    // pooled over this school year and the one before
	YearToDate  []comparisonRow   `json:"year_to_date,omitzero"` // pooled, from the first day of the school year to the period's last
	Definitions []definition      `json:"definitions"`
	Settings    []string          `json:"settings"`
	Protection  []string          `json:"protection"`
	Budget      *budgetSaid       `json:"budget,omitzero"`
	SchoolNames map[string]string `json:"school_names"`
	Cautions    []string          `json:"cautions"`
}

// comparisonRow is a row with every indicator of the agreement.
type comparisonRow struct {
	Row     string             `json:"row"`
	School  string             `json:"school,omitzero"`
	Grade   string             `json:"grade,omitzero"`
	Group   string             `json:"group,omitzero"` // dimension and value
	Figures []comparisonFigure `json:"figures"`
}

// comparisonFigure is one indicator of a row: the cohort beside the rest or,
// where that is withheld, the consented students beside the whole school.
type comparisonFigure struct {
	Indicator string           `json:"indicator"`
	Status    sdc.Status       `json:"status"`
	Cohort    *sdc.ShownSide   `json:"cohort,omitzero"`
	Rest      *sdc.ShownSide   `json:"rest,omitzero"`
	Reading   *compare.Reading `json:"reading,omitzero"`
	Weighted  *sdc.ShownSide   `json:"weighted,omitzero"`
	Adjusted  *compare.Reading `json:"weighted_reading,omitzero"`
	Consented *consentedSide   `json:"consented,omitzero"`
	Whole     *sdc.ShownSide   `json:"whole,omitzero"`
}

func (q comparisonQuestion) build(s *snapshot, d policy.Decision) (finished, error) {
	period, err := q.period(s)
	if err != nil {
		return finished{}, err
	}
	rec, err := s.served(period.ID)
	if err != nil {
		return finished{}, err
	}
	data := comparisonData{
		Agreement: q.req.Agreement, Period: rec.Period, School: q.req.School, Census: rec.Census, AsOf: s.today,
		DataAsOf: civil.Of(rec.DataAsOf, s.b.zone), FrozenAt: rec.FrozenAt, PublishedAt: rec.PublishedAt,
		Stage: rec.stage, Families: rec.families, Profile: string(rec.Release.Profile), ForWhom: string(q.audience()),
		Rows: []comparisonRow{}, Definitions: rec.Definitions, Settings: rec.Settings, Protection: rec.Protection, Budget: rec.Budget, SchoolNames: s.schoolNames(), Cautions: cautions,
	}
	sum := summary{s: s, period: period, rec: rec.releaseRecord, categories: d.Categories, protected: q.protected() && !s.b.sabotage.TellEveryone}
	for _, figure := range rec.Release.Figures {
		if err := data.add(&sum, q, figure); err != nil {
			return finished{}, err
		}
	}
	data.addWithoutFigure(q, rec.Release.Figures)
	if err := data.addLonger(&sum, q); err != nil {
		return finished{}, err
	}
	p := finished{consented: sum.used, subjects: sum.subjects()}
	if sum.used {
		data.Stale = s.stale(recordFamilies(d.Categories)...)
		if p.detail, err = shownTo(s, sum.seen, d.Categories); err != nil {
			return finished{}, err
		}
		p.places = sum.places()
	}
	if p.data, err = json.Marshal(data, json.Deterministic(true)); err == nil && q.req.Whole {
		err = data.fitsPage(p.data)
	}
	return p, err
}

// schoolNames are those of the agreement's schools.
func (s *snapshot) schoolNames() map[string]string {
	names := map[string]string{}
	for _, school := range s.data.district.Schools {
		if slices.Contains(s.agreement.Agreement.Clauses.Schools, school.ID) {
			names[school.ID] = school.Name
		}
	}
	return names
}

// asks reports whether a row belongs to what was asked under the clauses: the
// pooled rows, those of the school or, of a whole release, each row that one of
// these questions would be answered with.
func (q comparisonQuestion) asks(c agreement.Clauses, k sdc.Key) bool {
	switch {
	case !q.req.Whole && q.req.School == policy.AllSchools:
		return k.School == ""
	case !q.req.Whole:
		return k.School == q.req.School
	case k.School == "":
		return slices.Contains(c.Grain, agreement.GrainAll)
	}
	return slices.Contains(c.Grain, agreement.GrainSchool) && slices.Contains(c.Schools, k.School)
}

// row returns the row of a key, made when it is not there.
func (d *comparisonData) row(r sdc.ShownRow) *comparisonRow {
	i := slices.IndexFunc(d.Rows, func(have comparisonRow) bool { return have.Row == r.Row })
	if i < 0 {
		d.Rows = append(d.Rows, comparisonRow{Row: r.Row, School: r.Key.School, Grade: r.Key.Grade, Group: r.Key.Group})
		i = len(d.Rows) - 1
	}
	return &d.Rows[i]
}

// add puts an indicator into the rows that were asked for.
func (d *comparisonData) add(sum *summary, q comparisonQuestion, figure sdc.ShownFigure) error {
	for _, row := range figure.Rows {
		if !q.asks(sum.s.agreement.Agreement.Clauses, row.Key) {
			continue
		}
		shown, err := sum.figure(figure, row)
		if err != nil {
			return err
		}
		at := d.row(row)
		at.Figures = append(at.Figures, shown)
	}
	return nil
}

// addWithoutFigure says of each indicator without data that it is not reported, never
// zero, and of one whose family is not published that it is not yet.
func (d *comparisonData) addWithoutFigure(q comparisonQuestion, figures []sdc.ShownFigure) {
	if len(d.Rows) == 0 {
		k := sdc.Key{}
		if q.req.School != policy.AllSchools {
			k.School = q.req.School
		}
		d.Rows = append(d.Rows, comparisonRow{Row: k.String(), School: k.School})
	}
	for _, f := range figures {
		if f.Status != sdc.StatusNotReported && f.Status != sdc.StatusNotPublished {
			continue
		}
		for i := range d.Rows {
			d.Rows[i].Figures = append(d.Rows[i].Figures, comparisonFigure{Indicator: f.Indicator, Status: f.Status})
		}
	}
}
