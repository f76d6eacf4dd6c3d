package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// harnessCount is how many rounds the budget gives a harness, or otherwise.
func harnessCount(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv("HALLPASS_BUDGET_" + name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("HALLPASS_BUDGET_%s is %q, not a number of rounds", name, text)
	}
	return n
}

// guesser tries codes at one link from ever new addresses. It knows the birthday.
type guesser struct {
	*house
	target reachable
	turn   atomic.Int64
}

// guess tries one code from an address that nobody used before.
func (g *guesser) guess(code string) (status int, in bool) {
	n := g.turn.Add(1)
	b := g.browser()
	b.address = fmt.Sprintf("10.%d.%d.%d:%d", n>>16&255, n>>8&255, n&255, 1024+n%60000)
	b.header.Set("X-Forwarded-For", fmt.Sprintf("198.51.%d.%d", n>>8&255, n&255))
	b.header.Set("X-Real-IP", fmt.Sprintf("203.0.113.%d", n&255))
	w := b.post(g.target.link+"/open", typed(code, g.target.child.Birth))
	return w.Code, b.signedIn()
}

// guesses are what came of many.
type guesses struct {
	mu     sync.Mutex
	status map[int]int
	in     int // sessions that were opened
}

// all tries codes, as many at once as there are callers.
func (g *guesser) all(n, callers int, code func(i int) string) *guesses {
	found := &guesses{status: map[int]int{}}
	var next atomic.Int64
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				status, in := g.guess(code(i))
				found.mu.Lock()
				found.status[status]++
				if in {
					found.in++
				}
				found.mu.Unlock()
			}
		})
	}
	group.Wait()
	return found
}

// wrong is the i-th code from the right one on, without it.
func wrong(right string, i int) string {
	n, _ := strconv.Atoi(right)
	return fmt.Sprintf("%06d", (n+1+i%999_999)%1_000_000)
}

// triesADay is how many tries a link takes a day, as docs/families.md says.
const triesADay = 20

func newGuesser(t *testing.T, s broker.Sabotage) *guesser {
	t.Helper()
	h := open(t, lakeland, func(f *furnishing) { f.broker.Sabotage = s })
	families, _ := h.asked(northAgreement)
	if len(families) < 2 {
		t.Fatalf("%d families were written to", len(families))
	}
	return &guesser{house: h, target: families[0]}
}

// TestHarnessCodeGuesses lets many addresses guess the code of one link: the first
// hundred at once, then the whole number of codes, the right one among them.
func TestHarnessCodeGuesses(t *testing.T) {
	t.Parallel()
	n := harnessCount(t, "CODE_GUESSES", 500)
	g := newGuesser(t, broker.Sabotage{})
	from := g.size()
	right := g.browser().code(g.target.link)

	began := time.Now()
	hundred := g.all(100, 100, func(i int) string { return wrong(right, i) })
	if hundred.in > 0 || hundred.status[http.StatusOK] != triesADay || hundred.status[http.StatusTooManyRequests] != 100-triesADay {
		t.Errorf("of a hundred guesses at once came %v, %d sessions; %d tries a day are taken", hundred.status, hundred.in, triesADay)
	}
	before := g.mark()
	rest := g.all(n, 16, func(i int) string { return fmt.Sprintf("%06d", i%1_000_000) })
	g.guessesRight(t, right)
	if rest.in > 0 || rest.status[http.StatusTooManyRequests] != n {
		t.Errorf("of %d guesses at a locked link came %v, %d sessions", n, rest.status, rest.in)
	}
	if !g.untouched(before) {
		t.Error("guesses at a locked link wrote something")
	}
	took := time.Since(began)
	if w := g.browser().post(g.target.link+"/code", nil); w.Code != http.StatusTooManyRequests {
		t.Errorf("a locked link was asked for a code: %d", w.Code)
	}
	locked := 0
	for _, e := range g.events(from) {
		if e == tlog.FamilyLocked {
			locked++
		}
	}
	if locked != 1 {
		t.Errorf("the log holds %d entries of the lock, want one", locked)
	}
	g.familyGoesOn(t)
	t.Logf("harness code_guesses: %d guesses from as many addresses, %d counted, %d sessions, %d entries of the lock, %.0f guesses/s",
		100+n, hundred.status[http.StatusOK]+rest.status[http.StatusOK], hundred.in+rest.in, locked, float64(100+n)/took.Seconds())
}

// guessesRight tries the right code at a locked link: the guesses before may be too few
// to hold it.
func (g *guesser) guessesRight(t *testing.T, right string) {
	t.Helper()
	if status, in := g.guess(right); in || status != http.StatusTooManyRequests {
		t.Errorf("the right code at a locked link: %d, signed in: %t", status, in)
	}
}

// familyGoesOn signs the family in by another link, and by the old one the day after.
func (g *guesser) familyGoesOn(t *testing.T) {
	t.Helper()
	other := g.browser()
	other.signIn(t, other.newLink(t, g.target))
	if w := other.get("/choices"); w.Code != http.StatusOK {
		t.Errorf("by another link the family reads %d", w.Code)
	}
	g.clock.Add(24 * time.Hour)
	g.browser().signIn(t, g.target)
}

func TestWhereTriesAreNotCountedTheRightCodeIsGuessed(t *testing.T) {
	t.Parallel()
	g := newGuesser(t, broker.Sabotage{FreeTries: true})
	right := g.browser().code(g.target.link)
	if found := g.all(100, 16, func(i int) string { return wrong(right, i) }); found.in > 0 || found.status[http.StatusOK] != 100 {
		t.Errorf("a hundred wrong codes: %v", found.status)
	}
	if _, in := g.guess(right); !in {
		t.Error("the guesses are refused for another reason than their number")
	}
}

