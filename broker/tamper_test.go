package broker_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// exitProof is the exit code of a proof that does not verify.
const exitProof = 6

// program is hallpass-verify as it is shipped.
type program string

func buildVerifier(t *testing.T) program {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hallpass-verify")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "github.com/hallpass-edu/hallpass/cmd/hallpass-verify").CombinedOutput()
	if err != nil {
		t.Fatalf("building hallpass-verify: %v: %s", err, out)
	}
	return program(path)
}

// run runs the program with nothing but its arguments, and returns its exit
// code and what it says.
func (p program) run(t *testing.T, args ...string) (int, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), string(p), args...)
	cmd.Dir, cmd.Env = t.TempDir(), []string{}
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// verifier is the district's public log key.
func (d *made) verifier() *tlog.Verifier {
	d.t.Helper()
	text, err := os.ReadFile(broker.LogKeyPath(d.dir))
	if err != nil {
		d.t.Fatal(err)
	}
	v, err := tlog.NewVerifier(string(text))
	if err != nil {
		d.t.Fatal(err)
	}
	return v
}

// varied is a district whose log has entries of many kinds.
func varied(t *testing.T, entries uint64) *made {
	t.Helper()
	d := newMade(t, inSpring)
	kids := makeKids(40)
	d.loadMade(kids)
	d.partnerWith("river", map[string][]kid{"a1": kids[:24], "a2": kids[4:16]})
	d.partnerWith("lake", map[string][]kid{"b1": kids[8:20]})
	ctx := t.Context()
	for i := 0; ; i++ {
		d.clock.Set(d.clock.Now().Add(time.Minute))
		k := kids[i%12]
		g := d.enter(d.yes("a1", k))
		if i == 15 {
			d.closePeriod(madeAutumn)
		}
		d.students("a1", "river")
		d.done(d.Entries(ctx, auditor, broker.EntriesRequest{Limit: 2}))
		d.refused(broker.Denied)(d.Comparison(ctx, partnerOf("lake"), broker.ComparisonRequest{Agreement: "b1", Period: madeSpring}))
		d.refused(broker.NotAvailable)(d.ask(ctx, "b1")) // another partner's
		if i > 15 {
			d.comparison("a1", "river", madeAutumn)
		}
		d.clock.Set(d.clock.Now().Add(time.Minute))
		if i%3 == 0 {
			d.done(d.InvalidateConsent(ctx, officer, g.ID, broker.ReviewRequest{Reason: "The form is not hers."}))
		} else {
			d.withdraw(g.ID, k)
		}
		if size, err := d.LogSize(ctx); err != nil || size >= entries {
			return d
		}
	}
}

// refused fails the test unless an operation is refused in this way.
func (d *made) refused(kind broker.Kind) func(*broker.Answer, error) {
	return func(a *broker.Answer, err error) {
		d.t.Helper()
		a.Drop()
		if broker.KindOf(err) != kind {
			d.t.Errorf("gave %v, not %s", err, kind)
		}
	}
}

