package post_test

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/post"
)

func aNoon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func parcel() broker.Parcel {
	return broker.Parcel{
		ID: "msg_abc", Kind: broker.MessageInvitation, Email: "maria@families.example", Phone: "+16085550142", Language: "es",
		Subject: "Una pregunta de Lakeview Schools",
		Text:    "¿Puede Riverside ver las notas?\n\nAbra https://data.lakeview.example/i/x?a=1&b=<2>.\nGracias <3",
	}
}

func (s *mailServer) config() post.SMTPConfig {
	return post.SMTPConfig{
		Host: "127.0.0.1", Port: s.port(), From: "Lakeview Schools <records@lakeview.example>", User: s.user, Password: s.password,
		Now: aNoon, Roots: s.roots,
	}
}

func (s *mailServer) carrier(set ...func(*post.SMTPConfig)) *post.SMTP {
	s.t.Helper()
	c := s.config()
	for _, one := range set {
		one(&c)
	}
	carrier, err := post.NewSMTP(c)
	if err != nil {
		s.t.Fatal(err)
	}
	return carrier
}

func signedIn(s *mailServer) { s.user, s.password = "hallpass", "correct horse" }

func TestAMailGoesUnderTLSAndSaysWhatItHasToSay(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*mailServer){
		"starttls": func(*mailServer) {},
		"tls":      func(s *mailServer) { s.implicit = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newMailServer(t, set, signedIn)
			carrier := s.carrier(func(c *post.SMTPConfig) { c.TLS = post.TLS(name) })
			if err := carrier.Carry(t.Context(), parcel()); err != nil {
				t.Fatal(err)
			}
			got := s.got()
			if len(got) != 1 || !got[0].secure || !got[0].known {
				t.Fatalf("the server took %+v; want one mail, under TLS, of somebody it knows", got)
			}
			if got[0].from != "records@lakeview.example" || got[0].to != parcel().Email {
				t.Errorf("the mail is from %q to %q", got[0].from, got[0].to)
			}
			checkMail(t, got[0].text)
		})
	}
}

func checkMail(t *testing.T, text string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{
		"Message-Id": "<msg_abc@lakeview.example>", "Auto-Submitted": "auto-generated", "Content-Language": "es", "User-Agent": "", "X-Mailer": "",
		"From": `"Lakeview Schools" <records@lakeview.example>`, "To": "<maria@families.example>", "Date": "Fri, 20 Nov 2026 12:00:00 +0000",
	} {
		if got := m.Header.Get(header); got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
	if subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil || subject != parcel().Subject {
		t.Errorf("the subject is %q (%v)", subject, err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		parts[kind] = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
	if strings.TrimSpace(parts["text/plain"]) != parcel().Text {
		t.Errorf("the text is %q", parts["text/plain"])
	}
	link := `<a href="https://data.lakeview.example/i/x?a=1&amp;b=">https://data.lakeview.example/i/x?a=1&amp;b=</a>&lt;2&gt;.<br>Gracias &lt;3</p>`
	if !strings.Contains(parts["text/html"], link) || !strings.Contains(parts["text/html"], `lang="es"`) {
		t.Errorf("the HTML is %s", parts["text/html"])
	}
}

// Only what is about this mail or this address is for good: everything else may be
// mended while the message waits.
func TestAMailServersRefusalIsForGoodOnlyIfItIsAboutTheMail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		verb, answer string
		forGood      bool
	}{
		"no such mailbox":                  {"RCPT", "550 5.1.1 maria@families.example is unknown here", true},
		"no such mailbox, in old words":    {"RCPT", "550 nobody of that name", true},
		"a mailbox that is full":           {"RCPT", "452 4.2.2 full", false},
		"a recipient who may not be told":  {"RCPT", "550 5.7.1 relaying denied", false},
		"a mail that is too long":          {"TAKE", "552 5.3.4 too long", true},
		"a mail that looks like spam":      {"TAKE", "554 5.7.1 spam", false},
		"a server that is busy":            {"TAKE", "451 4.3.0 later", false},
		"a sender who may not send":        {"MAIL", "550 5.7.60 not you", false},
		"a sender who is refused":          {"MAIL", "550 no", false},
		"a server that hangs up":           {"RCPT", "close", false},
		"a server that hangs up with all":  {"TAKE", "close", false},
		"a password that is wrong":         {"AUTH", "535 5.7.8 no", false},
		"a server that does not talk":      {"EHLO", "421 4.3.2 closing", false},
		"a server that forgets to say bye": {"QUIT", "close", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newMailServer(t, signedIn, func(s *mailServer) { s.answers[c.verb] = c.answer })
			err := s.carrier().Carry(t.Context(), parcel())
			if c.verb == "QUIT" {
				if err != nil || len(s.got()) != 1 {
					t.Errorf("a mail that was taken counts as %v", err)
				}
				return
			}
			if err == nil || len(s.got()) != 0 {
				t.Fatal("the mail counts as taken")
			}
			if got := errors.Is(err, broker.ErrUndeliverable); got != c.forGood {
				t.Errorf("for good: %v, want %v (%v)", got, c.forGood, err)
			}
			if strings.Contains(err.Error(), "maria") {
				t.Errorf("the error names the recipient: %v", err)
			}
		})
	}
}

