package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/broker/sample"
)

// show is the demo as its reader has it: the program at work.
type show struct {
	t *testing.T
	presentation
	site   string // where its pages are
	tokens map[string]string
	births map[string]civil.Date // by full name
	silent map[string]bool       // of whom nobody answered before; a name that two have is left out
	read   map[string]bool       // messages
}

const (
	showStudents = 1200
	showSchools  = 4
)

// startShow starts hallpass demo and reads what it prints.
func startShow(t *testing.T) *show {
	t.Helper()
	path, err := exec.LookPath("hallpass")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "demo", "--listen", "127.0.0.1:0", "--students", strconv.Itoa(showStudents), "--schools", strconv.Itoa(showSchools), "--output", "json")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			t.Error("the demo did not stop well:", err)
		}
	})
	s := &show{t: t, tokens: map[string]string{}, births: map[string]civil.Date{}, silent: map[string]bool{}, read: map[string]bool{}}
	if err := json.UnmarshalDecode(jsontext.NewDecoder(out), &s.presentation); err != nil {
		t.Fatal(err)
	}
	s.site = strings.TrimSuffix(s.API, "/v1")
	for _, e := range s.Examples {
		s.tokens[string(e.Role)] = e.Token
	}
	d := sample.Generate(sample.Options{Students: showStudents, Schools: showSchools, Seed: 1, Year: sample.YearEndedBy(civil.Of(time.Now(), time.Local))})
	for _, child := range d.Students {
		name := child.GivenName + " " + child.FamilyName
		_, namesake := s.births[name]
		s.births[name] = child.Birth
		s.silent[name] = !namesake && !slices.ContainsFunc(d.Partners[0].Consents, func(c sample.Consent) bool { return c.StudentID == child.ID })
	}
	return s
}

