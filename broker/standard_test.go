package broker_test

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// noisySchools is the real district with the mentoring agreement under standard.
func noisySchools(t testing.TB, extra map[string]string) *district {
	t.Helper()
	d := newMade(t, afterSchool).district
	d.load(realExport(t, extra), ingest.Options{})
	d.agreeUnder(agreement.Standard, "riverside", "mentoring", "GP", "MS")
	d.upload("riverside", "mentoring")
	return d
}

// realExport is a copy of the real district's export with other files in it.
func realExport(t testing.TB, extra map[string]string) string {
	t.Helper()
	from := sharedData(t, "uci-por")
	if len(extra) == 0 {
		return from
	}
	dir := t.TempDir()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if raw, err := os.ReadFile(filepath.Join(from, e.Name())); err == nil && strings.HasSuffix(e.Name(), ".csv") {
			extra[e.Name()] = string(raw)
		}
	}
	for name, text := range extra {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// everyRow is a release's figures: pooled, then school by school.
func (d *district) everyRow() figures {
	shown := d.compare("riverside", "mentoring", "", "2005-06")
	for _, school := range []string{"GP", "MS"} {
		maps.Copy(shown, d.compare("riverside", "mentoring", school, "2005-06"))
	}
	return shown
}

// reach is the most noise of a count.
const reach = 16

func TestUnderStandardEveryShareIsTheHandCountWithNoise(t *testing.T) {
	t.Parallel()
	d := noisySchools(t, nil)
	d.done(d.ClosePeriod(t.Context(), steward, "2005-06"))
	students, shown := handStudents(t), d.everyRow()
	moved, seen := 0, 0
	for name, in := range handRows() {
		cohort := sumByHand(students, func(s *handStudent) bool { return len(s.dates) >= 9 && in(s) })
		f := shown[name]["chronic_absence"]
		if f.Cohort == nil {
			continue // a row whose students are in too many figures, or whose sums would give one away
		}
		seen++
		exact := 100 * float64(cohort.chronic) / float64(cohort.n)
		off := 100 * float64(reach) / float64(cohort.n)
		if f.Cohort.N != int(cohort.n) || exact < f.Cohort.Value.Low-off || exact > f.Cohort.Value.High+off {
			t.Errorf("%s: %s of %d; by hand %.1f %% of %d", name, f.Cohort.Value.Code, f.Cohort.N, exact, cohort.n)
		}
		if want := 200 / float64(cohort.n); math.Abs(f.Cohort.Noise-want) > 0.002 {
			t.Errorf("%s: noise of %v points, want %.3f", name, f.Cohort.Noise, want)
		}
		if f := shown[name]["mean_course_result"]; f.Cohort != nil {
			exact, _ := cohort.average(cohort.mean, 1).Float64()
			if exact < f.Cohort.Value.Low || exact > f.Cohort.Value.High {
				moved++
			}
		}
	}
	if seen < 6 || moved == 0 {
		t.Errorf("%d rows seen; the mean of %d of them is not the exact one", seen, moved)
	}
	if all := shown["all"]["chronic_absence"]; all.Weighted == nil || shown["school:GP/grade:10"]["chronic_absence"].Weighted != nil {
		t.Error("the pooled row has no weighted rest, or a cell that is not divided has one")
	}
}

func TestUnderStandardAskingAgainGivesTheSameFigures(t *testing.T) {
	t.Parallel()
	d := noisySchools(t, nil)
	d.done(d.ClosePeriod(t.Context(), steward, "2005-06"))
	ask := func() []byte {
		a := d.must(d.Comparison(t.Context(), partnerOf("riverside"), broker.ComparisonRequest{Agreement: "mentoring", Period: "2005-06"}))
		rows := data[struct{ Rows jsontext.Value }](t, a).Rows
		return bytes.Clone(rows)
	}
	first := ask()
	for range 20 {
		if !bytes.Equal(first, ask()) {
			t.Fatal("the figures changed")
		}
	}
	d.done(d.ClosePeriod(t.Context(), steward, "2005-06")) // again: nothing to do
	if !bytes.Equal(first, ask()) {
		t.Error("closing a closed period changed the figures")
	}
}

func TestAPublicTotalThatTheRecordsContradictStopsTheCloseBeforeAnythingIsFrozen(t *testing.T) {
	t.Parallel()
	header := "school_id,session_id,indicator,row,value,precision\n"
	for text, fits := range map[string]bool{
		"GP,2005-06,chronic_absence,all,1.7,0.1\n":  true, // 7 of 423
		"GP,2005-06,chronic_absence,all,25,1\n":     false,
		"GP,2005-06,attendance_rate,all,50,1\n":     false,
		"all,2005-06,chronic_absence,all,25,1\n":    true, // the district's own: nobody's whole
		"GP,2005-06,chronic_absence,sex:F,25,0.1\n": true, // a row that no release has
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			d := noisySchools(t, map[string]string{"public_totals.csv": header + text})
			a, err := d.ClosePeriod(t.Context(), steward, "2005-06")
			if (err == nil) != fits {
				t.Fatalf("closing: %v", err)
			}
			if err == nil {
				a.Drop()
				return
			}
			if text := err.Error(); !strings.Contains(text, "public_totals.csv") || !strings.Contains(text, "GP") {
				t.Errorf("the refusal does not name the place: %s", text)
			}
			for _, p := range data[struct{ Periods []periodAnswer }](t, d.must(d.Periods(t.Context(), steward))).Periods {
				if p.State != "open" {
					t.Errorf("%s is %s", p.SessionID, p.State)
				}
			}
		})
	}
}

