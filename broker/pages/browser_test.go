package pages_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/hallpass-edu/hallpass/broker/pages"
)

// absent skips a test for something that is not installed; under CI it fails.
func absent(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "" {
		t.Skip(what)
	}
	t.Fatal(what)
}

// browser starts Chromium, headless and with a fresh profile.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		absent(t, "chromium is missing: apt-get install chromium fonts-liberation fonts-noto-core")
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("no-sandbox", true),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-component-update", true))...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// axe is the accessibility checker.
func axe(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../build/axe.min.js")
	if err != nil {
		absent(t, "build/axe.min.js is missing: make build/axe.min.js")
	}
	return string(text)
}

// site serves pages as the service would, under /LANG/NAME, and keeps what
// browsers post and complain about.
type site struct {
	url   string
	pages map[string]string

	mu       sync.Mutex
	reports  []string
	posted   []string
	answered map[string]string // page to show after a POST to a path
}

func newSite(t *testing.T, texts map[string]string) *site {
	t.Helper()
	s := &site{pages: texts, answered: map[string]string{}}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if name, ok := strings.CutPrefix(path, "static/"); ok {
		w.Header().Set("Content-Type", "text/css")
		_, _ = w.Write(pages.Static()[name])
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if path == "csp" {
		s.reports = append(s.reports, r.Header.Get("Referer"))
		return
	}
	if r.Method == http.MethodPost {
		_ = r.ParseForm()
		s.posted = append(s.posted, r.URL.Path+"?"+r.PostForm.Encode())
		path = s.answered[r.URL.Path]
	}
	w.Header().Set("Content-Security-Policy", pages.SecurityPolicy+"; report-uri /csp")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(s.pages[path]))
}

// told returns and forgets what browsers complained about, by page.
func (s *site) told() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	said := s.reports
	s.reports = nil
	return said
}

func languages() (tags []string) {
	for _, l := range pages.Languages() {
		tags = append(tags, l.Tag)
	}
	return tags
}

// everyPage is every story in every language, by LANG/NAME.
func everyPage(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for name, s := range stories() {
		for _, lang := range languages() {
			texts[lang+"/"+name] = s.html(t, lang)
		}
		texts["en-XA/"+name] = pseudo(t, s)
	}
	return texts
}

// having gives every page of a tab a script of the test; pages themselves may have none.
func having(script string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	})
}

