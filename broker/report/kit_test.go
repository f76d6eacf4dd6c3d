package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/report"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// answer is the member data of a comparison, as a test makes it.
type answer struct {
	Agreement   string            `json:"agreement"`
	Period      period            `json:"period"`
	School      string            `json:"school"`
	SchoolNames map[string]string `json:"school_names,omitempty"`
	Census      string            `json:"census"`
	AsOf        string            `json:"as_of"`
	DataAsOf    string            `json:"data_as_of"`
	FrozenAt    string            `json:"frozen_at"`
	PublishedAt string            `json:"published_at"`
	Profile     string            `json:"profile"`
	ForWhom     string            `json:"for_whom"`
	Stale       []stale           `json:"stale,omitempty"`
	Rows        []row             `json:"rows"`
	TwoYears    []row             `json:"two_years,omitempty"`
	YearToDate  []row             `json:"year_to_date,omitempty"`
	Definitions []definition      `json:"definitions"`
	Settings    []string          `json:"settings"`
	Protection  []string          `json:"protection,omitempty"`
	Cautions    []string          `json:"cautions"`
}

type period struct {
	SessionID string `json:"session_id"`
	Title     string `json:"title"`
	Start     string `json:"start"`
	End       string `json:"end"`
}

type stale struct {
	Family string `json:"family"`
	HeldOn string `json:"held_on"`
}

type definition struct {
	ID          string   `json:"id"`
	Version     int      `json:"version"`
	Family      string   `json:"family"`
	Name        string   `json:"name"`
	Unit        string   `json:"unit"`
	Direction   string   `json:"direction"`
	Numerator   string   `json:"numerator"`
	Denominator string   `json:"denominator"`
	Notes       []string `json:"notes,omitempty"`
}

type row struct {
	Row     string   `json:"row"`
	School  string   `json:"school,omitempty"`
	Grade   string   `json:"grade,omitempty"`
	Figures []figure `json:"figures"`
}

type figure struct {
	Indicator       string           `json:"indicator"`
	Status          sdc.Status       `json:"status"`
	Cohort          *side            `json:"cohort,omitempty"`
	Rest            *side            `json:"rest,omitempty"`
	Weighted        *side            `json:"weighted,omitempty"`
	Reading         *compare.Reading `json:"reading,omitempty"`
	WeightedReading *compare.Reading `json:"weighted_reading,omitempty"`
	Consented       *consented       `json:"consented,omitempty"`
	Whole           *side            `json:"whole,omitempty"`
}

type side struct {
	N               int       `json:"n"`
	Coverage        sdc.Shown `json:"coverage"`
	Value           sdc.Shown `json:"value"`
	Noise           sdc.Milli `json:"noise,omitempty"`
	DifferenceNoise sdc.Milli `json:"difference_noise,omitempty"`
	EffectiveN      int       `json:"effective_n,omitempty"`
}

type consented struct {
	N     int       `json:"n"`
	Value sdc.Milli `json:"value"`
	Unit  string    `json:"unit"`
}

// eight are the indicators of a full agreement.
func eight() []string {
	return []string{
		records.AttendanceRate, records.ChronicAbsence, records.GPA, records.CourseFailureShare,
		records.ISSStudents, records.OSSStudents, records.SuspendedStudents, records.IncidentsPer100,
	}
}

// town is an answer about a made-up agreement, without rows yet.
func town(indicators ...string) *answer {
	a := &answer{
		Agreement: "riverside-2026", School: "all", SchoolNames: map[string]string{},
		Period: period{"2025-26", "School year 2025-26", "2025-08-18", "2026-06-12"},
		Census: "2026-05-15", AsOf: "2026-08-20", DataAsOf: "2026-08-14",
		FrozenAt: "2026-08-15T06:00:00Z", PublishedAt: "2026-08-15T06:00:04Z",
		Profile: "published_table", ForWhom: "named_people", Settings: records.Settings{Scale: "0-100"}.Lines(),
		Cautions: []string{
			"Children chose to join. A difference is not proof that the program caused it.",
			"Figures are protected: shares stand in bands and means are rounded, so that no child can be worked out. What would be too revealing is withheld.",
			"The rest is not adjusted to the cohort's mix of schools and grades.",
		},
	}
	for _, id := range indicators {
		ind, _ := records.Find(id)
		a.Definitions = append(a.Definitions, definition{
			ind.ID, ind.Version, string(ind.Family), ind.Name, ind.Unit, string(ind.Direction), ind.Numerator, ind.Denominator, ind.Notes,
		})
	}
	return a
}

// schools of the made-up agreement.
var schools = [...][2]string{
	{"0041", "Lincoln Middle School"},
	{"0052", "Roosevelt Middle School"},
	{"0117", "East Lake K-8"},
	{"0203", "Washington High School"},
	{"0204", "Jefferson High School"},
	{"0311", "Cesar Chavez Academy"},
}

