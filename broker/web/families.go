package web

import (
	"context"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/consent"
)

// families is what the families' pages need of the broker. Who is not the person that
// a link, a session or a receipt is of finds nothing there.
type families interface {
	SendLink(ctx context.Context, contact string) error
	Doorway(ctx context.Context, secret string) (broker.Doorway, error)
	SendCode(ctx context.Context, secret string) error
	SignIn(ctx context.Context, secret, code string, birthday civil.Date) (broker.SignedIn, error)
	DenyChild(ctx context.Context, secret string) error

	Visitor(ctx context.Context, session string) (broker.Visitor, error)
	SendStepUp(ctx context.Context, v broker.Visitor) error
	StepUp(ctx context.Context, v broker.Visitor, code string, birthday civil.Date) (broker.SignedIn, error)
	SignOut(ctx context.Context, v broker.Visitor) error

	Choice(ctx context.Context, v broker.Visitor, ask, language string) (pages.Choice, error)
	AnswerAsk(ctx context.Context, v broker.Visitor, ask, language string, answer consent.Answer, textSHA256 string) (number string, err error)
	Choices(ctx context.Context, v broker.Visitor) (pages.Choices, error)
	StopChoice(ctx context.Context, v broker.Visitor, consent string) (number string, err error)

	Receipt(ctx context.Context, v broker.Visitor, number string) (pages.Receipt, error)
	SendReceipt(ctx context.Context, v broker.Visitor, number string) error
	AskDeletion(ctx context.Context, v broker.Visitor, number string) error
	StopPage(ctx context.Context, secret string) (pages.Stop, error)
	StopByLink(ctx context.Context, secret string) error

	Seen(ctx context.Context, v broker.Visitor, child int, before uint64) (page pages.Seen, next uint64, err error)
	SeenCopy(ctx context.Context, v broker.Visitor, child int, index uint64) (page pages.SeenCopy, receipt []byte, err error)
}
