package pages_test

import (
	"bytes"
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// deskSoundness lists in words what is wrong with a page of the office at the width at
// which it is shown.
const deskSoundness = `(() => {
	const faults = [], all = q => [...document.querySelectorAll(q)], root = document.documentElement;
	const seen = e => e.getClientRects().length && e.getBoundingClientRect().bottom > 0;
	if (root.scrollWidth > innerWidth) faults.push("scrolls sideways: " + root.scrollWidth + " px, " + all("body *").
		filter(e => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 4).map(e => e.tagName + "." + e.className).join(" "));
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
		if (seen(e) && (r.width < 24 || r.height < 24)) faults.push(Math.round(r.width) + " x " + Math.round(r.height) + " target: " + e.textContent);
	}
	const ids = all("[id]").map(e => e.id);
	if (new Set(ids).size !== ids.length) faults.push("an id stands twice");
	if (all("script,style,[style],[onclick],img,iframe").length) faults.push("something foreign");
	for (const f of all("form")) if (f.method !== "post" || new URL(f.action).origin !== location.origin) faults.push("a form does not post here");
	if (!document.title || getComputedStyle(document.body).marginTop !== "0px") faults.push("no title or style");
	return faults;
})()`

// unfolded shows what is folded, so that it is looked at too.
const unfolded = `(() => { for (const d of document.querySelectorAll("details")) d.open = true; return [] })()`

func everyDeskPage(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for name, s := range deskStories() {
		texts["office/"+name] = s.html(t)
	}
	return texts
}

func TestThePagesOfTheOfficeInABrowser(t *testing.T) {
	t.Parallel()
	checker, ctx := axe(t), browser(t)
	texts := everyDeskPage(t)
	s := newSite(t, texts)
	tabs(ctx, t, slices.Sorted(maps.Keys(texts)), having(checker), func(ctx context.Context, name string) error {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(360, 740), chromedp.Navigate(s.url+"/"+name)); err != nil {
			return err
		}
		if _, err := list(ctx, unfolded); err != nil {
			return err
		}
		for _, width := range []int64{360, 1280} {
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 740)); err != nil {
				return err
			}
			for _, script := range []string{deskSoundness, violations} {
				faults, err := list(ctx, script)
				if err != nil {
					return err
				}
				say(t, name, width, faults)
			}
		}
		return nil
	})
	if said := s.told(); len(said) > 0 {
		t.Errorf("the browser reports breaches of the security policy on %q", said)
	}
}

func TestAFaultyPageOfTheOfficeIsSeen(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	faulty := `<!doctype html><h1>a</h1><h3 id=x>b</h3><h1 id=x>c</h1><form></form><style>*{color:#ccc}</style>
		<p style="width:2000px;font-size:9px">wide</p><a href="#" style="font-size:8px">x</a>`
	s := newSite(t, map[string]string{"faulty": faulty})
	noError(t, chromedp.Do(ctx, chromedp.EmulateViewport(360, 740), chromedp.Navigate(s.url+"/faulty")))
	faults, err := list(ctx, deskSoundness)
	noError(t, err)
	if len(faults) < 7 {
		t.Errorf("in a page full of faults only these are found: %q", faults)
	}
}

// printedDesk is a page as it is printed, and its text.
func printedDesk(ctx context.Context, t *testing.T) (pdf []byte, text string) {
	t.Helper()
	pdf, err := chromedp.Run(ctx, chromedp.PrintToPDF(chromedp.PDFOutlineAndTagged()))
	noError(t, err)
	reader, err := exec.LookPath("pdftotext")
	if err != nil {
		absent(t, "pdftotext is missing: apt-get install poppler-utils")
	}
	read := exec.CommandContext(t.Context(), reader, "-", "-")
	read.Stdin = bytes.NewReader(pdf)
	raw, err := read.Output()
	noError(t, err)
	return pdf, string(raw)
}

func TestTheRecordAndTheTicketPrintWithoutWhatIsForTheScreen(t *testing.T) {
	t.Parallel()
	ctx, texts := browser(t), everyDeskPage(t)
	s := newSite(t, texts)
	for name, words := range map[string][2][]string{
		"student": {
			{"Lakeview Schools", "34 CFR 99.32", "S-20931", "Maya Reyes", "Riverside Mentoring", "Pat Quinn", "tutoring after school", "Refused: nothing was sent", "log entry 48211", "Printed Nov 27, 2026", "by Olga Okafor", "privacy officer"},
			{"Sign out", "Record a restriction", "Older requests", "Overview", "Who decides today"},
		},
		"ticket": {{"Request to inspect", "S-18244", "Jan 4, 2027", "34 CFR 99.10", "(414) 555-0142", "Printed Nov 27, 2026"}, {"Sign out", "Close the request", "Print this page"}},
	} {
		noError(t, chromedp.Do(ctx, chromedp.EmulateViewport(1280, 740), chromedp.Navigate(s.url+"/office/"+name)))
		pdf, text := printedDesk(ctx, t)
		if dir := os.Getenv("HALLPASS_SHOTS"); dir != "" {
			noError(t, os.WriteFile(filepath.Join(dir, "office-"+name+".pdf"), pdf, 0o600))
		}
		flat := strings.Join(strings.Fields(text), " ")
		for _, want := range words[0] {
			if !strings.Contains(flat, want) {
				t.Errorf("the print of %s lacks %q:\n%s", name, want, text)
			}
		}
		for _, no := range words[1] {
			if strings.Contains(flat, no) {
				t.Errorf("the print of %s holds %q", name, no)
			}
		}
	}
}

// TestTheOfficeLooks writes screenshots into the folder HALLPASS_SHOTS, for people to
// look at: of the stories with HALLPASS_SHOTS_OF in their name, folded and unfolded.
func TestTheOfficeLooks(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("HALLPASS_SHOTS")
	if dir == "" {
		t.Skip("HALLPASS_SHOTS names no folder: make pages")
	}
	ctx, texts := browser(t), everyDeskPage(t)
	s := newSite(t, texts)
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(texts)), func(name string) bool { return !strings.Contains(name, os.Getenv("HALLPASS_SHOTS_OF")) })
	tabs(ctx, t, names, chromedp.Steps(), func(ctx context.Context, name string) error {
		for width, of := range map[int64]string{360: "-360", 1280: "-1280"} {
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 740), chromedp.Navigate(s.url+"/"+name)); err != nil {
				return err
			}
			if _, err := list(ctx, unfolded); err != nil {
				return err
			}
			picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+of+".png"), picture, 0o600); err != nil {
				return err
			}
		}
		return nil
	})
}
