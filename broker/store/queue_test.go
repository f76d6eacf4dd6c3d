package store

import (
	"slices"
	"testing"
)

func TestAnImportGetsItsTurnAfterSixteenGroups(t *testing.T) {
	t.Parallel()
	q := newQueue()
	push := func(lane Lane) {
		if err := q.push(&request{lane: lane}); err != nil {
			t.Fatal(err)
		}
	}
	push(LaneImport)
	for group := range patience {
		push(LanePartner)
		push(LanePartner)
		if first, second, third := q.next(0, false), q.next(1, false), q.next(2, false); first.lane != LanePartner || second.lane != LanePartner || third != nil {
			t.Fatalf("group %d has %v, %v, %v", group, first, second, third)
		}
	}
	push(LanePartner)
	push(LaneWithdrawal)
	var order []Lane
	for range 3 { // a withdrawal goes first even then
		order = append(order, q.next(0, false).lane)
	}
	if want := []Lane{LaneWithdrawal, LaneImport, LanePartner}; !slices.Equal(order, want) {
		t.Errorf("they ran as %v, want %v", order, want)
	}
	if q.next(0, false) != nil {
		t.Error("something is left")
	}
}
