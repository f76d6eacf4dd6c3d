package report_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browser starts Chromium, headless and with a fresh profile. Where it is
// missing the test is skipped, but under CI it fails.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("chromium is missing: apt-get install chromium fonts-liberation")
	}
	if err != nil {
		t.Fatal("chromium is missing: apt-get install chromium fonts-liberation")
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("no-sandbox", true),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-component-update", true))...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	return ctx
}

// served is the address under which pages stand by name, as a service would
// send them.
func served(t *testing.T, pages map[string]string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, found := pages[strings.TrimPrefix(r.URL.Path, "/")]
		if !found {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// sixSchools are agreements of eight indicators and six schools, with a
// receipt: what must fit on two sheets.
func sixSchools(t *testing.T) map[string]string {
	t.Helper()
	standard := standardTown()
	standard.Rows = slices.DeleteFunc(standard.Rows, func(r row) bool { return r.Grade != "" })
	pages := map[string]string{}
	for name, a := range map[string]*answer{"six-published": full(), "six-standard": standard} {
		pages[name] = pageCase{a, "named_people", true}.page(t)
	}
	return pages
}

// looks are all pages that the browser looks at.
func looks(t *testing.T) map[string]string {
	t.Helper()
	pages := sixSchools(t)
	pages["everything"] = pageCase{standardTown(), "named_people", true}.page(t)
	for name, c := range cases() {
		pages[name] = c.page(t)
	}
	return pages
}

func evaluate[T any](ctx context.Context, t *testing.T, script string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return v
}

// open shows a page at a width.
func open(ctx context.Context, t *testing.T, url string, width int64) {
	t.Helper()
	noError(t, chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate(url)))
}

// look is one thing that is looked at in every page; the browser shows it at
// 1280 pixels.
type look func(ctx context.Context, t *testing.T, name string)

// One browser serves all looks: starting it takes longer than they do.
func TestEveryPageInABrowser(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	pages := looks(t)
	pages["awkward"] = pageFor(t, awkward(t), nil, stamp())
	pages["complained-of"] = strings.Replace(page(t, small()), "</main>", "<script>1</script></main>", 1)
	url := served(t, pages)
	messages, stop := iter.Pull2(chromedp.Console(ctx))
	defer stop()
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		open(ctx, t, url+"/"+name, 1280)
		evaluate[int](ctx, t, `console.log("the end"); 0`)
		if said := untilTheEnd(t, messages); (len(said) > 0) != (name == "complained-of") {
			t.Errorf("%s: the browser says %q", name, said)
		}
		if name == "complained-of" {
			continue
		}
		for _, see := range []look{outlineIsSound, dataIsKept, fitsOnSheets, fitsAcross, textIsLarge} {
			see(ctx, t, name)
		}
	}
	checksCanFail(ctx, t)
}

// untilTheEnd is what the browser said of a page.
func untilTheEnd(t *testing.T, next func() (chromedp.ConsoleMessage, error, bool)) (said []string) {
	t.Helper()
	for {
		m, err, _ := next()
		noError(t, err)
		if m.Text == "the end" {
			return said
		}
		said = append(said, m.String())
	}
}

// fitsAcross also opens what is folded away.
func fitsAcross(ctx context.Context, t *testing.T, name string) {
	evaluate[int](ctx, t, `document.querySelectorAll("details").forEach(d => d.open = true); 0`)
	for _, width := range []int64{1280, 800, 320, 360} {
		noError(t, chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)))
		if got := evaluate[int](ctx, t, `document.documentElement.scrollWidth`); got > int(width) {
			t.Errorf("%s is %d pixels wide at %d: %s", name, got, width, evaluate[string](ctx, t, widest))
		}
	}
}

const widest = `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1).
	slice(0, 5).map(e => e.tagName + "." + e.getAttribute("class")).join(" ")`

// structure lists what is wrong with a page's outline, in words.
const structure = `(() => {
	const faults = [], all = q => [...document.querySelectorAll(q)];
	if (all("h1").length !== 1) faults.push(all("h1").length + " h1");
	let level = 0;
	for (const h of all("h1,h2,h3,h4")) {
		const now = +h.tagName[1];
		if (now > level + 1) faults.push(h.textContent + " skips a level");
		level = now;
	}
	const ids = all("[id]").map(e => e.id);
	if (new Set(ids).size !== ids.length) faults.push("an id stands twice");
	for (const e of all("[aria-labelledby]")) {
		for (const id of e.getAttribute("aria-labelledby").split(" ")) {
			if (!document.getElementById(id)?.textContent.trim()) faults.push(id + " labels nothing");
		}
	}
	for (const s of all("svg")) {
		const named = s.getAttribute("aria-hidden") === "true" || s.querySelector("title") && s.querySelector("desc");
		if (!named) faults.push("a drawing has no title and description");
	}
	for (const table of all("table")) {
		if (!table.caption?.textContent.trim()) faults.push("a table has no caption");
		if ([...table.querySelectorAll("th")].some(th => !th.scope)) faults.push("a heading has no scope");
	}
	if (!document.documentElement.lang || !document.title) faults.push("no language or title");
	for (const q of ["main", "header", "footer"]) if (all("body > " + q).length !== 1) faults.push(q + " is missing");
	if (all("script,img,iframe,link,object,embed,form").length) faults.push("a foreign element");
	const skip = document.querySelector("a.skip");
	if (!document.querySelector(skip.getAttribute("href"))) faults.push("the skip link leads nowhere");
	return faults;
})()`

