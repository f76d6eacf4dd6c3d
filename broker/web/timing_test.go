package web_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/web"
)

// oracleLimit is the t beyond which two distributions count as different (Goodwill,
// Jun, Jaffe and Rohatgi, "A testing methodology for side channel resistance
// validation", 2011).
const oracleLimit = 4.5

// timedSamples is from how many samples a pair on times are judged; fewer are too few,
// and a machine that others use as well is no place to judge them.
const timedSamples = 20_000

// welch is Welch's t of two samples.
func welch(x, y []float64) float64 {
	mx, vx := moments(x)
	my, vy := moments(y)
	spread := math.Sqrt(vx/float64(len(x)) + vy/float64(len(y)))
	if spread == 0 {
		return 0
	}
	return (mx - my) / spread
}

func moments(x []float64) (mean, variance float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x)-1)
	}
	return mean, variance
}

// orders are t of the times themselves and of their squared distances from the mean,
// without those beyond a quantile of both together (Reparaz, Balasch and Verbauwhede,
// "Dude, is my code constant time?", 2017).
func orders(x, y []float64, crop float64) (first, second float64) {
	all := slices.Sorted(slices.Values(slices.Concat(x, y)))
	limit := all[min(int(float64(len(all))*crop), len(all)-1)]
	within := func(list []float64) []float64 {
		return slices.DeleteFunc(slices.Clone(list), func(v float64) bool { return v > limit })
	}
	x, y = within(x), within(y)
	squares := func(list []float64) []float64 {
		mean, _ := moments(list)
		out := make([]float64, len(list))
		for i, v := range list {
			out[i] = (v - mean) * (v - mean)
		}
		return out
	}
	return welch(x, y), welch(squares(x), squares(y))
}

func TestWelchsTTellsDistributionsApart(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(mean, deviation float64) []float64 {
		list := make([]float64, timedSamples)
		for i := range list {
			list[i] = mean + deviation*rng.NormFloat64()
		}
		return list
	}
	same := draw(100, 10)
	for name, c := range map[string]struct {
		other      []float64
		differs    bool
		differsToo bool
	}{
		"alike": {draw(100, 10), false, false}, "later": {draw(101, 10), true, false}, "wider": {draw(100, 11), false, true},
	} {
		first, second := orders(same, c.other, 1)
		if math.Abs(first) > oracleLimit != c.differs || math.Abs(second) > oracleLimit != c.differsToo {
			t.Errorf("%s: t %.1f and %.1f", name, first, second)
		}
	}
}

// face is what somebody who asks can see of an answer, but for what differs in every
// answer.
type seenFace struct {
	status, size int
	header, body string
}

// pair is two requests that must look alike. ready, if there is one, comes before each
// and is not timed.
type pair struct {
	name  string
	whole bool // sleep as long as the service does
	ready func(other bool, i int)
	ask   func(other bool, i int) *httptest.ResponseRecorder
	look  func(w *httptest.ResponseRecorder) seenFace
}

// stopwatch adds to the time that a request took how long it was held beyond what it
// really slept.
type stopwatch struct {
	held  atomic.Int64
	whole atomic.Bool // sleep all of it
}

// sleep sleeps as the service does, but leaves out whole milliseconds, all but two: it
// wakes when the whole time would have ended, and whoever wakes has forgotten as much.
// With all of them 20,000 samples of every pair would last a day. A pair of which one
// side writes more sleeps all of the time: what it leaves for the system to do after it
// is over by then.
func (s *stopwatch) sleep(ctx context.Context, d time.Duration) {
	short := d
	if !s.whole.Load() {
		short = d%time.Millisecond + 2*time.Millisecond
	}
	s.held.Add(int64(d - short))
	web.SleepFor(ctx, short)
}

// sample asks both sides n times each, in a random order, and returns the times in
// microseconds. It fails the test where the two look different.
func (s *stopwatch) sample(t *testing.T, p pair, n int) (x, y []float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(n), 7))
	turns := make([]bool, 2*n)
	for i := range n {
		turns[i] = true
	}
	rng.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
	faces := map[bool]seenFace{}
	for i, other := range turns {
		if p.ready != nil {
			p.ready(other, i)
		}
		s.held.Store(0)
		s.whole.Store(p.whole)
		start := time.Now()
		w := p.ask(other, i)
		took := float64(time.Since(start)+time.Duration(s.held.Load())) / float64(time.Microsecond)
		if face, known := faces[other]; !known {
			faces[other] = p.look(w)
		} else if now := p.look(w); now != face {
			t.Fatalf("%s: two answers to one question differ: %+v and %+v", p.name, face, now)
		}
		if other {
			y = append(y, took)
		} else {
			x = append(x, took)
		}
	}
	if faces[true] != faces[false] {
		t.Errorf("%s: the answers differ:\n%+v\n%+v", p.name, faces[false], faces[true])
	}
	return x, y
}

