package broker_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// meterAnswer is what is read of a meter.
type meterAnswer struct {
	Profile string
	Periods []struct {
		Period struct {
			ID string `json:"session_id"`
		}
		Indicators []struct {
			Indicator string
			Shown     int `json:"figures"`
			Child     int `json:"figures_a_child"`
		}
		Told *struct {
			Figures int
			Right   float64
		} `json:"insider"`
	}
	Years []struct {
		Year    string
		Figures int
		Right   float64
	}
	Next []struct {
		ID string `json:"session_id"`
	}
	Words  []string
	Budget *struct {
		Granted int `json:"granted_tenths"`
	}
}

func (d *town) meter(id, partner string) meterAnswer {
	d.t.Helper()
	return data[meterAnswer](d.t, d.must(d.Meter(d.t.Context(), partnerOf(partner), id)))
}

func TestAMeterCountsWhatThePartnerHasSeen(t *testing.T) {
	t.Parallel()
	kids := others(60)
	d := newTown(t, kids...)
	d.partner("club")
	r := terms("club", "club")
	r.Profile, r.Indicators, r.Grain = agreement.Standard, []string{"attendance_rate"}, []string{"all", "school"}
	d.conclude(r)
	d.roster("club", kids[:30]...)
	if got := d.meter("club", "club"); len(got.Periods) != 0 || len(got.Next) == 0 {
		t.Errorf("before a close it says %+v", got)
	}
	d.closePeriod(townFall)
	got := d.meter("club", "club")
	if len(got.Periods) != 1 || got.Periods[0].Period.ID != townFall || got.Periods[0].Told == nil || len(got.Years) != 1 {
		t.Fatalf("after a close it says %+v", got)
	}
	told := got.Periods[0].Told
	if i := got.Periods[0].Indicators[0]; i.Shown < 1 || i.Child != told.Figures-1 || told.Right <= 0.5 || told.Right >= 1 {
		t.Errorf("it counts %+v and says %+v", i, told)
	}
	for _, n := range got.Next {
		if n.ID == townFall {
			t.Error("figures that are there are said to come")
		}
	}
	// Alone in the district, the partner's own figures are all there are.
	if p := d.preflight(townFall).part(t, "club"); p.Risk.Figures != told.Figures {
		t.Errorf("the district counts %d figures, the partner %d", p.Risk.Figures, told.Figures)
	}
}

// Another agreement over the same children changes what the district's preflight
// says of the risk, and not a byte of the partner's meter.
func TestAMeterTellsNothingOfOtherAgreements(t *testing.T) {
	t.Parallel()
	kids := others(60)
	read := func(beside bool) (meter []byte, exposure int) {
		d := newTown(t, kids...)
		d.partner("club")
		for id, n := range map[string]int{"a": 20, "z": 40} {
			if id == "z" && !beside {
				continue
			}
			r := terms("club", id)
			r.Profile, r.Indicators = agreement.Standard, []string{"attendance_rate"}
			d.conclude(r)
			d.roster(id, kids[:n]...)
		}
		d.closePeriod(townFall)
		a := d.must(d.Meter(t.Context(), partnerOf("club"), "a"))
		defer a.Drop()
		return bytes.Clone(a.Body()), d.preflight(townFall).part(t, "a").Exposure
	}
	alone, few := read(false)
	beside, many := read(true)
	if !bytes.Equal(alone, beside) {
		t.Errorf("they differ:\n%s\n%s", alone, beside)
	}
	if many <= few {
		t.Errorf("the other agreement adds no figure: %d and %d", few, many)
	}
}

func TestAMeterIsThePartnersOwn(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	d.partner("other")
	a, err := d.Meter(t.Context(), partnerOf("other"), "club")
	refused(t, a, err, broker.NotAvailable)
	got := d.meter("club", "club")
	if got.Profile != "published_table" || !strings.Contains(strings.Join(got.Words, " "), "bands") || got.Budget != nil {
		t.Errorf("under published_table it says %+v", got)
	}
}
