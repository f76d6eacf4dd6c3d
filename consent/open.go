package consent

import "github.com/hallpass-edu/hallpass/broker/civil"

// Open returns the days of a span (both ends included) whose records a window
// opens: ascending and apart from each other.
func Open(w Window, from, to civil.Date) []Span {
	var open []Span
	day, last := max(from, w.RecordsFrom), min(to, w.RecordsTo)
	for _, s := range merged(append([]Span(nil), w.Closed...)) {
		if day > last {
			break
		}
		if s.From > day {
			open = append(open, Span{day, min(s.From-1, last)})
		}
		day = max(day, s.To+1)
	}
	if day <= last {
		open = append(open, Span{day, last})
	}
	return open
}

// Merge sorts spans and joins those that overlap or touch. It takes the slice
// over.
func Merge(spans []Span) []Span { return merged(spans) }