// tabs looks at every name in a few tabs of one browser, each of which has made
// ready.
func tabs(ctx context.Context, t *testing.T, names []string, ready chromedp.Action[chromedp.Void], look func(ctx context.Context, name string) error) {
	t.Helper()
	work := make(chan string, len(names))
	for _, name := range names {
		work <- name
	}
	close(work)
	var all sync.WaitGroup
	for range 3 {
		tab, leave := chromedp.NewContext(ctx)
		all.Go(func() {
			defer leave()
			if err := chromedp.Do(tab, ready); err != nil {
				t.Error(err)
				return
			}
			for name := range work {
				if err := look(tab, name); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	all.Wait()
}

func list(ctx context.Context, script string) ([]string, error) {
	return chromedp.Run(ctx, chromedp.Evaluate[[]string](script, chromedp.EvalAwaitPromise))
}

func say(t *testing.T, name string, width int64, faults []string) {
	t.Helper()
	for _, fault := range faults {
		t.Errorf("%s at %d px: %s", name, width, fault)
	}
}

// soundness lists in words what is wrong with a page at the width at which it
// is shown.
const soundness = `(() => {
	const faults = [], all = q => [...document.querySelectorAll(q)], root = document.documentElement;
	const seen = e => e.getClientRects().length && e.getBoundingClientRect().bottom > 0;
	if (root.scrollWidth > innerWidth) faults.push("scrolls sideways: " + root.scrollWidth + " px, " + all("body *").
		filter(e => e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().left < -1).slice(0, 4).map(e => e.tagName + "." + e.className).join(" "));
	if (all("h1").length !== 1) faults.push(all("h1").length + " h1");
	let level = 0;
	for (const h of all("h1,h2,h3,h4")) {
		if (+h.tagName[1] > level + 1) faults.push(h.textContent + " skips a level");
		level = +h.tagName[1];
	}
	for (const e of all("body *")) {
		if (!seen(e) || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
		if (parseFloat(getComputedStyle(e).fontSize) < 12) faults.push("small text: " + e.textContent);
	}
	for (const e of all("a,button,input:not([type=hidden]),select,summary")) {
		const r = e.getBoundingClientRect();
		if (seen(e) && (r.width < 43.9 || r.height < 43.9)) faults.push(Math.round(r.width) + " x " + Math.round(r.height) + " target: " + e.textContent);
	}
	const answers = all("button[value=yes],button[value=no]");
	if (answers.length === 2) {
		const [yes, no] = answers.map(e => getComputedStyle(e)), [a, b] = answers.map(e => e.getBoundingClientRect());
		for (const p of yes) if (!/^(perspective|transform)-origin|^(block|inline)-size|^(width|height)$/.test(p) && yes[p] !== no[p]) faults.push("yes and no differ in " + p);
		if (Math.abs(a.width - b.width) > .5 || Math.abs(a.height - b.height) > .5) faults.push("yes and no differ in size");
	} else if (answers.length) faults.push("one answer without the other");
	if (all("[checked],[selected],script,style,[style],[onclick],img,iframe").length) faults.push("something ticked or foreign");
	for (const f of all("form")) if (f.method !== "post" || new URL(f.action).origin !== location.origin) faults.push("a form does not post here");
	if (!all("footer a[href^='tel:']").length) faults.push("no telephone number");
	if (all(".languages a").map(a => a.textContent).join() !== "English,Español,العربية,Hmoob") faults.push("languages are missing");
	if (root.lang !== "en-XA" && (all(".languages a[aria-current]").length !== 1 || document.querySelector(".languages a[aria-current]").lang !== root.lang)) faults.push("no language is current");
	if (!document.title || getComputedStyle(document.body).marginTop !== "0px") faults.push("no title or style");
	return faults;
})()`

// violations runs axe.
const violations = `axe.run(document, {preload: false, resultTypes: ["violations"],
	runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r =>
		r.violations.map(v => v.id + ": " + v.nodes.map(n => n.target + " " + n.failureSummary).slice(0, 2).join("; ")))`

// One browser serves all looks: starting it takes longer than they do.
func TestTheFamilyPagesInABrowser(t *testing.T) {
	t.Parallel()
	checker, ctx := axe(t), browser(t)
	for name, look := range map[string]func(context.Context, *testing.T, string){
		"every page is sound and accessible":               everyPageIsSound,
		"every page by keyboard, zoomed, in forced colors": everyPageByKeyboard,
		"a family answers and stops without script":        familyAnswersAndStops,
		"a faulty page is seen":                            faultyPageIsSeen,
		"every form fits its sheet":                        everyFormFitsItsSheet,
	} {
		t.Run(name, func(t *testing.T) { look(ctx, t, checker) })
	}
}

// atEveryWidth are the stories that axe sees at every width, in both
// directions of writing; it sees all others at 360 pixels, and what depends on
// the width is checked for every page by soundness.
func atEveryWidth() []string {
	return []string{"landing", "invitation-several", "code-wrong", "choice-everything", "choice-unreviewed", "receipt-yes", "choices", "seen", "copy", "packet"}
}

func everyPageIsSound(ctx context.Context, t *testing.T, checker string) {
	texts := everyPage(t)
	s := newSite(t, texts)
	tabs(ctx, t, slices.Sorted(maps.Keys(texts)), having(checker), func(ctx context.Context, name string) error {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(360, 740), chromedp.Navigate(s.url+"/"+name)); err != nil {
			return err
		}
		lang, story, _ := strings.Cut(name, "/")
		deep := (lang == "en" || lang == "ar") && slices.Contains(atEveryWidth(), story)
		for _, width := range []int64{360, 320, 1280} {
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 740)); err != nil {
				return err
			}
			faults, err := list(ctx, soundness)
			if err != nil {
				return err
			}
			say(t, name, width, faults)
			if lang == pages.Pseudo || // that is there to see that it fits
				width != 360 && !deep {
				continue
			}
			if faults, err = list(ctx, violations); err != nil {
				return err
			}
			say(t, name, width, faults)
		}
		return nil
	})
	if said := s.told(); len(said) > 0 {
		t.Errorf("the browser reports breaches of the security policy on %q", said)
	}
}

// tabbed presses Tab through a page and lists what is wrong: an element that
// is reached out of order or not at all, or that does not show its focus.
func tabbed(ctx context.Context) (faults []string, err error) {
	n, err := chromedp.Run(ctx, chromedp.Evaluate[int](`(() => {
		document.activeElement.blur();
		window.order = [...document.querySelectorAll("a[href],button,input:not([type=hidden]),select,summary,[tabindex='0']")].filter(e => e.checkVisibility({contentVisibilityAuto: true}));
		return order.length })()`))
	if err != nil {
		return nil, err
	}
	for i := range n {
		if err := chromedp.Do(ctx, chromedp.KeyEvent("\t")); err != nil {
			return nil, err
		}
		fault, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(`(() => {
			const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
			if (e !== order[%d]) return "Tab reaches " + e.outerHTML.slice(0, 60) + " where %[1]d is " + order[%[1]d].outerHTML.slice(0, 60);
			if (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2) return "no focus is seen on " + e.outerHTML.slice(0, 60);
			return r.bottom > 0 && r.top < innerHeight ? "" : "focus is off the screen on " + e.outerHTML.slice(0, 60) })()`, i)))
		if err != nil {
			return nil, err
		}
		if fault != "" {
			faults = append(faults, fault)
		}
	}
	return faults, nil
}

