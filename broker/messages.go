package broker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// MessageKind is what a message to a family is about.
type MessageKind string

// The closed list.
const (
	MessageInvitation     MessageKind = "invitation"      // somebody is asked for an answer
	MessageCode           MessageKind = "code"            // the code that opens a link
	MessageLink           MessageKind = "link"            // somebody asked for a new link
	MessageReceipt        MessageKind = "receipt"         // of an answer, with the link that stops sharing
	MessageSaved          MessageKind = "saved"           // of an answer that shares nothing
	MessageYearlyReminder MessageKind = "yearly_reminder" // of what is shared
	MessageBirthdaySoon   MessageKind = "birthday_soon"   // rights are about to pass to the student
)

// MessageKinds returns the closed list.
func MessageKinds() []MessageKind {
	return []MessageKind{
		MessageInvitation, MessageCode, MessageLink, MessageReceipt, MessageSaved, MessageYearlyReminder, MessageBirthdaySoon,
	}
}

// Valid reports whether the kind is in the closed list.
func (k MessageKind) Valid() bool { return slices.Contains(MessageKinds(), k) }

// MessageState is how far a message has come.
type MessageState string

// The closed list. What is not waiting has ended: its contents are erased.
const (
	MessageWaiting       MessageState = "waiting"
	MessageDelivered     MessageState = "delivered"     // a carrier took it
	MessageHandedOver    MessageState = "handed_over"   // exported, for the district's own tool to send
	MessageExpired       MessageState = "expired"       // it was no longer of use
	MessageUndeliverable MessageState = "undeliverable" // there is no contact, or it was refused for good
	MessageGivenUp       MessageState = "given_up"      // no attempt succeeded
)

// MessageStates returns the closed list.
func MessageStates() []MessageState {
	return []MessageState{
		MessageWaiting, MessageDelivered, MessageHandedOver, MessageExpired, MessageUndeliverable, MessageGivenUp,
	}
}

// messageProblem is what went wrong last, in the service's own words: what a mail
// server or a gateway answers may name a person.
type messageProblem string

// The closed list.
const (
	problemNoContact messageProblem = "no_contact"  // on file
	problemNoCarrier messageProblem = "no_carrier"  // is configured
	problemWording   messageProblem = "no_wording"  // in this language, or for these values
	problemLate      messageProblem = "late"        // it was of no use any more
	problemRefused   messageProblem = "refused"     // for good
	problemTimeout   messageProblem = "timeout"     // the carrier did not answer
	problemFailed    messageProblem = "unreachable" // anything else, which may pass
)

// ErrUndeliverable is what a carrier's error wraps when another attempt cannot
// succeed either.
var ErrUndeliverable = errors.New("the message cannot be delivered")

// Parcel is a message ready to be carried. Its ID is the same at every attempt: a
// carrier passes it on, so that a message that arrives twice is known as one.
type Parcel struct {
	ID       string
	Kind     MessageKind
	Email    string // empty: none on file
	Phone    string // empty: none on file
	Language string // BCP 47
	Subject  string // holds no child's name
	Text     string // plain text
}

// Carrier takes messages out of the house. Carry returns nil once somebody else has
// taken the message in charge, and an error that wraps [ErrUndeliverable] when nobody
// ever will. It may be called from several goroutines at once.
type Carrier interface {
	Carry(ctx context.Context, p Parcel) error
}

// Wording writes a message of a kind in a language.
type Wording func(kind MessageKind, language string, values map[string]string) (subject, text string, err error)

// message is what is to be told to one person.
type message struct {
	Kind     MessageKind
	Person   string // as a token's subject names the person
	Language string // BCP 47
	Email    string
	Phone    string
	Values   map[string]string // what the wording needs
	NotAfter time.Time         // of no use from then on; zero: of use for as long as it is tried
}

// maskedContact tells where a message goes to somebody who knows the contact already.
func maskedContact(email, phone string) string {
	if name, host, ok := strings.Cut(email, "@"); ok {
		dot := strings.LastIndexByte(host, '.')
		if dot < 0 {
			return firstOf(name) + "•••@" + firstOf(host) + "•••"
		}
		return firstOf(name) + "•••@" + firstOf(host) + "•••" + host[dot:]
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
	if len(digits) < 6 { // two of so few would tell much of them
		return "•••"
	}
	return "••• " + digits[len(digits)-2:]
}

func firstOf(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return s[:size]
}
