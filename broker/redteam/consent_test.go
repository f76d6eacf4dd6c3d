package redteam_test

import (
	"net/http"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// consents are attacks 20 and 21: who is known is taken out of a sum.
func consents() []line {
	return []line{
		{20, "consent 12/11", "withheld", []build{weakBuild(sdc.WeakExact)}, elevenOfTwelve, false},
		{21, "consent after the aggregate", "held", []build{noHold()}, consentAfter, false},
	}
}

func noHold() build {
	return build{name: "no_hold", sabotage: func(o *broker.Options) { o.Sabotage.NoHold = true }}
}

// dozens are partners of twelve students each.
func dozens(seed uint64, each, yes int) shape {
	s := shape{seed: seed, students: 2000, schools: 4, terms: 1, share: .5}
	s.pacts = clubs(makeWorld(s), 12, each, bits, []string{"all"})
	for i := range s.pacts {
		s.pacts[i].yes = s.pacts[i].roster[:yes]
	}
	return s
}

func elevenOfTwelve(x *trial) {
	var played attack.Game
	rows, numbers := 0, 0
	for seed := range x.rounds(20, 1) {
		d := x.closed(dozens(uint64(seed)+40, 4, 11))
		for _, v := range d.read(termID(0)) {
			rows++
			seen := x.mine(v, true)
			if len(seen) == 0 {
				continue
			}
			numbers++
			target := v.p[len(v.p)-1]
			truth := func(i int) bool { return d.bit(v.indicator, v.period, i) }
			played.Play(.5, x.insider(target, seen, truth), truth(target), coin(uint64(rows)))
		}
	}
	x.must(rows > 0, "nothing was asked")
	x.measured("%d of %d sums of twelve with eleven consents printed", numbers, rows)
	if numbers > 0 {
		x.breach("%d sums of which eleven of twelve values may be read are printed", numbers)
	}
	x.judgeFew("the twelfth", played, boundCoin)
}

// readings are the students of a partner whose attendance may be read.
func (a attacker) readings() map[int]bool {
	a.d.t.Helper()
	got := a.get(a.path("/students?period=current"))
	if got.status != http.StatusOK {
		a.d.t.Fatalf("reading students: %d %s", got.status, got.body)
	}
	read := map[int]bool{}
	for _, r := range dataOf[struct {
		Rows []struct {
			Ref        string    `json:"participant_ref"`
			Attendance *struct{} `json:"attendance"`
		} `json:"rows"`
	}](a.d.t, got.body).Rows {
		if r.Attendance != nil {
			read[studentAt(r.Ref)] = true
		}
	}
	return read
}

func consentAfter(x *trial) {
	d := x.closed(dozens(41, 2, 0))
	held, asked, low := 0, 0, 12
	for _, p := range d.pacts {
		printed, profile := false, ""
		for _, v := range d.attacker(p.id).views(p, termID(0)) {
			printed, profile = printed || v.cohort.printed(), v.profile
		}
		x.must(printed, "no sum of twelve was printed before the families answered")
		for _, i := range p.roster[:11] {
			asked++
			if len(d.consent(p.id, i).Held) > 0 {
				held++
			}
		}
		left := len(p.roster) - len(d.attacker(p.id).readings())
		low = min(low, left)
		if left < floors[profile] {
			x.breach("the records of all but %d of a printed sum may be read", left)
		}
	}
	x.measured("%d of %d later consents held; at least %d of twelve stay unknown", held, asked, low)
}
