package broker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// A district's year in scenes. After each step every identity must hold of what is
// published, and what was published before must be there as it was.

// inAutumn is a moment of the first term, when the partners have met their children
// twelve times; the day on which the fall's rosters count is later.
var inAutumn = time.Date(2025, 12, 1, 15, 0, 0, 0, time.UTC)

// scene is a town with an agreement over sixty children under standard and one over
// forty others under published_table.
type scene struct {
	*mixed
	noisy, plain []pupil
	before       []string // releases of the fall
}

func newScene(t testing.TB, at time.Time, options ...func(*broker.Options)) *scene {
	t.Helper()
	s := &scene{mixed: newMixed(t, at, 5, 160, 2, options...)}
	s.noisy, s.plain = s.kids[:60], s.kids[60:100]
	s.pact("noisy", agreement.Standard, byHandIndicators[:5], s.noisy...)
	s.pact("plain", agreement.PublishedTable, byHandIndicators[:4], s.plain...)
	return s
}

// closes closes a session, and checks it.
func (s *scene) closes(session string) {
	s.t.Helper()
	s.closedAlike(session)
	s.check(session)
	s.before = s.storedReleases(townFall)
	for _, a := range s.published(session).Agreements {
		if pooled := s.compare(a.ID, a.ID, "", session)["all"]["mean_course_result"]; pooled.Cohort == nil {
			s.t.Errorf("%s: the pooled row of %s is %s: the scene shows nothing", session, a.ID, pooled.Status)
		}
	}
}

// stands checks that the fall is published as it was, whatever happened since.
func (s *scene) stands() {
	s.t.Helper()
	s.closePeriod(townFall)
	s.check(townFall)
	if got := s.storedReleases(townFall); !slices.Equal(got, s.before) {
		s.t.Error("what was published is not as it was")
	}
}

// isCohort checks who an agreement's cohort is.
func (s *scene) isCohort(session, agreement string, want []pupil) {
	s.t.Helper()
	p := s.published(session)
	for _, a := range p.Agreements {
		if a.ID != agreement {
			continue
		}
		var got []string
		for _, place := range a.Cohort.ToArray() {
			got = append(got, p.Students[place])
		}
		slices.Sort(got)
		if !slices.Equal(got, idsOf(want)) {
			s.t.Errorf("%s: the cohort of %s are %v, want %v", session, agreement, got, idsOf(want))
		}
		return
	}
	s.t.Errorf("%s: %s is not part of it", session, agreement)
}

func idsOf(list []pupil) (ids []string) {
	for _, p := range list {
		ids = append(ids, p.id)
	}
	slices.Sort(ids)
	return ids
}

// moves lets a child go to the other school after a day.
func (f files) moves(p pupil, to string, last civil.Date) {
	for i, row := range f["enrollments"] {
		if row[0] == p.id && row[3] == "" {
			f["enrollments"][i][3] = last.String()
			f.add("enrollments", p.id, to, (last + 1).String(), "", row[4])
		}
	}
	for _, table := range []string{"attendance", "discipline"} {
		for i, row := range f[table] {
			if row[0] == p.id && day(row[2]) > last {
				f[table][i][1] = to
			}
		}
	}
}

// misses lets a child miss so many more days of the fall.
func (f files) misses(p pupil, more int) {
	marked := func(at civil.Date) bool {
		return slices.ContainsFunc(f["attendance"], func(row []string) bool { return row[0] == p.id && row[2] == at.String() })
	}
	for at := day(fallFirst); more > 0 && at <= day(fallLast); at += 7 {
		if !marked(at) {
			f.add("attendance", p.id, p.school, at.String(), "absent_excused")
			more--
		}
	}
}

// clone copies an export, so that a change of it leaves the first.
func (f files) clone() files {
	out := files{}
	for table, rows := range f {
		for _, row := range rows {
			out[table] = append(out[table], slices.Clone(row))
		}
	}
	return out
}

