package ingest

import (
	"fmt"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// AssumedYearRow is the row of sessions.csv for the school year from July 1 to
// June 30 that holds a day, for an export that lists no session.
func AssumedYearRow(day civil.Date) Row {
	first := day.Time().Year()
	if day.Time().Month() < time.July {
		first--
	}
	id := fmt.Sprintf("%d-%02d", first, (first+1)%100)
	return yearRow(id, civil.Make(first, time.July, 1), civil.Make(first+1, time.June, 30))
}

// DeclaredYearRow is the row of sessions.csv for the school year that the
// district declared in Options.SchoolYear.
func DeclaredYearRow(s Span) Row {
	first, last := s.From.Time().Year(), s.To.Time().Year()
	id := fmt.Sprint(first)
	if last > first {
		id = fmt.Sprintf("%d-%02d", first, last%100)
	}
	return yearRow(id, s.From, s.To)
}

func yearRow(id string, from, to civil.Date) Row {
	return Row{Fields: []string{id, "School year " + id, string(records.SchoolYear), from.String(), to.String(), ""}}
}

// A Span is a stretch of days, both included; the zero Span is none.
type Span struct{ From, To civil.Date }

// IsZero reports whether nothing was declared.
func (s Span) IsZero() bool { return s == Span{} }
