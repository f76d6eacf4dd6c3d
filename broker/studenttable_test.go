package broker_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/records"
)

// numbered is the SID with a number.
func numbered(n int) (sid records.SID) {
	binary.BigEndian.PutUint64(sid[4:], uint64(n))
	return sid
}

// TestAStudentTableFindsEveryStudentAndNobodyElse looks on both sides of where a
// page ends, too.
func TestAStudentTableFindsEveryStudentAndNobodyElse(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	for _, size := range []int{0, 1, 4095, 4096, 4097, 10_000} {
		var students []records.SID
		for n := range size {
			students = append(students, numbered(2*n+1))
		}
		table, err := d.WriteStudentTable(t.Context(), townFall, students)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := table.All(t.Context()); err != nil || !slices.Equal(got, students) {
			t.Fatalf("%d students were read as %d, %v", size, len(got), err)
		}
		for n := range 2*size + 2 {
			if size > 4097 && n%97 > 2 && n/2%4096 > 1 {
				continue
			}
			at, found, err := table.Ordinal(t.Context(), numbered(n))
			if err != nil || found != (n%2 == 1 && n < 2*size) || found && at != uint32(n/2) {
				t.Fatalf("of %d students, number %d is found at %d: %t, %v", size, n, at, found, err)
			}
		}
	}
}

func TestAStudentTableOfAnotherLengthIsRefused(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	var students []records.SID
	for n := range 5000 {
		students = append(students, numbered(n))
	}
	table, err := d.WriteStudentTable(t.Context(), townFall, students)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.WriteStudentTable(t.Context(), townFall, students[:4500]); err != nil {
		t.Fatal(err)
	}
	if _, err := table.All(t.Context()); err == nil {
		t.Error("a table without its last students was read")
	}
	if _, _, err := table.Ordinal(t.Context(), numbered(4400)); err == nil {
		t.Error("an ordinal was read from a page of another length")
	}
}

// TestAFrozenPeriodsTableIsNotWrittenAnew is what lets it be written ahead.
func TestAFrozenPeriodsTableIsNotWrittenAnew(t *testing.T) {
	t.Parallel()
	kids := others(60)
	d := newTown(t, kids...)
	d.partner("club")
	d.conclude(terms("club", "club"))
	d.roster("club", kids[:30]...)
	d.closePeriod(townFall)
	before, err := d.Published(t.Context(), townFall)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.WriteStudentTable(t.Context(), townFall, []records.SID{numbered(1)}); err != nil {
		t.Fatal(err)
	}
	after, err := d.Published(t.Context(), townFall)
	if err != nil || len(before.Students) < 60 || !slices.Equal(before.Students, after.Students) {
		t.Errorf("of %d students of a frozen period %d are left, %v", len(before.Students), len(after.Students), err)
	}
}