func TestWhereALockedLinkIsLookedAtInAnUpdateEachGuessCosts(t *testing.T) {
	t.Parallel()
	g := newGuesser(t, broker.Sabotage{DearLocks: true})
	right := g.browser().code(g.target.link)
	g.all(triesADay, 1, func(i int) string { return wrong(right, i) })
	before := g.mark()
	g.all(3, 1, func(i int) string { return wrong(right, i) })
	if g.untouched(before) {
		t.Error("the test does not see an Update")
	}
}

var linked = regexp.MustCompile(`(?:href|action|src)="(/[^"]*)"`)

// scanner is a program of a mail server or a browser that follows whatever it finds
// in a message or on a page, but sends no form.
type scanner struct {
	browsers []*browser
	seen     map[string]bool
	status   map[int]int
}

// agents are what such programs call themselves.
func agents() []string {
	return []string{
		"", "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1) SafeLinks", "BarracudaCentral", "curl/8.5.0",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mail/1", "Googlebot/2.1 (+http://www.google.com/bot.html)", "\u200bpreview",
	}
}

// follow reads an address as every program would, twice, and then what the pages
// lead to.
func (s *scanner) follow(t *testing.T, path string) {
	t.Helper()
	if s.seen[path] || len(s.seen) > 400 {
		return
	}
	s.seen[path] = true
	var next []string
	for _, b := range s.browsers {
		for _, method := range []string{http.MethodHead, http.MethodGet, http.MethodGet, http.MethodOptions} {
			w := b.do(method, path, url.Values{})
			s.status[w.Code]++
			for _, found := range linked.FindAllStringSubmatch(w.Body.String(), -1) {
				next = append(next, found[1])
			}
			if to := w.Header().Get("Location"); to != "" {
				next = append(next, to)
			}
		}
	}
	for _, path := range next {
		s.follow(t, path)
	}
}

func (h *house) scanner(cookies map[string]string) *scanner {
	s := &scanner{seen: map[string]bool{}, status: map[int]int{}}
	for _, agent := range agents() {
		b := h.browser()
		b.header.Set("User-Agent", agent)
		b.header.Set("Purpose", "prefetch")
		for name, value := range cookies {
			b.cookies[name] = value
		}
		s.browsers = append(s.browsers, b)
	}
	return s
}

// TestAProgramThatFollowsEveryLinkChangesNothing follows every link of every message
// that the service sends, and of every page that these lead to.
func TestAProgramThatFollowsEveryLinkChangesNothing(t *testing.T) {
	t.Parallel()
	h := open(t, lakeland)
	families, sent := h.asked(northAgreement)
	signer, reader := families[0], families[1]
	first := h.browser().signIn(t, signer)
	stop := first.answer(t, "yes")
	code := h.browser().code(reader.link) // waits while links are followed
	fresh := h.browser().newLink(t, families[2])

	before := h.mark()
	outside := h.scanner(nil)
	for _, m := range sent[:min(len(sent), 12)] {
		outside.follow(t, m.values["link"])
	}
	for _, path := range []string{signer.link, reader.link, fresh.link, stop, "/", "/choices", "/link", "/sign-out"} {
		outside.follow(t, path)
	}
	inside := h.scanner(first.cookies)
	inside.follow(t, "/choices")
	inside.follow(t, "/seen")
	if !h.untouched(before) {
		t.Error("following links wrote something")
	}
	for _, b := range outside.browsers {
		if b.signedIn() {
			t.Error("a program that followed links is signed in")
		}
	}
	for _, b := range inside.browsers {
		if !b.signedIn() {
			t.Error("following links signed a family out")
		}
	}
	if len(h.mail()) > 0 {
		t.Error("following links sent a message")
	}
	if outside.status[http.StatusOK] < 100 || inside.status[http.StatusOK] < 50 {
		t.Errorf("hardly a page was read: %v outside, %v inside", outside.status, inside.status)
	}
	if w := h.browser().post(reader.link+"/open", typed(code, reader.child.Birth)); w.Code != http.StatusSeeOther {
		t.Errorf("the code was used up: %d", w.Code)
	}
	if h.untouched(before) {
		t.Error("the test does not see what a form writes")
	}
	if got := first.get("/choices"); got.Code != http.StatusOK {
		t.Errorf("the session was ended: %d", got.Code)
	}
}

var (
	askPath  = regexp.MustCompile(`/asks/[A-Za-z0-9_-]+`)
	textHash = regexp.MustCompile(`name="text" value="([0-9a-f]{64})"`)
)

// answer answers the first question of a signed-in family and returns the path of the
// link that stops it.
func (b *browser) answer(t *testing.T, answer string) (stop string) {
	t.Helper()
	ask := askPath.FindString(b.get("/choices").Body.String())
	shown := textHash.FindStringSubmatch(b.get(ask).Body.String())
	if ask == "" || shown == nil {
		t.Fatalf("no question is open: %q", ask)
	}
	if w := b.post(ask, url.Values{"answer": {answer}, "text": {shown[1]}}); w.Code != http.StatusSeeOther {
		t.Fatalf("the answer: %d", w.Code)
	}
	for _, m := range b.h.mail() {
		if m.kind == broker.MessageReceipt {
			return m.values["link"]
		}
	}
	t.Fatal("no receipt was sent")
	return ""
}