// rate is what a side comes to in thousandths of the ratio: of percent, or of
// 4.0 points.
func rate(indicator string, i int, cohort bool) int {
	base := map[string]int{
		records.AttendanceRate: 920, records.ChronicAbsence: 240, records.GPA: 2700, records.CourseFailureShare: 180,
		records.ISSStudents: 90, records.OSSStudents: 60, records.SuspendedStudents: 130, records.IncidentsPer100: 210,
	}[indicator]
	wave := (i*37)%11 - 5
	if !cohort {
		return base + wave*base/200
	}
	better := map[string]int{records.AttendanceRate: 25, records.GPA: 210}[indicator]
	if better == 0 {
		better = -base / 4
	}
	return base + better + wave*base/100
}

func measureOf(indicator string) sdc.Measure {
	ind, _ := records.Find(indicator)
	m, _ := compare.MeasureOf(ind, records.Scale{})
	return m
}

// coded protects a ratio as a release without noise does.
func coded(indicator string, thousandths, n int) sdc.Shown {
	plan := sdc.FigurePlan{Indicator: indicator, Reported: true, Verdicts: []sdc.Verdict{{
		Shown: true, Cohort: n, Rest: n, CohortCovered: n, RestCovered: n,
	}}}
	raw := sdc.Raw{N: n, Num: int64(thousandths), Den: 1000}
	rel, err := sdc.Protect(
		sdc.Plan{Figures: []sdc.FigurePlan{plan}},
		[]sdc.RawFigure{{Indicator: indicator, Measure: measureOf(indicator), Keys: []sdc.Key{{}}, Rows: []sdc.RawRow{{Cohort: raw, Rest: raw}}}},
		sdc.Protection{Profile: sdc.PublishedTable},
	)
	if err != nil {
		panic(err)
	}
	return rel.Figures[0].Rows[0].Cohort.Value
}

func sideOf(indicator string, thousandths, n int) *side {
	return &side{N: n, Coverage: sdc.Band(int64(n), int64(n), n, sdc.Subgroup), Value: coded(indicator, thousandths, n)}
}

func (s *side) shown() *sdc.ShownSide {
	return &sdc.ShownSide{N: s.N, Coverage: s.Coverage, Value: s.Value}
}

func read(indicator string, cohort, rest *side) *compare.Reading {
	r, ok := compare.Read(sdc.ShownRow{Cohort: cohort.shown(), Rest: rest.shown()}, measureOf(indicator))
	if !ok {
		return nil
	}
	return &r
}

// compared is a figure of n participants beside m others; i varies it.
func compared(indicator string, i, n, m int) figure {
	f := figure{
		Indicator: indicator, Status: sdc.StatusOK,
		Cohort: sideOf(indicator, rate(indicator, i, true), n), Rest: sideOf(indicator, rate(indicator, i, false), m),
	}
	f.Reading = read(indicator, f.Cohort, f.Rest)
	return f
}

// weighted adds noise, and a rest at the cohort's mix.
func (f figure) weighted(i int) figure {
	w := *sideOf(f.Indicator, rate(f.Indicator, i+3, false), f.Rest.N)
	w.EffectiveN, w.Noise = f.Rest.N*3/4, 300
	cohort := *f.Cohort
	cohort.Noise = 1900
	f.Weighted, f.Cohort = &w, &cohort
	f.WeightedReading = read(f.Indicator, f.Cohort, f.Weighted)
	return f
}

func withheld(indicator string) figure {
	return figure{Indicator: indicator, Status: sdc.StatusWithheld}
}

// agreed adds the consented students and the whole school.
func (f figure) agreed(n int) figure {
	f.Consented = &consented{n, sdc.Milli(rate(f.Indicator, 5, true))*100 + 37, "percent"}
	if f.Indicator == records.GPA {
		f.Consented = &consented{n, 2870, "points of 4.0"}
	}
	f.Whole = sideOf(f.Indicator, rate(f.Indicator, 1, false), 412)
	return f
}

func (a *answer) add(key sdc.Key, of func(indicator string) figure) *answer {
	r := row{Row: key.String(), School: key.School, Grade: key.Grade}
	for _, d := range a.Definitions {
		r.Figures = append(r.Figures, of(d.ID))
	}
	a.Rows = append(a.Rows, r)
	return a
}

// full is the whole agreement: eight indicators, six schools, seven grades.
func full() *answer {
	a := town(eight()...).add(sdc.Key{}, func(id string) figure { return compared(id, 0, 324, 3120) })
	for i, s := range schools {
		a.SchoolNames[s[0]] = s[1]
		a.add(sdc.Key{School: s[0]}, func(id string) figure { return compared(id, i+1, 44+7*i, 480+20*i) })
	}
	for i := range 7 {
		a.add(sdc.Key{Grade: fmt.Sprint(i + 6)}, func(id string) figure { return compared(id, i+4, 41+5*i, 400+9*i) })
	}
	return a
}

