package broker_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker"
)

// reopen closes a district and opens what lies in its directory.
func (d *made) reopen(change func(), options ...func(*broker.Options)) error {
	d.t.Helper()
	if err := d.Close(); err != nil {
		d.t.Fatal(err)
	}
	if change != nil {
		change()
	}
	o := broker.Options{Clock: d.clock.Now}
	withRules(d.t)(&o)
	for _, set := range options {
		set(&o)
	}
	b, err := broker.Open(d.t.Context(), d.dir, o)
	if err == nil {
		d.Broker = b
	}
	return err
}

// closed is a district in the making that the test itself opens and closes.
func closedMade(t *testing.T) *made {
	t.Helper()
	d := &made{&district{t: t, dir: filepath.Join(fastDir(t), "district"), clock: &clock{now: inSpring}}}
	err := broker.Init(t.Context(), d.dir, broker.Settings{Name: "Lakeview Schools", Host: "data.lakeview.example", TimeZone: "UTC", CreatedAt: inSpring})
	if err != nil {
		t.Fatal(err)
	}
	d.open(withRules(t))
	d.newPartner("river")
	return d
}

func TestAStoreRestoredFromAnOlderCopyIsRefused(t *testing.T) {
	t.Parallel()
	for name, restore := range map[string]struct {
		change func(t *testing.T, dir, copied string)
		want   error
	}{
		"an older store": {restoreFile("store.db"), broker.ErrRolledBack},
		"an older store and index": {func(t *testing.T, dir, copied string) {
			restoreFile("store.db")(t, dir, copied)
			restoreFile("keys.db")(t, dir, copied)
		}, broker.ErrRolledBack},
		"an older checkpoint":  {restoreFile("last-signed"), nil},
		"everything as it was": {func(*testing.T, string, string) {}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := closedMade(t)
			copied := filepath.Join(fastDir(t), "copy")
			if err := d.reopen(func() { copyDistrict(t, d.dir, copied) }); err != nil {
				t.Fatal(err)
			}
			d.newPartner("lake")
			err := d.reopen(func() { restore.change(t, d.dir, copied) })
			if !errors.Is(err, restore.want) {
				t.Errorf("opening gave %v, not %v", err, restore.want)
			}
			if err == nil {
				d.verify()
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func restoreFile(name string) func(*testing.T, string, string) {
	return func(t *testing.T, dir, copied string) {
		old, err := os.ReadFile(filepath.Join(copied, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), old, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A store that grew another way from an older copy has as many entries as were
// signed, and another root.
func TestAStoreThatGrewAnotherWayIsRefused(t *testing.T) {
	t.Parallel()
	d := closedMade(t)
	fork := &made{&district{t: t, dir: filepath.Join(fastDir(t), "fork"), clock: d.clock}}
	if err := d.reopen(func() { copyDistrict(t, d.dir, fork.dir) }); err != nil {
		t.Fatal(err)
	}
	d.newPartner("lake")
	fork.open(withRules(t))
	for _, id := range []string{"hill", "wood", "moor"} {
		fork.newPartner(id)
	}
	if err := fork.Close(); err != nil {
		t.Fatal(err)
	}
	err := d.reopen(func() { restoreFile("store.db")(t, d.dir, fork.dir) })
	if !errors.Is(err, broker.ErrRolledBack) {
		t.Errorf("opening gave %v, not ErrRolledBack", err)
	}
}

func TestAClockThatJumpedADayRefusesToStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ahead  time.Duration
		accept bool
		want   error
	}{
		"a day ahead":                     {24 * time.Hour, false, nil},
		"over a day ahead":                {24*time.Hour + time.Second, false, broker.ErrClockJump},
		"over a day ahead, and confirmed": {30 * 24 * time.Hour, true, nil},
		"an hour behind":                  {-time.Hour, false, nil},
		"a year behind":                   {-365 * 24 * time.Hour, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := closedMade(t)
			err := d.reopen(func() { d.clock.Set(inSpring.Add(c.ahead)) }, func(o *broker.Options) { o.AcceptClockJump = c.accept })
			if !errors.Is(err, c.want) {
				t.Errorf("opening gave %v, not %v", err, c.want)
			}
			if err == nil {
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Turning the clock back revives nothing that had ended, while the district
// serves and after it was started again.
func TestAClockThatGoesBackRevivesNothing(t *testing.T) {
	t.Parallel()
	ends := map[string]func(*made, kid, grant){
		"a consent that had expired": func(d *made, _ kid, _ grant) {
			d.clock.Set(inSpring.AddDate(2, 0, 0))
			_, _ = d.ask(t.Context(), "a1") // the log notes the time
		},
		"a consent that was withdrawn": func(d *made, k kid, g grant) {
			d.clock.Set(inSpring.Add(2*time.Hour + 700*time.Microsecond)) // the log counts milliseconds
			d.withdraw(g.ID, k)
		},
	}
	for name, end := range ends {
		for _, restart := range []bool{false, true} {
			t.Run(name+map[bool]string{false: ", while serving", true: ", after a start"}[restart], func(t *testing.T) {
				t.Parallel()
				d, kids, grants := agreed(t)
				if got := d.students("a1", "river").refs(); !slices.Contains(got, kids[0].ref()) {
					t.Fatalf("the row is not there to begin with: %v", got)
				}
				end(d, kids[0], grants[0])
				back := func() { d.clock.Set(inSpring.Add(90 * time.Minute)) }
				if restart {
					if err := d.reopen(back); err != nil {
						t.Fatalf("refused to start: %v", err)
					}
				}
				back()
				a, err := d.ask(t.Context(), "a1")
				if err == nil && shows(t, a.Body(), kids[0]) {
					t.Error("the row is back after the clock went back")
				}
				a.Drop()
			})
		}
	}
}

func TestTimeInTheLogNeverDecreases(t *testing.T) {
	t.Parallel()
	d := newMade(t, inSpring)
	rapid.Check(t, func(r *rapid.T) {
		d.clock.Set(inSpring.Add(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(20*time.Hour)).Draw(r, "now"))))
		d.done(d.Entries(t.Context(), auditor, broker.EntriesRequest{Limit: 1}))
	})
	last := time.Time{}
	for from := uint64(0); ; from += 1000 {
		page := data[struct {
			Entries []struct {
				Time time.Time `json:"time"`
			} `json:"entries"`
		}](t, d.must(d.Entries(t.Context(), auditor, broker.EntriesRequest{From: from, Limit: 1000})))
		for i, e := range page.Entries {
			if e.Time.Before(last) {
				t.Fatalf("entry %d is at %v, after one at %v", from+uint64(i), e.Time, last)
			}
			last = e.Time
		}
		if len(page.Entries) < 1000 {
			return
		}
	}
}
