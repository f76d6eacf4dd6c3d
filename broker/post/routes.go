package post

import (
	"context"
	"fmt"

	"github.com/hallpass-edu/hallpass/broker"
)

// Routes chooses the carrier by what contact there is: mail where there is an address
// and a carrier of mail, else the gateway. Either may be nil.
type Routes struct {
	Mail    broker.Carrier // for those with an e-mail address
	Gateway broker.Carrier // for everybody else
}

// Carry hands the message to one carrier. Where none can reach the person it returns an
// error that wraps [broker.ErrUndeliverable].
func (r Routes) Carry(ctx context.Context, p broker.Parcel) error {
	switch {
	case r.Mail != nil && p.Email != "":
		return r.Mail.Carry(ctx, p)
	case r.Gateway != nil:
		return r.Gateway.Carry(ctx, p)
	}
	return fmt.Errorf("no carrier reaches a person without an e-mail address: %w", broker.ErrUndeliverable)
}
