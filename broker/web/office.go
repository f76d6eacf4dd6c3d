package web

import (
	"context"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
)

// staff is what the pages of the district's own people need of the broker beside the
// API's operations: who they are. What they may do, each operation checks itself.
type staff interface {
	// Now is the district's clock.
	Now() time.Time
	// StaffDoor tells for whom a link is, and uses nothing up.
	StaffDoor(ctx context.Context, secret string) (broker.Caller, error)
	// SignInStaff opens a session, once for each link.
	SignInStaff(ctx context.Context, secret string) (broker.SignedIn, error)
	// Staff finds who is signed in.
	Staff(ctx context.Context, session string) (broker.Caller, error)
	// SignOutStaff ends a session.
	SignOutStaff(ctx context.Context, session string) error
}