func TestARosterThatIsCorrectedCountsAsItWasAtTheCensus(t *testing.T) {
	t.Parallel()
	s := newScene(t, inAutumn)
	s.done(s.SetCalendar(t.Context(), steward, townFall, broker.CalendarRequest{Census: day("2026-01-12")}))
	atCensus := append(slices.Clone(s.noisy[3:]), s.kids[100:104]...)
	s.clock.Set(time.Date(2026, 1, 12, 9, 0, 0, 0, time.UTC))
	s.roster("noisy", atCensus...)
	s.clock.Set(time.Date(2026, 1, 13, 9, 0, 0, 0, time.UTC))
	later := append(slices.Clone(atCensus[1:]), s.kids[110])
	s.roster("noisy", later...)
	s.clock.Set(inLent)
	s.closes(townFall)
	s.isCohort(townFall, "noisy", atCensus)

	last := append(slices.Clone(later[1:]), s.kids[111:130]...)
	s.roster("noisy", last...)
	s.stands()
	s.isCohort(townFall, "noisy", atCensus)

	s.clock.Set(afterLent)
	s.closes(townYear)
	s.isCohort(townYear, "noisy", last)
	s.stands()
}

func TestAChildWhoMovesBeforeTheCensusCountsWhereItIsThen(t *testing.T) {
	t.Parallel()
	s := newScene(t, inLent)
	moved := []pupil{s.noisy[0], s.noisy[2], s.plain[0], s.kids[120]} // from North
	for _, p := range moved {
		s.files.moves(p, south, day("2025-11-10"))
	}
	s.reload()
	s.closes(townFall)
	for _, a := range s.published(townFall).Agreements {
		for _, v := range a.Plan.Figures[0].Verdicts {
			want := map[string]map[string]int{"noisy": {north: 28, south: 32}, "plain": {north: 19, south: 21}}[a.ID][v.Key.School]
			if v.Key.Level() == sdc.LevelSchool && v.Cohort != want {
				t.Errorf("%s has %d participants at %s, want %d", a.ID, v.Cohort, v.Key.School, want)
			}
		}
	}
}

// Who moves after the freeze is where it was in the fall's sets, and its values are the
// corrected ones, of both schools.
func TestAChildWhoMovesAfterTheFreezeStaysInItsSets(t *testing.T) {
	t.Parallel()
	s := newScene(t, inLent)
	s.closes(townFall)
	first := s.files.clone()
	for _, p := range []pupil{s.noisy[0], s.plain[0], s.kids[120]} {
		s.files.moves(p, south, day("2025-11-10"))
		for at := day("2025-11-17"); at <= day(fallLast); at += 14 {
			s.files["attendance"] = slices.DeleteFunc(s.files["attendance"], func(row []string) bool { return row[0] == p.id && row[2] == at.String() })
			s.files.add("attendance", p.id, south, at.String(), "absent_unexcused")
		}
	}
	s.reload()
	s.examine(townFall, witness{year: yearByHand(first), told: s.told[townFall]})
	s.correct()
	next := yearByHand(s.files)
	s.examine(townFall, witness{year: yearByHand(first), corrected: &next, told: s.told[townFall]})
	s.isCohort(townFall, "noisy", s.noisy)
	s.clock.Set(afterLent)
	s.closes(townYear)
}

// Who said yes before the close is known and counts as such; who says yes after it is
// held where that would leave too few, and a withdrawn yes stays known.
func TestConsentsBeforeAndAfterTheCloseLeaveEnoughUnknown(t *testing.T) {
	t.Parallel()
	for id, floor := range map[string]int{"noisy": 5, "plain": 10} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, inLent)
			cohort, first := s.noisy, 45
			if id == "plain" {
				cohort, first = s.plain, 12
			}
			for _, p := range cohort[:first] {
				if got := s.says(id, p); len(got.Held) > 0 {
					t.Fatalf("held before the close: %+v", got.Held)
				}
			}
			s.closes(townFall)
			var free []pupil
			var last grant
			for i, p := range cohort[first:] {
				if got := s.says(id, p); len(got.Held) == 0 {
					free, last = append(free, p), got
				}
				if i%10 == 4 {
					s.stands()
				}
			}
			if held := len(cohort) - first - len(free); held < floor || len(free) == 0 {
				t.Fatalf("%d answers after the close open the fall, %d are held; %d of the cohort must stay unknown", len(free), held, floor)
			}
			s.done(s.WithdrawConsent(t.Context(), officer, last.ID, broker.WithdrawRequest{By: broker.SignerRef{GuardianID: free[len(free)-1].mother()}}))
			s.stands()
			s.clock.Set(afterLent)
			s.closePeriod(townYear)
			s.check(townYear)
		})
	}
}

