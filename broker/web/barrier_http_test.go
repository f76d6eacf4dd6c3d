package web_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/report"
	"github.com/hallpass-edu/hallpass/broker/token"
	"github.com/hallpass-edu/hallpass/consent"
)

// race is one stretch of withdrawals against readers in one house. For each
// of two partners one writer takes a family's consent back and enters it
// again, family after family, while readers ask for rows and comparisons over
// every kind of connection.
type race struct {
	*house
	*monitor
	lanes   []*lane
	stop    context.CancelFunc
	running context.Context
	pages   bool                        // readers ask for pages alone
	client  struct{ late atomic.Int64 } // answers that came too late by the clients' own order
}

// lane is one partner with its families, of whom at most one is withdrawn at
// any time.
type lane struct {
	partner, agreement string
	categories         []consent.Category
	families           []family
	grants             []string // the newest grant of each family
	counted            int      // how many children a comparison counts while all are in force
	onPage             int      // the same of a page

	mu     sync.Mutex
	absent []absence // by the clients' order
}

// absence is a stretch of the sequence in which a family's child may be in no
// answer: from the acknowledgement to the next grant. to is 0 while it lasts.
type absence struct {
	family   int
	from, to int64
}

func newRace(t testing.TB, sabotage broker.Sabotage) *race {
	t.Helper()
	r := &race{monitor: newMonitor()}
	r.house = open(t, lakeland, r.furnish, func(f *furnishing) {
		f.broker.Sabotage, f.broker.BarrierLimit = sabotage, 2*time.Millisecond
		f.broker.Log = nil
	})
	for _, id := range []string{north, river} {
		l := &lane{partner: id, agreement: r.partner(id).Agreement.ID, families: r.familiesOf(id)}
		for _, c := range r.partner(id).Agreement.Categories {
			l.categories = append(l.categories, consent.Category(c))
		}
		r.lanes = append(r.lanes, l)
		for _, f := range l.families {
			l.grants = append(l.grants, r.grantID(r.again(l, f)))
		}
		r.settle(l)
	}
	return r
}

// settle shows for each family of a lane that its child is in the rows and is
// counted, and neither once the consent is withdrawn: what the race looks for
// can be seen.
func (r *race) settle(l *lane) {
	r.t.Helper()
	must := func(p person, method, path string, body any) []byte {
		status, got, err := r.quick(r.t.Context(), "settle", method, path, p.token(), body)
		if err != nil || status/100 != 2 {
			r.t.Fatalf("%s %s: %d %s %v", method, path, status, got, err)
		}
		return got
	}
	rows, figures, people := under(l.agreement, "/students"), under(l.agreement, "/comparisons?period="+r.year()), r.partnerOf(l.partner)
	page := r.report(l.agreement, report.NamedPeople)
	l.counted, l.onPage = counted(consentedN, must(people, "GET", figures, nil)), counted(consentedOnPage, must(people, "GET", page, nil))
	for i, f := range l.families {
		before := bytes.Contains(must(people, "GET", rows, nil), quoted(f.ref))
		must(r.officer(), "POST", "/v1/consents/"+l.grants[i]+"/withdraw", r.by(r.officer(), f))
		after := l.shows(must(people, "GET", rows, nil), i) || l.shows(must(people, "GET", figures, nil), i) || l.shows(must(people, "GET", page, nil), i)
		if !before || after || l.counted < 2 || l.onPage < 2 {
			r.t.Fatalf("family %d of %s: shown in force %t, withdrawn %t, of %d, on a page of %d", i, l.partner, before, after, l.counted, l.onPage)
		}
		l.grants[i] = r.grantID(r.again(l, f))
	}
}

func quoted(ref string) []byte { return []byte(strconv.Quote(ref)) }

// The first consented summary of a comparison and of a page, where it stands in
// words before it stands in the data.
var (
	consentedN      = regexp.MustCompile(`"consented":\{"n":(\d+)`)
	consentedOnPage = regexp.MustCompile(`(\d+) students whose families said yes`)
)

