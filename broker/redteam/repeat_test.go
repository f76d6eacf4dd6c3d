package redteam_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// repetitions are attacks 6, 7, 15, 16 and 37: the same question again, in
// other words, after a reload, after a restart.
func repetitions() []line {
	return []line{
		{6, "repetition", "1 answer", []build{fickle()}, repeat, false},
		{7, "alias sets", "the same answer", []build{labelled()}, aliases, false},
		{15, "reload with one change", "the same answer", []build{live()}, reloadChanged, false},
		{16, "reload without a change", "the same answer", []build{fickle()}, reloadUnchanged, false},
		{37, "repeated close and restart", "the same answer", []build{live()}, closeAgain, false},
	}
}

// rewritten is a front that changes the bodies of comparisons.
func rewritten(name string, change func(d *district, r *http.Request, body []byte) []byte) build {
	return build{name: name, front: func(d *district, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			body := rec.Body.Bytes()
			if strings.HasSuffix(r.URL.Path, "/comparisons") {
				body = change(d, r, body)
			}
			for k, v := range rec.Header() {
				if k != "Content-Length" {
					w.Header()[k] = v
				}
			}
			w.WriteHeader(rec.Code)
			_, _ = w.Write(body)
		})
	}}
}

// relabel puts a mark on every printed code.
func relabel(body []byte, mark string) []byte {
	return bytes.ReplaceAll(body, []byte(`"code":"`), []byte(`"code":"`+mark))
}

// fickle draws anew for every request.
func fickle() build {
	var n atomic.Int64
	return rewritten("noise drawn for each request", func(_ *district, _ *http.Request, body []byte) []byte {
		return relabel(body, fmt.Sprint(n.Add(1)%7))
	})
}

// labelled draws by the name of the row that was asked for.
func labelled() build {
	return rewritten("noise keyed by the row's name", func(_ *district, r *http.Request, body []byte) []byte {
		return relabel(body, fmt.Sprint(len(r.URL.Path), r.URL.Query().Get("school")))
	})
}

// live answers from the records of the day.
func live() build {
	return rewritten("computed from today's records", func(d *district, _ *http.Request, body []byte) []byte {
		return relabel(body, fmt.Sprint(d.total(chronic, termID(0), all(d.students))))
	})
}

// data is the member data of an answer as it stands there.
func (a answer) data() string {
	var body map[string]jsontext.Value
	if err := json.Unmarshal(a.body, &body); err != nil {
		return string(a.body)
	}
	return string(body["data"])
}

// printedOf is what an answer prints, without what tells the time.
func printedOf(a answer) string {
	_, rows, _ := strings.Cut(a.data(), `"profile"`)
	return rows
}

func repeat(x *trial) {
	d := x.served()
	path := "/comparisons?period=" + termID(0) + "&school=all"
	ways := []func(a attacker) answer{
		func(a attacker) answer { return a.get(a.path(path)) },
		func(a attacker) answer { return a.get(a.path("/comparisons?school=all&period=" + termID(0))) },
		func(a attacker) answer { return a.get(a.path("/comparisons?period=" + termID(0))) },
		func(a attacker) answer { return a.get(a.path(path), "Accept-Encoding", "gzip;q=0, identity") },
		func(a attacker) answer {
			return a.get(a.path(path), "Accept", "text/html", "Cache-Control", "no-cache")
		},
	}
	n, seen := x.rounds(10_000, 200), map[string]bool{}
	for i := range n {
		seen[ways[i%len(ways)](d.attacker(d.pacts[0].id, fmt.Sprint(i/100))).data()] = true
	}
	for _, s := range together(d.attacker(d.pacts[0].id), path, 32) {
		seen[s] = true
	}
	x.measured("%d answers to %d questions", len(seen), n+32)
	if len(seen) != 1 {
		x.breach("%d answers to one question", len(seen))
	}
}

// served is a district to ask: the town or, for a build with a front, a small one
// of its own.
func (x *trial) served() *district {
	x.t.Helper()
	if x.build.front != nil {
		return x.closed(pair(1))
	}
	d, _ := x.read(town(1, x.rounds(4, 2)))
	return d
}

// together asks the same many times at once.
func together(a attacker, path string, n int) []string {
	got := make([]string, n)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() { got[i] = a.get(a.path(path)).data() })
	}
	all.Wait()
	return got
}

// twins are two partners with one roster, all of one school and grade: every
// row counts the same students.
func twins() shape {
	s := shape{seed: 9, students: 1000, schools: 2, terms: 2}
	roster := makeWorld(s).in(1, firstGrade)[:40]
	for _, id := range []string{"castor", "pollux"} {
		s.pacts = append(s.pacts, pact{id: id, schools: []int{1}, indicators: everything, roster: roster})
	}
	return s
}

func aliases(x *trial) {
	d := x.closed(twins())
	codes := map[[2]string]map[string]bool{}
	rows := 0
	for _, v := range d.read(d.periods()...) {
		k := [2]string{v.period, v.indicator}
		if codes[k] == nil {
			codes[k] = map[string]bool{}
		}
		if v.cohort.printed() {
			codes[k][v.cohort.Value.Code+" "+v.rest.Value.Code] = true
			rows++
		}
	}
	x.must(rows > 2*len(codes), "fewer than three names of one set were answered")
	for k, printed := range codes {
		if len(printed) > 1 {
			x.breach("%s has %d answers for one set of students", k[1], len(printed))
		}
	}
	x.measured("%d rows with other names, %d sets with more than one answer", rows, x.breaches)
}

// unchanged compares all that the partners can read before an act and after it.
func (x *trial) unchanged(d *district, times int, act func(i int)) {
	x.t.Helper()
	read := func() (list []string) {
		for _, p := range d.pacts {
			a := d.attacker(p.id)
			for _, period := range d.periods() {
				for _, school := range a.places(p) {
					list = append(list, printedOf(a.comparison(period, school)))
				}
			}
		}
		return list
	}
	was, differ := read(), 0
	for i := range times {
		act(i)
		for k, now := range read() {
			if now != was[k] {
				differ++
			}
		}
	}
	x.measured("%d of %d answers differ", differ, times*len(was))
	if differ > 0 {
		x.breach("%d answers differ", differ)
	}
}

// overturn changes everything that is recorded about a student.
func (d *district) overturn(student int) {
	for t := range d.outcomes {
		d.outcomes[t][student].flip()
	}
}

func reloadChanged(x *trial) {
	d := x.closed(pair(10))
	x.unchanged(d, x.rounds(20, 3), func(i int) {
		d.overturn(d.pacts[0].roster[i])
		d.load()
	})
}

func reloadUnchanged(x *trial) {
	d := x.closed(pair(11))
	x.unchanged(d, x.rounds(50, 3), func(int) { d.load() })
}

func closeAgain(x *trial) {
	d := x.closed(pair(12))
	x.unchanged(d, 2, func(i int) {
		d.overturn(d.pacts[0].roster[i])
		d.load()
		d.close(d.periods()...)
		d.restart(x.build)
	})
}
