package records

import "fmt"

// MissingMark is how a day without a mark is read.
type MissingMark uint8

// The readings of a missing mark. ByMarking follows what the district declared
// of its register: present where it lists exceptions only, absent where it
// lists every day (as New York's SIRS-361 does).
const (
	ByMarking MissingMark = iota
	MissingPresent
	MissingAbsent
)

// Settings are a district's choices where the field has no single rule. The
// zero value is the default; every report prints them (Lines).
type Settings struct {
	MinimumEnrolment int         // days; 0 = the indicator's own, negative = none
	MissingMark      MissingMark // how a day without a mark is read
	ISSAbsent        bool        // an in-school suspension counts as absence
	OSSPresent       bool        // an out-of-school suspension counts as attendance
	Scales           []Scale     // the district's own scales, before the registry's
	Scale            string      // the one scale that course results are read on; empty = the student's most used
}

// Lines returns the settings as sentences to print under a report.
func (s Settings) Lines() []string {
	missing := map[MissingMark]string{
		ByMarking:      "A day without a mark is read as present in a register of exceptions and as absent in a register of every day.",
		MissingPresent: "A day without a mark is read as present.",
		MissingAbsent:  "A day without a mark is read as absent.",
	}[s.MissingMark]
	lines := []string{
		missing,
		"Half a day absent is 0.5 day in the attendance rate and 1 day in chronic absence.",
		"An in-school suspension counts as " + word(s.ISSAbsent, "absence.", "attendance."),
		"An out-of-school suspension counts as " + word(s.OSSPresent, "attendance.", "absence."),
	}
	switch {
	case s.MinimumEnrolment > 0:
		lines = append(lines, fmt.Sprintf("A student counts in attendance from %d enrolled days on.", s.MinimumEnrolment))
	case s.MinimumEnrolment < 0:
		lines = append(lines, "A student counts in attendance from the first enrolled day on.")
	default:
		lines = append(lines, fmt.Sprintf("A student counts in attendance from %d enrolled days on.", DefaultMinimumEnrolment))
	}
	if s.Scale != "" {
		lines = append(lines, "Course results are those on the scale "+s.Scale+".")
	}
	return lines
}

func word(cond bool, yes, no string) string {
	if cond {
		return yes
	}
	return no
}

// missed returns the share of the day that a mark means, in per mille.
func (s Settings) missed(m DayMark) int64 {
	switch m.Code() {
	case InSchoolSuspended:
		if !s.ISSAbsent {
			return 0
		}
	case OutOfSchoolSuspended:
		if s.OSSPresent {
			return 0
		}
	}
	if portion := m.Portion(); portion != NoPortion {
		return int64(portion)
	}
	switch m.Code() {
	case Present, Tardy:
		return 0
	case HalfAbsent:
		return 500
	}
	return 1000
}

// missingIsAbsent reports how the settings read a missing mark of a register.
func (s Settings) missingIsAbsent(m Marking) bool {
	if s.MissingMark == ByMarking {
		return m == EveryDay
	}
	return s.MissingMark == MissingAbsent
}

// minimum returns the enrolled days that an indicator asks for.
func (s Settings) minimum(ind Indicator) int {
	switch {
	case ind.MinimumEnrolment == 0 || s.MinimumEnrolment < 0:
		return 0
	case s.MinimumEnrolment > 0:
		return s.MinimumEnrolment
	}
	return ind.MinimumEnrolment
}