// bordered lists controls and boxes that have no edge in forced colours.
const bordered = `[...document.querySelectorAll(".usa-button:not(.usa-button--unstyled),.usa-input,.panel,.card,.notice")].
	filter(e => { const s = getComputedStyle(e); return s.borderTopStyle === "none" || parseFloat(s.borderTopWidth) < 1 }).map(e => "no edge in forced colours: " + e.className)`

// everyPageByKeyboard: the keyboard reaches everything in order; the page keeps its shape at 400 %
// zoom and in forced colours.
func everyPageByKeyboard(ctx context.Context, t *testing.T, _ string) {
	texts := map[string]string{}
	for name, s := range stories() {
		texts["en/"+name] = s.html(t, "en")
	}
	for _, name := range []string{"choice", "code-wrong", "receipt-yes", "choices", "seen", "copy"} {
		texts["ar/"+name] = stories()[name].html(t, "ar")
	}
	s := newSite(t, texts)
	tabs(ctx, t, slices.Sorted(maps.Keys(texts)), chromedp.Steps(), func(ctx context.Context, name string) error {
		zoom := chromedp.EmulateViewport(320, 256, chromedp.EmulateScale(4)) // 1280 x 1024 at 400 %
		if err := chromedp.Do(ctx, zoom, chromedp.Navigate(s.url+"/"+name)); err != nil {
			return err
		}
		faults, err := list(ctx, soundness)
		if err != nil {
			return err
		}
		say(t, name+" zoomed", 320, faults)
		if faults, err = tabbed(ctx); err != nil {
			return err
		}
		say(t, name+" by keyboard", 320, faults)
		return inForcedColours(ctx, t, name)
	})
}

func inForcedColours(ctx context.Context, t *testing.T, name string) error {
	media := func(value string) chromedp.Action[chromedp.Void] {
		return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "forced-colors", Value: value}},
			})
			return err
		})
	}
	if err := chromedp.Do(ctx, media("active")); err != nil {
		return err
	}
	faults, err := list(ctx, bordered)
	say(t, name, 320, faults)
	if err != nil {
		return err
	}
	return chromedp.Do(ctx, media("none"))
}

// withoutScript turns scripts of the page off.
func withoutScript() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
}

// familyAnswersAndStops follows a family from the link in its message: one tap sends the code, one form signs in, one
// tap answers, and one stops it.
func familyAnswersAndStops(ctx context.Context, t *testing.T, _ string) {
	ctx, leave := chromedp.NewContext(ctx)
	defer leave()
	texts := everyPage(t)
	s := newSite(t, texts)
	s.answered = map[string]string{
		"/i/made-up-secret/code": "es/code", "/i/made-up-secret/open": "es/choice",
		"/asks/ask_7Q2K": "es/receipt-yes", "/choices/cho_1/stop": "es/receipt-stopped",
	}
	css := func(q string) chromedp.CSS { return chromedp.CSS(q) }
	noError(t, chromedp.Do(ctx,
		withoutScript(), chromedp.EmulateViewport(360, 740), chromedp.Navigate(s.url+"/es/invitation"),
		chromedp.Click(css("form[action$='/code'] button")), // 1
		chromedp.WaitVisible(css("#code")),
		chromedp.SendKeys(css("#code"), "481516"), chromedp.SetValue(css("#month"), "2"),
		chromedp.SendKeys(css("#day"), "29"), chromedp.SendKeys(css("#year"), "2012"),
		chromedp.Click(css("form[action$='/open'] button")), // 2
		chromedp.WaitVisible(css("button[value=yes]")),
		chromedp.Click(css("button[value=yes]")), // 3
		chromedp.WaitVisible(css("form[action$='/stop'] button")),
		chromedp.Click(css("form[action$='/stop'] button")), // and one to stop
		chromedp.WaitVisible(css("form[action$='/deletion'] button")),
	))
	_, text, err := pages.ConsentText("es", openChoice())
	noError(t, err)
	want := []string{
		"/i/made-up-secret/code?",
		"/i/made-up-secret/open?" + url.Values{"code": {"481516"}, "month": {"2"}, "day": {"29"}, "year": {"2012"}}.Encode(),
		"/asks/ask_7Q2K?" + url.Values{"answer": {"yes"}, "text": {pages.TextHash(text)}}.Encode(),
		"/choices/cho_1/stop?",
	}
	if !slices.Equal(s.posted, want) {
		t.Errorf("posted\n%q\nwant\n%q", s.posted, want)
	}
	if said := s.told(); len(said) > 0 {
		t.Errorf("the browser reports breaches of the security policy on %q", said)
	}
}

