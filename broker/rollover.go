package broker

import (
	"context"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// Rollover is the planned window in which the information system goes over to
// the next school year: students leave and schools change by the hundred, and
// neither needs a second person. The zero Rollover is none.
type Rollover struct {
	From civil.Date `json:"from"`
	To   civil.Date `json:"to"`
}

// longestRollover bounds the window: a longer one would be no window.
const longestRollover = 60

var rollovers = table[Rollover]{colHead}

func (r Rollover) holds(day civil.Date) bool { return !r.From.IsZero() && r.From <= day && day <= r.To }

// Validate refuses a window that is none or too long.
func (r Rollover) Validate() error {
	if r.From.IsZero() || r.To < r.From || int(r.To-r.From) >= longestRollover {
		return invalidField("to", "is no window of at most sixty days", "give the first and the last day of the change of years")
	}
	return nil
}

// PlanRollover sets the window (steward, officer); a later one replaces it. It
// must lie ahead: a window is planned, not declared when a load was held.
func (b *Broker) PlanRollover(ctx context.Context, c Caller, window Rollover) error {
	if err := b.admit(ctx, c, "plan a rollover", RoleSteward, RoleOfficer); err != nil {
		return err
	}
	if err := window.Validate(); err != nil {
		return err
	}
	a := act{event: tlog.RolloverPlanned, lane: store.LaneOfficer, caller: c, request: window}
	_, err := b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		if window.From <= m.today {
			return outcome{}, invalidField("from", "is not ahead", "plan the window at the latest on the day before; a load that was held meanwhile needs a second person")
		}
		return outcome{data: window}, rollovers.put(tx, key(headRollover), window)
	})
	return err
}