// standardTown is the whole agreement with noise, a weighted rest, and figures
// of longer spans; two schools are withheld.
func standardTown() *answer {
	a := full()
	a.Profile = "standard"
	a.Protection = []string{"The noise of a count has a standard deviation of 2 students, drawn once and kept."}
	a.Cautions = a.Cautions[:1]
	for i := range a.Rows[0].Figures {
		a.Rows[0].Figures[i] = a.Rows[0].Figures[i].weighted(i)
	}
	for _, i := range []int{2, 5} {
		for j := range a.Rows[i].Figures {
			a.Rows[i].Figures[j] = withheld(a.Rows[i].Figures[j].Indicator).agreed(9)
		}
	}
	pooled := a.Rows[0]
	a.TwoYears, a.YearToDate = []row{pooled}, []row{pooled}
	for i := range 6 {
		k := sdc.Key{School: schools[i][0], Grade: "8"}
		a.add(k, withheld)
	}
	return a
}

// tester is a test, a benchmark or a draw of a property.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func (a *answer) json(t tester) []byte {
	t.Helper()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

func parsed(t tester, data []byte) report.Page {
	t.Helper()
	p, err := report.Parse(data)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return p
}

func stamp() report.Stamp {
	return report.Stamp{
		Audience: report.NamedPeople, District: "Lakeview Schools", Partner: "Riverside Youth Center",
		Agreement: "Riverside mentoring 2025–26",
	}
}

// page writes an answer for the people named in the agreement.
func page(t tester, a *answer) string {
	t.Helper()
	return pageFor(t, a.json(t), nil, stamp())
}

func pageFor(t tester, data []byte, r *report.Receipt, s report.Stamp) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.Render(&out, parsed(t, data), r, s); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// small is an agreement of three indicators, two schools and a grade.
func small() *answer {
	a := town(records.AttendanceRate, records.GPA, records.IncidentsPer100).
		add(sdc.Key{}, func(id string) figure { return compared(id, 0, 108, 1310) })
	for i, s := range schools[:2] {
		a.SchoolNames[s[0]] = s[1]
		a.add(sdc.Key{School: s[0]}, func(id string) figure { return compared(id, i+1, 52+4*i, 640+30*i) })
	}
	return a.add(sdc.Key{Grade: "KG"}, func(id string) figure { return compared(id, 4, 41, 512) })
}

// each replaces every figure of the rows from the given one on.
func (a *answer) each(from int, of func(f figure) figure) *answer {
	for i := from; i < len(a.Rows); i++ {
		for j, f := range a.Rows[i].Figures {
			a.Rows[i].Figures[j] = of(f)
		}
	}
	return a
}

const origin = "data.lakeview.example/hallpass"

// log is a log of one entry, in memory.
type log struct{ hashes []tlog.Hash }

func (l log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range indexes {
		out = append(out, l.hashes[i])
	}
	return out, nil
}

// recorded is the receipt of an answer, with the public key of its log.
func recorded(t tester, origin string, data []byte) (receipt []byte, key string) {
	t.Helper()
	secret, public, err := tlog.KeyFromSeed(origin, [32]byte{7})
	noError(t, err)
	signer, err := tlog.NewSigner(secret + "\n")
	noError(t, err)
	digest, policy := sha256.Sum256(data), sha256.Sum256([]byte("policy"))
	header, err := tlog.Canonical(tlog.Header{
		Origin: origin, Event: tlog.QueryReleased, Decision: tlog.Allow, Agreement: "riverside-2026", Clause: "4.1 comparison",
		Caller: tlog.Caller{Role: "partner", Subject: "Erin Sola", Partner: "riverside"},
		Policy: hex.EncodeToString(policy[:]), DataSHA256: hex.EncodeToString(digest[:]),
	})
	noError(t, err)
	e := tlog.Entry{Header: header, Body: []byte("{}"), Leaf: tlog.Leaf{
		Time: time.UnixMilli(1787212800000).UTC(), Event: tlog.QueryReleased, Decision: tlog.Allow, Policy: policy, Rev: 9,
	}}
	e.Leaf.Commitment = tlog.Commit(e.Header, e.Body, e.Salt, e.BodySalt)
	leaf, err := e.Leaf.Marshal()
	noError(t, err)
	hashes, err := tlog.Append(0, leaf, log{})
	noError(t, err)
	root, err := tlog.Root(1, log{hashes})
	noError(t, err)
	checkpoint, err := signer.Sign(tlog.Checkpoint{Origin: origin, Size: 1, Root: root})
	noError(t, err)
	r, err := tlog.NewReceipt(origin, e, []tlog.Hash{}, checkpoint)
	noError(t, err)
	receipt, err = r.MarshalJSON()
	noError(t, err)
	return receipt, public
}

func receiptOf(t tester, data []byte) *report.Receipt {
	t.Helper()
	text, _ := recorded(t, origin, data)
	r, err := report.ParseReceipt(text)
	noError(t, err)
	return &r
}

func noError(t tester, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
