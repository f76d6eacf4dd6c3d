// Package post carries a district's messages to families: by SMTP, by a signed call of
// the district's own gateway (for text messages), or, to look at them, into a folder.
//
// A carrier is handed one message at a time and says whether somebody else has taken it
// in charge. The message's id goes with it at every attempt, as the Message-ID of a mail
// and as the webhook-id of a call, so that one that arrives twice is known as one.
//
// Errors of this package name neither a person nor what another server said: that may
// repeat an address.
package post
