package broker_test

import (
	"bytes"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// copies counts the rows that are kept as they were sent.
func (d *town) copies() (n int) {
	d.t.Helper()
	d.inspect(func(r store.Reader) error {
		return r.Scan("copies", store.Range{}, func(_, v []byte) (bool, error) {
			n++
			for _, p := range []pupil{ann, ben} {
				if bytes.Contains(v, []byte(p.ref())) {
					d.t.Error("a copy is not sealed")
				}
			}
			return true, nil
		})
	})
	return n
}

// A family may ask what was sent about its child (34 CFR 99.30(c)): each row
// is kept, once a version.
func TestARowThatWasSentIsKeptOnceAVersion(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann, ben)
	d.consent(consentTo("club", ann))
	d.consent(consentTo("club", ben))
	if got := d.copies(); got != 0 {
		t.Fatalf("%d copies before anything was sent", got)
	}
	for _, step := range []struct {
		what string
		do   func()
		want int
	}{
		{"two rows sent", func() { d.clubRows() }, 2},
		{"the same rows sent again", func() { d.clubRows(); d.clubRows() }, 2},
		{"sent after an import that changed one", func() { d.imported(regraded(townFiles(), ann, "99")); d.clubRows() }, 3},
		{"sent after an import that changed it back", func() { d.imported(townFiles()); d.clubRows() }, 4},
		{"sent after one family withdrew", func() {
			no := consentTo("club", ann)
			no.Answer, no.SignedAt = "no", inLent
			d.consent(no)
			d.clubRows()
		}, 4},
		{"the other day, with longer spans", func() { d.clock.Set(inLent.AddDate(0, 0, 1)); d.clubRows() }, 5},
	} {
		step.do()
		if got := d.copies(); got != step.want {
			t.Errorf("%s: %d copies, want %d", step.what, got, step.want)
		}
	}
}

func TestADeniedOrSummarisedAnswerKeepsNoCopy(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	for _, kid := range kids[:5] {
		d.consent(consentTo("club", kid))
	}
	d.closePeriod(townFall)
	d.compare("club", "club", "", townFall)
	d.done(d.AdvancePartner(t.Context(), officer, "club", event("suspend")))
	a, err := d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: "current"})
	denied(t, a, err, "partner_suspended")
	if got := d.copies(); got != 0 {
		t.Errorf("%d copies of rows that never left", got)
	}
}
