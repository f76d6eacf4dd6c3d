package consent

import (
	"cmp"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// Span is a run of days, both ends included.
type Span struct {
	From civil.Date `json:"from"`
	To   civil.Date `json:"to"`
}

// Window is what one yes in force opens: the records of RecordsFrom to
// RecordsTo, less the closed spans, to be looked at until Expires (all ends
// included).
type Window struct {
	Grant       string     `json:"grant"`
	RecordsFrom civil.Date `json:"records_from"`
	RecordsTo   civil.Date `json:"records_to"`
	Expires     civil.Date `json:"expires"`
	Closed      []Span     `json:"closed,omitzero"` // ascending, apart from each other
}

// Covers reports whether a window opens the records of a day.
func Covers(w Window, day civil.Date) bool {
	if day < w.RecordsFrom || day > w.RecordsTo {
		return false
	}
	return !slices.ContainsFunc(w.Closed, func(s Span) bool { return s.From <= day && day <= s.To })
}

// opensPart reports whether the window opens at least one day of a span.
func (w Window) opensPart(from, to civil.Date) bool { return len(Open(w, from, to)) > 0 }

// window is what a grant opens for one family, leaving out the holds that the
// answer to override says were opened.
func (g *Grant) window(family string, overridden func(Hold) bool) Window {
	w := Window{Grant: g.ID, RecordsFrom: g.RecordsFrom, RecordsTo: g.RecordsTo, Expires: g.Expires}
	for _, h := range g.Held {
		if h.Family == family && !overridden(h) {
			w.Closed = append(w.Closed, Span{h.From, h.To})
		}
	}
	w.Closed = merged(w.Closed)
	return w
}

func (h Hold) overriddenBy(known time.Time) bool {
	return h.Override != "" && !h.OverriddenAt.After(known)
}

// merged sorts spans and joins those that touch.
func merged(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	var out []Span
	for _, s := range spans {
		if n := len(out); n > 0 && s.From <= out[n-1].To+1 {
			out[n-1].To = max(out[n-1].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}

// common narrows every window to what all of them open.
func common(windows []Window) []Window {
	all := windows[0]
	for _, w := range windows[1:] {
		all.RecordsFrom = max(all.RecordsFrom, w.RecordsFrom)
		all.RecordsTo = min(all.RecordsTo, w.RecordsTo)
		all.Expires = min(all.Expires, w.Expires)
		all.Closed = merged(slices.Concat(all.Closed, w.Closed))
	}
	if all.RecordsFrom > all.RecordsTo {
		return nil
	}
	out := make([]Window, len(windows))
	for i, w := range windows {
		out[i] = all
		out[i].Grant = w.Grant
		out[i].Closed = slices.Clone(all.Closed)
	}
	return out
}
