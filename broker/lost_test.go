package broker_test

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/sample"
)

// sampleTown is a made-up district at the end of its year, with its partners, their
// agreements under standard, rosters and families' answers.
func sampleTown(t testing.TB, o sample.Options) (*town, *sample.District) {
	t.Helper()
	of := sample.Generate(o)
	d := emptyTown(t, (of.Year.End - 2).Time().Add(18*time.Hour))
	dir := filepath.Join(t.TempDir(), "csv")
	if err := of.WriteCSV(dir); err != nil {
		t.Fatal(err)
	}
	d.load(dir, ingest.Options{ExportDate: of.AsOf})
	for i := range of.Partners {
		d.samplePartner(&of.Partners[i])
	}
	d.clock.Set(of.AsOf.Time().Add(18 * time.Hour))
	return d, of
}

// decoded is the request of a body that the sample wrote.
func decoded[T any](t testing.TB) func(body []byte, err error) T {
	return func(body []byte, err error) (r T) {
		t.Helper()
		if err == nil {
			err = json.Unmarshal(body, &r)
		}
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

func (d *town) samplePartner(p *sample.Partner) {
	t := d.t
	t.Helper()
	d.done(d.CreatePartner(t.Context(), officer, decoded[broker.PartnerRequest](t)(p.PartnerBody())))
	d.conclude(decoded[broker.AgreementRequest](t)(p.AgreementBody()))
	var csv bytes.Buffer
	if err := p.WriteParticipation(&csv); err != nil {
		t.Fatal(err)
	}
	d.done(d.PutParticipation(t.Context(), officer, p.Agreement.ID, &csv))
	for _, form := range p.Consents {
		r := decoded[broker.ConsentRequest](t)(form.Body(p.Agreement.ID))
		if made := d.consent(r); !form.Withdrawn.IsZero() {
			d.done(d.WithdrawConsent(t.Context(), officer, made.ID, broker.WithdrawRequest{By: r.Signer}))
		}
	}
}

// The pooled row is what a partner comes for. Over many made-up districts, with all
// that their families answered, fewer than two in a hundred agreements with forty
// participants may lose it for any indicator, for the year or either half of it,
// and each loss has its cause.
func TestHarnessFewAgreementsLoseTheirPooledRow(t *testing.T) {
	t.Parallel()
	many, lost := 0, 0
	seeds := harnessCount(t, "POOLED_ROWS", 2)
	for seed := range seeds {
		d, of := sampleTown(t, sample.Options{Seed: uint64(seed), Students: []int{1600, 3000}[seed%2], Schools: []int{8, 10}[seed%2]})
		for _, s := range of.Sessions {
			p := d.preflight(s.ID)
			many, lost = many+p.Lost.Agreements, lost+p.Lost.Lost
			for _, c := range p.Lost.Causes {
				if c.Cause == "" {
					t.Errorf("seed %d, %s: %s lost %s without a cause", seed, s.ID, c.Agreement, c.Indicator)
				}
				t.Logf("seed %d, %s: %s lost %s: %s", seed, s.ID, c.Agreement, c.Indicator, c.Cause)
			}
		}
	}
	if many < 3*seeds {
		t.Errorf("the districts are no test: %d agreements have forty participants", many)
	}
	if 50*lost >= many {
		t.Errorf("%d of %d agreements with forty participants lose a pooled row", lost, many)
	}
	t.Logf("harness pooled_rows: %d districts, %d agreements with forty participants, %d lose a pooled row", seeds, many, lost)
}
