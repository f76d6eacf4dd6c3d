package redteam_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

// channels are attacks 30 and 31: what answers say beside their numbers, and
// what stands in the operator's texts.
func channels() []line {
	return []line{
		{30, "side channels", "alike; KS p > .01", []build{tagged()}, sideChannels, false},
		{31, "metadata", "0 words about a student", []build{chatty()}, metadata, false},
	}
}

// tagged puts a header on answers that depends on the records.
func tagged() build {
	return build{name: "an ETag over the records", front: func(d *district, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", fmt.Sprintf(`"%.0f"`, d.total(suspended, termID(0), all(d.students))))
			next.ServeHTTP(w, r)
		})
	}}
}

// readCounter counts what the service reads of its store.
type readCounter struct {
	store.Engine
	reads *atomic.Int64
}

type readCounterTx struct {
	store.EngineTx
	reads *atomic.Int64
}

// Begin begins a transaction that counts.
func (c readCounter) Begin(ctx context.Context, writable bool) (store.EngineTx, error) {
	tx, err := c.Engine.Begin(ctx, writable)
	return readCounterTx{tx, c.reads}, err
}

// Get counts.
func (t readCounterTx) Get(c store.Collection, key []byte) ([]byte, error) {
	t.reads.Add(1)
	return t.EngineTx.Get(c, key)
}

// counted is a build whose reads are counted.
func counted(b build, reads *atomic.Int64) build {
	was := b.sabotage
	b.sabotage = func(o *broker.Options) {
		if was != nil {
			was(o)
		}
		o.Store = func(path string) (store.Engine, error) {
			e, err := bolt.Open(path, bolt.Options{})
			return readCounter{e, reads}, err
		}
	}
	return b
}

// oneApart are two districts that differ in the outcomes of one student of a
// partner too small for figures.
func oneApart() (with, without shape) {
	s := pair(82)
	eight := pact{id: "eight", schools: []int{1}, indicators: everything, roster: makeWorld(s).in(1, -1)[250:258]}
	s.pacts = append(s.pacts, eight)
	target := eight.roster[2]
	put := func(out bool) shape {
		s := s
		s.change = func(_, student int, o *outcome) {
			if student == target {
				o.out, o.in, o.absent = out, out, 0
				if out {
					o.absent = enrolled / 2
				}
			}
		}
		return s
	}
	return put(true), put(false)
}

// trace is what a request shows beside printed numbers.
func trace(a answer) string {
	var names []string
	for k, v := range a.header {
		switch k {
		case "Date", "Hallpass-Request-Id", "X-Request-Id":
		case "Content-Length": // receipts have random parts of one length
			names = append(names, k+strings.Join(v, ","))
		default:
			names = append(names, k+strings.Join(v, ","))
		}
	}
	slices.Sort(names)
	text := a.data()
	if a.status >= 400 {
		text, _, _ = strings.Cut(string(a.body), `"receipt"`)
	}
	return requestID.ReplaceAllString(fmt.Sprint(a.status, names, len(a.body), text), "ID")
}

var requestID = regexp.MustCompile(`"request_id":"[^"]*"`)

// questions are what the small partner can ask, good and bad.
func questions(a attacker) []string {
	list := []string{a.path("/students"), a.path("/students?period=current"), "/v1/periods", "/v1/agreements", "/v1/partners/" + a.partner, a.path("/participation")}
	for _, period := range append(a.d.periods(), "nothing") {
		for _, school := range []string{"all", "S01", "S02", "nothing"} {
			list = append(list, a.path("/comparisons?period="+period+"&school="+school))
		}
	}
	for _, f := range filters(a.d, a.d.pact("eight").roster[2]) {
		list = append(list, a.path(f))
	}
	return list
}

