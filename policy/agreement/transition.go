package agreement

import (
	"fmt"
	"strings"
)

// TransitionError is returned for an event that its object's state does not
// allow. Detail, where there is one, says what else stands in the way.
type TransitionError struct {
	Object  string   // "partner" or "agreement"
	State   string   // the state it is in
	Event   string   // the event that was asked for
	Allowed []string // the events this state allows
	Detail  string
}

// Error names the state, the event and the allowed events.
func (e *TransitionError) Error() string {
	allowed := "no event"
	if len(e.Allowed) > 0 {
		allowed = strings.Join(e.Allowed, ", ")
	}
	why := ""
	if e.Detail != "" {
		why = ": " + e.Detail
	}
	return fmt.Sprintf("%s is %s, event %q is not possible%s (allowed: %s)", e.Object, e.State, e.Event, why, allowed)
}

// transition is one row of a lifecycle.
type transition[S, E ~string] struct {
	from  S
	event E
	to    S
}

// follow returns the state to which an event leads, or a *TransitionError.
// The event of the caller is named in the error only if the lifecycle has it.
func follow[S, E ~string](object string, table []transition[S, E], from S, event E) (S, error) {
	name := "unknown"
	for _, row := range table {
		if row.event != event {
			continue
		}
		if row.from == from {
			return row.to, nil
		}
		name = string(event)
	}
	return from, &TransitionError{Object: object, State: string(from), Event: name, Allowed: allowed(table, from)}
}

func allowed[S, E ~string](table []transition[S, E], from S) []string {
	var events []string
	for _, row := range table {
		if row.from == from {
			events = append(events, string(row.event))
		}
	}
	return events
}