// counted is how many children the first consented summary counts; -1 where
// there is none, as in a part of an answer.
func counted(summary *regexp.Regexp, body []byte) int {
	found := summary.FindSubmatch(body)
	if found == nil {
		return -1
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		return -1
	}
	return n
}

// again is a family's newest yes, signed a second after anything before.
func (r *race) again(l *lane, f family) broker.ConsentRequest {
	signed := r.clock.Add(time.Second)
	y := r.yes(f)
	y.Agreement, y.Categories, y.SignedAt = l.agreement, l.categories, signed
	return y
}

// quick makes one request without the checks of the other tests, which would
// take longer than the request.
func (r *race) quick(ctx context.Context, label, method, path, bearer string, body any) (int, []byte, error) {
	var sent io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		sent = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+r.address+path, sent)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	req.Header.Set("Test-Label", label)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Close = strings.HasSuffix(label, "fresh")
	res, err := r.house.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	return res.StatusCode, got, err
}

// toggle takes the consents of a lane back and enters them again. Every other
// time the family does it itself.
func (r *race) toggle(l *lane, rounds int) error {
	for n := range rounds {
		i := n % len(l.families)
		f, who := l.families[i], r.officer()
		if n/len(l.families)%2 == 1 {
			who = r.guardian(f.guardian)
		}
		status, body, err := r.quick(r.t.Context(), fmt.Sprintf("withdraw %s %d", l.partner, i), "POST", "/v1/consents/"+l.grants[i]+"/withdraw", who.token(), r.by(who, f))
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("withdrawing: %d %s %w", status, body, err)
		}
		l.leave(i, r.tick())
		y := r.again(l, f)
		l.back(r.tick())
		status, body, err = r.quick(r.t.Context(), fmt.Sprintf("grant %s %d", l.partner, i), "POST", "/v1/consents", who.token(), y)
		if err != nil || status != http.StatusCreated {
			return fmt.Errorf("entering again: %d %s %w", status, body, err)
		}
		var made struct {
			Data struct {
				ID   string `json:"id"`
				Held []any  `json:"held"`
			} `json:"data"`
		}
		if err := json.Unmarshal(body, &made); err != nil || len(made.Data.Held) > 0 {
			return fmt.Errorf("entering again: held %d, %w", len(made.Data.Held), err)
		}
		l.grants[i] = made.Data.ID
	}
	return nil
}

func (r *race) by(who person, f family) any {
	if who.claims.Role == broker.RoleGuardian {
		return nil
	}
	return broker.WithdrawRequest{By: broker.SignerRef{GuardianID: f.guardian}}
}

func (l *lane) leave(family int, at int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.absent = append(l.absent, absence{family: family, from: at})
}

func (l *lane) back(at int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.absent[len(l.absent)-1].to = at
}

// gone returns the family that was absent from one place of the sequence to
// another; -1 where there was none.
func (l *lane) gone(from, to int64) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.absent) == 0 {
		return -1
	}
	last := l.absent[len(l.absent)-1]
	if last.from < from && (last.to == 0 || to < last.to) {
		return last.family
	}
	return -1
}

// shows reports whether bytes of a lane's answer hold a family's child, or
// count it.
func (l *lane) shows(sent []byte, family int) bool {
	return bytes.Contains(sent, quoted(l.families[family].ref)) ||
		counted(consentedN, sent) == l.counted || counted(consentedOnPage, sent) == l.onPage
}

// reader asks again and again until the race ends.
func (r *race) reader(l *lane, label string, paths ...string) error {
	who := r.of(broker.RolePartner, func(c *token.Claims) {
		c.Partner = l.partner
		c.IssuedAt = r.Now().Truncate(time.Second)
		c.Expires = c.IssuedAt.Add(20 * time.Hour)
	})
	bearer := who.token()
	for n := 0; r.running.Err() == nil; n++ {
		path, asked := paths[n%len(paths)], r.tick()
		status, body, err := r.quick(r.running, "read "+l.partner+" "+label, "GET", path, bearer, nil)
		read := r.tick()
		switch {
		case err != nil: // cut, or the race is over
			continue
		case status != http.StatusOK && status != http.StatusServiceUnavailable:
			return fmt.Errorf("reading %s: %d %s", path, status, body)
		}
		if i := l.gone(asked, read); i >= 0 && l.shows(body, i) {
			r.client.late.Add(1)
		}
	}
	return nil
}