func sideChannels(x *trial) {
	with, without := oneApart()
	var reads [2]atomic.Int64
	var people [2]attacker
	for i, s := range []shape{with, without} {
		d := open(x.t, s, counted(x.build, &reads[i]))
		d.close(d.periods()...)
		people[i] = d.attacker("eight")
	}
	differ, asked, statuses := 0, 0, map[string]bool{}
	for _, path := range questions(people[0]) {
		was := [2]int64{reads[0].Load(), reads[1].Load()}
		first, second := trace(people[0].get(path)), trace(people[1].get(path))
		if asked++; first != second || reads[0].Load()-was[0] != reads[1].Load()-was[1] {
			differ++
			x.breach("%s shows a student's outcome: %s", path, difference(first, second))
		}
	}
	for _, v := range people[0].d.read(termID(0)) {
		statuses[v.status] = true
	}
	x.measured("%d of %d answers, headers, sizes or store reads differ", differ, asked)
	x.statuses(statuses)
	x.latencies(people)
}

func (x *trial) statuses(seen map[string]bool) {
	for s := range seen {
		if s != "ok" && s != "low_precision" && s != "withheld" && s != "not_reported" {
			x.breach("a row has the status %s", s)
		}
	}
	x.measured("%d statuses", len(seen))
}

// latencies compares how long answers take. Only the full card looks at a clock.
func (x *trial) latencies(people [2]attacker) {
	if !x.full || !x.protected() {
		return
	}
	var took [2][]float64
	path := people[0].path("/comparisons?period=" + termID(0) + "&school=all")
	for i := range 8000 {
		began := time.Now()
		people[i%2].get(path)
		took[i%2] = append(took[i%2], time.Since(began).Seconds())
	}
	distance, p := attack.Smirnov(took[0], took[1])
	x.measured("latency: KS distance %.4f, p %.3f", distance, p)
	if p < .01 {
		x.breach("latencies differ by a student's outcome: KS distance %.4f, p %.4f", distance, p)
	}
}

// difference is where two texts part.
func difference(a, b string) string {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	from := max(0, i-40)
	return fmt.Sprintf("%.80q against %.80q", a[from:], b[from:])
}

// chatty logs the bodies of uploads.
func chatty() build {
	return build{name: "uploads are logged", front: func(d *district, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut {
				fmt.Fprintln(d.log, "took over", d.participation(d.pacts[0].roster))
			}
			next.ServeHTTP(w, r)
		})
	}}
}

func metadata(x *trial) {
	d := x.closed(pair(80))
	p := d.pacts[0]
	a := d.attacker(p.id)
	a.upload(p.roster)
	for _, path := range append(filters(d, p.roster[0]), "/comparisons?period="+termID(0), "/students", "/students?participant="+ref(p.roster[0])) {
		a.get(a.path(path))
	}
	rec := httptest.NewRecorder()
	d.api.Ops().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	spec, err := os.ReadFile("../../docs/openapi.yaml")
	if err != nil {
		x.t.Fatal(err)
	}
	texts := map[string]string{"the log": untimed.ReplaceAllString(d.log.String(), ""), "the metrics": rec.Body.String(), "the OpenAPI file": string(spec)}
	for name, text := range texts {
		x.must(len(text) > 500, name+" is empty")
		for _, word := range d.words() {
			if strings.Contains(text, word) {
				x.breach("%s holds %q", name, word)
			}
		}
	}
	x.measured("%d words about a student, or keys, in %d texts", x.breaches, len(texts))
}

// untimed matches what a log line says of time: its digits may be anybody's number.
var untimed = regexp.MustCompile(`"time":"[^"]*"|"ms":[0-9.e+-]+`)

// words are what no text of the operator may hold: students' names, numbers and
// birth dates, and the district's keys.
func (d *district) words() []string {
	var list []string
	for i := range d.students {
		list = append(list, studentID(i), given(i)+" ", family(i)+" ", mother(i), ref(i), birth(i).String())
	}
	files, err := filepath.Glob(filepath.Join(d.home(), "keys", "*.key"))
	if err != nil || len(files) == 0 {
		d.t.Fatal("no key files", err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			d.t.Fatal(err)
		}
		tail := raw[max(0, len(raw)-24):]
		list = append(list, strings.TrimSpace(string(tail)), hex.EncodeToString(tail), base64.StdEncoding.EncodeToString(tail))
	}
	return list
}
