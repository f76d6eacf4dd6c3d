package bench_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sample"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// The district whose releases are planned.
const (
	plannedSchools    = 160
	plannedAgreements = 60
	schoolsAgreed     = 6 // by each agreement, overlapping
)

// partnersOf are the partners of a made-up district and as many more as make
// the number of agreements full, each with one student in ten of its schools.
func partnersOf(made *sample.District) []sample.Partner {
	pupils := map[string][]*sample.Student{}
	for i := range made.Students {
		home := made.Students[i].Enrollments[0].School
		pupils[home] = append(pupils[home], &made.Students[i])
	}
	list := slices.DeleteFunc(slices.Clone(made.Partners), func(p sample.Partner) bool { return p.Agreement.TermTo < made.AsOf })
	for n := len(list); n < plannedAgreements; n++ {
		list = append(list, partnerNumber(made, n, pupils))
	}
	return list
}

func partnerNumber(made *sample.District, n int, pupils map[string][]*sample.Student) sample.Partner {
	p := sample.Partner{ID: fmt.Sprintf("partner-%02d", n), Name: fmt.Sprintf("Partner %d", n), LegalEntity: "A partner Inc.", Contact: "data@partner.example"}
	p.Agreement = made.Partners[0].Agreement
	p.Agreement.ID, p.Agreement.Schools = p.ID+"-1", nil
	for i := range schoolsAgreed {
		id := made.Schools[(n*schoolsAgreed*2/3+i)%len(made.Schools)].ID
		p.Agreement.Schools = append(p.Agreement.Schools, id)
		for j, s := range pupils[id] {
			if (j+n)%10 == 0 {
				p.Roster = append(p.Roster, participant(made, s, id, len(p.Roster)))
			}
		}
	}
	slices.Sort(p.Agreement.Schools)
	return p
}

// participant came on a dozen school days of the first semester.
func participant(made *sample.District, s *sample.Student, school string, n int) sample.Participant {
	p := sample.Participant{
		Ref: fmt.Sprintf("P-%05d", n+1), StudentID: s.ID, GivenName: s.GivenName, FamilyName: s.FamilyName, Birth: s.Birth,
		Exact: true, Program: "Tutoring", Funder: "City", Minutes: 60,
	}
	for _, day := range made.Calendar {
		if day.Instructional && day.Date >= s.Enrollments[0].Entry+20 && day.Date.Time().Weekday() == time.Monday && len(p.Sessions) < 12 {
			p.Sessions = append(p.Sessions, sample.Attended{School: school, Date: day.Date})
		}
	}
	return p
}

// planned is a district with everything in it that its first release is made of,
// and the answers of families that may be taken back.
func planned(t testing.TB, students int) (d *district, session string, grants []given) {
	t.Helper()
	made := sample.Generate(sample.Options{Students: students, Schools: plannedSchools})
	folder := filepath.Join(t.TempDir(), "csv")
	if err := made.WriteCSV(folder); err != nil {
		t.Fatal(err)
	}
	dir := inMemory(t)
	d = openDistrict(t, initDistrict(t, dir, noon(made)), noon(made), func(o *broker.Options) { o.Serving = true })
	d.load(folder, records.Exceptions)
	for _, p := range partnersOf(made) {
		answers := p.Consents
		p.Consents = nil
		d.enter(&p, unasked)
		grants = append(grants, d.answered(p.Agreement.ID, answers, maxGrants-len(grants))...)
	}
	return d, made.Sessions[1].ID, grants
}

// maxGrants is how many families answer.
const maxGrants = 300

// given is a consent and who may take it back.
type given struct {
	id string
	by broker.SignerRef
}

func (d *district) answered(agreement string, list []sample.Consent, most int) (grants []given) {
	d.t.Helper()
	for _, c := range list {
		if len(grants) >= most || c.Answer != "yes" || !c.Withdrawn.IsZero() {
			continue
		}
		request := bodyOf[broker.ConsentRequest](d.t, func() ([]byte, error) { return c.Body(agreement) })
		a, err := d.CreateConsent(d.t.Context(), officer, request)
		if err != nil {
			d.t.Fatal(err)
		}
		id := dataOf[struct {
			ID string `json:"id"`
		}](d.t, a).ID
		grants = append(grants, given{id, broker.SignerRef{GuardianID: request.Signer.GuardianID, Self: request.Signer.Self}})
	}
	return grants
}

// closing is how a period was closed: planned, computed, protected, published.
type closing struct {
	took, cpu time.Duration
	waits     []time.Duration // of withdrawals meanwhile
	idle      []time.Duration // and for as long afterwards, while nothing else happens
}

// closed closes a period while somebody asks, again and again, to withdraw a
// consent that was withdrawn before. Each waits its turn to write as the first
// did, and changes nothing that the period is planned from.
func (d *district) closed(session string, grant given) (c closing) {
	d.t.Helper()
	if err := d.withdraw(grant); err != nil {
		d.t.Fatal(err)
	}
	c.waits = d.withdrawing(grant, func() {
		s := timed(1, func() { d.done(d.ClosePeriod(d.t.Context(), steward, session)) })
		c.took, c.cpu = s.wall, s.cpu
	})
	c.idle = d.withdrawing(grant, func() { time.Sleep(c.took) })
	return c
}

func (d *district) withdraw(g given) error {
	_, err := d.WithdrawConsent(context.Background(), officer, g.id, broker.WithdrawRequest{By: g.by})
	return err
}

