package redteam_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// rosterChanges are attacks 19 and 38: rosters that differ by one student, and
// rosters that ask who exists.
func rosterChanges() []line {
	return []line{
		{19, "collusion: A is B and one more", "the second withheld", []build{weakBuild(sdc.WeakNoGuard), weakBuild(sdc.WeakExact)}, oneMore, false},
		{38, "roster as an oracle", "no word of a match", []build{helpful()}, rosterOracle, false},
	}
}

// neighbours are pairs of partners of which one has a student more.
func neighbours() shape {
	s := shape{seed: 30, students: 2000, schools: 4, terms: 1}
	w := makeWorld(s)
	for i, p := range clubs(w, 41, 1, everything, nil) {
		q := p
		q.roster = without(p.roster, p.roster[i%len(p.roster)])
		p.id, q.id = fmt.Sprintf("a-%02d", i), fmt.Sprintf("b-%02d", i)
		s.pacts = append(s.pacts, p, q)
	}
	return s
}

func oneMore(x *trial) {
	d := x.closed(neighbours())
	rows := map[string]view{}
	pairs, first := 0, 0
	for _, v := range d.read(termID(0)) {
		id, which := v.agreement[2:], v.agreement[:1]
		key := id + v.row + v.indicator
		if which == "a" {
			rows[key] = v
			continue
		}
		was := rows[key]
		if apart := len(was.p) - len(v.p); apart == 0 || len(v.p) == 0 {
			continue
		}
		pairs++
		if was.cohort.printed() {
			first++
		}
		if was.cohort.printed() && v.cohort.printed() {
			x.breach("%s %s: both sums are printed", was.agreement, was.row)
		}
	}
	x.must(first > 0, "no first sum was printed")
	x.measured("%d of %d pairs printed; the first of each pair %d times", x.breaches, pairs, first)
}

// helpful says how many of a roster were found.
func helpful() build {
	return build{name: "uploads say how many were found", front: func(d *district, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					d.t.Error(err)
				}
				w.Header().Set("Hallpass-Matched", fmt.Sprint(d.recognised(string(body))))
				r.Body = io.NopCloser(bytes.NewReader(body))
			}
			next.ServeHTTP(w, r)
		})
	}}
}

// recognised counts the lines of a roster that are as the district has them.
func (w *world) recognised(text string) int {
	known := map[string]bool{}
	for line := range strings.Lines(w.participation(all(w.students))) {
		known[line] = true
	}
	n := 0
	for line := range strings.Lines(text) {
		n += int(truth(known[line]))
	}
	return n
}

// guise is a way to put somebody on a roster who is not to be found.
type guise func(i int, line []string)

// guises leave the file as long as it was.
func guises() map[string]guise {
	return map[string]guise{
		"somebody else's birth date": func(_ int, line []string) { line[3] = "2001-01-01" },
		"a name that nobody has":     func(_ int, line []string) { line[2] = strings.Repeat("x", len(line[2])) },
		"names the wrong way round":  func(_ int, line []string) { line[1], line[2] = line[2], line[1] },
	}
}

// disguise rewrites the first k children of a roster.
func (w *world) disguise(roster []int, k int, g guise) string {
	lines := strings.Split(w.participation(roster), "\n")
	for i := range k {
		cells := strings.Split(lines[1+i], ",")
		g(i, cells)
		lines[1+i] = strings.Join(cells, ",")
	}
	return strings.Join(lines, "\n")
}

func rosterOracle(x *trial) {
	d := x.open(pair(31))
	p := d.pacts[0]
	a := d.attacker(p.id)
	upload := func(text string) string {
		got := a.send(http.MethodPut, a.path("/participation"), "text/csv", text)
		return fmt.Sprint(got.status, got.header["Hallpass-Matched"], len(got.header), got.data())
	}
	want, probes := upload(d.participation(p.roster)), 0
	for name, g := range guises() {
		for _, k := range []int{1, 10, len(p.roster)} {
			probes++
			if got := upload(d.disguise(p.roster, k, g)); got != want {
				x.breach("%s of %d children changes the answer to the upload", name, k)
			}
		}
	}
	x.measured("%d of %d uploads with strangers answered otherwise", x.breaches, probes)
	x.oneSize(d, p, a, upload)
}

// oneSize: after the close the number of children found stands beside the
// figures, and no later roster changes it.
func (x *trial) oneSize(d *district, p pact, a attacker, upload func(string) string) {
	upload(d.disguise(p.roster, 5, guises()["a name that nobody has"]))
	d.close(termID(0))
	sizes := map[int]bool{}
	for k := range 10 {
		for _, v := range a.views(p, termID(0)) {
			if v.row == "all" && v.cohort != nil {
				sizes[v.cohort.N] = true
			}
		}
		upload(d.disguise(p.roster, k, guises()["a name that nobody has"]))
		d.close(termID(0))
	}
	x.measured("%d size(s) of the cohort in a period after ten rosters", len(sizes))
	if len(sizes) != 1 {
		x.breach("ten rosters gave %d sizes in one period", len(sizes))
	}
}
