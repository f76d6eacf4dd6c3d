package broker_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// byHandIndicators are those of which every value is worked out by hand.
var byHandIndicators = []string{
	"attendance_rate", "chronic_absence", "mean_course_result", "course_failure_share", "iss_students", "suspended_students", "incidents_per_100",
}

// mixed is a town of two schools and some grades whose children differ in everything.
type mixed struct {
	*town
	rng   *rand.Rand
	kids  []pupil
	files files
	told  map[string]toldOf // by session
}

// newMixed makes the town with its records and no agreement, at a time.
func newMixed(t testing.TB, at time.Time, seed uint64, n, grades int, options ...func(*broker.Options)) *mixed {
	t.Helper()
	m := &mixed{rng: rand.New(rand.NewPCG(seed, 20)), kids: others(n), files: townFiles(), told: map[string]toldOf{townFall: {}, townLent: {}, townYear: {}}}
	for i := range m.kids {
		m.kids[i].school = []string{north, south}[i%2]
		m.files.lively(m.rng, m.kids[i], fmt.Sprint(9+i/2%grades))
	}
	m.town = emptyTown(t, at, options...)
	m.reload()
	return m
}

// reload imports the files as they are, the whole year at once whatever day it is.
func (m *mixed) reload() {
	m.t.Helper()
	m.load(m.files.write(m.t), ingest.Options{ExportDate: day(lentLast)})
}

// lively adds a pupil with absences, marks and incidents of its own.
func (f files) lively(rng *rand.Rand, p pupil, grade string) {
	f.add("students", p.id, p.given, p.family, p.birth)
	f.add("enrollments", p.id, p.school, fallFirst, "", grade)
	f.add("guardians", p.id, p.mother(), "Mo", p.family, "mother", "parent", "yes")
	often := []float64{0, .04, .08, .3}[rng.IntN(4)]
	for at := day(fallFirst); at <= day(lentLast); at += 7 {
		if rng.Float64() < often {
			f.add("attendance", p.id, p.school, at.String(), []string{"absent_excused", "absent_unexcused"}[rng.IntN(2)])
		}
	}
	for _, session := range []string{townFall, townLent} {
		for _, course := range []string{"Maths", "Music", "Latin"}[:rng.IntN(4)] {
			f.add("grades", p.id, p.school, session, course, "1", fmt.Sprint(40+rng.IntN(61)), "0-100")
		}
	}
	for i := range rng.IntN(3) {
		f.add("discipline", p.id, p.school, (day(fallFirst) + civil.Date(7*rng.IntN(20))).String(), fmt.Sprint(p.id, "-", i), "fighting", []string{"iss", "oss", "other"}[rng.IntN(3)], "1")
	}
}

// pact is an agreement under a profile over some indicators, with its roster. Its
// partner has its name.
func (d *town) pact(id string, profile agreement.Profile, indicators []string, roster ...pupil) {
	d.t.Helper()
	d.partner(id)
	r := terms(id, id)
	r.Profile, r.Indicators = profile, indicators
	if profile == agreement.Budgeted {
		r.Epsilon, r.Grain = 80, []string{"all"}
	}
	d.conclude(r)
	d.roster(id, roster...)
}

// some are a random part of the children.
func (m *mixed) some(n int) []pupil {
	picked := slices.Clone(m.kids)
	m.rng.Shuffle(len(picked), func(i, j int) { picked[i], picked[j] = picked[j], picked[i] })
	return picked[:n]
}

// says lets a child's family say yes and keeps account of what that opens. It returns
// the answer.
func (m *mixed) says(agreement string, p pupil) grant {
	m.t.Helper()
	got := data[grant](m.t, m.must(m.CreateConsent(m.t.Context(), officer, consentTo(agreement, p))))
	for session, told := range m.told {
		for _, family := range given {
			held := slices.ContainsFunc(got.Held, func(h hold) bool { return h.Family == family && h.Period == session })
			if !held {
				told.add(agreement, family, p.id)
			}
		}
	}
	return got
}

// witness is what is known of a session.
func (m *mixed) witness(session string) witness {
	return witness{year: yearByHand(m.files), told: m.told[session]}
}

