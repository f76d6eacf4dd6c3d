package post_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/post"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func secret(t testing.TB) post.Secret {
	t.Helper()
	s, err := post.ParseSecret("whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// gateway is a server that answers calls, and its carrier.
func gateway(t *testing.T, answer http.HandlerFunc, set ...func(*post.WebhookConfig)) *post.Webhook {
	t.Helper()
	server := httptest.NewTLSServer(answer)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	c := post.WebhookConfig{URL: server.URL + "/hallpass", Secret: secret(t), Now: aNoon, Roots: roots}
	for _, one := range set {
		one(&c)
	}
	w, err := post.NewWebhook(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.Close()
		server.Close()
	})
	return w
}

func TestACallIsSignedAndHoldsTheMessage(t *testing.T) {
	t.Parallel()
	var got post.Call
	var verified error
	w := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		verified = errors.Join(err, post.Verify(secret(t), r.Header, body, aNoon().Add(time.Minute)), json.Unmarshal(body, &got, json.RejectUnknownMembers(true)))
		if r.Method != http.MethodPost || r.URL.Path != "/hallpass" || r.Header.Get("Content-Type") != "application/json" || r.Header.Get(post.HeaderID) != "msg_abc" {
			verified = fmt.Errorf("the call is a %s of %s with %v", r.Method, r.URL.Path, r.Header)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	p := parcel()
	if err := w.Carry(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if verified != nil {
		t.Error(verified)
	}
	want := post.Call{ID: p.ID, Kind: p.Kind, To: post.Recipient{Email: p.Email, Phone: p.Phone}, Language: p.Language, Subject: p.Subject, Text: p.Text}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The signature of one call, computed by hand from the text of Standard Webhooks:
// printf 'msg_1.1700000000.{"a":1}' | openssl dgst -sha256 -hmac … -binary | base64.
func TestVerifyTakesWhatWasSignedAndNothingElse(t *testing.T) {
	t.Parallel()
	key, err := post.ParseSecret("whsec_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef")))
	if err != nil {
		t.Fatal(err)
	}
	const good = "v1,rkwp5YuvdrMkcu0ZhuMsXoTg44mHAr1Q0+FFgFpXsjY="
	now := time.Unix(1_700_000_000, 0)
	header := func(id, at, signature string) http.Header {
		h := http.Header{}
		h.Set(post.HeaderID, id)
		h.Set(post.HeaderTimestamp, at)
		h.Set(post.HeaderSignature, signature)
		return h
	}
	for name, c := range map[string]struct {
		header http.Header
		body   string
		now    time.Time
		valid  bool
	}{
		"as it was signed":                 {header("msg_1", "1700000000", good), `{"a":1}`, now, true},
		"beside one of another secret":     {header("msg_1", "1700000000", "v1,AAAA "+good), `{"a":1}`, now, true},
		"five minutes later":               {header("msg_1", "1700000000", good), `{"a":1}`, now.Add(post.Tolerance), true},
		"more than five minutes later":     {header("msg_1", "1700000000", good), `{"a":1}`, now.Add(post.Tolerance + time.Second), false},
		"more than five minutes before":    {header("msg_1", "1700000000", good), `{"a":1}`, now.Add(-post.Tolerance - time.Second), false},
		"another body":                     {header("msg_1", "1700000000", good), `{"a":2}`, now, false},
		"another id":                       {header("msg_2", "1700000000", good), `{"a":1}`, now, false},
		"another time":                     {header("msg_1", "1700000001", good), `{"a":1}`, now, false},
		"a time in another form":           {header("msg_1", "+1700000000", good), `{"a":1}`, now, false},
		"an id that reaches into the time": {header("msg_1.1700000000", "1700000000", good), `{"a":1}`, now, false},
		"another kind of signature":        {header("msg_1", "1700000000", "v2"+good[2:]), `{"a":1}`, now, false},
		"half a signature":                 {header("msg_1", "1700000000", good[:20]), `{"a":1}`, now, false},
		"none":                             {header("msg_1", "1700000000", ""), `{"a":1}`, now, false},
		"no headers":                       {http.Header{}, `{"a":1}`, now, false},
	} {
		err := post.Verify(key, c.header, []byte(c.body), c.now)
		if (err == nil) != c.valid || err != nil && !errors.Is(err, post.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := post.Verify(nil, header("msg_1", "1700000000", good), []byte(`{"a":1}`), now); err == nil {
		t.Error("no secret verifies everything")
	}
}

func TestAGatewaysRefusalIsForGoodOnlyIfItIsAboutTheMessage(t *testing.T) {
	t.Parallel()
	var status atomic.Int64
	w := gateway(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) })
	for code, want := range map[int]string{
		200: "taken", 201: "taken", 202: "taken", 204: "taken",
		400: "refused", 410: "refused", 413: "refused", 422: "refused", 451: "refused",
		401: "later", 403: "later", 404: "later", 405: "later", 408: "later", 409: "later", 425: "later", 429: "later",
		301: "later", 304: "later", 307: "later", 500: "later", 502: "later", 503: "later",
	} {
		status.Store(int64(code))
		err := w.Carry(t.Context(), parcel())
		got := "later"
		switch {
		case err == nil:
			got = "taken"
		case errors.Is(err, broker.ErrUndeliverable):
			got = "refused"
		}
		if got != want {
			t.Errorf("status %d: %s, want %s (%v)", code, got, want, err)
		}
	}
}

// redirected counts the calls that come to where a gateway sends its caller.
func redirected(t *testing.T, set ...func(*post.WebhookConfig)) int64 {
	t.Helper()
	var calls atomic.Int64
	w := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			calls.Add(1)
			return
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}, set...)
	if err := w.Carry(t.Context(), parcel()); (err == nil) != (calls.Load() > 0) {
		t.Errorf("a redirect counts as %v", err)
	}
	return calls.Load()
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	if redirected(t) != 0 {
		t.Error("a gateway could send its caller elsewhere")
	}
	if redirected(t, func(c *post.WebhookConfig) { c.Sabotage.Follow = true }) == 0 {
		t.Error("without the guard nothing is followed either: the test shows nothing")
	}
}

