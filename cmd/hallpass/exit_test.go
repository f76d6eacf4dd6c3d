package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/seal"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

func TestEveryErrorHasItsExitCode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		code int
	}{
		"done":                        {nil, exitDone},
		"anything else":               {errors.New("broken"), exitFailed},
		"a command line":              {usage(errors.New("what?")), exitUsage},
		"an invalid request":          {&broker.Error{Kind: broker.Invalid}, exitRejected},
		"a refusal":                   {&broker.Error{Kind: broker.Denied}, exitRefused},
		"what is not there":           {&broker.Error{Kind: broker.NotAvailable}, exitRefused},
		"a conflict":                  {&broker.Error{Kind: broker.Conflict}, exitFailed},
		"an answer that cannot be":    {&broker.Error{Kind: broker.Unavailable}, exitUnavailable},
		"a store in use":              {bolt.ErrInUse, exitUnavailable},
		"a damaged store":             {store.ErrCorrupt, exitUnavailable},
		"a sealed store":              {store.ErrSealed, exitUnavailable},
		"rows that do not open":       {seal.ErrOpen, exitUnavailable},
		"another district's keys":     {seal.ErrDistrictKey, exitUnavailable},
		"a store that was put back":   {broker.ErrRolledBack, exitUnavailable},
		"no district":                 {broker.ErrNoDistrict, exitUnavailable},
		"a log that does not verify":  {&tlog.Fault{Problem: "other root"}, exitUnproven},
		"another process's exit code": {remote(3), exitRejected},
		"nobody who reads":            {syscall.EPIPE, exitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.err != nil {
				c.err = fmt.Errorf("doing it: %w", c.err)
			}
			a := newConsole(t)
			if got := a.exit(c.err); got != c.code {
				t.Errorf("exit code %d, want %d", got, c.code)
			}
			if quiet := c.err == nil || c.code == exitRejected && name != "an invalid request" || name == "nobody who reads"; quiet != (a.err.Len() == 0) {
				t.Errorf("it says %q", a.err.String())
			}
		})
	}
}

func TestAStoreInTroubleComesWithANextStep(t *testing.T) {
	t.Parallel()
	for _, err := range []error{bolt.ErrInUse, store.ErrCorrupt, store.ErrSealed, seal.ErrOpen, seal.ErrDistrictKey, broker.ErrRolledBack, broker.ErrNoDistrict} {
		c := newConsole(t)
		c.exit(err)
		if !strings.Contains(c.err.String(), "\n  next: ") {
			t.Errorf("%v is told without a next step: %q", err, c.err.String())
		}
	}
}

func TestAnErrorCannotWriteControlCharacters(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.exit(errors.New("a name\x1b[31m\r\nwith a trick"))
	if got := strings.TrimSuffix(c.err.String(), "\n"); strings.ContainsAny(got, "\x1b\r\n") {
		t.Errorf("it wrote %q", got)
	}
}

func TestAStoreThatIsInUseIsRefusedWithCodeFive(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dir := c.district(t, "lakeview")
	opened(t, dir)
	c.wants(t, exitUnavailable, "open in another process", "audit", "list", "--dir", dir)
	c.wants(t, exitUnavailable, "admin.sock", "serve", "--dir", dir, "--listen", "127.0.0.1:0")
}

func TestADamagedDistrictIsRefusedWithCodeFive(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(dir string) error{
		"a store cut short":    func(dir string) error { return os.Truncate(filepath.Join(dir, "store.db"), 5000) },
		"no keys.db":           func(dir string) error { return os.Remove(filepath.Join(dir, "keys.db")) },
		"no district key":      func(dir string) error { return os.Remove(filepath.Join(dir, "keys", "district.key")) },
		"no log key":           func(dir string) error { return os.Remove(filepath.Join(dir, "keys", "log.key")) },
		"a token key for all":  func(dir string) error { return os.Chmod(filepath.Join(dir, "keys", "token.key"), 0o644) },
		"an empty token key":   func(dir string) error { return os.Truncate(filepath.Join(dir, "keys", "token.key"), 0) },
		"a foreign checkpoint": func(dir string) error { return os.WriteFile(filepath.Join(dir, "last-signed"), []byte("x"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newConsole(t)
			dir := c.district(t, "lakeview")
			if err := damage(dir); err != nil {
				t.Fatal(err)
			}
			c.wants(t, exitUnavailable, "next: ", "audit", "verify", "--dir", dir)
			c.wants(t, exitUnavailable, "next: ", "serve", "--dir", dir, "--listen", "127.0.0.1:0")
		})
	}
}

func TestAClockThatJumpedIsAskedAbout(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dir := filepath.Join(c.folder, "old")
	made := broker.Settings{Name: "Old", Host: "old.example", TimeZone: "UTC", CreatedAt: noon().AddDate(-1, 0, 0)}
	if err := broker.Init(t.Context(), dir, made); err != nil {
		t.Fatal(err)
	}
	c.wants(t, exitFailed, "again with --accept-clock-jump", "audit", "list", "--dir", dir)
	c.wants(t, exitDone, "district.created", "audit", "list", "--dir", dir, "--accept-clock-jump")
}
