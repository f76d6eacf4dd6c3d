package broker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/consent"
)

// TestHarnessInterleavings races withdrawals with reads. Once a withdrawal is
// acknowledged, and until the family is asked again, not one byte of the
// child may be flushed, and no summary that counts it.
func TestHarnessInterleavings(t *testing.T) {
	t.Parallel()
	want := harnessCount(t, "INTERLEAVINGS", 300)
	template := newRaceTemplate(t)
	began := time.Now()
	var sum tally
	for round := 0; sum.interleavings < want; round++ {
		got := template.round(t, round, broker.Sabotage{}, min(want-sum.interleavings, perRound))
		sum.add(got)
		if t.Failed() {
			t.FailNow()
		}
	}
	if sum.violations > 0 {
		t.Errorf("%d violations; the first: %s", sum.violations, sum.first)
	}
	if sum.withdrawals > 2*sum.interleavings {
		t.Errorf("only %d of %d withdrawals had a read in flight", sum.interleavings, sum.withdrawals)
	}
	if sum.cut == 0 || sum.delivered == 0 || sum.summaries == 0 {
		t.Errorf("something never happened: %+v", sum)
	}
	rate := float64(sum.interleavings) / time.Since(began).Seconds()
	t.Logf("harness interleavings: %d interleavings, %s; %.0f a second", sum.interleavings, sum, rate)
}

func TestTheInterleavingsSeeThatTheBarrierIsGone(t *testing.T) {
	t.Parallel()
	template := newRaceTemplate(t)
	var sum tally
	for round := range 10 {
		if sum.add(template.round(t, round, broker.Sabotage{NoBarrier: true}, perRound)); sum.violations > 0 {
			t.Logf("without the barrier: %d interleavings, %s", sum.interleavings, sum)
			return
		}
	}
	t.Errorf("the barrier was gone and nothing was seen in %d interleavings", sum.interleavings)
}

// tally counts what happened in a race.
type tally struct {
	interleavings int // withdrawals during which a read of the partner was in flight
	withdrawals   int
	delivered     int // answers that left whole
	summaries     int // of them, comparisons with a consented summary
	cut           int // answers that were cut, before or during their writing
	moved         int // reads that gave up because permissions kept moving
	violations    int
	first         string
}

func (s *tally) add(o tally) {
	s.interleavings += o.interleavings
	s.withdrawals += o.withdrawals
	s.delivered += o.delivered
	s.summaries += o.summaries
	s.cut += o.cut
	s.moved += o.moved
	s.violations += o.violations
	if s.first == "" {
		s.first = o.first
	}
}

func (s tally) String() string {
	return fmt.Sprintf("%d withdrawals, %d reads delivered (%d summaries), %d cut, %d moved, %d violations",
		s.withdrawals, s.delivered, s.summaries, s.cut, s.moved, s.violations)
}

// A round is short, because each change of mind stays in the child's file and
// makes the next reading of it slower.
const (
	perRound  = 60
	racers    = 4 // children whose families change their minds
	askers    = 3
	inCohort  = 12
	blockRate = 500 // one in so many writes blocks until it is cut
)

// raceTemplate is a closed district that each round starts from: two
// partners, one with two agreements, over overlapping rosters of twelve, of
// whom the first five said yes before the term was closed. So each term's
// figures are withheld, and the consented summary stands in their place.
type raceTemplate struct {
	dir    string
	kids   []kid
	grants map[string][racers]string // by partner, the newest grant of each child
}

var (
	raceAgreements = map[string][]string{"river": {"a1", "a2"}, "lake": {"b1"}}
	raceCategories = []consent.Category{consent.Attendance, consent.Grades}
)

func newRaceTemplate(t *testing.T) *raceTemplate {
	t.Helper()
	d := &made{&district{t: t, dir: filepath.Join(fastDir(t), "district"), clock: &clock{now: inSpring}}}
	err := broker.Init(t.Context(), d.dir, broker.Settings{Name: "Lakeview Schools", Host: "data.lakeview.example", TimeZone: "UTC", CreatedAt: inSpring})
	if err != nil {
		t.Fatal(err)
	}
	d.open(withRules(t))
	tpl := &raceTemplate{dir: d.dir, kids: makeKids(24), grants: map[string][racers]string{}}
	d.loadMade(tpl.kids)
	for partner, agreements := range raceAgreements {
		d.newPartner(partner)
		for _, id := range agreements {
			d.signedOver(partner, id, raceCategories, []string{"attendance_rate", "mean_course_result"})
			d.upload(partner, id, tpl.kids[:inCohort])
		}
		var ids [racers]string
		for i := range racers {
			req := d.yes(agreements[0], tpl.kids[i])
			req.Categories = raceCategories
			ids[i] = d.enter(req).ID
		}
		tpl.grants[partner] = ids
	}
	d.closePeriod(madeAutumn)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return tpl
}

// ticking is a clock that moves with each reading, so that no two acts have
// one time.
func ticking(from time.Time) func() time.Time {
	var ticks atomic.Int64
	return func() time.Time { return from.Add(time.Duration(ticks.Add(1)) * time.Millisecond) }
}

