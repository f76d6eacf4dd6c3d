package bench_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/bits"
	"net"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/sample"
	"github.com/hallpass-edu/hallpass/broker/token"
	"github.com/hallpass-edu/hallpass/broker/web"
)

// path is the request that is measured: a partner's pooled comparison.
func path(d *sample.District) string {
	return "/v1/agreements/" + d.Partners[0].Agreement.ID + "/comparisons"
}

// serve lets an API answer on loopback until the test ends.
func serve(t testing.TB, api http.Handler) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := web.NewHTTPServer(api, slog.New(slog.DiscardHandler))
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(l)
	}()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
	return l.Addr().String()
}

// webOptions are those of the service, with a log that is written and not
// kept, and without a limit to the rate.
func webOptions() web.Options {
	return web.Options{Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), Rate: web.Rate{PerSecond: 1e9, Burst: 1e9}}
}

// api is the service over a district.
func api(t testing.TB, d *district) *web.API {
	t.Helper()
	issuer := d.Settings().Issuer()
	v, err := token.NewVerifier(token.Config{Issuer: issuer, Audience: issuer, Keys: d.TokenKeys(), Now: d.Now})
	if err != nil {
		t.Fatal(err)
	}
	a, err := web.New[*broker.Answer](d.Broker, v, webOptions())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// get is a partner's request, as text.
func get(t testing.TB, d *district, made *sample.District) []byte {
	t.Helper()
	bearer, err := d.IssueToken(t.Context(), broker.TokenRequest{Subject: "Pat Partner", Role: broker.RolePartner, Partner: made.Partners[0].ID, Lifetime: token.DefaultLifetime})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: data.lakeland.example\r\nAuthorization: Bearer %s\r\n\r\n", path(made), bearer)
}

// finished is an answer that is the same for everybody.
type finished []byte

func (finished) Created() bool { return false }
func (finished) Drop()         {}

// Page is for answers that are to be read.
func (finished) Page() *broker.Page { return nil }

// Deliver writes the answer.
func (f finished) Deliver(write func(...[]byte) error, _ func()) error { return write(f) }

// lawless is the service with enforcement off: it answers a comparison with
// bytes that are there, and nothing else.
type lawless struct {
	web.Service[finished]
	body finished
}

// Comparison returns the same bytes to everybody.
func (l lawless) Comparison(context.Context, broker.Caller, broker.ComparisonRequest) (finished, error) {
	return l.body, nil
}

// anybody admits every token unread.
type anybody struct{ claims token.Claims }

// Verify admits the token.
func (a anybody) Verify(string) (token.Claims, error) { return a.claims, nil }

func lawlessAPI(t testing.TB, d *district, made *sample.District) *web.API {
	t.Helper()
	partner := made.Partners[0]
	answer, err := d.Comparison(t.Context(), partnerOf(partner.ID), broker.ComparisonRequest{Agreement: partner.Agreement.ID})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Drop()
	claims := token.Claims{Subject: "Pat Partner", Role: broker.RolePartner, Partner: partner.ID, Expires: d.Now().Add(time.Hour)}
	a, err := web.New[finished](lawless{body: answer.Body()}, anybody{claims}, webOptions())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func benchRequest(t *testing.T) outcome {
	const connections, lasts = 64, 2 * time.Second
	l := line{bench: "whole request: token, policy, figures, durable entry, 64 connections", peer: "same handler with enforcement off", goal: .25, stretch: .6}
	made := sample.Generate(sample.Options{})
	d := furnished(t, t.TempDir(), made, unasked)
	request := get(t, d, made)
	var ours, theirs []load
	turn := func(address string, loads *[]load) func() side {
		return func() side {
			s, got := send(t, order{Address: address, Request: request, Connections: connections, For: lasts})
			*loads = append(*loads, got)
			return s
		}
	}
	o := l.measure(t, turn(serve(t, api(t, d)), &ours), turn(serve(t, lawlessAPI(t, d, made)), &theirs))
	o.notes = append(o.notes, "with enforcement: "+loadText(ours), "without: "+loadText(theirs),
		"with consented students, counted one by one in the entry: "+loadText(summaries(t, made, connections, lasts)),
		"the load generator is a process of its own; processor time is the server's")
	return o
}

// summaries are loads of the same request after half of the families said
// yes: where a row is withheld, it now holds a summary of consented students.
func summaries(t testing.TB, made *sample.District, connections int, lasts time.Duration) (list []load) {
	t.Helper()
	d := furnished(t, t.TempDir(), made, asked)
	address, request := serve(t, api(t, d)), get(t, d, made)
	for range 4 {
		_, got := send(t, order{Address: address, Request: request, Connections: connections, For: lasts})
		list = append(list, got)
	}
	return list
}

// loadText writes the medians of the rounds after the first.
func loadText(list []load) string {
	var rate []float64
	var p50, p99 []time.Duration
	for _, l := range list[1:] {
		rate, p50, p99 = append(rate, float64(l.Requests)/l.Took.Seconds()), append(p50, l.P50), append(p99, l.P99)
	}
	return fmt.Sprintf("%.0f requests a second of %d bytes, p50 %v, p99 %v", median(rate), list[0].Bytes, round(median(p50)), round(median(p99)))
}

// manyEntries is how long the longer log is.
func manyEntries(t testing.TB) int { return sizeOf(t, "ENTRIES", 1_000_000) }

// sizeOf is how large something is made, or otherwise.
func sizeOf(t testing.TB, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv("HALLPASS_BENCH_" + name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("HALLPASS_BENCH_%s is not a number: %v", name, err)
	}
	return n
}

func benchLog(t *testing.T) outcome {
	const few, lasts = 10_000, 2 * time.Second
	many := manyEntries(t)
	l := line{bench: fmt.Sprintf("request p50, log of %d → %d entries", few, many), peer: "itself", goal: 1.2, atMost: true}
	made := sample.Generate(sample.Options{Students: 1000, Schools: 4})
	turn := func(entries int) func() side {
		d := furnished(t, t.TempDir(), made, unasked)
		size, err := d.LogSize(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		d.record(entries-int(size), 4*writers)
		address, request := serve(t, api(t, d)), get(t, d, made)
		return func() side {
			s, got := send(t, order{Address: address, Request: request, Connections: 1, For: lasts})
			s.figure = got.P50.Seconds()
			return s
		}
	}
	start := time.Now()
	long, short := turn(many), turn(few)
	grown := time.Since(start)
	o := l.measure(t, long, short)
	o.notes = append(o.notes, fmt.Sprintf("p50: %v and %v; one connection; the logs grew in %v", medianFigure(o.ours), medianFigure(o.them), round(grown)))
	return o
}

// TestARequestReadsLittleMoreOfALongerLog counts what noise cannot move: a
// request under a log of n entries reads the tree's path, and so log2(n) more.
func TestARequestReadsLittleMoreOfALongerLog(t *testing.T) {
	t.Parallel()
	const step = 1_000
	counted := &counts{}
	made := sample.Generate(sample.Options{Students: 60, Schools: 2})
	d := furnished(t, inMemory(t), made, unasked, counted.option)
	ask := func() int64 {
		before := counted.gets.Load()
		a, err := d.Comparison(t.Context(), partnerOf(made.Partners[0].ID), broker.ComparisonRequest{Agreement: made.Partners[0].Agreement.ID})
		if err != nil {
			t.Fatal(err)
		}
		a.Drop()
		return counted.gets.Load() - before
	}
	ask()
	short := ask()
	d.record(step, writers)
	if long := ask(); long > short+int64(3*bits.Len(step)) {
		t.Errorf("a request read %d values after %d entries more, %d before", long, step, short)
	}
}
