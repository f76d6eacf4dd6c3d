package bench_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sample"
)

// carried keeps the text of each message, by the address it went to.
type carried struct {
	mu   sync.Mutex
	kept map[string]string
}

// Carry keeps the message.
func (c *carried) Carry(_ context.Context, p broker.Parcel) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept[p.Email+p.Phone] = p.Text
	return nil
}

// onlyWay writes of a message the link or the code, and nothing else.
func onlyWay(_ broker.MessageKind, _ string, values map[string]string) (subject, text string, err error) {
	return "a message", values["link"] + values["code"], nil
}

// mail delivers what waits, and returns it by address.
func (d *district) mail() map[string]string {
	d.t.Helper()
	c := &carried{kept: map[string]string{}}
	if _, _, err := d.DeliverMessages(d.t.Context(), c, onlyWay); err != nil {
		d.t.Fatal(err)
	}
	return c.kept
}

// choiceOf is the page on which a family of a made-up district is asked, with the
// values of its child as they stand: a round is opened, a guardian opens the link of
// the message and signs in.
func choiceOf(t testing.TB) pages.Choice {
	t.Helper()
	made := sample.Generate(sample.Options{Students: 240, Schools: 8})
	d := furnished(t, inMemory(t), made, unasked)
	p := made.Partners[0]
	d.done(d.OpenRound(t.Context(), officer, broker.RoundRequest{Agreement: p.Agreement.ID, RecordsFrom: made.Year.Start, RecordsTo: made.Year.End}))
	links, most := d.mail(), pages.Choice{}
	for _, child := range p.Roster {
		i := slices.IndexFunc(made.Students, func(s sample.Student) bool { return s.ID == child.StudentID })
		if i < 0 {
			continue
		}
		for _, g := range made.Students[i].Guardians {
			link, sent := links[g.Email+g.Phone]
			if !sent || !g.HoldsRights {
				continue
			}
			if page := d.choice(filepath.Base(link), g, made.Students[i]); values(page) > values(most) {
				most = page
			}
		}
	}
	if most.Records.Attendance == nil || len(most.Records.Grades) == 0 {
		t.Fatal("no family was asked about a child with records")
	}
	return most
}

// values is how much a page shows.
func values(page pages.Choice) int { return len(page.Records.Grades) + len(page.Records.Discipline) }

// choice signs a guardian in and reads the first of her questions.
func (d *district) choice(secret string, g sample.Guardian, child sample.Student) (page pages.Choice) {
	d.t.Helper()
	ctx := d.t.Context()
	if err := d.SendCode(ctx, secret); err != nil {
		d.t.Fatal(err)
	}
	in, err := d.SignIn(ctx, secret, d.mail()[g.Email+g.Phone], child.Birth)
	if err != nil {
		d.t.Fatal(err)
	}
	v, err := d.Visitor(ctx, in.Secret)
	if err != nil {
		d.t.Fatal(err)
	}
	all, err := d.Choices(ctx, v)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, c := range all.Children {
		for _, card := range c.Cards {
			if card.Ask == "" {
				continue
			}
			if page, err = d.Choice(ctx, v, card.Ask, "en"); err != nil {
				d.t.Fatal(err)
			}
			return page
		}
	}
	return page
}

// inEachLanguage writes the page in the languages in which it may be signed, one after
// another.
func inEachLanguage(t testing.TB, page pages.Choice) (write func() []byte) {
	turn := 0
	return func() []byte {
		turn++
		tag := page.SignIn[turn%len(page.SignIn)]
		html, err := pages.Render(pages.Frame{District: "Lakeland Public Schools", Phone: "(414) 555-0142", Lang: tag, Path: "/asks/" + page.Ask, SignedIn: true}, page)
		if err != nil {
			t.Fatal(err)
		}
		return html
	}
}

func benchPage(t *testing.T) outcome {
	const ops = 2_000
	l := line{bench: "a family's page with its child's values, rendered, p50", peer: "– (ms)", goal: 1, atMost: true}
	page := choiceOf(t)
	write := inEachLanguage(t, page)
	o := l.single(0)
	o.ratios = nil
	for i := range rounds + 1 {
		s := paced(ops, func() { write() })
		if i == 0 {
			continue
		}
		o.ratios, o.ours = append(o.ratios, s.figure*1000), append(o.ours, s)
	}
	o.notes = append(o.notes, fmt.Sprintf("%d bytes; %d results and %d incidents; languages in turn: %s", len(write()), len(page.Records.Grades), len(page.Records.Discipline), strings.Join(page.SignIn, ", ")))
	return o
}

