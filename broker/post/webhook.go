package post

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker"
)

// WebhookConfig says how the district's gateway is called.
type WebhookConfig struct {
	URL          string // https; http only to this machine
	Secret       Secret
	AllowPrivate bool             // the gateway may stand in a private network
	Now          func() time.Time // for the timestamps of calls
	Roots        *x509.CertPool   // nil: the machine's
	Sabotage     Sabotage
}

// Sabotage removes one guard, so that a test can show that the guard is what holds. It
// is never set outside tests.
type Sabotage struct {
	AnyAddress bool // a gateway may stand anywhere
	Follow     bool // redirects are followed
}

// Webhook calls a gateway of the district with each message: a signed POST with the JSON
// of [Call].
type Webhook struct {
	config WebhookConfig
	client *http.Client
}

// Call is the body of a call.
type Call struct {
	ID       string             `json:"id"`
	Kind     broker.MessageKind `json:"kind"`
	To       Recipient          `json:"to"`
	Language string             `json:"language"` // BCP 47
	Subject  string             `json:"subject"`
	Text     string             `json:"text"`
}

// Recipient is how somebody can be reached, as the district's file has it; one of the
// two may be empty.
type Recipient struct {
	Email string `json:"email"`
	Phone string `json:"phone"`
}

const (
	webhookLimit = 10 * time.Second
	answerLimit  = 4 << 10 // bytes that are read of an answer, which nobody looks at
)

// NewWebhook returns the carrier, or why its settings cannot be used.
func NewWebhook(c WebhookConfig) (*Webhook, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, errors.New("the address of the gateway is no URL; give one such as https://messages.lakeview.example/hallpass")
	}
	here := isLoopback(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || !here) {
		return nil, errors.New("the address of the gateway must begin with https://; http:// is for this machine only")
	}
	if len(c.Secret) < shortestSecret {
		return nil, ErrSecret
	}
	if c.Now == nil {
		return nil, errors.New("a gateway needs a clock for the timestamps of its calls")
	}
	dialer := &net.Dialer{Timeout: webhookLimit}
	if !c.Sabotage.AnyAddress {
		dialer.Control = admits{private: c.AllowPrivate, loopback: here}.control
	}
	client := &http.Client{
		Timeout: webhookLimit,
		Transport: &http.Transport{ // without a proxy, which would connect in its place
			DialContext: dialer.DialContext, TLSHandshakeTimeout: webhookLimit, MaxIdleConns: 4, IdleConnTimeout: time.Minute,
			MaxResponseHeaderBytes: answerLimit, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Roots},
		},
	}
	if !c.Sabotage.Follow {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return &Webhook{c, client}, nil
}

// Close ends the connections that are kept for the next call.
func (w *Webhook) Close() { w.client.CloseIdleConnections() }

// Carry calls the gateway. Any 2xx takes the message in charge. An error wraps
// [broker.ErrUndeliverable] if the gateway refused this message with a 4xx: not with
// 401, 403, 404, 405 or 407, which are about the district's settings, nor with 408, 409,
// 425 or 429, which are about the moment.
func (w *Webhook) Carry(ctx context.Context, p broker.Parcel) error {
	body, err := json.Marshal(Call{p.ID, p.Kind, Recipient{p.Email, p.Phone}, p.Language, p.Subject, p.Text})
	if err != nil {
		return errors.New("a message cannot be written as JSON")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.config.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("the gateway cannot be called")
	}
	at := strconv.FormatInt(w.config.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Hallpass")
	req.Header.Set(HeaderID, p.ID)
	req.Header.Set(HeaderTimestamp, at)
	req.Header.Set(HeaderSignature, w.config.Secret.signature(p.ID, at, body))
	resp, err := w.client.Do(req)
	if err != nil {
		return calling(err)
	}
	defer resp.Body.Close()
	// What is left of the answer only decides whether the connection can be used again.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, answerLimit))
	return judge(resp.StatusCode)
}

// calling tells what of a failed call matters, without its URL.
func calling(err error) error {
	var timeout net.Error
	switch {
	case errors.Is(err, errAddress):
		return errAddress
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("the gateway does not answer: %w", context.DeadlineExceeded)
	}
	return errors.New("the gateway cannot be reached")
}

func judge(status int) error {
	if status >= 200 && status < 300 {
		return nil
	}
	err := fmt.Errorf("the gateway answers with status %d", status)
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusProxyAuthRequired,
		http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return err
	}
	if status >= 400 && status < 500 {
		return fmt.Errorf("%w: %w", err, broker.ErrUndeliverable)
	}
	return err
}