// exported is an export in memory.
func exported(t *testing.T, d *made) (dir string, files fstest.MapFS) {
	t.Helper()
	dir = filepath.Join(fastDir(t), "export")
	if _, err := d.ExportLog(t.Context(), auditor, dir, nil); err != nil {
		t.Fatal(err)
	}
	files = fstest.MapFS{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := fs.ReadFile(os.DirFS(dir), path)
		files[path] = &fstest.MapFile{Data: content, Mode: 0o600}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir, files
}

// change is one byte of one file turned into another.
type change struct {
	path string
	at   int
	to   byte
}

// changes draws n of them, over the files in turn, so that each is hit.
func changes(rng *rand.Rand, files fstest.MapFS, n int) []change {
	var paths []string
	for path, f := range files {
		if len(f.Data) > 0 {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	list := make([]change, n)
	for i := range list {
		c := change{path: paths[i%len(paths)]}
		content := files[c.path].Data
		c.at = rng.IntN(len(content))
		c.to = content[c.at] ^ byte(1+rng.IntN(255))
		list[i] = c
	}
	return list
}

// with is the export with one byte changed.
func (c change) with(files fstest.MapFS) fstest.MapFS {
	changed := make(fstest.MapFS, len(files))
	for path, f := range files {
		changed[path] = f
	}
	content := bytes.Clone(files[c.path].Data)
	content[c.at] = c.to
	changed[c.path] = &fstest.MapFile{Data: content, Mode: 0o600}
	return changed
}

// places finds the names of files and entries in what a verifier says.
var places = regexp.MustCompile(`checkpoint|tile/|opened/|entry \d+`)

// TestHarnessTamperedBytes changes single bytes of an exported log. Each must
// be seen and its place be named; some are shown to the real program.
func TestHarnessTamperedBytes(t *testing.T) {
	t.Parallel()
	count := harnessCount(t, "TAMPERED_BYTES", 400)
	programs := max(60, count/40)
	verify := buildVerifier(t)
	d := varied(t, 300)
	dir, files := exported(t, d)
	verifier := d.verifier()
	if _, err := tlog.VerifyExport(files, verifier, tlog.ExportOptions{}); err != nil {
		t.Fatalf("an honest export does not verify: %v", err)
	}
	if code, said := verify.run(t, "log", dir, "--key", broker.LogKeyPath(d.dir)); code != 0 {
		t.Fatalf("the program says %d of an honest export: %s", code, said)
	}
	rng := rand.New(rand.NewPCG(2, 2000))
	list := changes(rng, files, count)
	unseen, hit := 0, map[string]bool{}
	for _, c := range list {
		hit[c.path] = true
		_, err := tlog.VerifyExport(c.with(files), verifier, tlog.ExportOptions{})
		var fault *tlog.Fault
		if !errors.As(err, &fault) || !places.MatchString(fault.Error()) {
			if unseen++; unseen <= 5 {
				t.Errorf("byte %d of %s: %v", c.at, c.path, err)
			}
		}
	}
	for i := range programs {
		tamperAndRun(t, verify, d, dir, files, list[(i*len(list))/programs])
	}
	t.Logf("harness tampered_bytes: %d bytes in %d of %d files changed, %d unseen; %d shown to hallpass-verify", count, len(hit), len(files), unseen, programs)
}

// tamperAndRun changes a byte on disk, runs the program, and mends the byte.
func tamperAndRun(t *testing.T, verify program, d *made, dir string, files fstest.MapFS, c change) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(c.path))
	if err := os.WriteFile(path, c.with(files)[c.path].Data, 0o600); err != nil {
		t.Fatal(err)
	}
	code, said := verify.run(t, "log", dir, "--key", broker.LogKeyPath(d.dir))
	if code != exitProof || !places.MatchString(said) {
		t.Errorf("byte %d of %s: exit %d: %s", c.at, c.path, code, said)
	}
	if err := os.WriteFile(path, files[c.path].Data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAnExportIsRefusedWhoseFilesWereMovedOrCut(t *testing.T) {
	t.Parallel()
	d := varied(t, 60)
	_, files := exported(t, d)
	verifier := d.verifier()
	for path := range files {
		for name, tampered := range map[string]func(fstest.MapFS){
			"removed":  func(f fstest.MapFS) { delete(f, path) },
			"emptied":  func(f fstest.MapFS) { f[path] = &fstest.MapFile{} },
			"cut":      func(f fstest.MapFS) { f[path] = &fstest.MapFile{Data: files[path].Data[:len(files[path].Data)-1]} },
			"extended": func(f fstest.MapFS) { f[path] = &fstest.MapFile{Data: append(bytes.Clone(files[path].Data), '\n')} },
			"doubled":  func(f fstest.MapFS) { f[path+".bak"] = files[path] },
		} {
			copied := fstest.MapFS{}
			for p, f := range files {
				copied[p] = f
			}
			tampered(copied)
			if _, err := tlog.VerifyExport(copied, verifier, tlog.ExportOptions{}); err == nil {
				t.Errorf("%s with %s verifies", name, path)
			}
		}
	}
	other := varied(t, 30)
	if _, err := tlog.VerifyExport(files, other.verifier(), tlog.ExportOptions{}); err == nil {
		t.Error("the log verifies under another district's key")
	}
}

// The varied log must be what it is called.
func TestTheVariedLogHasManyKindsOfEntries(t *testing.T) {
	t.Parallel()
	d := varied(t, 150)
	list := string(d.must(d.Entries(t.Context(), auditor, broker.EntriesRequest{Limit: 1000})).Body())
	for _, event := range []tlog.Event{
		tlog.PartnerCreated, tlog.AgreementCreated, tlog.AgreementSigned, tlog.ConsentGranted, tlog.ConsentWithdrawn, tlog.ConsentInvalidated,
		tlog.ParticipationUploaded, tlog.ImportPublished, tlog.PeriodFrozen, tlog.PeriodPublished, tlog.QueryReleased, tlog.QueryDenied,
		tlog.AccessRefused, tlog.OfficerViewedLog,
	} {
		if !strings.Contains(list, `"`+string(event)+`"`) {
			t.Errorf("no entry %s", event)
		}
	}
}