// judge samples a pair and returns the largest t over the crops, which is judged only
// in the long form.
func (s *stopwatch) judge(t *testing.T, p pair, n int) (worst float64) {
	t.Helper()
	x, y := s.sample(t, p, n)
	for _, crop := range []float64{.9, .99, 1} {
		first, second := orders(x, y, crop)
		worst = max(worst, math.Abs(first), math.Abs(second))
	}
	mx, _ := moments(x)
	my, _ := moments(y)
	t.Logf("%-60s t %.2f, means %.1f and %.1f µs, %d samples each", p.name, worst, mx, my, n)
	return worst
}

// pageFace is a families' page without its random end and the path that was asked for.
func pageFace(hide ...string) func(w *httptest.ResponseRecorder) seenFace {
	return func(w *httptest.ResponseRecorder) seenFace {
		h := w.Header().Clone()
		h.Del("Hallpass-Request-Id")
		var headers strings.Builder
		_ = h.Write(&headers)
		body, _, _ := strings.Cut(w.Body.String(), "<!-- ")
		f := seenFace{status: w.Code, size: w.Body.Len(), header: headers.String(), body: body}
		for _, what := range hide {
			f.header, f.body = strings.ReplaceAll(f.header, what, "X"), strings.ReplaceAll(f.body, what, "X")
		}
		return f
	}
}

// estranged is a town in which one family is signed in, and others have things that are
// not hers.
type estranged struct {
	*house
	watch    *stopwatch
	me       *browser
	expired  string // a link that is too old
	moved    string // of somebody whom the file reaches otherwise now
	theirs   string // another family's question
	receipt  string // and receipt
	contacts []string
}

var receiptPath = "/receipts/"

func newEstranged(t *testing.T, s broker.Sabotage, noPadding bool) *estranged {
	t.Helper()
	e := &estranged{watch: &stopwatch{}}
	e.house = open(t, lakeland, func(f *furnishing) {
		f.broker.Sabotage, f.web.Sabotage.NoPadding = s, noPadding
		f.web.Now, f.web.Sleep = time.Now, e.watch.sleep
	})
	families, _ := e.asked(northAgreement)
	if len(families) < 6 {
		t.Fatalf("only %d families were written to", len(families))
	}
	e.expired = families[1].link
	e.clock.Add(61 * 24 * time.Hour)
	e.moved = e.browser().newLink(t, families[2]).link
	e.renumber(families[2])
	other := e.browser()
	other.signIn(t, other.newLink(t, families[3]))
	w := other.get("/choices")
	e.theirs = askPath.FindString(w.Body.String())
	shown := textHash.FindStringSubmatch(other.get(e.theirs).Body.String())
	if shown == nil {
		t.Fatal("another family has nothing to answer")
	}
	e.receipt = other.post(e.theirs, url.Values{"answer": {"no"}, "text": {shown[1]}}).Header().Get("Location")
	e.mail()
	e.me = e.browser()
	e.me.signIn(t, e.me.newLink(t, families[0]))
	for i := range e.District.Students {
		for _, g := range e.District.Students[i].Guardians {
			if g.Email != "" && g.Email != families[2].guardian.Email {
				e.contacts = append(e.contacts, g.Email)
			}
		}
	}
	slices.Sort(e.contacts)
	e.contacts = slices.Compact(e.contacts)
	return e
}

// renumber loads the district's file with another address of a guardian.
func (e *estranged) renumber(g reachable) {
	e.t.Helper()
	changed := *e.District
	changed.Students = slices.Clone(changed.Students)
	for i := range changed.Students {
		s := &changed.Students[i]
		s.Guardians = slices.Clone(s.Guardians)
		for j := range s.Guardians {
			if s.Guardians[j].ID == g.guardian.ID {
				s.Guardians[j].Email, s.Guardians[j].Phone = "moved@example.org", ""
			}
		}
	}
	dir := filepath.Join(scratch(e.t), "csv")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		e.t.Fatal(err)
	}
	if err := changed.WriteCSV(dir); err != nil {
		e.t.Fatal(err)
	}
	res, err := e.Import(e.t.Context(), builderSteward, broker.ImportRequest{Path: dir, Options: ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: e.AsOf + 1}})
	if err != nil || res.Rejected {
		e.t.Fatal(err, res.Rejected)
	}
}

// eitherOf asks for one path or another by somebody.
func eitherOf(b *browser, method, one, other string, form url.Values) func(bool, int) *httptest.ResponseRecorder {
	return func(second bool, _ int) *httptest.ResponseRecorder {
		if second {
			return b.do(method, other, form)
		}
		return b.do(method, one, form)
	}
}

