package report

import (
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// comparison is the member data of a comparison answer (docs/openapi.yaml,
// Comparison). TwoYears holds the figures pooled over this and the previous
// year, YearToDate those of the year so far.
type comparison struct {
	Agreement   string            `json:"agreement"`
	Period      period            `json:"period"`
	School      string            `json:"school"`
	SchoolNames map[string]string `json:"school_names,omitzero"`
	Census      civil.Date        `json:"census,omitzero"`
	AsOf        civil.Date        `json:"as_of"`
	DataAsOf    civil.Date        `json:"data_as_of,omitzero"`
	FrozenAt    time.Time         `json:"frozen_at"`
	PublishedAt time.Time         `json:"published_at,omitzero"`
	Stage       string            `json:"stage,omitzero"`
	Families    []family          `json:"families,omitzero"`
	Profile     profile           `json:"profile"`
	ForWhom     Audience          `json:"for_whom"`
	Stale       []stale           `json:"stale,omitzero"`
	Rows        []row             `json:"rows"`
	TwoYears    []row             `json:"two_years,omitzero"`
	YearToDate  []row             `json:"year_to_date,omitzero"`
	Definitions []definition      `json:"definitions"`
	Settings    []string          `json:"settings,omitzero"`
	Protection  []string          `json:"protection,omitzero"`
	Budget      *budget           `json:"budget,omitzero"`
	Cautions    []string          `json:"cautions"`
	Notice      string            `json:"notice,omitzero"`
}

type period struct {
	SessionID string     `json:"session_id"`
	Title     string     `json:"title"`
	Start     civil.Date `json:"start"`
	End       civil.Date `json:"end"`
}

// family says how far an indicator family of the period is.
type family struct {
	Family      string     `json:"family"`
	State       string     `json:"state"`
	DataAsOf    civil.Date `json:"data_as_of,omitzero"`
	FrozenAt    time.Time  `json:"frozen_at,omitzero"`
	PublishedAt time.Time  `json:"published_at,omitzero"`
	CorrectedAt time.Time  `json:"corrected_at,omitzero"`
}

// profile is the disclosure control that the figures passed.
type profile string

const (
	publishedTable profile = "published_table"
	standard       profile = "standard"
	budgeted       profile = "budgeted"
)

// budget is what a budgeted agreement paid for its figures, or why it could not. The
// page prints the sentences that protection has of it.
type budget struct {
	Exhausted  bool       `json:"exhausted"`
	Epsilon    int        `json:"epsilon_tenths"`
	Granted    string     `json:"granted"`
	Cost       string     `json:"cost"`
	Left       string     `json:"left"`
	Release    string     `json:"release"`
	Noise      int        `json:"noise_tenths"`
	Affordable int        `json:"affordable_noise_tenths,omitzero"`
	Resets     civil.Date `json:"resets"`
}

// stale is a record family whose newest load could not be used.
type stale struct {
	Family   string     `json:"family"`
	LoadedOn civil.Date `json:"loaded_on,omitzero"`
	HeldOn   civil.Date `json:"held_on"`
}

type row struct {
	Row     string   `json:"row"`
	School  string   `json:"school,omitzero"`
	Grade   string   `json:"grade,omitzero"`
	Group   string   `json:"group,omitzero"`
	Figures []figure `json:"figures"`
}

func (r row) key() sdc.Key { return sdc.Key{School: r.School, Grade: r.Grade, Group: r.Group} }

// figure is one indicator of a row. Weighted is the rest at the cohort's mix of
// schools and grades: where it is there, it is what the cohort is compared with.
// Reading is of the cohort beside Rest, WeightedReading beside Weighted.
type figure struct {
	Indicator       string           `json:"indicator"`
	Status          sdc.Status       `json:"status"`
	Cohort          *side            `json:"cohort,omitzero"`
	Rest            *side            `json:"rest,omitzero"`
	Weighted        *side            `json:"weighted,omitzero"`
	Reading         *compare.Reading `json:"reading,omitzero"`
	WeightedReading *compare.Reading `json:"weighted_reading,omitzero"`
	Consented       *consented       `json:"consented,omitzero"`
	Whole           *side            `json:"whole,omitzero"`
}

// side is a cohort, a rest or a whole as shown. Noise is the standard deviation
// of the noise in the value, in its unit, DifferenceNoise that in the cohort's
// less this one; EffectiveN how many students a weighted side counts as. Of a group
// there is a band, Size, in place of N.
type side struct {
	N               int        `json:"n"`
	Coverage        sdc.Shown  `json:"coverage"`
	Value           sdc.Shown  `json:"value"`
	Noise           sdc.Milli  `json:"noise,omitzero"`
	DifferenceNoise sdc.Milli  `json:"difference_noise,omitzero"`
	EffectiveN      int        `json:"effective_n,omitzero"`
	Size            *sdc.Shown `json:"size,omitzero"`
}

// consented is what the partner's students whose families said yes come to,
// exactly and on the day of the answer.
type consented struct {
	N     int       `json:"n"`
	Value sdc.Milli `json:"value"`
	Unit  string    `json:"unit"`
}

// definition says how an indicator was computed.
type definition struct {
	ID          string   `json:"id"`
	Version     int      `json:"version"`
	Family      string   `json:"family,omitzero"`
	Name        string   `json:"name"`
	Unit        string   `json:"unit"`
	Direction   string   `json:"direction,omitzero"`
	Numerator   string   `json:"numerator,omitzero"`
	Denominator string   `json:"denominator,omitzero"`
	Notes       []string `json:"notes,omitzero"`
}
