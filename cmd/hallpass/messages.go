package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/post"
	"github.com/hallpass-edu/hallpass/broker/web"
)

// mailing is how messages leave.
type mailing struct {
	host, from, user, passwordFile, tls string
	port                                int
	url, secretFile                     string
	private                             bool
	folder                              string
	phone, public                       string
}

// mailingSettings are the names of its flags.
func mailingSettings() []string {
	return []string{
		"smtp-host", "smtp-port", "smtp-from", "smtp-user", "smtp-password-file", "smtp-tls",
		"webhook-url", "webhook-secret-file", "webhook-allow-private", "messages-dir", "phone", "public-url",
	}
}

func (m *mailing) flags(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&m.host, "smtp-host", "", "the district's mail server, for messages to families")
	flags.IntVar(&m.port, "smtp-port", 0, "its port (default 587, or 465 with --smtp-tls tls)")
	flags.StringVar(&m.from, "smtp-from", "", "`sender` of mails, such as \"Lakeview Schools <records@lakeview.example>\"")
	flags.StringVar(&m.user, "smtp-user", "", "who signs in to the mail server")
	flags.StringVar(&m.passwordFile, "smtp-password-file", "", "`file` of the password, mode 0600")
	flags.StringVar(&m.tls, "smtp-tls", string(post.StartTLS), "starttls, tls, or none (to this machine only)")
	flags.StringVar(&m.url, "webhook-url", "", "the district's own gateway, called for each message that is not mailed")
	flags.StringVar(&m.secretFile, "webhook-secret-file", "", "`file` of the secret that signs the calls, mode 0600")
	flags.BoolVar(&m.private, "webhook-allow-private", false, "the gateway stands in a private network")
	m.familyFlags(c)
	m.folderFlag(c)
}

func (m *mailing) familyFlags(c *cobra.Command) {
	c.Flags().StringVar(&m.phone, "phone", "", "the `number` that families call, on every page and in every message")
	c.Flags().StringVar(&m.public, "public-url", "", "where families reach the pages (default https:// and the district's host)")
}

func (m *mailing) folderFlag(c *cobra.Command) {
	c.Flags().StringVar(&m.folder, "messages-dir", "", "write each message into a file of this `directory` instead of sending it")
}

// named is how families know a district.
func (m mailing) named(s broker.Settings) web.District {
	return web.District{Name: s.Name, Phone: m.phone}
}

// wording writes the messages of a district.
func (m mailing) wording(s broker.Settings) broker.Wording {
	return web.Wording(m.address(s), m.named(s))
}

// address is where people reach the pages.
func (m mailing) address(s broker.Settings) string {
	return cmp.Or(strings.TrimSuffix(m.public, "/"), "https://"+s.Host)
}

// carrier returns what carries messages, or nil if nothing is to.
func (a *app) carrier(m mailing) (broker.Carrier, error) {
	if err := m.complete(); err != nil {
		return nil, usage(err)
	}
	if m.folder != "" {
		if m.host != "" || m.url != "" {
			return nil, usage(errors.New("--messages-dir is instead of --smtp-host and --webhook-url"))
		}
		dir := a.path(m.folder)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("making the directory of messages: %w", err)
		}
		return post.Folder{Dir: dir}, nil
	}
	var routes post.Routes
	if m.host != "" {
		mail, err := a.mail(m)
		if err != nil {
			return nil, usage(fmt.Errorf("--smtp-host: %w", err))
		}
		routes.Mail = mail
	}
	if m.url != "" {
		gateway, err := a.gateway(m)
		if err != nil {
			return nil, usage(fmt.Errorf("--webhook-url: %w", err))
		}
		routes.Gateway = gateway
	}
	if routes.Mail == nil && routes.Gateway == nil {
		return nil, nil //nolint:nilnil // that nothing carries messages is no error
	}
	return routes, nil
}