func TestAPublishedTotalOfASchoolIsTheWholeThatItsReportStandsOn(t *testing.T) {
	t.Parallel()
	totals := "school_id,session_id,indicator,row,value,precision\n"
	for _, school := range []string{"GP", "MS"} {
		g := sumByHand(handStudents(t), func(s *handStudent) bool { return s.school == school })
		totals += fmt.Sprintf("%s,2005-06,course_failure_share,all,%.1f,0.1\n", school, 100*float64(g.failed)/float64(g.results))
	}
	d := noisySchools(t, map[string]string{"public_totals.csv": totals})
	d.done(d.ClosePeriod(t.Context(), steward, "2005-06"))
	for _, row := range []string{"all", "school:GP"} {
		f := d.everyRow()[row]["course_failure_share"]
		if f.Cohort == nil || f.Rest.Noise == 0 {
			t.Fatalf("%s: %+v", row, f)
		}
		// The rest is an exact whole less a noisy cohort: its noise is the cohort's.
		n, m := float64(f.Cohort.N), float64(f.Rest.N)
		if got := f.Rest.Noise * m / (f.Cohort.Noise * n); math.Abs(got-1) > 0.02 {
			t.Errorf("%s: the noise of the rest is %.2f times that of the cohort in results", row, got)
		}
	}
}

func TestDisclosureSettingsThatHideTooLittleAreRefused(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	for tenths, fine := range map[int]bool{0: false, 14: false, 15: true, 20: true, 100: true, 101: false} {
		a, err := d.SetDisclosure(t.Context(), officer, broker.Disclosure{Noise: tenths})
		if (err == nil) != fine {
			t.Errorf("%d tenths: %v", tenths, err)
		}
		if err == nil {
			a.Drop()
		} else if !strings.Contains(err.Error(), "noise_tenths") {
			t.Errorf("%d tenths: the refusal names no field: %v", tenths, err)
		}
	}
	d.done(d.SetDisclosure(t.Context(), officer, broker.Disclosure{Noise: 30}))
	got := data[struct {
		Noise   int `json:"noise_tenths"`
		Insider []struct {
			Figures int
			Right   float64
		}
	}](t, d.must(d.Disclosure(t.Context(), officer)))
	if got.Noise != 30 || len(got.Insider) == 0 {
		t.Fatalf("%+v", got)
	}
	if !slices.IsSortedFunc(got.Insider, func(a, b struct {
		Figures int
		Right   float64
	},
	) int {
		return int(1000 * (a.Right - b.Right))
	}) {
		t.Errorf("more figures tell less: %+v", got.Insider)
	}
}