// round races on a fresh copy of the template until so many withdrawals had a
// read in flight.
func (tpl *raceTemplate) round(t *testing.T, number int, s broker.Sabotage, want int) tally {
	t.Helper()
	dir := filepath.Join(fastDir(t), "district")
	copyDistrict(t, tpl.dir, dir)
	defer os.RemoveAll(dir)
	now := ticking(inSpring.Add(time.Hour))
	engine, err := rules()
	if err != nil {
		t.Fatal(err)
	}
	b, err := broker.Open(t.Context(), dir, broker.Options{Clock: now, Policy: engine, Sabotage: s, BarrierLimit: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	r := &race{Broker: b, tpl: tpl, now: now, want: int64(want), over: make(chan struct{}), ctx: t.Context()}
	got := r.run(uint64(number))
	if _, err := b.VerifyLog(t.Context(), nil); err != nil {
		t.Errorf("the log does not verify: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	for _, err := range r.errs {
		t.Error(err)
	}
	return got
}

// race is one round.
type race struct {
	*broker.Broker
	tpl  *raceTemplate
	ctx  context.Context
	now  func() time.Time
	want int64
	over chan struct{}

	seq      atomic.Uint64         // orders acknowledgements and flushes
	river    [racers]atomic.Uint64 // when the child's withdrawal was acknowledged; 0: it may be shown
	lake     [racers]atomic.Uint64 // the same for the other partner
	traffic  map[string]*traffic   // by partner
	overlaps atomic.Int64          // withdrawals with a read in flight

	mu   sync.Mutex
	sum  tally
	errs []error
}

// traffic counts one partner's reads and withdrawals.
type traffic struct{ aloft, begun, withdrawing atomic.Int64 }

func (r *race) closed(partner string) *[racers]atomic.Uint64 {
	if partner == "lake" {
		return &r.lake
	}
	return &r.river
}

func (r *race) run(seed uint64) tally {
	r.traffic = map[string]*traffic{"river": {}, "lake": {}}
	var families, partners sync.WaitGroup
	for i := range racers {
		families.Go(func() { r.family(i, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	for i := range askers {
		partners.Go(func() { r.reader(rand.New(rand.NewPCG(seed, uint64(1000+i)))) })
	}
	families.Wait()
	close(r.over)
	partners.Wait()
	r.sum.interleavings = int(r.overlaps.Load())
	return r.sum
}

func (r *race) note(fn func(*tally)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn(&r.sum)
}

func (r *race) fail(what string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.errs) < 10 {
		r.errs = append(r.errs, fmt.Errorf("%s: %w", what, err))
	}
}

// family changes its mind about both partners until the round is over.
func (r *race) family(i int, rng *rand.Rand) {
	ids := map[string]string{"river": r.tpl.grants["river"][i], "lake": r.tpl.grants["lake"][i]}
	for r.overlaps.Load() < r.want {
		partner := "river"
		if rng.IntN(3) == 0 {
			partner = "lake"
		}
		if err := r.stop(partner, i, ids[partner], rng); err != nil {
			r.fail("withdrawing", err)
			return
		}
		id, err := r.again(partner, i, rng)
		if err != nil {
			r.fail("granting again", err)
			return
		}
		ids[partner] = id
	}
}

// stop withdraws, as one of the ways there are, and notes when it was
// acknowledged.
func (r *race) stop(partner string, i int, id string, rng *rand.Rand) error {
	k, at := r.tpl.kids[i], r.traffic[partner]
	before, begun := at.aloft.Load(), at.begun.Load()
	at.withdrawing.Add(1)
	var err error
	switch rng.IntN(3) {
	case 0:
		_, err = r.WithdrawConsent(r.ctx, motherOf(k), id, broker.WithdrawRequest{})
	case 1:
		_, err = r.WithdrawConsent(r.ctx, officer, id, broker.WithdrawRequest{By: broker.SignerRef{GuardianID: k.mother()}})
	default:
		_, err = r.CreateConsent(r.ctx, officer, r.answer(partner, k, consent.No))
	}
	if err != nil {
		return err
	}
	r.closed(partner)[i].Store(r.seq.Add(1))
	for range rng.IntN(40) { // the time in which nothing may be flushed
		runtime.Gosched()
	}
	if before > 0 || at.begun.Load() > begun {
		r.overlaps.Add(1)
	}
	r.note(func(s *tally) { s.withdrawals++ })
	return nil
}

func (r *race) again(partner string, i int, rng *rand.Rand) (string, error) {
	k := r.tpl.kids[i]
	req, c := r.answer(partner, k, consent.Yes), officer
	if rng.IntN(2) == 0 {
		c = motherOf(k)
	}
	r.closed(partner)[i].Store(0) // from here on the grant may count at any moment
	a, err := r.CreateConsent(r.ctx, c, req)
	if err != nil {
		return "", err
	}
	made, err := member[grant](a.Body())
	return made.ID, err
}

func (r *race) answer(partner string, k kid, says consent.Answer) broker.ConsentRequest {
	agreements := raceAgreements[partner]
	d := &made{&district{clock: &clock{now: r.now()}}}
	req := d.yes(agreements[len(agreements)-1], k)
	req.Answer, req.Categories = says, raceCategories
	return req
}

// reader asks until the round is over.
func (r *race) reader(rng *rand.Rand) {
	for {
		select {
		case <-r.over:
			return
		default:
		}
		partner := "river"
		if rng.IntN(3) == 0 {
			partner = "lake"
		}
		agreement := raceAgreements[partner][rng.IntN(len(raceAgreements[partner]))]
		at := r.traffic[partner]
		at.aloft.Add(1)
		at.begun.Add(1)
		err := r.read(partner, agreement, rng)
		at.aloft.Add(-1)
		var e *broker.Error
		switch {
		case err == nil:
		case errors.Is(err, broker.ErrCut), errors.Is(err, errGone):
			r.note(func(s *tally) { s.cut++ })
		case errors.As(err, &e) && e.Kind == broker.Unavailable && e.RetryAfter > 0:
			r.note(func(s *tally) { s.moved++ })
		default:
			r.fail("reading", err)
			return
		}
	}
}

func (r *race) read(partner, agreement string, rng *rand.Rand) error {
	comparing := rng.IntN(3) == 0
	var (
		a   *broker.Answer
		err error
	)
	if comparing {
		a, err = r.Comparison(r.ctx, partnerOf(partner), broker.ComparisonRequest{Agreement: agreement})
	} else {
		a, err = r.Students(r.ctx, partnerOf(partner), broker.StudentsRequest{Agreement: agreement, Period: broker.PeriodCurrent})
	}
	if err != nil {
		return err
	}
	defer a.Drop()
	r.dawdle(partner, rng)
	c := &connection{race: r, closed: r.closed(partner), comparing: comparing, rng: rng, gone: make(chan struct{})}
	return a.Deliver(c.write, c.cut)
}

// dawdle holds a recorded answer back, half the time until a family of the
// partner begins to withdraw.
func (r *race) dawdle(partner string, rng *rand.Rand) {
	at := r.traffic[partner]
	seen, patience := at.withdrawing.Load(), rng.IntN(60)
	until := rng.IntN(2) == 0
	for range patience {
		if until && at.withdrawing.Load() > seen {
			return
		}
		runtime.Gosched()
	}
}

var errGone = errors.New("the connection is gone")

// connection writes an answer as a server would: at once, slowly in pieces,
// or so that it blocks until it is cut.
type connection struct {
	race      *race
	closed    *[racers]atomic.Uint64
	comparing bool
	rng       *rand.Rand
	counted   int   // by the summary that the bytes hold
	named     []int // the children whose rows they hold

	mu   sync.Mutex
	off  bool
	gone chan struct{}
}

func (c *connection) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.off {
		c.off = true
		close(c.gone)
	}
}

func (c *connection) write(body ...[]byte) error {
	if c.rng.IntN(blockRate) == 0 {
		select {
		case <-c.gone:
		case <-c.race.over:
		}
		return errGone
	}
	if err := c.parse(bytes.Join(body, nil)); err != nil {
		return err
	}
	summary := c.counted > 0
	pieces := 1 + c.rng.IntN(2)*c.rng.IntN(8)
	for range pieces {
		if err := c.flush(); err != nil {
			return err
		}
		for range c.rng.IntN(8) {
			runtime.Gosched()
		}
	}
	if err := c.flush(); err != nil {
		return err
	}
	c.race.note(func(s *tally) {
		s.delivered++
		if summary {
			s.summaries++
		}
	})
	return nil
}

// flush is the moment at which bytes leave; after a cut none do.
func (c *connection) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.off {
		return errGone
	}
	c.check(c.race.seq.Add(1))
	return nil
}

// parse reads what the bytes say: whom they name, or how many they count.
func (c *connection) parse(body []byte) error {
	if c.comparing {
		b, err := member[comparisonBody](body)
		c.counted = b.counted()
		return err
	}
	b, err := member[studentsBody](body)
	for _, ref := range b.refs() {
		c.named = append(c.named, slices.IndexFunc(c.race.tpl.kids, func(k kid) bool { return k.ref() == ref }))
	}
	return err
}

// check compares what is flushed at a moment with who may be in it then.
func (c *connection) check(at uint64) {
	var may [racers]bool
	open := 0
	for i := range may {
		acknowledged := c.closed[i].Load()
		if may[i] = acknowledged == 0 || acknowledged > at; may[i] {
			open++
		}
	}
	if c.counted > open {
		c.violated(fmt.Sprintf("a summary of %d children was flushed when %d had a consent", c.counted, open))
	}
	for _, i := range c.named {
		if i < 0 || i >= racers || !may[i] {
			c.violated(fmt.Sprintf("a row of child %d was flushed after the withdrawal was acknowledged", i))
			return
		}
	}
}

// violated is called at most once an answer.
func (c *connection) violated(how string) {
	c.counted, c.named = 0, nil
	c.race.note(func(s *tally) {
		if s.violations++; s.first == "" {
			s.first = how
		}
	})
}
