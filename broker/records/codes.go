package records

import "errors"

// ErrCode is returned for text outside a closed list.
var ErrCode = errors.New("not in the closed list")

// Flag is a yes, a no, or not known.
type Flag uint8

// The values of a Flag.
const (
	Unknown Flag = iota
	Yes
	No
)

// String returns "yes", "no" or the empty text.
func (f Flag) String() string {
	switch f {
	case Yes:
		return "yes"
	case No:
		return "no"
	}
	return ""
}

// ParseFlag reads yes, no or the empty text.
func ParseFlag(s string) (Flag, error) {
	switch s {
	case "":
		return Unknown, nil
	case "yes":
		return Yes, nil
	case "no":
		return No, nil
	}
	return Unknown, ErrCode
}

// MarshalText writes what String returns.
func (f Flag) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (f *Flag) UnmarshalText(b []byte) (err error) {
	*f, err = ParseFlag(string(b))
	return err
}

// AttendanceCode is what the register says of a day.
type AttendanceCode uint8

// The attendance codes.
const (
	Present AttendanceCode = iota
	AbsentExcused
	AbsentUnexcused
	HalfAbsent
	Tardy
	InSchoolSuspended
	OutOfSchoolSuspended
	attendanceCodes
)

var attendanceNames = [attendanceCodes]string{"present", "absent_excused", "absent_unexcused", "half_absent", "tardy", "iss", "oss"}

// AttendanceCodes returns the closed list in the words of the plain CSV form.
func AttendanceCodes() []string { return append([]string(nil), attendanceNames[:]...) }

// String returns the code in the words of the plain CSV form.
func (c AttendanceCode) String() string {
	if c >= attendanceCodes {
		return "unknown"
	}
	return attendanceNames[c]
}

// ParseAttendanceCode reads what String writes.
func ParseAttendanceCode(s string) (AttendanceCode, error) {
	for i, name := range attendanceNames {
		if s == name {
			return AttendanceCode(i), nil
		}
	}
	return 0, ErrCode
}

// MarshalText writes what String returns.
func (c AttendanceCode) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (c *AttendanceCode) UnmarshalText(b []byte) (err error) {
	*c, err = ParseAttendanceCode(string(b))
	return err
}

// Action is what was done after an incident.
type Action uint8

// The actions.
const (
	NoAction Action = iota
	ActionISS
	ActionOSS
	ActionExpulsion
	ActionRestorative
	ActionOther
	actions
)

var actionNames = [actions]string{"none", "iss", "oss", "expulsion", "restorative", "other"}

// Actions returns the closed list in the words of the plain CSV form.
func Actions() []string { return append([]string(nil), actionNames[:]...) }

// String returns the action in the words of the plain CSV form.
func (a Action) String() string {
	if a >= actions {
		return "unknown"
	}
	return actionNames[a]
}

// ParseAction reads what String writes.
func ParseAction(s string) (Action, error) {
	for i, name := range actionNames {
		if s == name {
			return Action(i), nil
		}
	}
	return 0, ErrCode
}

// MarshalText writes what String returns.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (a *Action) UnmarshalText(b []byte) (err error) {
	*a, err = ParseAction(string(b))
	return err
}

// Marking says which days a register lists, and so what a missing mark means.
type Marking uint8

// The two ways to keep a register.
const (
	Exceptions Marking = iota // only days that are not plainly present
	EveryDay                  // each instructional day
)

// String returns "exceptions" or "every-day".
func (m Marking) String() string {
	if m == EveryDay {
		return "every-day"
	}
	return "exceptions"
}

// ParseMarking reads what String writes.
func ParseMarking(s string) (Marking, error) {
	switch s {
	case "exceptions":
		return Exceptions, nil
	case "every-day":
		return EveryDay, nil
	}
	return 0, ErrCode
}

// MarshalText writes what String returns.
func (m Marking) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (m *Marking) UnmarshalText(b []byte) (err error) {
	*m, err = ParseMarking(string(b))
	return err
}

// Family is a family of records and of the indicators computed from them.
type Family string

// The record families, in the words of a consent.
const (
	AttendanceFamily Family = "attendance"
	DisciplineFamily Family = "discipline"
	GradesFamily     Family = "grades"
)

// Families returns the closed list.
func Families() []Family { return []Family{AttendanceFamily, DisciplineFamily, GradesFamily} }
