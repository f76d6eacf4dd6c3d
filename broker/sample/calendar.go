package sample

import (
	"fmt"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

const (
	instructionalDays = 180
	asOfAfterEnd      = 14 // days
)

// schoolYear lays 180 instructional days from the Tuesday after Labor Day on,
// around the usual holidays, and cuts them into two semesters.
func schoolYear(year int) ([]Day, []Session) {
	var (
		days   []Day
		school []civil.Date
	)
	for date := nthWeekday(year, time.September, time.Monday, 1) + 1; len(school) < instructionalDays; date++ {
		if w := date.Weekday(); w == time.Saturday || w == time.Sunday {
			continue
		}
		open := !holiday(date)
		days = append(days, Day{Date: date, Instructional: open})
		if open {
			school = append(school, date)
		}
	}
	id := fmt.Sprintf("%d-%02d", year, (year+1)%100)
	half := len(school) / 2
	return days, []Session{
		{ID: id, Title: "School year " + id, Type: "schoolYear", Start: school[0], End: school[len(school)-1]},
		{ID: id + "-S1", Title: "First semester", Type: "semester", Start: school[0], End: school[half-1], Parent: id},
		{ID: id + "-S2", Title: "Second semester", Type: "semester", Start: school[half], End: school[len(school)-1], Parent: id},
	}
}

// holiday reports whether schools are closed on a weekday.
func holiday(date civil.Date) bool {
	year, month, day := date.Time().Date()
	within := func(first civil.Date, days int) bool { return date >= first && date < first+civil.Date(days) }
	switch month {
	case time.October: // teachers' convention: a Thursday and a Friday
		return within(nthWeekday(year, month, time.Thursday, 3), 2)
	case time.November: // Thanksgiving and the day after
		return within(nthWeekday(year, month, time.Thursday, 4), 2)
	case time.December:
		return day >= 23
	case time.January:
		return day <= 2 || date == nthWeekday(year, month, time.Monday, 3)
	case time.February:
		return date == nthWeekday(year, month, time.Monday, 3)
	case time.March: // spring break
		return within(nthWeekday(year, month, time.Monday, 4), 5)
	case time.May: // Memorial Day
		return date.Weekday() == time.Monday && day > 24
	default:
		return false
	}
}

// nthWeekday returns the nth such weekday of a month, from one.
func nthWeekday(year int, month time.Month, weekday time.Weekday, n int) civil.Date {
	first := civil.Make(year, month, 1)
	skip := (int(weekday) - int(first.Weekday()) + 7) % 7
	return first + civil.Date(skip+7*(n-1))
}

// YearEndedBy returns the latest Options.Year whose district is complete, its
// AsOf included, on the given day.
func YearEndedBy(today civil.Date) int {
	year := today.Year()
	for {
		if _, sessions := schoolYear(year); sessions[0].End+asOfAfterEnd <= today {
			return year
		}
		year--
	}
}