func outlineIsSound(ctx context.Context, t *testing.T, name string) {
	for _, fault := range evaluate[[]string](ctx, t, structure) {
		t.Errorf("%s: %s", name, fault)
	}
}

// smallest is the smallest text that is seen, in CSS pixels: that of drawings
// times their scale.
const smallest = `Math.min(...[...document.querySelectorAll("body *")].filter(e => e.getClientRects().length &&
	[...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())).map(e => {
		const svg = e.closest("svg"), px = parseFloat(getComputedStyle(e).fontSize);
		return svg ? px * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : px;
	}))`

// textIsLarge follows fitsAcross, which leaves the page at 360 pixels.
func textIsLarge(ctx context.Context, t *testing.T, name string) {
	if px := evaluate[float64](ctx, t, smallest); px < 12 {
		t.Errorf("%s has text of %.1f pixels", name, px)
	}
}

func dataIsKept(ctx context.Context, t *testing.T, name string) {
	if name != "awkward" {
		return
	}
	data := string(awkward(t))
	if got := evaluate[string](ctx, t, `document.getElementById("data").textContent`); got != data {
		t.Errorf("the browser has other data:\n%q\nwant\n%q", got, data)
	}
}

var sheet = regexp.MustCompile(`/Type\s*/Page\b`)

// printed prints what the browser shows. On a busy machine Chromium's print
// service now and then never answers; a new tab finds it well again.
func printed(ctx context.Context, t *testing.T, size chromedp.PaperSize) []byte {
	t.Helper()
	address, err := chromedp.Run(ctx, chromedp.Location())
	noError(t, err)
	for range 5 {
		tab, leave := chromedp.NewContext(ctx)
		patience, stop := context.WithTimeout(tab, 20*time.Second)
		err = chromedp.Do(patience, chromedp.Navigate(address))
		var pdf []byte
		if err == nil {
			pdf, err = chromedp.Run(patience, chromedp.PrintToPDF(chromedp.PDFPaper(size), chromedp.PDFPreferCSSPageSize(), chromedp.PDFOutlineAndTagged()))
		}
		stop()
		leave()
		if err == nil {
			return pdf
		}
		t.Log("printing once more:", err)
	}
	noError(t, err)
	return nil
}

func papers() map[string]chromedp.PaperSize {
	return map[string]chromedp.PaperSize{"letter": chromedp.PaperLetter, "a4": chromedp.PaperA4}
}

// Eight indicators and six schools print on two sheets of either paper; with a
// row for each school and grade and hostile names, on three.
func fitsOnSheets(ctx context.Context, t *testing.T, name string) {
	most, told := map[string]int{"six-published": 2, "six-standard": 2, "everything": 3, "hostile": 3}[name]
	if !told {
		return
	}
	for paper, size := range papers() {
		if n := len(sheet.FindAll(printed(ctx, t, size), -1)); n < 1 || n > most {
			t.Errorf("%s prints on %d sheets of %s", name, n, paper)
		}
	}
}

// checksCanFail looks at pages with faults.
func checksCanFail(ctx context.Context, t *testing.T) {
	t.Helper()
	faulty := `<!doctype html><h1>a</h1><h3>b</h3><h1>c</h1><form></form><a class="skip" href="#x"></a>
		<p style="width:2000px;font-size:9px">wide</p>` + strings.Repeat(`<p style="height:500px">far</p>`, 8)
	open(ctx, t, served(t, map[string]string{"faulty": faulty})+"/faulty", 1280)
	if faults := evaluate[[]string](ctx, t, structure); len(faults) < 5 {
		t.Errorf("in a page full of faults only these are found: %q", faults)
	}
	if evaluate[int](ctx, t, `document.documentElement.scrollWidth`) < 2000 || evaluate[float64](ctx, t, smallest) > 9 {
		t.Error("a wide page with small text is found to be neither")
	}
	if n := len(sheet.FindAll(printed(ctx, t, chromedp.PaperA4), -1)); n < 3 {
		t.Errorf("a page of four sheets counts as %d", n)
	}
}

// TestLooks writes screenshots and prints into the folder HALLPASS_SHOTS, for
// people to look at: of the pages with HALLPASS_SHOTS_OF in their name.
func TestLooks(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("HALLPASS_SHOTS")
	if dir == "" {
		t.Skip("HALLPASS_SHOTS names no folder")
	}
	pages := looks(t)
	url, ctx := served(t, pages), browser(t)
	for name := range pages {
		if !strings.Contains(name, os.Getenv("HALLPASS_SHOTS_OF")) {
			continue
		}
		for paper, size := range papers() {
			open(ctx, t, url+"/"+name, 1280)
			pdf := printed(ctx, t, size)
			t.Log(name, len(pages[name]), "bytes,", len(sheet.FindAll(pdf, -1)), "sheets of", paper)
			noError(t, os.WriteFile(filepath.Join(dir, name+"-"+paper+".pdf"), pdf, 0o600))
		}
		for _, width := range []int64{360, 1280} {
			noError(t, chromedp.Do(ctx, chromedp.EmulateViewport(width, 1500)))
			for i := range 5 {
				evaluate[int](ctx, t, fmt.Sprintf("scrollTo(0, %d); 0", i*1450))
				shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
				noError(t, err)
				noError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d-%d.png", name, width, i+1)), shot, 0o600))
			}
		}
	}
}