// TestTheRenderedPageIsTheFamilys holds what the bench renders to be a real question.
func TestTheRenderedPageIsTheFamilys(t *testing.T) {
	t.Parallel()
	page := choiceOf(t)
	if page.State != pages.ChoiceOpen || !page.MaySign || page.Child == "" || page.Partner == "" {
		t.Errorf("the page is %+v", page)
	}
	write := inEachLanguage(t, page)
	for range page.SignIn {
		if html := write(); !slices.ContainsFunc(page.Records.Grades, func(r pages.Result) bool { return len(r.Course) > 0 && bytes.Contains(html, []byte(r.Course)) }) {
			t.Error("a page shows none of the results")
		}
	}
}

// stopped is how long families waited for the acknowledgement of a withdrawal.
type stopped struct {
	district *district
	forms    []broker.ConsentRequest
	turn     int
	due      time.Time // when the next family says yes
}

const (
	// pace is how often a family says yes and takes it back in the bench: a hundred
	// changes a second to the permissions of one agreement.
	pace = 20 * time.Millisecond
	// refusals is how large a part of the requests may be told to ask again, since the
	// permissions changed three times while they were answered.
	refusals = .05
)

// stops lets families say yes and take it back, one after another, and returns how
// long each acknowledgement took.
func (s *stopped) stops(n int) []time.Duration {
	s.district.t.Helper()
	took := make([]time.Duration, n)
	for i := range took {
		time.Sleep(time.Until(s.due))
		s.due = time.Now().Add(pace)
		s.turn++
		form := s.forms[s.turn%len(s.forms)]
		a, err := s.district.CreateConsent(context.Background(), officer, form)
		if err != nil {
			s.district.t.Fatal(err)
		}
		id := dataOf[struct {
			ID string `json:"id"`
		}](s.district.t, a).ID
		start := time.Now()
		err = s.district.withdraw(given{id, form.Signer})
		took[i] = time.Since(start)
		if err != nil {
			s.district.t.Fatal(err)
		}
	}
	return took
}

// benchStopping measures how long a withdrawal takes to be acknowledged, which it is
// when no answer under the agreement that was on its way can hold the child any more,
// while 256 connections ask for the very agreement's figures, and while none does.
// A family acts fifty times a second, busy or idle.
func benchStopping(t *testing.T) []outcome {
	const connections, lasts = 256, 4 * time.Second
	made := sample.Generate(sample.Options{})
	d := furnishedFrom(t, t.TempDir(), written(t, made), records.Exceptions, made, unasked, func(o *broker.Options) { o.Serving = true })
	s := &stopped{district: d, forms: lastYears(made, made.Partners[0].Agreement)}
	address, request := serve(t, api(t, d)), get(t, d, made)
	_, most := send(t, order{Address: address, Request: request, Connections: connections, For: lasts})
	half := 2 * most.Took * connections / time.Duration(most.Requests)
	var list []outcome
	for _, c := range []struct {
		name  string
		every time.Duration
		goal  float64
	}{
		{"at half of the rate that can be answered", half, 3},
		{"as fast as they are answered", 0, 0},
	} {
		l := line{bench: "withdrawal acknowledged while 256 connections query " + c.name + ", p99", peer: "itself, idle", goal: c.goal, atMost: true}
		list = append(list, s.beside(t, l, order{Address: address, Request: request, Connections: connections, For: lasts, Every: c.every, Refusals: refusals}))
	}
	return list
}

// askedAgain says how many requests were told to ask again.
func askedAgain(list []load) string {
	refused, all := 0, 0
	for _, l := range list {
		refused, all = refused+l.Failed, all+l.Requests
	}
	return fmt.Sprintf("told to ask again, since the permissions changed three times: %d of %d", refused, all)
}

func written(t testing.TB, made *sample.District) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "csv")
	if err := made.WriteCSV(folder); err != nil {
		t.Fatal(err)
	}
	return folder
}

// beside measures withdrawals while an order runs, and as many while none does.
func (s *stopped) beside(t testing.TB, l line, o order) outcome {
	t.Helper()
	var busy, idle []time.Duration
	var loads []load
	turn := func(all *[]time.Duration, work func()) side {
		took := timed(1, work)
		took.figure = quantile(slices.Clone(*all), .99).Seconds()
		return took
	}
	out := l.measure(t, func() side {
		stop, done := make(chan struct{}), make(chan struct{})
		busy = nil
		go func() {
			defer close(done)
			time.Sleep(o.For / 10)
			for {
				select {
				case <-stop:
					return
				default:
					busy = append(busy, s.stops(10)...)
				}
			}
		}()
		return turn(&busy, func() {
			_, got := send(t, o)
			loads = append(loads, got)
			close(stop)
			<-done
		})
	}, func() side {
		idle = nil
		return turn(&idle, func() {
			for start := time.Now(); time.Since(start) < o.For; {
				idle = append(idle, s.stops(10)...)
			}
		})
	})
	out.notes = append(out.notes, "busy: "+waitText(busy), "idle: "+waitText(idle), "the requests: "+loadText(loads), askedAgain(loads))
	return out
}