// pairs are what must look alike on the families' pages.
func (e *estranged) pairs() (list []pair) {
	const nobody, noAsk, noReceipt = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ask_aaaaaaaaaaaaaaaaaaaaaaaaaa", "23456789"
	add := func(name string, ask func(bool, int) *httptest.ResponseRecorder, hide ...string) {
		list = append(list, pair{name: name, ask: ask, look: pageFace(hide...)})
	}
	for name, link := range map[string]string{"too old": e.expired, "of somebody with another address": e.moved} {
		secret := filepath.Base(link)
		for _, what := range []string{"", "/code"} {
			add("a link that never was, one "+name+": GET "+what, eitherOf(e.browser(), http.MethodGet, "/i/"+nobody+what, link+what, nil), nobody, secret)
		}
		add("a link that never was, one "+name+": a code", eitherOf(e.browser(), http.MethodPost, "/i/"+nobody+"/code", link+"/code", nil), nobody, secret)
		add("a link that never was, one "+name+": sign in", eitherOf(e.browser(), http.MethodPost, "/i/"+nobody+"/open", link+"/open", typed("123456", e.AsOf)), nobody, secret)
		add("a link that never was, one "+name+": stop", eitherOf(e.browser(), http.MethodGet, "/s/"+nobody, "/s/"+secret, nil), nobody, secret)
	}
	add("a question that never was, another family's", eitherOf(e.me, http.MethodGet, "/asks/"+noAsk, e.theirs, nil), noAsk, filepath.Base(e.theirs))
	add("a receipt that never was, another family's", eitherOf(e.me, http.MethodGet, receiptPath+noReceipt, e.receipt, nil), noReceipt, filepath.Base(e.receipt))
	add("a request that never was, one about others", eitherOf(e.me, http.MethodGet, "/seen/1/99999999", "/seen/1/00000003", nil), "99999999", "00000003")
	list = append(list, e.wishes())
	return list
}

// wishes are contacts that reach nobody, or somebody, each of whom gets a link: three a
// day, so that there is a new day for every few.
func (e *estranged) wishes() pair {
	turn := 0
	return pair{
		name: "a contact of nobody, of a family", whole: true,
		ready: func(other bool, i int) {
			if other {
				turn++
			}
			if turn == len(e.contacts) {
				turn = 0
				e.clock.Add(24 * time.Hour)
			}
		},
		ask: func(other bool, i int) *httptest.ResponseRecorder {
			known := e.contacts[turn%len(e.contacts)]
			if !other {
				known = fmt.Sprintf("%0*d@example.org", max(1, len(known)-len("@example.org")), i)
			}
			return e.browser().post("/link", url.Values{"contact": {known}})
		},
		look: pageFace(),
	}
}

// TestHarnessOracles asks both of each pair again and again: the answers must be the
// same, and in the long form the times too.
func TestHarnessOracles(t *testing.T) {
	t.Parallel()
	n := harnessCount(t, "ORACLES", 20)
	e := newEstranged(t, broker.Sabotage{}, false)
	worst, of := 0.0, ""
	pairs := e.pairs()
	for _, p := range pairs {
		t.Run(p.name, func(t *testing.T) {
			if got := e.watch.judge(t, p, n); got > worst {
				worst, of = got, p.name
			}
		})
	}
	t.Logf("harness oracles: %d pairs of pages, %d samples each, the largest t is %.2f (%s)", len(pairs), n, worst, of)
	if n >= timedSamples && worst > oracleLimit {
		t.Errorf("the time tells: t %.2f of %s", worst, of)
	}
}

func TestWithoutPaddingTheSizeOfAPageTells(t *testing.T) {
	t.Parallel()
	e := newEstranged(t, broker.Sabotage{}, true)
	sizes := map[int]bool{}
	for _, path := range []string{"/", "/choices", "/i/ABCDEFGHIJKLMNOPQRSTUVWXYZ"} {
		sizes[e.me.get(path).Body.Len()%1024] = true
	}
	if len(sizes) == 1 {
		t.Error("pages are filled up all the same")
	}
	e.watch.held.Store(0)
	if e.me.get("/"); e.watch.held.Load() != 0 {
		t.Error("pages are held all the same")
	}
}

// TestHarnessWithoutPaddingTheTimeTells shows, in the long form, that the pages differ in
// time where answers are not held.
func TestHarnessWithoutPaddingTheTimeTells(t *testing.T) {
	t.Parallel()
	n := harnessCount(t, "ORACLES", 20)
	e := newEstranged(t, broker.Sabotage{}, true)
	worst := e.watch.judge(t, e.wishes(), n)
	t.Logf("harness oracles: without padding the t of a contact that reaches nobody and one that does is %.2f", worst)
	if n >= timedSamples && worst <= oracleLimit {
		t.Error("the samples do not see that answers are not held")
	}
}