// faultyPageIsSeen says that the checks can fail.
func faultyPageIsSeen(ctx context.Context, t *testing.T, checker string) {
	ctx, leave := chromedp.NewContext(ctx)
	defer leave()
	faulty := `<!doctype html><h1>a</h1><h3>b</h3><h1>c</h1><form></form><style>*{color:#ccc}</style><script>1</script>
		<p style="width:2000px;font-size:9px">wide</p><button value="yes" style="color:red">y</button><button value="no">n</button>
		<a href="#" style="outline:0">x</a><input checked type="checkbox">`
	s := newSite(t, map[string]string{"faulty": faulty})
	noError(t, chromedp.Do(ctx, chromedp.EmulateViewport(320, 740), chromedp.Navigate(s.url+"/faulty")))
	faults, err := list(ctx, soundness)
	noError(t, err)
	if len(faults) < 12 {
		t.Errorf("in a page full of faults only these are found: %q", faults)
	}
	_, err = chromedp.Run(ctx, chromedp.Evaluate[int](checker+";0"))
	noError(t, err)
	if faults, err = list(ctx, violations); err != nil || len(faults) < 4 {
		t.Errorf("axe finds only %q, %v", faults, err)
	}
	if said := s.told(); len(said) == 0 {
		t.Error("a breach of the security policy is not reported")
	}
}

// TestLooks writes screenshots and prints into the folder HALLPASS_SHOTS, for
// people to look at: of the stories with HALLPASS_SHOTS_OF in their name.
func TestLooks(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("HALLPASS_SHOTS")
	if dir == "" {
		t.Skip("HALLPASS_SHOTS names no folder: make pages")
	}
	texts, ctx := everyPage(t), browser(t)
	s := newSite(t, texts)
	shots := map[string]int64{}
	for name := range stories() {
		if strings.Contains(name, os.Getenv("HALLPASS_SHOTS_OF")) {
			shots["en/"+name], shots["ar/"+name] = 360, 360
		}
	}
	for _, name := range []string{"en/choice", "es/choice", "mww/choice", "en-XA/choice", "en/receipt-yes", "en/choices", "en/seen", "ar/choice", "en/landing", "es/code-wrong"} {
		if strings.Contains(name, os.Getenv("HALLPASS_SHOTS_OF")) {
			shots[name+"?wide"] = 1280
		}
	}
	tabs(ctx, t, slices.Sorted(maps.Keys(shots)), chromedp.Steps(), func(ctx context.Context, name string) error {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(shots[name], 740), chromedp.Navigate(s.url+"/"+name)); err != nil {
			return err
		}
		picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err != nil {
			return err
		}
		file := filepath.Join(dir, strings.NewReplacer("/", "-", "?", "-").Replace(name)+".png")
		return os.WriteFile(file, picture, 0o600)
	})
}

var sheetOf = regexp.MustCompile(`/Type\s*/Page\b`)

// printed prints a page on letter paper. On a busy machine Chromium's print
// service now and then never answers; a new tab finds it well again.
func printed(ctx context.Context, address string) (pdf []byte, err error) {
	for range 5 {
		tab, leave := chromedp.NewContext(ctx)
		if err = chromedp.Do(tab, chromedp.Navigate(address)); err == nil {
			patience, stop := context.WithTimeout(tab, 20*time.Second)
			pdf, err = chromedp.Run(patience, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperLetter), chromedp.PDFPreferCSSPageSize(), chromedp.PDFOutlineAndTagged()))
			stop()
		}
		leave()
		if err == nil {
			return pdf, nil
		}
	}
	return nil, err
}

// everyFormFitsItsSheet: a form is one sheet of paper, in every language, and a
// receipt is one too.
func everyFormFitsItsSheet(ctx context.Context, t *testing.T, _ string) {
	s := newSite(t, everyPage(t))
	for _, lang := range languages() {
		for name, sheets := range map[string]int{"packet": len(forms().Sheets), "packet-unreviewed": 1, "receipt-yes": 1, "receipt-stopped": 1} {
			pdf, err := printed(ctx, s.url+"/"+lang+"/"+name)
			noError(t, err)
			if n := len(sheetOf.FindAll(pdf, -1)); n != sheets {
				t.Errorf("%s/%s prints on %d sheets, want %d", lang, name, n, sheets)
			}
			if dir := os.Getenv("HALLPASS_SHOTS"); dir != "" {
				noError(t, os.WriteFile(filepath.Join(dir, lang+"-"+name+".pdf"), pdf, 0o600))
			}
		}
	}
}