func TestMailNeverLeavesWithoutTheTLSThatWasAskedFor(t *testing.T) {
	t.Parallel()
	none := newMailServer(t, signedIn, func(s *mailServer) { s.noTLS = true })
	if err := none.carrier().Carry(t.Context(), parcel()); err == nil {
		t.Error("a server without STARTTLS got a mail")
	}
	stranger := newMailServer(t, signedIn)
	if err := stranger.carrier(func(c *post.SMTPConfig) { c.Roots = nil }).Carry(t.Context(), parcel()); err == nil {
		t.Error("a server whose certificate nobody vouches for got a mail")
	}
	for name, s := range map[string]*mailServer{"without STARTTLS": none, "of a stranger": stranger} {
		if said := s.commands(); strings.Contains(said, "AUTH ") || strings.Contains(said, "MAIL ") || len(s.got()) != 0 {
			t.Errorf("a server %s was told:\n%s", name, said)
		}
	}
	plain := none.carrier(func(c *post.SMTPConfig) { c.TLS = post.Plain })
	if err := plain.Carry(t.Context(), parcel()); err != nil || len(none.got()) != 1 {
		t.Errorf("a server on this machine did not get its mail without TLS: %v", err)
	}
}

func TestAMailServerThatSaysNothingIsGivenUpWithTheContext(t *testing.T) {
	t.Parallel()
	s := newMailServer(t, func(s *mailServer) { s.silent = make(chan struct{}) })
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.carrier().Carry(ctx, parcel()) }()
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) || errors.Is(err, broker.ErrUndeliverable) {
		t.Errorf("the error is %v", err)
	}
}

func TestWhatIsNoAddressIsUndeliverableAndWhatIsNoSubjectIsAnError(t *testing.T) {
	t.Parallel()
	s := newMailServer(t, signedIn)
	for _, email := range []string{"", "maria", "maria@x, eve@evil.example", "maria@x\r\nBcc: eve@evil.example"} {
		p := parcel()
		p.Email = email
		if err := s.carrier().Carry(t.Context(), p); !errors.Is(err, broker.ErrUndeliverable) {
			t.Errorf("%q: %v", email, err)
		}
	}
	p := parcel()
	p.Subject = "Hello\r\nBcc: eve@evil.example"
	if err := s.carrier().Carry(t.Context(), p); err == nil {
		t.Error("a subject of two lines was sent")
	}
	if len(s.got()) != 0 {
		t.Errorf("the server got %v", s.got())
	}
}

func TestSettingsOfAMailServerThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	good := post.SMTPConfig{Host: "mail.lakeview.example", From: "records@lakeview.example", Now: aNoon}
	if _, err := post.NewSMTP(good); err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]func(*post.SMTPConfig){
		"no host":                  func(c *post.SMTPConfig) { c.Host = "" },
		"no sender":                func(c *post.SMTPConfig) { c.From = "Lakeview" },
		"a port out of range":      func(c *post.SMTPConfig) { c.Port = 65536 },
		"no TLS to elsewhere":      func(c *post.SMTPConfig) { c.TLS = post.Plain },
		"another kind of TLS":      func(c *post.SMTPConfig) { c.TLS = "opportunistic" },
		"a user without password":  func(c *post.SMTPConfig) { c.User = "hallpass" },
		"a password without user":  func(c *post.SMTPConfig) { c.Password = "x" },
		"no clock":                 func(c *post.SMTPConfig) { c.Now = nil },
		"a host that looks local":  func(c *post.SMTPConfig) { c.Host, c.TLS = "localhost.evil.example", post.Plain },
		"an address in the sender": func(c *post.SMTPConfig) { c.From = "a@x\r\nBcc: b@y" },
	} {
		c := good
		set(&c)
		if _, err := post.NewSMTP(c); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