// check examines a session.
func (m *mixed) check(session string) {
	m.t.Helper()
	m.examine(session, m.witness(session))
}

// Towns of any size with agreements of every profile, of which some have nearly the
// same children, and families who said yes to some of them.
func TestEveryReleaseOfARandomTownPassesTheIdentities(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			m := randomTown(t, seed)
			m.closedAlike(townFall)
			m.check(townFall)
			m.clock.Set(afterLent)
			m.closedAlike(townYear)
			m.check(townYear)
		})
	}
}

// randomTown has agreements that are drawn from a seed, and nothing closed yet.
func randomTown(t testing.TB, seed uint64) *mixed {
	t.Helper()
	m := newMixed(t, inLent, seed, 60+40*int(seed%5), 1+int(seed%4))
	roster := m.some(12 + m.rng.IntN(40))
	m.pact("a", agreement.Standard, byHandIndicators, roster...)
	m.pact("b", agreement.PublishedTable, byHandIndicators, roster[:len(roster)-m.rng.IntN(4)]...)
	m.pact("c", agreement.PublishedTable, byHandIndicators[:4], m.some(10+m.rng.IntN(40))...)
	m.pact("d", agreement.Standard, byHandIndicators[:2], m.some(30)...)
	m.pact("e", agreement.Budgeted, []string{"chronic_absence"}, m.some(40)...)
	m.pact("f", agreement.Budgeted, []string{"chronic_absence", "iss_students"}, m.some(20)...)
	for _, p := range roster[:m.rng.IntN(len(roster))] {
		m.says("a", p)
	}
	return m
}

// Each weak build breaks an identity, and the examination names it.
func TestReleasesOfWeakBuildsBreakTheIdentities(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		weak    sdc.Weakness
		profile agreement.Profile
		rosters func([]pupil) [][]pupil
		breaks  string
	}{
		{sdc.WeakExact, agreement.Standard, tooFew, "under a threshold"},
		{sdc.WeakExact, agreement.Standard, tooFew, "noise of"},
		{sdc.WeakExact, agreement.PublishedTable, tooFew, "finer than"},
		{sdc.WeakNoGuard, agreement.PublishedTable, oneLess, "differ by 1 students"},
		{sdc.WeakNoGuard, agreement.Standard, oneLess, "combination of published figures"},
		{sdc.WeakNoComplement, agreement.Standard, lopsided, "gives away its 1 hidden parts"},
		{sdc.WeakNoComplement, agreement.Standard, lopsided, "combination of shown ones"},
	} {
		t.Run(fmt.Sprint(c.weak, " ", c.profile, " ", c.breaks), func(t *testing.T) {
			t.Parallel()
			for _, weak := range []sdc.Weakness{sdc.Strong, c.weak} {
				m := newMixed(t, afterLent, 1, 240, 4, sabotaged(broker.Sabotage{Weak: weak}))
				for i, roster := range c.rosters(m.kids) {
					m.pact(fmt.Sprint("pact", i), c.profile, byHandIndicators[:4], roster...)
				}
				m.closePeriod(townYear)
				broken := strings.Join(m.brokenIdentities(townYear, m.witness(townYear)), "\n")
				if found := strings.Contains(broken, c.breaks); found != (weak == c.weak) || weak == sdc.Strong && broken != "" {
					t.Errorf("build %q: %.2000s", weak, broken)
				}
			}
		})
	}
}

// tooFew are nine participants, oneLess two rosters that differ by a child.
func tooFew(kids []pupil) [][]pupil  { return [][]pupil{kids[:9]} }
func oneLess(kids []pupil) [][]pupil { return [][]pupil{kids[:60], kids[:59]} }

// lopsided are participants of whom one grade of one school has six, the others
// eighteen each: what is left of that school without its other grades are the six.
func lopsided(kids []pupil) [][]pupil {
	var roster []pupil
	for i, p := range kids {
		if most := map[bool]int{true: 6, false: 18}[i%8 == 6]; i/8 < most {
			roster = append(roster, p)
		}
	}
	return [][]pupil{roster}
}

