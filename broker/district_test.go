package broker_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
)

var lakeview = broker.Settings{Name: "Lakeview Schools", Host: "data.lakeview.example", TimeZone: "America/Chicago", CreatedAt: inLent}

func TestADistrictIsMadeWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	for field, spoil := range map[string]func(*broker.Settings){
		"name": func(s *broker.Settings) { s.Name = "" }, "host": func(s *broker.Settings) { s.Host = "not a host/" },
		"no zone": func(s *broker.Settings) { s.TimeZone = "" }, "the machine's zone": func(s *broker.Settings) { s.TimeZone = "Local" },
		"no such zone": func(s *broker.Settings) { s.TimeZone = "America/Chikago" },
	} {
		parent := t.TempDir()
		s := lakeview
		spoil(&s)
		if err := broker.Init(t.Context(), filepath.Join(parent, "d"), s); err == nil {
			t.Errorf("%s: made all the same", field)
		}
		if left, _ := os.ReadDir(parent); len(left) != 0 {
			t.Errorf("%s: left %v behind", field, left)
		}
	}
}

func TestADistrictIsNotMadeOverAnother(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	if err := broker.Init(t.Context(), d.dir, lakeview); err == nil {
		t.Error("made over a district that was there")
	}
	if rows := d.size(); rows == 0 {
		t.Error("the log is gone")
	}
}

func TestSecretsAreReadableByTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "d")
	if err := broker.Init(t.Context(), dir, lakeview); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || path == broker.LogKeyPath(dir) {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", e.Name(), info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "keys", "log.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if b, err := broker.Open(t.Context(), dir, broker.Options{}); err == nil {
		b.Close()
		t.Error("opened with a log key that everybody may read")
	}
}

func TestWhereThereIsNoDistrictNothingIsMade(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := broker.Open(t.Context(), dir, broker.Options{}); !errors.Is(err, broker.ErrNoDistrict) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("made %v", left)
	}
}

func TestADistrictDoesNotOpenWithoutAnyOfItsKeys(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"keys.db", "keys/district.key", "keys/log.key", "keys/log.pub", "keys/token.key"} {
		dir := filepath.Join(fastDir(t), "d")
		if err := broker.Init(t.Context(), dir, lakeview); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if b, err := broker.Open(t.Context(), dir, broker.Options{Clock: func() time.Time { return inLent }}); err == nil {
			b.Close()
			t.Errorf("opened without %s", name)
		}
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s was made anew", name)
		}
	}
}

func TestAClockThatJumpedOverADayIsRefusedUnlessAccepted(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d.clock.Set(inLent.Add(24*time.Hour + time.Second))
	if b, err := broker.Open(t.Context(), d.dir, broker.Options{Clock: d.clock.Now}); !errors.Is(err, broker.ErrClockJump) {
		if err == nil {
			b.Close()
		}
		t.Errorf("got %v", err)
	}
	d.open(withRules(t), func(o *broker.Options) { o.AcceptClockJump = true })
	d.partner("club")
}

func TestOnlyASimulatedDistrictTakesItsTimeFromOutside(t *testing.T) {
	t.Parallel()
	real := filepath.Join(fastDir(t), "real")
	if err := broker.Init(t.Context(), real, lakeview); err != nil {
		t.Fatal(err)
	}
	if b, err := broker.Open(t.Context(), real, broker.Options{SimulatedNow: inLent}); err == nil {
		b.Close()
		t.Error("a real district took a simulated time")
	}
	s := lakeview
	s.Simulated, s.CreatedAt = afterSchool, afterSchool
	made := filepath.Join(fastDir(t), "made")
	if err := broker.Init(t.Context(), made, s); err != nil {
		t.Fatal(err)
	}
	b, err := broker.Open(t.Context(), made, broker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if now := b.Now(); now.Before(afterSchool) || now.After(afterSchool.Add(time.Hour)) {
		t.Errorf("the district's time is %s", now)
	}
	if got := b.Settings(); !got.IsSimulated() || !strings.HasSuffix(got.Origin, "/simulated") || !strings.HasSuffix(got.Issuer(), "/simulated") {
		t.Errorf("the settings are %+v", got)
	}
}

// Ages, expiry and days go by the district's own zone.
func TestTheDayIsTheDistrictsOwn(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 20, 4, 59, 0, 0, time.UTC) // still the 19th in Chicago
	d := &town{&district{t: t, dir: filepath.Join(fastDir(t), "d"), clock: &clock{now: at}}}
	s := lakeview
	s.CreatedAt = at
	if err := broker.Init(t.Context(), d.dir, s); err != nil {
		t.Fatal(err)
	}
	d.open(withRules(t))
	t.Cleanup(func() {
		d.verify()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	d.imported(townFiles())
	d.club(dee)
	d.consent(consentTo("club", dee))
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows on the eve of the birthday", len(rows))
	}
	d.clock.Set(at.Add(time.Minute))
	if rows := d.clubRows(); len(rows) != 0 {
		t.Errorf("%d rows on the birthday", len(rows))
	}
}

func TestADistrictIsReadyUntilItIsClosed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(fastDir(t), "d")
	if err := broker.Init(t.Context(), dir, lakeview); err != nil {
		t.Fatal(err)
	}
	b, err := broker.Open(t.Context(), dir, broker.Options{Clock: func() time.Time { return inLent }})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if err := b.Ready(context.Background()); err == nil {
		t.Error("a closed district says that it is ready")
	}
}

func TestWithoutRecordsAPartnerIsToldToComeBack(t *testing.T) {
	t.Parallel()
	d := emptyTown(t, time.Date(2025, 8, 15, 12, 0, 0, 0, time.UTC)) // before the first school year
	f := townFiles()
	f["attendance"] = f["attendance"][:1]
	d.imported(f)
	d.partner("club")
	d.conclude(terms("club", "club"))
	a, err := d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: "current"})
	refused(t, a, err, broker.Unavailable)
}

func TestAnExpiredCallerIsNotAnswered(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	late := partnerOf("club")
	late.Expires = inLent
	a, err := d.Students(t.Context(), late, broker.StudentsRequest{Agreement: "club", Period: "current"})
	refused(t, a, err, broker.Unauthenticated)
	late.Expires = inLent.Add(time.Nanosecond)
	d.done(d.Students(t.Context(), late, broker.StudentsRequest{Agreement: "club", Period: "current"}))
}
