package broker_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/post"
)

// gateway is a district's own server that takes messages, and the carrier that calls it.
type gateway struct {
	broker.Carrier
	mu     sync.Mutex
	answer func(post.Call) int // the status; what is in the 200s takes the message
	taken  []post.Call
	calls  []post.Call
}

func newGateway(t testing.TB, answer func(post.Call) int) *gateway {
	t.Helper()
	g := &gateway{answer: answer}
	server := httptest.NewServer(g)
	secret := post.Secret(bytes.Repeat([]byte{1}, 32))
	hook, err := post.NewWebhook(post.WebhookConfig{URL: server.URL, Secret: secret, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	g.Carrier = hook
	t.Cleanup(func() {
		hook.Close()
		server.Close()
	})
	return g
}

// ServeHTTP takes a call.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var call post.Call
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, json.Unmarshal(body, &call)); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	status := g.answer(call)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = append(g.calls, call)
	if status < 300 {
		g.taken = append(g.taken, call)
	}
	w.WriteHeader(status)
}

// texts are what was taken, in order.
func (g *gateway) texts() (texts []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.taken {
		texts = append(texts, c.Text)
	}
	return texts
}

func (g *gateway) attempts() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.calls)
}

func takesAll(post.Call) int { return http.StatusOK }
func isDown(post.Call) int   { return http.StatusServiceUnavailable }

// wording writes a message as its values, and has no words for language "xx".
func wording(kind broker.MessageKind, language string, values map[string]string) (subject, text string, err error) {
	if language == "xx" {
		return "", "", errors.New("no words in this language")
	}
	return "About " + string(kind), values["text"], nil
}

// to is a message to a person with an e-mail address.
func to(person, text string, set ...func(*broker.Message)) broker.Message {
	m := broker.Message{
		Kind: broker.MessageInvitation, Person: person, Language: "en", Email: strings.ToLower(person) + "@families.example",
		Values: map[string]string{"text": text},
	}
	for _, one := range set {
		one(&m)
	}
	return m
}

func until(at time.Time) func(*broker.Message) {
	return func(m *broker.Message) { m.Kind, m.NotAfter = broker.MessageCode, at }
}

// sends enqueues messages and returns their ids.
func (d *district) sends(messages ...broker.Message) []string {
	d.t.Helper()
	ids, err := d.Enqueue(d.t.Context(), nil, messages...)
	if err != nil {
		d.t.Fatal(err)
	}
	return ids
}

// deliver delivers what is due now.
func (d *district) deliver(g *gateway) (delivered int, next time.Time) {
	d.t.Helper()
	delivered, next, err := d.DeliverMessages(d.t.Context(), g, wording)
	if err != nil {
		d.t.Fatal(err)
	}
	return delivered, next
}

// told is what an officer reads of a message.
type told struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	State    string    `json:"state"`
	Problem  string    `json:"problem"`
	To       toldWhom  `json:"to"`
	Contact  string    `json:"contact"`
	Language string    `json:"language"`
	Written  time.Time `json:"written_at"`
	NotAfter time.Time `json:"not_after"`
	Attempts int       `json:"attempts"`
	Next     time.Time `json:"next_attempt_at"`
	Ended    time.Time `json:"ended_at"`
}

type toldWhom struct {
	GuardianID string `json:"guardian_id"`
	StudentID  string `json:"student_id"`
}

func (d *district) messages(state broker.MessageState) []told {
	d.t.Helper()
	return data[struct{ Messages []told }](d.t, d.must(d.Messages(d.t.Context(), auditor, broker.MessagesRequest{State: state}))).Messages
}

// became tells the state and the problem of a message.
func (d *district) became(id string) string {
	d.t.Helper()
	list := d.messages("")
	i := slices.IndexFunc(list, func(m told) bool { return m.ID == id })
	if i < 0 {
		return "unknown"
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s", list[i].State, list[i].Problem))
}

// housekeep has what ended long ago forgotten.
func (d *district) housekeep() {
	d.t.Helper()
	if err := d.ForgetMessages(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}