// Each check of the examination finds what it is for.
func TestTheExaminationFindsWhatWasChanged(t *testing.T) {
	t.Parallel()
	m := newMixed(t, afterLent, 3, 200, 1)
	m.pact("noisy", agreement.Standard, byHandIndicators[:3], m.kids[:60]...)
	m.pact("other", agreement.Standard, byHandIndicators[1:2], m.kids[70:110]...)
	m.pact("plain", agreement.PublishedTable, byHandIndicators[1:5], m.kids[:60]...)
	m.pact("small", agreement.PublishedTable, byHandIndicators[:1], m.kids[110:117]...)
	m.closePeriod(townYear)
	if broken := m.brokenIdentities(townYear, m.witness(townYear)); len(broken) > 0 {
		t.Fatal(broken)
	}
	all, school := sdc.Key{}, sdc.Key{School: north}
	for want, change := range map[string]func(broker.Published){
		"is no draw of noise from":          func(p broker.Published) { far(rowOf(p, "noisy", school).Cohort) },
		"no draws of noise from the whole":  func(p broker.Published) { far(rowOf(p, "noisy", school).Rest) },
		"are not cohort and whole less":     func(p broker.Published) { shift(rowOf(p, "noisy", all).Rest) },
		"is stated, want":                   func(p broker.Published) { rowOf(p, "noisy", school).Cohort.Noise /= 2 },
		"does not hold":                     func(p broker.Published) { far(rowOf(p, "plain", school).Rest) },
		"its status is withheld":            func(p broker.Published) { rowOf(p, "plain", school).Status = sdc.StatusWithheld },
		"students are shown, want":          func(p broker.Published) { rowOf(p, "plain", all).Rest.N++ },
		"what is released is not what":      func(p broker.Published) { rowOf(p, "plain", all).Rest = nil },
		"is shown, and its sets are not":    func(p broker.Published) { p.Agreements[0].Sets = p.Agreements[0].Sets[1:] },
		"is on record and not shown":        func(p broker.Published) { p.Agreements[3].Sets = p.Agreements[0].Sets },
		"were ever opened, the store has":   func(p broker.Published) { p.Any["grades"].Add(3) },
		"it was planned and never released": func(p broker.Published) { p.Agreements[1].Releases = nil },
		"the files":                         func(p broker.Published) { p.Agreements[1].Cohort.Remove(p.Agreements[1].Cohort.Minimum()) },
		"are no draws of noise from":        func(p broker.Published) { p.Agreements[0].Releases[0].Pooled[1].Whole.Parts += 90 },
		"come to another total than": func(p broker.Published) {
			shift(rowOf(p, "other", school).Cohort)
			shift(rowOf(p, "other", school).Rest)
		},
		"its own is": func(p broker.Published) {
			for _, id := range []string{"noisy", "other"} {
				shift(rowOf(p, id, all).Cohort)
				shift(rowOf(p, id, all).Rest)
			}
		},
	} {
		p := m.published(townYear)
		change(p)
		if broken := strings.Join(examined(p, m.witness(townYear)).broken, "\n"); !strings.Contains(broken, want) {
			t.Errorf("%q is not among: %.1000s", want, broken)
		}
	}
}

// rowOf is a row of chronic absence in an agreement's release.
func rowOf(p broker.Published, id string, k sdc.Key) *sdc.ShownRow {
	of := p.Agreements[slices.IndexFunc(p.Agreements, func(a broker.PublishedAgreement) bool { return a.ID == id })]
	for _, f := range of.Releases[0].Figures {
		for i := range f.Rows {
			if f.Indicator == "chronic_absence" && f.Rows[i].Key == k {
				return &f.Rows[i]
			}
		}
	}
	return nil
}

// recode prints another percentage.
func recode(s *sdc.ShownSide, percent sdc.Milli) {
	s.Value = sdc.Shown{Kind: sdc.KindValue, Code: fmt.Sprint(int(percent)), Low: 1000*percent - 500, High: 1000*percent + 500}
}

// far prints a percentage at the other end.
func far(s *sdc.ShownSide) {
	if s.Value.Low < 50_000 {
		recode(s, 97)
	} else {
		recode(s, 3)
	}
}

// shift prints a percentage that is four points higher.
func shift(s *sdc.ShownSide) { recode(s, (s.Value.Low+500)/1000+4) }
