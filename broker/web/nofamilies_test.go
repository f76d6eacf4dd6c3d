package web_test

import (
	"context"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/consent"
)

// noFamilies is a district without a family: whoever asks finds nothing.
type noFamilies struct{}

var errNothing = &broker.Error{Kind: broker.NotAvailable, Detail: "there is nothing here for you"}

func (noFamilies) SendLink(context.Context, string) error { return errNothing }

func (noFamilies) Doorway(context.Context, string) (broker.Doorway, error) {
	return broker.Doorway{}, errNothing
}

func (noFamilies) SendCode(context.Context, string) error { return errNothing }

func (noFamilies) SignIn(context.Context, string, string, civil.Date) (broker.SignedIn, error) {
	return broker.SignedIn{}, errNothing
}

func (noFamilies) DenyChild(context.Context, string) error { return errNothing }

func (noFamilies) Visitor(context.Context, string) (broker.Visitor, error) {
	return broker.Visitor{}, errNothing
}

func (noFamilies) SendStepUp(context.Context, broker.Visitor) error { return errNothing }

func (noFamilies) StepUp(context.Context, broker.Visitor, string, civil.Date) (broker.SignedIn, error) {
	return broker.SignedIn{}, errNothing
}

func (noFamilies) SignOut(context.Context, broker.Visitor) error { return errNothing }

func (noFamilies) Choice(context.Context, broker.Visitor, string, string) (pages.Choice, error) {
	return pages.Choice{}, errNothing
}

func (noFamilies) AnswerAsk(context.Context, broker.Visitor, string, string, consent.Answer, string) (string, error) {
	return "", errNothing
}

func (noFamilies) Choices(context.Context, broker.Visitor) (pages.Choices, error) {
	return pages.Choices{}, errNothing
}

func (noFamilies) StopChoice(context.Context, broker.Visitor, string) (string, error) {
	return "", errNothing
}

func (noFamilies) Receipt(context.Context, broker.Visitor, string) (pages.Receipt, error) {
	return pages.Receipt{}, errNothing
}

func (noFamilies) SendReceipt(context.Context, broker.Visitor, string) error { return errNothing }

func (noFamilies) AskDeletion(context.Context, broker.Visitor, string) error { return errNothing }

func (noFamilies) StopPage(context.Context, string) (pages.Stop, error) {
	return pages.Stop{}, errNothing
}

func (noFamilies) StopByLink(context.Context, string) error { return errNothing }

func (noFamilies) Seen(context.Context, broker.Visitor, int, uint64) (pages.Seen, uint64, error) {
	return pages.Seen{}, 0, errNothing
}

func (noFamilies) SeenCopy(context.Context, broker.Visitor, int, uint64) (pages.SeenCopy, []byte, error) {
	return pages.SeenCopy{}, nil, errNothing
}
