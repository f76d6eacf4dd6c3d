package redteam_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
)

// blindness is attack 25: what is withheld must not hang on any outcome.
func blindness() []line {
	return []line{{25, "denial oracle", "0 decisions differ", []build{dominance()}, denialOracle, false}}
}

// dominance withholds a row in which too few have the outcome, as rules that
// look at values do.
func dominance() build {
	return rewritten("rows with few outcomes withheld", func(_ *district, _ *http.Request, body []byte) []byte {
		var answer map[string]any
		if err := json.Unmarshal(body, &answer); err != nil {
			return body
		}
		hideSmall(answer["data"])
		out, err := json.Marshal(answer, json.Deterministic(true))
		if err != nil {
			return body
		}
		return out
	})
}

// hideSmall takes cohort and rest out of figures whose cohort's value is small.
func hideSmall(part any) {
	switch part := part.(type) {
	case []any:
		for _, p := range part {
			hideSmall(p)
		}
	case map[string]any:
		cohort, _ := part["cohort"].(map[string]any)
		value, _ := cohort["value"].(map[string]any)
		if high, ok := value["high"].(float64); ok && high < 15 {
			part["status"], part["cohort"], part["rest"] = "withheld", nil, nil
		}
		for _, p := range part {
			hideSmall(p)
		}
	}
}

// decisions is all of an answer but the printed values: which rows there are
// and in what order, their statuses, what is there and what is not, the sizes.
func (a attacker) decisions(p pact, periods ...string) string {
	var b strings.Builder
	for _, v := range a.views(p, periods...) {
		fmt.Fprint(&b, v.period, v.row, v.indicator, v.status, v.consented != nil)
		for _, s := range []*side{v.cohort, v.rest, v.whole} {
			if s != nil {
				fmt.Fprint(&b, s.N, s.Coverage.Code, s.Value.Kind == "withheld")
			}
			fmt.Fprint(&b, ";")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// varied is a small district of many kinds of rows: some withheld for each reason.
func varied(seed uint64) shape {
	s := shape{seed: seed, students: 800, schools: 2, terms: 1}
	w := makeWorld(s)
	draw := coin(seed)
	for i, n := range []int{8 + draw.IntN(4), 60, 60, 12 + draw.IntN(80)} {
		p := pact{id: fmt.Sprintf("p%d", i), schools: all(2), indicators: everything}
		if i == 1 {
			p.schools = []int{0}
		}
		for _, school := range p.schools {
			p.roster = append(p.roster, sample(draw, w.in(school, -1), n/len(p.schools))...)
		}
		p.yes = sample(draw, p.roster, i*4)
		s.pacts = append(s.pacts, p)
	}
	q := s.pacts[1]
	q.id, q.roster = "p9", q.roster[1:]
	q.yes = nil
	s.pacts = append(s.pacts, q)
	return s
}

func denialOracle(x *trial) {
	worlds, withheld := x.rounds(1000, 3), 0
	for seed := range worlds {
		s := varied(uint64(seed) + 50)
		d := x.open(s)
		other := s
		if seed%2 == 0 {
			other.flipped = true
		} else {
			other.shuffled = uint64(seed) + 1
		}
		twin := d.twin(x.t, other, x.build)
		want := d.allDecisions()
		withheld += strings.Count(want, "withheld")
		if twin.allDecisions() != want {
			x.breach("other outcomes of the same students change what is withheld, or a size or an order")
		}
	}
	x.must(withheld > 0, "nothing was withheld")
	x.measured("%d of %d districts with other outcomes decided otherwise; %d rows withheld in all", x.breaches, worlds, withheld)
}

// allDecisions are those on every agreement, once all is closed. The district ends
// with them.
func (d *district) allDecisions() string {
	d.t.Helper()
	d.close(d.periods()...)
	var b strings.Builder
	for _, p := range d.pacts {
		b.WriteString(d.attacker(p.id).decisions(p, d.periods()...))
	}
	d.end()
	return b.String()
}