// errNoPhone refuses messages that name nobody to ask.
var errNoPhone = errors.New("messages to families need the number that they call, --phone")

// complete refuses settings of which some are missing.
func (m mailing) complete() error {
	switch {
	case m.host == "" && (m.port != 0 || m.from != "" || m.user != "" || m.passwordFile != ""):
		return errors.New("the settings of a mail server need its --smtp-host")
	case m.host != "" && m.from == "":
		return errors.New("--smtp-host needs the sender of mails, --smtp-from")
	case (m.user == "") != (m.passwordFile == ""):
		return errors.New("--smtp-user and --smtp-password-file go together")
	case (m.url == "") != (m.secretFile == ""):
		return errors.New("--webhook-url and --webhook-secret-file go together")
	case m.private && m.url == "":
		return errors.New("--webhook-allow-private is about a --webhook-url")
	case (m.host != "" || m.url != "" || m.folder != "") && m.phone == "":
		return errNoPhone
	}
	return nil
}

func (a *app) mail(m mailing) (*post.SMTP, error) {
	c := post.SMTPConfig{Host: m.host, Port: m.port, From: m.from, User: m.user, TLS: post.TLS(m.tls), Now: time.Now}
	if m.passwordFile != "" {
		var err error
		if c.Password, err = post.ReadPrivate(a.path(m.passwordFile)); err != nil {
			return nil, err
		}
	}
	return post.NewSMTP(c)
}

func (a *app) gateway(m mailing) (*post.Webhook, error) {
	text, err := post.ReadPrivate(a.path(m.secretFile))
	if err != nil {
		return nil, err
	}
	secret, err := post.ParseSecret(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.secretFile, err)
	}
	return post.NewWebhook(post.WebhookConfig{URL: m.url, Secret: secret, AllowPrivate: m.private, Now: time.Now})
}

// delivering does what the district owes families, and delivers messages, until the returned function is called, which waits for
// what is under way to end.
func delivering(ctx context.Context, b *broker.Broker, carrier broker.Carrier, w broker.Wording) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var both sync.WaitGroup
		both.Go(func() { b.RunOutbox(ctx, carrier, w) })
		both.Go(func() { b.RunDuties(ctx) })
		both.Wait()
	}()
	return func() {
		cancel()
		<-ended
	}
}

func (a *app) messagesCommand() *cobra.Command {
	return a.group(&cobra.Command{
		Use:   "messages",
		Short: "See what became of messages to families, and send them by other means",
		Example: `  hallpass messages list --dir district --state waiting
  hallpass messages export --dir district --phone 612-555-0100 --out messages.csv`,
	}, a.messagesListCommand(), a.messagesExportCommand())
}

// messageRow is what is shown of a message.
type messageRow struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	State    string    `json:"state"`
	Problem  string    `json:"problem"`
	Contact  string    `json:"contact"`
	Attempts int       `json:"attempts"`
	Written  time.Time `json:"written_at"`
	To       struct {
		Guardian string `json:"guardian_id"`
		Student  string `json:"student_id"`
	} `json:"to"`
}

type messagePage struct {
	Messages []messageRow `json:"messages"`
	Carrier  bool         `json:"carrier"`
}

func (a *app) messagesListCommand() *cobra.Command {
	var (
		p     place
		state string
		limit int
	)
	c := a.command(&cobra.Command{
		Use:   "list",
		Short: "List the messages of the last 90 days, the newest first",
		Long: `list shows to whom a message went, by the district's number and the masked contact,
and what became of it; never what it says.`,
		Example: "  hallpass messages list --dir district --state undeliverable",
		Args:    cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error {
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error {
			body, err := body(b.Messages(ctx, a.local(broker.RoleOfficer), broker.MessagesRequest{State: broker.MessageState(state), Limit: limit}))
			if err != nil {
				return fmt.Errorf("listing the messages: %w", err)
			}
			return showAnswer(a, body, writeMessages)
		})
	})
	p.flags(c)
	c.Flags().StringVar(&state, "state", "", "waiting, delivered, handed_over, expired, undeliverable or given_up (default any)")
	c.Flags().IntVar(&limit, "limit", 100, "how many messages, at most 1000")
	return c
}