// slowReader takes the first bytes of an answer and lets the rest wait: until
// a withdrawal begins, or, every other time, until it was acknowledged.
func (r *race) slowReader(l *lane, paths ...string) error {
	bearer := r.of(broker.RolePartner, func(c *token.Claims) {
		c.Partner = l.partner
		c.IssuedAt = r.Now().Truncate(time.Second)
		c.Expires = c.IssuedAt.Add(20 * time.Hour)
	}).token()
	for n := 0; r.running.Err() == nil; n++ {
		if err := r.readSlowly(l, paths[n%len(paths)], bearer, n/len(paths)%2 == 0); err != nil && r.running.Err() == nil {
			return err
		}
	}
	return nil
}

func (r *race) readSlowly(l *lane, path, bearer string, toTheEnd bool) error {
	conn, err := narrow(r.running, r.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	began, acked := r.until(&r.monitor.began), r.until(&r.monitor.acked)
	request := "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTest-Label: read " + l.partner + " slow\r\nAuthorization: Bearer " + bearer + "\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	buffered := bufio.NewReaderSize(conn, 512)
	if _, err := buffered.Peek(16); err != nil {
		return nil // cut before its first byte
	}
	wait := began
	if toTheEnd {
		wait = acked
	}
	select {
	case <-wait:
	case <-r.running.Done():
	}
	// A cut connection ends somewhere; what arrived is judged where it was written.
	_, _ = io.Copy(io.Discard, buffered)
	return nil
}

// raceTally is what a race came to.
type raceTally struct {
	withdrawals, overlapped, reads, stopped, broken, late, lateAtClient int
}

func (t raceTally) plus(o raceTally) raceTally {
	return raceTally{t.withdrawals + o.withdrawals, t.overlapped + o.overlapped, t.reads + o.reads, t.stopped + o.stopped, t.broken + o.broken, t.late + o.late, t.lateAtClient + o.lateAtClient}
}

// run races a number of withdrawals and judges what was written.
func (r *race) run(rounds int) raceTally {
	r.t.Helper()
	r.running, r.stop = context.WithCancel(r.t.Context())
	var readers, writers errgroup.Group
	for i, l := range r.lanes {
		rows, figures, page := under(l.agreement, "/students"), under(l.agreement, "/comparisons?period="+r.year()), r.report(l.agreement, report.NamedPeople)
		if r.pages {
			rows, figures = page, page
		}
		readers.Go(func() error { return r.reader(l, "kept", rows, figures, page) })
		readers.Go(func() error { return r.reader(l, "fresh", page, figures, rows) })
		readers.Go(func() error { return r.slowReader(l, rows, page, figures) })
		writers.Go(func() error { return r.toggle(l, rounds/len(r.lanes)+i*(rounds%len(r.lanes))) })
	}
	err := writers.Wait()
	r.stop()
	if err := errors.Join(err, readers.Wait()); err != nil {
		r.t.Error(err)
	}
	return r.judge()
}

// judge holds each write of each read to the withdrawals: none may have
// returned between the first byte of an acknowledgement and the next grant
// if its response shows the child.
func (r *race) judge() (t raceTally) {
	all := r.deliveries()
	t.lateAtClient = int(r.client.late.Load())
	for _, l := range r.lanes {
		absences := l.absences(all)
		for _, d := range all {
			switch {
			case strings.HasPrefix(d.label, "withdraw "+l.partner):
				t.withdrawals++
				t.overlapped += one(d.overlap)
			case strings.HasPrefix(d.label, "read "+l.partner):
				t.reads++
				t.stopped += one(bytes.HasPrefix(d.bytes, []byte("HTTP/1.1 503")) || d.whole && len(d.bytes) == 0)
				t.broken += one(!d.whole)
				t.late += one(l.late(d, absences))
			}
		}
	}
	return t
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// absences are the stretches by the server's own writes: from the first byte
// of the acknowledgement to the arrival of the next grant.
func (l *lane) absences(all []delivery) []absence {
	var list []absence
	for _, d := range all {
		var family int
		if _, err := fmt.Sscanf(d.label, "withdraw "+l.partner+" %d", &family); err == nil && len(d.writes) > 0 {
			list = append(list, absence{family: family, from: d.writes[0].began})
		}
	}
	for _, d := range all {
		var family int
		if _, err := fmt.Sscanf(d.label, "grant "+l.partner+" %d", &family); err != nil {
			continue
		}
		for i := range list {
			if a := &list[i]; a.from < d.began && (a.to == 0 || d.began < a.to) {
				a.to = d.began
			}
		}
	}
	return list
}

// late reports whether a byte of an answer left while a child that it shows
// was absent.
func (l *lane) late(d delivery, absences []absence) bool {
	for _, w := range d.writes {
		i, _ := slices.BinarySearchFunc(absences, w.ended, func(a absence, at int64) int { return int(a.from - at) })
		if i == 0 {
			continue
		}
		if a := absences[i-1]; (a.to == 0 || w.ended < a.to) && l.shows(d.bytes, a.family) {
			return true
		}
	}
	return false
}

// stretch is how many withdrawals one house sees: each leaves a grant, and
// answers read all of them.
const stretch = 250

// TestHarnessHTTPInterleavings races withdrawals against reads over HTTP.
func TestHarnessHTTPInterleavings(t *testing.T) {
	t.Parallel()
	rounds := 40
	if testing.Short() {
		rounds = 10
	}
	if text := os.Getenv("HALLPASS_BUDGET_HTTP_INTERLEAVINGS"); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	var sum raceTally
	for left := rounds; left > 0; left -= stretch {
		t.Run("a stretch", func(t *testing.T) { sum = sum.plus(newRace(t, broker.Sabotage{}).run(min(left, stretch))) })
	}
	// In a few rounds a withdrawal may meet no answer that is half written; a race
	// that never meets one shows nothing about cutting it.
	for more := 0; sum.broken == 0 && more < 20 && !t.Failed(); more++ {
		t.Run("a stretch more", func(t *testing.T) { sum = sum.plus(newRace(t, broker.Sabotage{}).run(10)) })
	}
	t.Logf("harness http_interleavings: %d withdrawals, %d with a read under way, %d reads, %d of them stopped before the first byte, %d broken off later, %d too late by the server's writes, %d by the clients' order, %.0f withdrawals/s",
		sum.withdrawals, sum.overlapped, sum.reads, sum.stopped, sum.broken, sum.late, sum.lateAtClient, float64(sum.withdrawals)/time.Since(began).Seconds())
	if sum.late > 0 || sum.lateAtClient > 0 {
		t.Errorf("bytes of a child left after its family's withdrawal was acknowledged")
	}
	if sum.withdrawals < rounds || sum.overlapped*2 < sum.withdrawals || sum.broken == 0 {
		t.Errorf("the withdrawals hardly met a read: %+v", sum)
	}
}

func TestWithoutTheBarrierBytesLeaveAfterTheAcknowledgement(t *testing.T) {
	t.Parallel()
	for name, pages := range map[string]bool{"of any answer": false, "of a page": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRace(t, broker.Sabotage{NoBarrier: true})
			r.pages = pages
			var sum raceTally
			for range 40 {
				if sum = r.run(5); sum.late > 0 || t.Failed() {
					return
				}
			}
			t.Errorf("the race does not see that the barrier is gone: %+v", sum)
		})
	}
}
