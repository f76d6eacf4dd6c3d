package consent_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

func TestTheOpenDaysAreThoseThatTheWindowCovers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		day := rapid.Int32Range(1, 60)
		date := func(name string) civil.Date { return civil.Date(day.Draw(t, name)) }
		w := consent.Window{RecordsFrom: date("records from"), RecordsTo: date("records to")}
		for range rapid.IntRange(0, 4).Draw(t, "holds") {
			from := date("closed from")
			w.Closed = append(w.Closed, consent.Span{From: from, To: from + civil.Date(rapid.Int32Range(0, 9).Draw(t, "length"))})
		}
		from, to := date("from"), date("to")
		open := consent.Open(w, from, to)
		for d := civil.Date(0); d <= 70; d++ {
			listed := 0
			for _, s := range open {
				if s.From <= d && d <= s.To {
					listed++
				}
			}
			want := 0
			if from <= d && d <= to && consent.Covers(w, d) {
				want = 1
			}
			if listed != want {
				t.Fatalf("day %d is listed %d times, want %d: %v", d, listed, want, open)
			}
		}
	})
}

func TestMergedSpansAreApart(t *testing.T) {
	t.Parallel()
	got := consent.Merge([]consent.Span{{From: 10, To: 12}, {From: 1, To: 3}, {From: 4, To: 5}, {From: 11, To: 20}})
	want := []consent.Span{{From: 1, To: 5}, {From: 10, To: 20}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("merged to %v, want %v", got, want)
	}
}