// What a name leads to is known only at that moment; whole networks are judged in
// TestOnlyAddressesOfTheInternetAreCalledUnlessTheDistrictAllowsMore.
func TestAnAddressIsJudgedWhenItIsConnectedTo(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "https://"), ":")
	for name, c := range map[string]struct {
		url      string
		sabotage post.Sabotage
		reaches  bool
	}{
		"mapped into IPv6":   {"https://[::ffff:7f00:1]:" + port, post.Sabotage{}, true},
		"private":            {"https://10.255.255.1:" + port, post.Sabotage{}, false},
		"link-local":         {"https://169.254.169.254:" + port, post.Sabotage{}, false},
		"the broadcast":      {"https://255.255.255.255:" + port, post.Sabotage{}, false},
		"nothing":            {"https://0.0.0.0:" + port, post.Sabotage{}, false},
		"nothing, unguarded": {"https://0.0.0.0:" + port, post.Sabotage{AnyAddress: true}, true},
	} {
		w, err := post.NewWebhook(post.WebhookConfig{URL: c.url, Secret: secret(t), Now: aNoon, Roots: roots, Sabotage: c.sabotage})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		err = w.Carry(t.Context(), parcel())
		refused := err != nil && strings.Contains(err.Error(), "private addresses")
		if refused == c.reaches {
			t.Errorf("%s: %v", name, err)
		}
		w.Close()
	}
}

func TestSettingsOfAGatewayThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "messages", "ftp://x.example", "http://messages.lakeview.example", "http://localhost.evil.example/", "http://10.0.0.1/",
		"https://user:password@x.example/", "https:///x", "https://x.example/#there",
	} {
		if _, err := post.NewWebhook(post.WebhookConfig{URL: url, Secret: secret(t), Now: aNoon}); err == nil {
			t.Errorf("%q was accepted", url)
		}
	}
	for _, url := range []string{"https://messages.lakeview.example/in?x=1", "http://127.0.0.1:8080/", "http://[::1]/", "http://localhost/"} {
		if _, err := post.NewWebhook(post.WebhookConfig{URL: url, Secret: secret(t), Now: aNoon}); err != nil {
			t.Errorf("%q: %v", url, err)
		}
	}
	for _, text := range []string{"", "whsec_", "whsec_short", "AAAA", "whsec_" + strings.Repeat("A", 4*23), "not base64 at all, but long enough"} {
		if _, err := post.ParseSecret(text); !errors.Is(err, post.ErrSecret) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if fmt.Sprintf("%v %+v %#v %s", secret(t), secret(t), secret(t), secret(t)) != "(secret) (secret) (secret) (secret)" {
		t.Error("a secret can be printed")
	}
}

