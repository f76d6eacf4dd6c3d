package bench_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sample"
	"github.com/hallpass-edu/hallpass/consent"
)

// The district whose families' answers are decided.
const (
	decidedParties = 4 // organizations that each child's family answered
	decidedCohort  = 500
)

// deciding is a district with many answers, and an agreement whose cohort is decided.
type deciding struct {
	*district
	agreement string
	partner   broker.Caller
	forms     []broker.ConsentRequest // of the cohort's children, under the agreement
	turn      int
}

// decidedDistrict is a district in which every family has answered each of the
// partners once; the first has a cohort. Every answer is a yes to records of before
// the school year: each has to be decided, and none makes a row, for making rows is
// not what is measured.
func decidedDistrict(t testing.TB, grants, cohort int) *deciding {
	t.Helper()
	made := sample.Generate(sample.Options{Students: grants / decidedParties, Schools: 40})
	folder := filepath.Join(t.TempDir(), "csv")
	if err := made.WriteCSV(folder); err != nil {
		t.Fatal(err)
	}
	x := &deciding{district: openDistrict(t, initDistrict(t, inMemory(t), noon(made)), noon(made))}
	x.load(folder, records.Exceptions)
	for n := range decidedParties {
		p := partnerNumber(made, n, nil)
		p.Agreement.Schools = nil
		for _, s := range made.Schools {
			p.Agreement.Schools = append(p.Agreement.Schools, s.ID)
		}
		forms := lastYears(made, p.Agreement)
		for i := range cohort {
			at := i * len(forms) / cohort
			s := studentOf(made, forms[at].Student.StudentID)
			p.Roster = append(p.Roster, participant(made, s, s.Enrollments[0].School, i))
			if n == 0 {
				x.agreement, x.partner = p.Agreement.ID, partnerOf(p.ID)
				x.forms = append(x.forms, forms[at])
			}
		}
		x.enter(&p, unasked)
		x.answerAll(forms)
	}
	return x
}

func studentOf(d *sample.District, id string) *sample.Student {
	return &d.Students[slices.IndexFunc(d.Students, func(s sample.Student) bool { return s.ID == id })]
}

// lastYears are a yes of every child's family to records of before the school year.
func lastYears(d *sample.District, a sample.Agreement) (forms []broker.ConsentRequest) {
	signed := d.AsOf - 1
	for i := range d.Students {
		s := &d.Students[i]
		signer := broker.SignerRef{Self: civil.Age(s.Birth, signed) >= consent.Majority}
		holder := slices.IndexFunc(s.Guardians, func(g sample.Guardian) bool { return g.HoldsRights })
		if !signer.Self {
			if holder < 0 {
				continue
			}
			signer.GuardianID = s.Guardians[holder].ID
		}
		form := broker.ConsentRequest{
			Agreement: a.ID, Student: broker.StudentRef{StudentID: s.ID}, Signer: signer, Answer: consent.Yes,
			RecordsFrom: d.Year.Start - 300, RecordsTo: d.Year.Start - 1, Expires: a.TermTo, SignedAt: signed.Time().Add(18 * time.Hour),
			Method: consent.Paper, Text: broker.TextRef{Version: "1", Language: "en", SHA256: strings.Repeat("ab", 32)},
			Evidence: consent.Evidence{Kind: "paper_form", Reference: "drawer 1"},
		}
		for _, category := range a.Categories {
			form.Categories = append(form.Categories, consent.Category(category))
		}
		forms = append(forms, form)
	}
	return forms
}

// answerAll enters answers, many at once.
func (x *deciding) answerAll(forms []broker.ConsentRequest) {
	x.t.Helper()
	var group sync.WaitGroup
	for part := range slices.Chunk(forms, (len(forms)+writers-1)/writers) {
		group.Go(func() {
			for _, form := range part {
				a, err := x.CreateConsent(x.t.Context(), officer, form)
				if err != nil {
					x.t.Errorf("an answer: %v", err)
					return
				}
				a.Drop()
			}
		})
	}
	group.Wait()
}

// again lets one family of the cohort answer once more, so that the cohort has to be
// decided anew.
func (x *deciding) again() {
	x.t.Helper()
	x.turn++
	x.done(x.CreateConsent(x.t.Context(), officer, x.forms[x.turn*37%len(x.forms)]))
}

// ask is the partner's request for the records of its cohort.
func (x *deciding) ask() time.Duration {
	x.t.Helper()
	start := time.Now()
	x.done(x.Students(x.t.Context(), x.partner, broker.StudentsRequest{Agreement: x.agreement, Period: broker.PeriodCurrent}))
	return time.Since(start)
}

// benchDeciding measures what it costs a request that a cohort's families have
// answered since the last one: the request beside the very same asked once more.
func benchDeciding(t *testing.T) outcome {
	const asks = 200
	grants := sizeOf(t, "GRANTS", 100_000)
	l := line{bench: fmt.Sprintf("cohort of %d decided anew, %d answers in the store", decidedCohort, grants), peer: "– (ms), over the same request again", goal: 1, atMost: true}
	x := decidedDistrict(t, grants, decidedCohort)
	var first time.Duration
	o := l.single(0)
	o.ratios = nil
	for i := range rounds + 1 {
		anew, kept := make([]time.Duration, asks), make([]time.Duration, asks)
		for n := range asks {
			x.again()
			anew[n], kept[n] = x.ask(), x.ask()
		}
		if i == 0 {
			first = anew[0]
			continue
		}
		o.ratios = append(o.ratios, float64((quantile(anew, .5)-quantile(kept, .5)).Nanoseconds())/1e6)
	}
	o.notes = append(o.notes, fmt.Sprintf("the very first request, which knows of no answer yet: %v", round(first)))
	return o
}