func writeMessages(w io.Writer, page messagePage) error {
	rows := [][]string{{"MESSAGE", "WRITTEN", "KIND", "TO", "CONTACT", "STATE", "ATTEMPTS"}}
	for _, m := range page.Messages {
		state := m.State
		if m.Problem != "" {
			state += ": " + inWords(m.Problem)
		}
		rows = append(rows, []string{
			m.ID, stamp(m.Written), m.Kind, cmp.Or(m.To.Guardian, m.To.Student), cmp.Or(m.Contact, "-"), state, strconv.Itoa(m.Attempts),
		})
	}
	return table(w, rows...)
}

// inWords says what is wrong with a message.
func inWords(problem string) string {
	words := map[string]string{
		"no_contact": "no contact on file", "no_carrier": "no carrier is configured", "no_wording": "no words in this language",
		"late": "it was of no use any more", "refused": "refused for good", "timeout": "no answer in time", "unreachable": "could not be reached",
	}
	return cmp.Or(words[problem], problem)
}

func (a *app) messagesExportCommand() *cobra.Command {
	var (
		p   place
		out string
		m   mailing
	)
	c := a.command(&cobra.Command{
		Use:   "export",
		Short: "Hand over what waits, as CSV for the district's own messaging tool",
		Long: `export writes every message that waits into a new file (mode 0600) and marks it as
handed over: this service does not send it any more. The file names people and holds
links that open their pages; remove it once they are sent. The log keeps who exported
how many, and which.`,
		Example: "  hallpass messages export --dir district --phone 612-555-0100 --out messages.csv",
		Args:    cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error {
		if m.phone == "" {
			return usage(errNoPhone)
		}
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error {
			return a.exportMessages(ctx, b, m.wording(b.Settings()), out)
		})
	})
	p.flags(c)
	m.familyFlags(c)
	c.Flags().StringVar(&out, "out", "", "the `file` to write (required)")
	// MarkFlagRequired fails only for a flag that does not exist.
	_ = c.MarkFlagRequired("out")
	return c
}

func (a *app) exportMessages(ctx context.Context, b *broker.Broker, w broker.Wording, out string) error {
	path := a.path(out)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing the messages: %w", err)
	}
	handed, waiting, err := handOver(ctx, b, a.local(broker.RoleOfficer), w, f)
	if err = errors.Join(err, f.Close()); handed == 0 {
		err = errors.Join(err, os.Remove(path))
	}
	if err != nil {
		return fmt.Errorf("exporting the messages: %w", err)
	}
	if waiting > 0 {
		a.say("%s more wait because there are no words for them in their language.", grouped(waiting))
	}
	return a.show(map[string]any{"file": out, "handed_over": handed, "waiting": waiting}, func(w io.Writer) error {
		text := "Nothing waits.\n"
		if handed > 0 {
			text = fmt.Sprintf("Handed over %s messages in %s.\n", grouped(handed), out)
		}
		_, err := io.WriteString(w, text)
		return err
	})
}

// handOver writes what waits into a file; what counts as handed over is on the disk.
func handOver(ctx context.Context, b *broker.Broker, c broker.Caller, w broker.Wording, f *os.File) (handed, waiting int, err error) {
	sheet, err := post.NewSheet(f)
	if err != nil {
		return 0, 0, err
	}
	return b.HandOverMessages(ctx, c, w, func(list []broker.Parcel) error {
		return errors.Join(sheet.Write(list), f.Sync())
	})
}

func settingsOfServe() []string {
	return slices.Concat([]string{"dir", "listen", "ops-listen", "clock", "accept-clock-jump", "ballast", "withdrawal-journal", "anchor"}, mailingSettings())
}
