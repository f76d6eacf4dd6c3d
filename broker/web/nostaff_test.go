package web_test

import (
	"context"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
)

// noStaff is a district of whose people nobody has a link.
type noStaff struct{}

func (noStaff) Now() time.Time { return time.Unix(0, 0) }

func (noStaff) StaffDoor(context.Context, string) (broker.Caller, error) {
	return broker.Caller{}, errNothing
}

func (noStaff) SignInStaff(context.Context, string) (broker.SignedIn, error) {
	return broker.SignedIn{}, errNothing
}

func (noStaff) Staff(context.Context, string) (broker.Caller, error) {
	return broker.Caller{}, &broker.Error{Kind: broker.Unauthenticated}
}

func (noStaff) SignOutStaff(context.Context, string) error { return nil }