// withdrawing asks for a withdrawal every millisecond until work is done, and
// returns how long each waited.
func (d *district) withdrawing(grant given, work func()) (waits []time.Duration) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			start := time.Now()
			if err := d.withdraw(grant); broker.KindOf(err) != broker.Conflict {
				d.t.Errorf("a second withdrawal: %v", err)
			}
			waits = append(waits, time.Since(start))
		}
	}()
	work()
	close(stop)
	<-done
	return waits
}

func waitText(waits []time.Duration) string {
	return fmt.Sprintf("%d withdrawals, p50 %v, p99 %v, longest %v", len(waits), round(quantile(waits, .5)), round(quantile(waits, .99)), round(slices.Max(waits)))
}

// plannedSizes are the districts whose releases are planned.
func plannedSizes() []int {
	list := []int{10_000, 100_000}
	if os.Getenv("HALLPASS_BENCH_MILLION") != "" {
		list = append(list, 1_000_000)
	}
	return list
}

// benchPlanning measures how long a period takes to be closed, and how long a
// withdrawal waits meanwhile. A period closes once, so there is one round.
func benchPlanning(t *testing.T) (all []outcome) {
	var first float64 // seconds a student of the smallest district
	for i, n := range plannedSizes() {
		d, session, grants := planned(t, n)
		c := d.closed(session, grants[0])
		each := c.took.Seconds() / float64(n)
		what := fmt.Sprintf("a period of %d students, 160 schools, 60 agreements, closed", n)
		all = append(all,
			line{bench: what, peer: "– (s)", goal: 10 * float64(max(n, 100_000)) / 100_000, atMost: true}.single(c.took.Seconds(), fmt.Sprintf("%v of processor", round(c.cpu))),
			line{bench: fmt.Sprintf("longest wait of a withdrawal while %d students' period is closed", n), peer: "– (ms)", goal: 50, atMost: true}.
				single(float64(slices.Max(c.waits).Microseconds())/1000, waitText(c.waits), "as long without a close: "+waitText(c.idle)))
		if i == 0 {
			first = each
			continue
		}
		all = append(all, line{bench: fmt.Sprintf("cost a student of closing, 10,000 → %d students", n), peer: "itself", goal: 1.2, atMost: true}.single(each/first))
	}
	return all
}

// Earlier sets of a period against which another agreement's are held.
const (
	earlierSets     = 5_000
	guardedStudents = 5_000
)

// crowded is a period with many earlier sets of any size, and an agreement over
// ten schools of four grades. The sets are hidden ones, which the rule of
// differences looks at: as cohorts they would put each student in hundreds of
// figures, where eight are allowed.
func crowded() (sdc.History, sdc.Candidate) {
	rng := rand.New(rand.NewPCG(1, 9))
	var earlier sdc.History
	for i := range earlierSets {
		set := roaring.New()
		for n := 20 + rng.IntN(600); set.GetCardinality() < uint64(n); {
			set.Add(rng.Uint32N(guardedStudents))
		}
		earlier = append(earlier, sdc.PublishedSet{Agreement: fmt.Sprintf("A%04d", i/100), Indicator: records.ChronicAbsence, Family: "attendance", Role: sdc.RoleHidden, Floor: 10, Set: set})
	}
	var placed []compare.Placement
	choice := compare.Choice{Dosage: map[uint32]int{}}
	for x := range uint32(guardedStudents) {
		school := fmt.Sprintf("S%d", rng.IntN(10))
		placed = append(placed, compare.Placement{Ordinal: x, School: school, Grade: fmt.Sprint(9 + rng.IntN(4))})
		if !slices.Contains(choice.Schools, school) {
			choice.Schools = append(choice.Schools, school)
		}
		if rng.IntN(4) == 0 {
			choice.Dosage[x] = 1
		}
	}
	rows := compare.NewRoll(placed).Choose(choice).Layout(compare.Grain{School: true, Grade: true}).Rows()
	return earlier, sdc.Candidate{
		Agreement: "B", Profile: sdc.PublishedTable, Rows: rows, Figures: []sdc.FigureSets{{Indicator: records.ChronicAbsence, Family: "attendance"}},
		Known: map[string]sdc.Known{"attendance": {}}, Thresholds: sdc.PublishedTable.Thresholds(),
	}
}

// benchGuard measures the planning of one agreement beside many earlier sets,
// all of it, by the sets of its rows.
func benchGuard(t *testing.T) outcome {
	l := line{bench: "guard, a set against 5,000 earlier sets over 5,000 students", peer: "– (ms)", goal: 1, atMost: true}
	earlier, c := crowded()
	o := l.single(0)
	o.ratios = nil
	for range rounds {
		s := timed(3*len(c.Rows), func() {
			if _, _, err := sdc.PlanBatch(earlier, []sdc.Candidate{c}); err != nil {
				t.Fatal(err)
			}
		})
		wall, _ := s.perOp()
		o.ratios = append(o.ratios, float64(wall.Nanoseconds())/1e6)
		o.ours = append(o.ours, s)
	}
	o.notes = append(o.notes, fmt.Sprintf("%d sets planned at once; the figure holds their share of everything that planning does", 3*len(c.Rows)))
	return o
}

func TestACrowdedPeriodStillShowsRows(t *testing.T) {
	t.Parallel()
	earlier, c := crowded()
	_, all, err := sdc.PlanBatch(earlier, []sdc.Candidate{c})
	if err != nil || len(all) < len(earlier)+3 {
		t.Errorf("of %d rows %d sets were published, error %v", len(c.Rows), len(all)-len(earlier), err)
	}
}
