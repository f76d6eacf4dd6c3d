package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// founding is what a district is made from.
type founding struct{ dir, name, host, zone, clock string }

func (a *app) initCommand() *cobra.Command {
	var f founding
	c := a.command(&cobra.Command{
		Use:   "init [DIR]",
		Short: "Make a district's directory: store, keys and settings",
		Long: `init makes a directory with an empty store, keys.db and the key files (mode 0600).
It refuses a directory that is there and not empty. Name, host, time zone and
simulation are the district's for good: the log is named by them.

Back store.db up apart from keys.db and keys/: without the keys it opens nothing.
Hand out keys/log.pub: with it anybody can check receipts and the log.`,
		Example: `  hallpass init --dir district --name "Lakeview Schools" --host data.lakeview.example --timezone America/Chicago
  hallpass init --dir past --name "Lakeview Schools" --host data.lakeview.example --timezone Europe/Lisbon --simulated-clock 2006-06-30`,
		Args: cobra.MaximumNArgs(1),
	}, func(ctx context.Context, args []string) error {
		if len(args) > 0 && f.dir == "" {
			f.dir = args[0]
		} else if len(args) > 0 {
			return usage(errors.New("name the directory once: as DIR or with --dir"))
		}
		return a.found(ctx, f)
	})
	flags := c.Flags()
	flags.StringVar(&f.dir, "dir", "", "directory to make")
	flags.StringVar(&f.name, "name", "", "name of the district (required)")
	flags.StringVar(&f.host, "host", "", "host name of its service, such as data.lakeview.example (required)")
	flags.StringVar(&f.zone, "timezone", "", "IANA time zone, such as America/Chicago (required)")
	flags.StringVar(&f.clock, "simulated-clock", "", "make a district for old data or tests whose clock starts at this `time` (2006-06-30, read as noon UTC, or 2006-06-30T12:00:00Z) and which says so everywhere")
	for _, required := range []string{"name", "host", "timezone"} {
		// MarkFlagRequired fails only for a flag that does not exist.
		_ = c.MarkFlagRequired(required)
	}
	return c
}

// settings checks what was given. A simulated district is made in its own
// time: a log never goes back behind its first entry.
func (f founding) settings(now time.Time) (broker.Settings, error) {
	s := broker.Settings{Name: f.name, Host: f.host, TimeZone: f.zone, CreatedAt: now.UTC()}
	if f.dir == "" {
		return s, errors.New("name the directory to make with --dir")
	}
	if f.name == "" {
		return s, errors.New("--name is empty; give the district's name")
	}
	if _, err := time.LoadLocation(f.zone); err != nil || f.zone == "" || f.zone == "Local" {
		return s, errors.New("--timezone is not in the IANA list; give one such as America/Chicago")
	}
	if _, err := tlog.Origin(f.host, false); err != nil {
		return s, errors.New("--host is not a host name; use lower-case letters, digits, dots and hyphens, such as data.lakeview.example")
	}
	var err error
	s.Simulated, err = instant("--simulated-clock", f.clock)
	if s.IsSimulated() {
		s.CreatedAt = s.Simulated
	}
	return s, err
}

// instant reads a time of the command line; a day is its noon, UTC, which is
// that day nearly everywhere. Nothing is the zero time.
func instant(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := civil.Parse(text); err == nil {
		return day.Time().Add(12 * time.Hour), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%s is not a time; write 2006-06-30 or 2006-06-30T12:00:00Z", flag)
	}
	return t.UTC(), nil
}

// made is what init reports.
type made struct {
	Dir       string    `json:"dir"`
	Name      string    `json:"name"`
	Origin    string    `json:"origin"`
	Issuer    string    `json:"issuer"`
	TimeZone  string    `json:"time_zone"`
	Simulated time.Time `json:"simulated,omitzero"`
	LogKey    string    `json:"log_key"`
}

func (a *app) found(ctx context.Context, f founding) error {
	s, err := f.settings(time.Now())
	if err != nil {
		return usage(err)
	}
	if err := makeDistrict(ctx, a.path(f.dir), s); err != nil {
		return err
	}
	s.Origin, _ = tlog.Origin(s.Host, s.IsSimulated()) // Init has taken it
	m := made{f.dir, s.Name, s.Origin, s.Issuer(), s.TimeZone, s.Simulated, broker.LogKeyPath(f.dir)}
	return a.show(m, m.human)
}

func (m made) human(w io.Writer) error {
	simulated := ""
	if !m.Simulated.IsZero() {
		simulated = fmt.Sprintf("\nIts clock is SIMULATED and starts at %s; every answer and checkpoint says so.\n", m.Simulated.Format(time.RFC3339))
	}
	_, err := fmt.Fprintf(w, `Made the district %s in %s.
Its log is %s; hand its public key out: %s
%s
Next:
  hallpass import csv --dir %s --snapshot active --dry-run FOLDER
  hallpass serve --dir %s
`, m.Name, m.Dir, m.Origin, m.LogKey, simulated, m.Dir, m.Dir)
	return err
}

// makeDistrict makes a district's directory where nothing is yet.
func makeDistrict(ctx context.Context, dir string, s broker.Settings) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return &failure{exitFailed, "choose a directory that does not exist yet", fmt.Errorf("%s is not empty, so no district was made there", dir)}
	}
	if err := broker.Init(ctx, dir, s); err != nil {
		return fmt.Errorf("making the district: %w", err)
	}
	return nil
}
