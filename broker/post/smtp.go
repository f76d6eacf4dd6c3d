package post

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/hallpass-edu/hallpass/broker"
)

// TLS says how a mail server is spoken to.
type TLS string

// The closed list.
const (
	StartTLS TLS = "starttls" // the connection is made secret before anything else is said
	Implicit TLS = "tls"      // it is from the beginning
	Plain    TLS = "none"     // it is not: to this machine only
)

// SMTPConfig says how the district's mail server is reached.
type SMTPConfig struct {
	Host     string
	Port     int    // 0: 587, or 465 with Implicit
	From     string // such as "Lakeview Schools <records@lakeview.example>"
	User     string // empty: nobody signs in
	Password string
	TLS      TLS              // empty: StartTLS
	Now      func() time.Time // for the dates of mails
	Roots    *x509.CertPool   // nil: the machine's
}

// SMTP sends mail through the district's mail server, with a connection for each.
type SMTP struct {
	config SMTPConfig
	from   *netmail.Address
	domain string // of from
}

const smtpLimit = 30 * time.Second

// NewSMTP returns the carrier, or why its settings cannot be used.
func NewSMTP(c SMTPConfig) (*SMTP, error) {
	from, err := netmail.ParseAddress(c.From)
	if err != nil {
		return nil, errors.New("the sender is no e-mail address; give one such as Lakeview Schools <records@lakeview.example>")
	}
	switch c.TLS {
	case "":
		c.TLS = StartTLS
	case StartTLS, Implicit:
	case Plain:
		if !isLoopback(c.Host) {
			return nil, errors.New("mail may go without TLS to a server on this machine only; use starttls or tls")
		}
	default:
		return nil, fmt.Errorf("mail goes with %s, %s or %s", StartTLS, Implicit, Plain)
	}
	if c.Port == 0 {
		if c.Port = mail.DefaultPortTLS; c.TLS == Implicit {
			c.Port = mail.DefaultPortSSL
		}
	}
	if c.Host == "" || c.Port < 0 || c.Port > 65535 {
		return nil, errors.New("mail needs the host of a mail server, and a port from 1 to 65535")
	}
	if (c.User == "") != (c.Password == "") {
		return nil, errors.New("who signs in to the mail server needs a user and a password")
	}
	if c.Now == nil {
		return nil, errors.New("mail needs a clock for its dates")
	}
	return &SMTP{c, from, from.Address[strings.LastIndexByte(from.Address, '@')+1:]}, nil
}

// Carry sends one mail. It returns nil once the server has taken it, whatever happens
// then. An error wraps [broker.ErrUndeliverable] if there is no such address, or if the
// server refused this recipient or this mail for good; a refusal for policy (5.7) may be
// about the district's settings and is not one.
func (s *SMTP) Carry(ctx context.Context, p broker.Parcel) error {
	m, err := s.write(p)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, smtpLimit)
	defer stop()
	var line connection
	defer line.close()
	client, err := s.client(ctx, &line)
	if err != nil {
		return err
	}
	open, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return failed(ctx, "the mail server cannot be reached, or lets nobody in")
	}
	err = client.SendWithSMTPClient(open, m)
	if m.IsDelivered() {
		// That the server then does not say goodbye changes nothing.
		_ = client.CloseWithSMTPClient(open)
		return nil
	}
	return refused(ctx, err)
}

// connection is closed with its context, since the library sets deadlines of its own.
type connection struct {
	conn net.Conn
	stop func() bool
}

func (c *connection) close() {
	if c.conn != nil {
		c.stop()
		_ = c.conn.Close() // most often it is closed already
	}
}

func (s *SMTP) client(ctx context.Context, line *connection) (*mail.Client, error) {
	secure := &tls.Config{ServerName: s.config.Host, MinVersion: tls.VersionTLS12, RootCAs: s.config.Roots}
	dial := func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(dialing, network, address)
		if err != nil {
			return nil, err
		}
		line.conn, line.stop = conn, context.AfterFunc(ctx, func() { _ = conn.Close() })
		if s.config.TLS != Implicit {
			return conn, nil
		}
		wrapped := tls.Client(conn, secure)
		return wrapped, wrapped.HandshakeContext(dialing)
	}
	options := []mail.Option{
		mail.WithPort(s.config.Port), mail.WithTimeout(smtpLimit), mail.WithTLSConfig(secure), mail.WithDialContextFunc(dial), mail.WithoutNoop(),
	}
	switch s.config.TLS {
	case Implicit:
		options = append(options, mail.WithSSL())
	case Plain:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s.config.User != "" {
		options = append(options, mail.WithUsername(s.config.User), mail.WithPassword(s.config.Password), mail.WithOpportunisticSMTPAuth(
			mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthPlain, mail.SMTPAuthLogin, mail.SMTPAuthCramMD5,
		))
	}
	client, err := mail.NewClient(s.config.Host, options...)
	if err != nil {
		return nil, errors.New("the settings of the mail server cannot be used")
	}
	return client, nil
}

// write makes the mail: the text as it is, and once more as simple HTML.
func (s *SMTP) write(p broker.Parcel) (*mail.Msg, error) {
	if strings.ContainsAny(p.Subject, "\r\n") {
		return nil, errors.New("the subject of a mail has more than one line")
	}
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	m.FromMailAddress(s.from)
	to, err := netmail.ParseAddress(p.Email)
	if err != nil {
		return nil, fmt.Errorf("the e-mail address is none: %w", broker.ErrUndeliverable)
	}
	m.ToMailAddress(&netmail.Address{Address: to.Address})
	m.Subject(p.Subject)
	m.SetMessageIDWithValue(p.ID + "@" + s.domain)
	m.SetDateWithValue(s.config.Now())
	m.SetGenHeader("Auto-Submitted", "auto-generated") // no answering machine replies (RFC 3834)
	if p.Language != "" {
		m.SetGenHeader("Content-Language", strings.NewReplacer("\r", "", "\n", "").Replace(p.Language))
	}
	m.SetBodyString(mail.TypeTextPlain, p.Text)
	m.AddAlternativeString(mail.TypeTextHTML, page(p))
	return m, nil
}

func failed(ctx context.Context, what string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return errors.New(what)
}

// refused judges a server's answer by its code.
func refused(ctx context.Context, err error) error {
	send, ok := errors.AsType[*mail.SendError](err)
	if !ok || ctx.Err() != nil {
		return failed(ctx, "the mail server did not take the mail")
	}
	what := "the mail server refuses, with code " + strconv.Itoa(send.ErrorCode())
	aboutIt := send.Reason == mail.ErrSMTPRcptTo || send.Reason == mail.ErrSMTPDataClose
	if aboutIt && send.ErrorCode() >= 500 && !strings.HasPrefix(send.EnhancedStatusCode(), "5.7.") {
		return fmt.Errorf("%s: %w", what, broker.ErrUndeliverable)
	}
	return errors.New(what)
}