// api asks the district over its API.
func (s *show) api(role, method, path, body string, into any) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.API+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.tokens[role])
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= http.StatusBadRequest {
		s.t.Fatalf("%s %s: %d %s %v", method, path, response.StatusCode, text, err)
	}
	var doc struct {
		Data jsontext.Value `json:"data"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		s.t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(doc.Data, into); err != nil {
			s.t.Fatal(err)
		}
	}
}

// printedForm is a family that was asked, with the way to its pages.
type printedForm struct {
	Form    string `json:"form"`
	Student string `json:"student"`
	Path    string `json:"path"`
}

// families are those of whom nobody has answered: a yes then opens a row, and a stop
// closes it.
func (s *show) families() (list []printedForm) {
	s.t.Helper()
	var all struct {
		Rounds []struct {
			ID string `json:"id"`
		} `json:"rounds"`
	}
	s.api("officer", http.MethodGet, "/rounds", "", &all)
	var printed struct {
		Sheets []printedForm `json:"sheets"`
	}
	s.api("officer", http.MethodPost, "/packets", `{"round":"`+all.Rounds[0].ID+`"}`, &printed)
	seen := map[string]bool{}
	for _, one := range printed.Sheets {
		if !seen[one.Student] && s.silent[one.Student] { // of two parents one
			list = append(list, one)
		}
		seen[one.Student] = true
	}
	return list
}

// message waits for the next message of a kind that was not read, and returns what it
// holds of a form.
func (s *show) message(kind, form string) string {
	s.t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	late := time.After(20 * time.Second)
	for {
		files, err := filepath.Glob(filepath.Join(s.Family.Codes, "*.txt"))
		if err != nil {
			s.t.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil || s.read[name] || !bytes.Contains(text, []byte("Kind: "+kind+"\n")) {
				continue
			}
			s.read[name] = true
			if found := regexp.MustCompile(form).FindSubmatch(text); found != nil {
				return string(found[1])
			}
			s.t.Fatalf("a message of kind %s does not hold %s:\n%s", kind, form, text)
		}
		select {
		case <-look.C:
		case <-late:
			s.t.Fatalf("no message of kind %s came", kind)
		}
	}
}

// openBrowser starts Chromium, headless and with a fresh profile, without scripts.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "" {
			t.Skip("chromium is missing: apt-get install chromium fonts-liberation fonts-noto-core")
		}
		t.Fatal("chromium is missing")
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("no-sandbox", true),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-component-update", true))...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	noScript := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
	if err := chromedp.Do(ctx, noScript, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// hand does what a reader's hand does, and counts it.
type hand struct {
	t       *testing.T
	ctx     context.Context
	actions int
}

// does is one action: some typing and a tap.
func (h *hand) does(tap string, typing ...chromedp.Action[chromedp.Void]) {
	h.t.Helper()
	h.actions++
	if err := chromedp.Do(h.ctx, append(typing, chromedp.Click(chromedp.CSS(tap)))...); err != nil {
		h.t.Fatalf("tapping %s: %v\n%s", tap, err, h.page())
	}
}

func (h *hand) sees(what string) {
	h.t.Helper()
	within, stop := context.WithTimeout(h.ctx, 20*time.Second)
	defer stop()
	if err := chromedp.Do(within, chromedp.WaitVisible(chromedp.CSS(what))); err != nil {
		h.t.Fatalf("waiting for %s: %v\n%s", what, err, h.page())
	}
}

func (h *hand) opens(address string) {
	h.t.Helper()
	if err := chromedp.Do(h.ctx, chromedp.Navigate(address)); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hand) page() string {
	text, err := chromedp.Run(h.ctx, chromedp.OuterHTML(chromedp.CSS("main")))
	if err != nil {
		return err.Error()
	}
	return text
}

// TestFamiliesAnswerAndStopInABrowser has families answer in three actions and stop in one tap, over
// the program as it is served: in four languages, at three widths, without scripts.
func TestFamiliesAnswerAndStopInABrowser(t *testing.T) {
	ctx := openBrowser(t)
	s := startShow(t)
	for _, tag := range []string{"ar", "mww"} { // that somebody reviewed them is the district's word
		s.api("officer", http.MethodPost, "/texts", fmt.Sprintf(`{"language":%q,"version":%q,"reviewer":"the interpreter"}`, tag, pages.ConsentVersion), nil)
	}
	families := s.families()
	var once sync.Once
	for _, width := range []int64{320, 360, 1280} {
		for _, tag := range []string{"en", "es", "ar", "mww"} {
			if len(families) == 0 {
				t.Fatal("there are too few families")
			}
			family := families[0]
			families = families[1:]
			t.Run(fmt.Sprintf("%s at %d", tag, width), func(t *testing.T) {
				if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 740)); err != nil {
					t.Fatal(err)
				}
				s.answersAndStops(&hand{t: t, ctx: ctx}, family, tag, func() { once.Do(func() { s.weighs(t, family.Path+"?lang="+tag) }) })
			})
		}
	}
}

func (s *show) answersAndStops(h *hand, family printedForm, tag string, weigh func()) {
	h.t.Helper()
	before := s.rows()
	h.opens(s.site + family.Path + "?lang=" + tag)
	weigh()
	h.does("form[action$='/code'] button")
	h.sees("#code")
	born := s.births[family.Student].Time()
	h.does("form[action$='/open'] button",
		chromedp.SendKeys(chromedp.CSS("#code"), s.message("code", `\b([0-9]{6})\b`)), chromedp.SetValue(chromedp.CSS("#month"), strconv.Itoa(int(born.Month()))),
		chromedp.SendKeys(chromedp.CSS("#day"), strconv.Itoa(born.Day())), chromedp.SendKeys(chromedp.CSS("#year"), strconv.Itoa(born.Year())))
	h.sees("button[value=yes]")
	h.does("button[value=yes]")
	h.sees("form[action$='/stop'] button")
	if h.actions > 3 {
		h.t.Errorf("an answer takes %d actions", h.actions)
	}
	if after := s.rows(); after != before+1 {
		h.t.Errorf("the partner reads %d rows after the yes, %d before", after, before)
	}
	stop := s.message("receipt", `(/s/[A-Z0-9]+)`)
	h.opens(s.site + stop)
	h.actions = 0
	h.does("form[action^='/s/'] button")
	h.sees("main a[href='/']")
	if h.actions != 1 {
		h.t.Errorf("stopping takes %d taps", h.actions)
	}
	if after := s.rows(); after != before {
		h.t.Errorf("the partner reads %d rows after the stop, %d before the yes", after, before)
	}
	h.opens(s.site + "/choices")
	h.sees("form[action='/sign-out'] button")
	h.does("form[action='/sign-out'] button")
	h.sees("main a[href='/']")
}

// rows is how many children's records the partner reads.
func (s *show) rows() int {
	s.t.Helper()
	var read struct {
		Agreements []struct {
			ID    string `json:"id"`
			State string `json:"state"`
		} `json:"agreements"`
	}
	s.api("partner", http.MethodGet, "/agreements", "", &read)
	var got students
	s.api("partner", http.MethodGet, "/agreements/"+read.Agreements[0].ID+"/students?period=current", "", &got)
	return len(got.Rows)
}

// weighs holds a page to 20 KB with its style, compressed.
func (s *show) weighs(t *testing.T, path string) {
	t.Helper()
	var all bytes.Buffer
	packed := gzip.NewWriter(&all)
	fetch := func(path string) []byte {
		response, err := http.Get(s.site + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d, %v", path, response.StatusCode, err)
		}
		_, err = packed.Write(text)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	style := regexp.MustCompile(`href="(/static/[^"]+)"`).FindSubmatch(fetch(path))
	if style == nil {
		t.Fatal("the page has no style")
	}
	fetch(string(style[1]))
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	if all.Len() > 20<<10 {
		t.Errorf("the page weighs %d bytes with its style", all.Len())
	}
}
