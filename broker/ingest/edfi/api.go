package edfi

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// A Source is an Ed-Fi API, of an ODS or a DMS, that a client may read.
type Source struct {
	BaseURL  string // of the API: https://host/path, before data/v3
	TokenURL string // empty: BaseURL/oauth/token
	DataPath string // below BaseURL; empty: data/v3 (a DMS has data)
	Instance string // school year or instance, between DataPath and the resource; may be empty
	Key      string // of the client
	Secret   string
	PageSize int          // records a request; 0: 500, which is the most that most services give
	Client   *http.Client // its TLS and deadlines count; nil: two minutes a request

	// Wait pauses between attempts until the time or the context is over; nil:
	// by a timer. It returns the context's error.
	Wait func(context.Context, time.Duration) error
}

// Bounds of what a service may do.
const (
	attempts     = 6
	longestWait  = 2 * time.Minute
	tokenBytes   = 1 << 20
	pageBytes    = 64 << 20
	mostPageSize = 5000
	rereads      = 3 // of a collection that loses records while it is read
)

// What keeps a service from being read. The texts hold nothing that it sent
// and nothing that it was sent.
var (
	errNoToken    = errors.New("it gave no token for the key and secret")
	errNoAnswer   = errors.New("no answer came")
	errBadAddress = errors.New("its address is not one of http or https")
	errInClear    = errors.New("its address is not https")
	errBusy       = errors.New("it stayed busy through all attempts")
	errStatus     = errors.New("it answered with an error")
	errLarge      = errors.New("an answer is larger than it may be")
	errRedirect   = errors.New("it sent on to another host")
	errBody       = errors.New("an answer is not what the standard says")
	errDenied     = errors.New("it refused the token")
	errMissed     = errors.New("it gave fewer records than it counted")
	errTooMany    = errors.New("it gives more records than an import may have")
	errNotGranted = errors.New("it does not grant the resource")
)

// A service is a source while it is read.
type service struct {
	Source
	client *http.Client
	token  string
}

func open(src Source) (*service, error) {
	src.BaseURL = strings.TrimRight(src.BaseURL, "/")
	if src.TokenURL == "" {
		src.TokenURL = src.BaseURL + "/oauth/token"
	}
	for _, address := range []string{src.BaseURL, src.TokenURL} {
		if err := safe(address); err != nil {
			return nil, err
		}
	}
	if src.DataPath == "" {
		src.DataPath = "data/v3"
	}
	if src.PageSize <= 0 || src.PageSize > mostPageSize {
		src.PageSize = 500
	}
	if src.Wait == nil {
		src.Wait = pause
	}
	own := http.Client{Timeout: longestWait}
	if src.Client != nil {
		own = *src.Client
	}
	own.CheckRedirect = sameHost
	return &service{Source: src, client: &own}, nil
}

// safe refuses an address to which secret and records would travel in clear:
// plain HTTP is for a service on this machine.
func safe(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errBadAddress
	}
	host := u.Hostname()
	if ip := net.ParseIP(host); u.Scheme == "http" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errInClear
	}
	return nil
}

// sameHost follows a redirect within the host only, so that no other ever sees
// the token.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if req.URL.Host != first.Host || req.URL.Scheme != first.Scheme || len(via) > 5 {
		return errRedirect
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// login fetches a token by the client's credentials (RFC 6749, 4.4).
func (s *service) login(ctx context.Context) error {
	form := url.Values{"grant_type": {"client_credentials"}}.Encode()
	body, _, err := s.try(ctx, tokenBytes, func() (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.TokenURL, strings.NewReader(form))
		if err != nil {
			return nil, errBadAddress
		}
		req.SetBasicAuth(s.Key, s.Secret)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Accept", "application/json")
		return req, nil
	})
	if errors.Is(err, errDenied) || errors.Is(err, errNotGranted) || errors.Is(err, errStatus) {
		return errNoToken
	}
	if err != nil {
		return err
	}
	var grant struct {
		Token string `json:"access_token"`
	}
	if json.Unmarshal(body, &grant) != nil || grant.Token == "" || strings.ContainsAny(grant.Token, "\r\n") {
		return errNoToken
	}
	s.token = grant.Token
	return nil
}

// get reads an address below the base. A token that is no longer accepted is
// renewed once a request.
func (s *service) get(ctx context.Context, path string, query url.Values) ([]byte, http.Header, error) {
	if s.token == "" {
		if err := s.login(ctx); err != nil {
			return nil, nil, err
		}
	}
	body, header, err := s.read(ctx, path, query)
	if !errors.Is(err, errDenied) {
		return body, header, err
	}
	if err := s.login(ctx); err != nil {
		return nil, nil, err
	}
	return s.read(ctx, path, query)
}

func (s *service) read(ctx context.Context, path string, query url.Values) ([]byte, http.Header, error) {
	return s.try(ctx, pageBytes, func() (*http.Request, error) {
		address := s.BaseURL + "/" + path
		if len(query) > 0 {
			address += "?" + query.Encode()
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
		if err != nil {
			return nil, errBadAddress
		}
		req.Header.Set("Authorization", "Bearer "+s.token)
		req.Header.Set("Accept", "application/json")
		return req, nil
	})
}

// try sends a request until it is answered, with growing pauses while the
// service is busy or away.
func (s *service) try(ctx context.Context, limit int64, make func() (*http.Request, error)) ([]byte, http.Header, error) {
	err := errBusy
	for n := range attempts {
		var req *http.Request
		if req, err = make(); err != nil {
			return nil, nil, err
		}
		body, header, after, tried := s.once(req, limit)
		if err = tried; !errors.Is(err, errBusy) && !errors.Is(err, errNoAnswer) {
			return body, header, err
		}
		if n == attempts-1 {
			break
		}
		if after == 0 {
			after = time.Second << n
		}
		if s.Wait(ctx, min(after, longestWait)) != nil {
			return nil, nil, errNoAnswer
		}
	}
	return nil, nil, err
}

// once sends a request. after is how long the service asks to be left alone.
func (s *service) once(req *http.Request, limit int64) (body []byte, header http.Header, after time.Duration, err error) {
	res, err := s.client.Do(req)
	if err != nil { // its text may hold the address; what is told is which kind it is
		if errors.Is(err, errRedirect) {
			return nil, nil, 0, errRedirect
		}
		return nil, nil, 0, errNoAnswer
	}
	defer res.Body.Close()
	if err := statusOf(res.StatusCode); err != nil {
		return nil, nil, retryAfter(res.Header.Get("Retry-After")), err
	}
	body, err = io.ReadAll(io.LimitReader(res.Body, limit+1))
	switch {
	case err != nil:
		return nil, nil, 0, errNoAnswer
	case int64(len(body)) > limit:
		return nil, nil, 0, errLarge
	}
	return body, res.Header, 0, nil
}

func statusOf(code int) error {
	switch code {
	case http.StatusOK:
		return nil
	case http.StatusUnauthorized:
		return errDenied
	case http.StatusForbidden, http.StatusNotFound:
		return errNotGranted
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return errBusy
	}
	return errStatus
}

// retryAfter reads seconds; a date needs a clock, and the growing pause does.
func retryAfter(text string) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(min(n, int(longestWait/time.Second))) * time.Second
}
