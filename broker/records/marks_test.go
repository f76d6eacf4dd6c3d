package records_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// fataler is a test or a property.
type fataler interface{ Fatal(...any) }

// marked is the mark of one day.
func marked(t fataler, day civil.Date, code records.AttendanceCode, portion int16) []records.DayMark {
	m, ok := records.NewDayMark(day, code, portion)
	if !ok {
		t.Fatal("no mark for", day, code, portion)
	}
	return []records.DayMark{m}
}

func TestAMarkGivesBackWhatItWasMadeOf(t *testing.T) {
	t.Parallel()
	first, last := civil.Make(1800, 1, 1), civil.Make(2158, 11, 10)
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) records.DayMark {
			day := civil.Date(rapid.Int32Range(int32(first), int32(last)).Draw(t, label))
			code := records.AttendanceCode(rapid.IntRange(0, 6).Draw(t, "code"))
			portion := rapid.Int16Range(records.NoPortion, 1000).Draw(t, "portion")
			m := marked(t, day, code, portion)[0]
			if m.Day() != day || m.Code() != code || m.Portion() != portion {
				t.Fatalf("%s %s %d became %s %s %d", day, code, portion, m.Day(), m.Code(), m.Portion())
			}
			return m
		}
		a, b := draw("a"), draw("b")
		if a.Day() < b.Day() && a >= b {
			t.Fatal("the order of the numbers is not that of the days")
		}
	})
}

func TestAMarkOutOfRangeIsRefused(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func() (records.DayMark, bool){
		"a day of 1799":           func() (records.DayMark, bool) { return records.NewDayMark(civil.Make(1799, 12, 31), 0, 0) },
		"a day of 2159":           func() (records.DayMark, bool) { return records.NewDayMark(civil.Make(2159, 1, 1), 0, 0) },
		"an unknown code":         func() (records.DayMark, bool) { return records.NewDayMark(base, 7, 0) },
		"a portion over the day":  func() (records.DayMark, bool) { return records.NewDayMark(base, 0, 1001) },
		"a portion below nothing": func() (records.DayMark, bool) { return records.NewDayMark(base, 0, -2) },
	} {
		if m, ok := make(); ok {
			t.Errorf("%s became %d", name, m)
		}
	}
}

// TestMarksAreInOrderHoweverTheyCome compares with a plain list.
func TestMarksAreInOrderHoweverTheyCome(t *testing.T) {
	t.Parallel()
	type line struct {
		school string
		mark   records.DayMark
	}
	rapid.Check(t, func(t *rapid.T) {
		var marks records.Marks
		var lines []line
		for range rapid.IntRange(0, 40).Draw(t, "marks") {
			school := rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "school")
			m := marked(t, base+civil.Date(rapid.Int32Range(0, 20).Draw(t, "day")), records.AbsentExcused, records.NoPortion)
			before := slices.Collect(values(marks))
			more := marks.With(school, m)
			if !slices.Equal(before, slices.Collect(values(marks))) {
				t.Fatal("With changed what it was given")
			}
			marks, lines = more, append(lines, line{school, m[0]})
		}
		slices.SortFunc(lines, func(a, b line) int {
			if a.school != b.school {
				return map[bool]int{true: -1, false: 1}[a.school < b.school]
			}
			return int(a.mark) - int(b.mark)
		})
		i := 0
		for school, m := range marks.All() {
			if lines[i] != (line{school, m}) {
				t.Fatal("another order")
			}
			i++
		}
		if i != len(lines) || marks.Len() != i {
			t.Fatalf("%d of %d marks", i, len(lines))
		}
		only := marks.Where(func(school string, m records.DayMark) bool { return school != "B" && m.Day() < base+10 })
		want := slices.DeleteFunc(lines, func(l line) bool { return l.school == "B" || l.mark.Day() >= base+10 })
		if only.Len() != len(want) || only.At("B") != nil {
			t.Fatal("Where kept others")
		}
	})
}

func values(m records.Marks) func(func(records.DayMark) bool) {
	return func(yield func(records.DayMark) bool) {
		for _, v := range m.All() {
			if !yield(v) {
				return
			}
		}
	}
}