func TestWithoutTheHoldConsentsAfterTheCloseBreakTheIdentities(t *testing.T) {
	t.Parallel()
	s := newScene(t, inLent, sabotaged(broker.Sabotage{NoHold: true}))
	s.closePeriod(townFall)
	s.check(townFall)
	for _, p := range s.plain[:35] {
		s.says("plain", p)
	}
	broken := strings.Join(s.brokenIdentities(townFall, s.witness(townFall)), "\n")
	if !strings.Contains(broken, "under a threshold") {
		t.Errorf("with five of forty unknown the examination finds %.500q", broken)
	}
}

// An agreement that is signed after the first close has no part in the period: closing
// again gives it nothing. In the next period the guard decides between it and the first.
func TestALateAgreementGetsNothingOfAClosedPeriod(t *testing.T) {
	t.Parallel()
	s := newScene(t, inLent)
	s.closes(townFall)
	s.pact("late", agreement.Standard, byHandIndicators[:5], s.noisy[1:]...)
	s.pact("later", agreement.PublishedTable, byHandIndicators[:4], s.plain[:39]...)
	s.stands()
	for _, id := range []string{"late", "later"} {
		a, err := s.Comparison(t.Context(), partnerOf(id), broker.ComparisonRequest{Agreement: id, Period: townFall})
		denied(t, a, err, "roster_missing")
	}
	s.clock.Set(afterLent)
	s.closedAlike(townYear)
	s.check(townYear)
	for _, pair := range [][2]string{{"noisy", "late"}, {"plain", "later"}} {
		shown := 0
		for _, id := range pair {
			if s.compare(id, id, "", townYear)["all"]["chronic_absence"].Cohort != nil {
				shown++
			}
		}
		if shown != 1 {
			t.Errorf("of %v, whose children differ by one, %d are shown, want one", pair, shown)
		}
	}
	s.stands()
}

// A second freeze shows corrected values over the first sets; a third is refused.
func TestASecondFreezeCorrectsAndAThirdIsRefused(t *testing.T) {
	t.Parallel()
	s := newScene(t, inLent)
	for _, p := range s.noisy[:20] {
		s.says("noisy", p)
	}
	s.closes(townFall)
	first := s.files.clone()
	for i, p := range slices.Concat(s.noisy[:30], s.plain[:10], s.kids[130:150]) {
		s.files = regraded(s.files, p, fmt.Sprint(100-i))
		s.files.misses(p, 2+i%7)
		s.files.add("discipline", p.id, p.school, "2025-10-06", p.id+"-9", "fighting", "iss", "1")
	}
	for _, p := range s.noisy[3:6] { // these have no mark any more, whether or not they had
		s.files.drop("grades", p.id)
	}
	for _, p := range s.plain[:3] { // and these have one
		s.files.add("grades", p.id, p.school, townFall, "Drama", "1", "99", "0-100")
	}
	s.reload()
	s.examine(townFall, witness{year: yearByHand(first), told: s.told[townFall]}) // a load changes nothing
	s.correct()
	next := yearByHand(s.files)
	corrected := witness{year: yearByHand(first), corrected: &next, told: s.told[townFall]}
	s.examine(townFall, corrected)
	s.before = s.storedReleases(townFall)

	s.files = regraded(s.files, s.noisy[1], "1")
	s.reload()
	s.notCorrected("was corrected on")
	s.closePeriod(townFall)
	for _, p := range s.noisy[40:] {
		s.says("noisy", p)
	}
	s.examine(townFall, corrected)
	if got := s.storedReleases(townFall); len(got) != 4 || !slices.Equal(got, s.before) {
		t.Errorf("%d releases, want two of each agreement as they were", len(got))
	}
}
