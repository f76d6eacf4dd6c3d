package redteam_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// expressions are attacks 9 and 24: questions about sets of one's own choice,
// and questions whose refusal tells.
func expressions() []line {
	return []line{
		{9, "individual tracker", "not expressible", []build{obliging()}, individualTracker, false},
		{24, "threshold probe", ".69 a probe", []build{weakBuild(sdc.WeakSuppressOnly)}, thresholdProbe, false},
	}
}

// obliging computes what any filter asks for: here, all but the first student.
func obliging() build {
	return rewritten("filters of one's own are computed", func(d *district, r *http.Request, body []byte) []byte {
		q := r.URL.Query()
		q.Del("school")
		q.Del("period")
		if len(q) == 0 {
			return body
		}
		rest := d.total(chronic, termID(0), without(d.pacts[len(d.pacts)-1].roster, 0))
		return fmt.Appendf(nil, `{"data":{"rows":[{"value":%.0f}]}}`, rest)
	})
}

// filters are ways to say "all but this student", or "these", that other
// systems understand.
func filters(d *district, target int) []string {
	id, name := studentID(target), ref(target)
	list := []string{}
	for _, q := range []string{
		"exclude=" + name, "exclude[]=" + id, "participant_ref=" + name, "student=" + id, "student_id=" + id, "not=" + name, "without=" + name,
		"filter=participant_ref+ne+'" + name + "'", "$filter=not+(id+eq+'" + id + "')", "where=id!=" + id, "q=-" + name,
		"grade=9", "grade=9&grade=10", "row=grade:9", "group_by=grade", "dimension=birthdate", "breakdown=day", "subgroup=special_education",
		"from=2025-08-01", "to=2025-08-02", "date=2025-08-05", "as_of=2025-08-05", "version=1", "roster=1", "census=2025-08-05",
		"indicator=" + chronic, "indicators=sum", "stat=max", "stat=min", "stat=median", "precision=3", "raw=true", "debug=1", "limit=1", "offset=1",
		"dosage_floor=2", "min_cohort=1", "profile=exact", "format=csv", "%24expand=students", "sort=value",
	} {
		list = append(list, "/comparisons?period="+termID(0)+"&school=all&"+q)
	}
	for _, school := range []string{"S00,S01", "S00+S01", "!S01", "-S01", "S0*", "S00|S01", "", "*", "S00%00", "grade:9", "S00/grade:9"} {
		list = append(list, "/comparisons?period="+termID(0)+"&school="+school)
	}
	for _, period := range []string{"current", "2025-08-01/2025-08-02", termID(0) + "," + termID(1), "-" + termID(0), termID(0) + ".." + termID(1), "*"} {
		list = append(list, "/comparisons?school=all&period="+period)
	}
	return append(list, "/comparisons?school=S00&school=S01", "/comparisons/"+name, "/comparisons?period="+termID(0)+"&period="+termID(1))
}

var number = regexp.MustCompile(`"(value|low|high|n)":\s*-?[0-9]`)

func individualTracker(x *trial) {
	d := x.served()
	p := d.pacts[len(d.pacts)-1]
	a, target := d.attacker(p.id), p.roster[0]
	tried, plain := 0, a.comparison(termID(0), "all").data() // an empty school is all of them
	for _, path := range filters(d, target) {
		tried++
		if got := a.get(a.path(path)); number.Match(got.body) && got.data() != plain {
			x.breach("%s was answered %d", path, got.status)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, "QUERY", http.MethodDelete} {
		tried++
		body := fmt.Sprintf(`{"exclude":[%q],"where":{"not":{"id":%q}}}`, ref(target), studentID(target))
		if got := a.send(method, a.path("/comparisons"), "application/json", body); got.status < 400 {
			x.breach("%s of a filter was answered %d", method, got.status)
		}
	}
	x.measured("%d of %d filters answered", x.breaches, tried)
}

// thresholdProbe names a target and nine others of whom five said yes to this
// partner: five are left, or four if the target's family said yes to somebody
// else, and whether the row is shown is to tell which.
func thresholdProbe(x *trial) {
	g := x.play(x.rounds(20_000, 160), func(seed uint64) shape { return probes(seed, x.rounds(30, 8)) }, func(d *district) (g attack.Game) {
		d.close(termID(0))
		said := d.pact("first").yes
		for _, p := range d.pacts[1:] {
			shown := false
			for _, v := range d.attacker(p.id).views(p, termID(0)) {
				shown = shown || v.cohort.printed()
			}
			target := without(p.roster, p.yes...)[0]
			g.Guess(!shown, contains(said, target))
		}
		return g
	})
	x.judge("whether a family said yes to another partner", g, boundFour)
	x.probeGroups()
}

// probeGroups names a target, ten children in special education and thirteen who are
// not: eleven are in the group or ten, and whether its row is shown is to tell which.
func (x *trial) probeGroups() {
	g := x.play(x.rounds(20_000, 160), func(seed uint64) shape { return markedProbes(seed, x.rounds(20, 16)) }, func(d *district) (g attack.Game) {
		d.close(yearID)
		for _, p := range d.pacts {
			shown := false
			for _, v := range d.attacker(p.id).views(p, yearID) {
				shown = shown || v.group != "" && v.cohort.printed()
			}
			g.Guess(shown, d.special[p.target])
		}
		return g
	})
	x.judge("whether a child is in special education", g, boundFour)
}

// markedProbes are partners of twenty-four students each, of whom the target is in
// the group or not, as a coin falls.
func markedProbes(seed uint64, each int) shape {
	s := shape{seed: seed, students: 5000, schools: 10, terms: 1}
	draw, mark := coin(seed), map[int]bool{}
	s.pacts = clubs(makeWorld(s), 24, each, []string{chronic}, []string{"all", "special_education"})
	for k, p := range s.pacts {
		order := draw.Perm(len(p.roster))
		for at, i := range order {
			mark[p.roster[i]] = at < 10 || at == 23 && draw.IntN(2) == 1
		}
		s.pacts[k].target = p.roster[order[23]]
	}
	s.mark = func(i int) bool { return mark[i] || i%5 == 0 && !named(s.pacts, i) }
	return s
}

func named(pacts []pact, student int) bool {
	return slices.ContainsFunc(pacts, func(p pact) bool { return contains(p.roster, student) })
}

// probes are partners of ten students each, of whom five said yes; of the first
// of the others half agreed to another partner.
func probes(seed uint64, each int) shape {
	s := shape{seed: seed, students: 5000, schools: 10, terms: 1}
	list := clubs(makeWorld(s), 10, each, []string{chronic}, []string{"all"})
	first := pact{id: "first", schools: all(10), indicators: []string{chronic}, grain: []string{"all"}}
	draw := coin(seed)
	for i, p := range list {
		list[i].yes = sample(draw, p.roster, 5)
		first.roster = append(first.roster, p.roster...)
		if draw.IntN(2) == 1 {
			first.yes = append(first.yes, without(p.roster, list[i].yes...)[0])
		}
	}
	first.roster, first.yes = sorted(first.roster), sorted(first.yes)
	s.pacts = append([]pact{first}, list...)
	return s
}