func TestAGatewayThatSaysNothingIsGivenUpWithTheContext(t *testing.T) {
	t.Parallel()
	called, over := make(chan struct{}), make(chan struct{})
	w := gateway(t, func(http.ResponseWriter, *http.Request) {
		close(called)
		<-over
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Carry(ctx, parcel()) }()
	<-called
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("the error is %v", err)
	}
	close(over)
}

// named is a carrier of one name, which it returns as its error.
type named string

func (n named) Carry(context.Context, broker.Parcel) error { return errors.New(string(n)) }

func TestMailGoesToAddressesAndCallsToTheRest(t *testing.T) {
	t.Parallel()
	mail, calls := named("mail"), named("calls")
	both, onlyMail, onlyCalls := post.Routes{Mail: mail, Gateway: calls}, post.Routes{Mail: mail}, post.Routes{Gateway: calls}
	for _, c := range []struct {
		routes       post.Routes
		email, phone string
		want         string
	}{
		{both, "a@x.example", "608 555 0142", "mail"},
		{both, "", "608 555 0142", "calls"},
		{onlyCalls, "a@x.example", "", "calls"},
		{onlyMail, "a@x.example", "", "mail"},
		{onlyMail, "", "608 555 0142", ""},
		{post.Routes{}, "a@x.example", "", ""},
	} {
		err := c.routes.Carry(t.Context(), broker.Parcel{Email: c.email, Phone: c.phone})
		if c.want == "" && !errors.Is(err, broker.ErrUndeliverable) || c.want != "" && err.Error() != c.want {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestAFolderHoldsEachMessageOnceAndForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 {
		if err := (post.Folder{Dir: dir}).Carry(t.Context(), parcel()); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	info, err := files[0].Info()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v (%v)", info.Mode(), err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "msg_abc.txt"))
	if err != nil || !strings.HasPrefix(string(text), "To: maria@families.example\nSubject: Una pregunta de Lakeview Schools\nLanguage: es\nKind: invitation\n\n¿Puede") {
		t.Errorf("%s (%v)", text, err)
	}
	if err := (post.Folder{Dir: filepath.Join(dir, "absent")}).Carry(t.Context(), parcel()); err == nil {
		t.Error("a folder that is not there took a message")
	}
}

func TestASecretIsReadOnlyFromAFileOfItsOwners(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		ok   bool
	}{
		"a line":         {"correct horse\n", 0o600, true},
		"no line end":    {"correct horse", 0o400, true},
		"group":          {"correct horse\n", 0o640, false},
		"everybody":      {"correct horse\n", 0o604, false},
		"nothing":        {"\n", 0o600, false},
		"two lines":      {"a\nb\n", 0o600, false},
		"a whole volume": {strings.Repeat("a", 5000), 0o600, false},
	} {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		got, err := post.ReadPrivate(path)
		if (err == nil) != c.ok || c.ok && got != "correct horse" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// FuzzVerify looks for a call that verifies and was not signed.
func FuzzVerify(f *testing.F) {
	f.Add("msg_1", "1700000000", "v1,rkwp5YuvdrMkcu0ZhuMsXoTg44mHAr1Q0+FFgFpXsjY=", []byte(`{"a":1}`))
	f.Add("", "", "", []byte(nil))
	f.Add("msg_1", "-1", "v1, v1,= v1,AAAA", []byte("x"))
	key := post.Secret("0123456789abcdef0123456789abcdef")
	f.Fuzz(func(t *testing.T, id, at, signature string, body []byte) {
		h := http.Header{}
		h.Set(post.HeaderID, id)
		h.Set(post.HeaderTimestamp, at)
		h.Set(post.HeaderSignature, signature)
		err := post.Verify(key, h, body, time.Unix(1_700_000_000, 0))
		if err == nil && (id != "msg_1" || at != "1700000000" || string(body) != `{"a":1}`) {
			t.Errorf("%q %q %q %q verifies", id, at, signature, body)
		}
	})
}
