package web

import (
	"bytes"
	"context"
	"testing"
	"time"
)

func TestAnAnswerLeavesAtTheNextStepAfterTheLeastTime(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]time.Duration{
		0: 50, 1: 50, 49 * time.Millisecond: 50, 50 * time.Millisecond: 50,
		50*time.Millisecond + 1: 75, 75 * time.Millisecond: 75, 76 * time.Millisecond: 100, 1999 * time.Millisecond: 2000,
	} {
		var held time.Duration
		at := time.Unix(0, 0)
		p := padding{now: func() time.Time { return at.Add(took) }, sleep: func(_ context.Context, d time.Duration) { held += d }}
		p.hold(t.Context(), at)
		if took+held != want*time.Millisecond {
			t.Errorf("an answer that took %v left after %v", took, took+held)
		}
		held, p.off = 0, true
		if p.hold(t.Context(), at); held != 0 {
			t.Error("the sabotage holds")
		}
	}
}

func TestAPageIsAWholeNumberOfPiecesLong(t *testing.T) {
	t.Parallel()
	for n := range 3 * sizeStep {
		page := bytes.Repeat([]byte("x"), n)
		filled := padding{}.fill(page)
		if len(filled)%sizeStep != 0 || len(filled)-n >= sizeStep+len(fillingBegins)+len(fillingEnds) || !bytes.HasPrefix(filled, page) {
			t.Fatalf("a page of %d bytes became one of %d", n, len(filled))
		}
		if bytes.Contains(filled[n+len(fillingBegins):len(filled)-len(fillingEnds)], []byte("-")) {
			t.Fatal("the comment may end early")
		}
	}
	if unfilled := (padding{off: true}).fill([]byte("x")); len(unfilled) != 1 {
		t.Error("the sabotage fills")
	}
}

func TestNobodyWaitsLongerThanTheRequestLasts(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	sleepFor(ctx, time.Hour)
	sleepFor(t.Context(), 0)
}
