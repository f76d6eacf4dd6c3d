package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
)

// dropFolder is a folder into which a district's system puts its exports.
type dropFolder struct {
	load
	format string
	settle time.Duration
}

func (a *app) importNightlyCommand() *cobra.Command {
	var d dropFolder
	all := slices.DeleteFunc(a.formats(), func(f format) bool { return f.remote })
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.name
	}
	c := a.command(&cobra.Command{
		Use:   "nightly DROP-FOLDER",
		Short: "Load what lies ready in a drop folder: for a timer",
		Long: `nightly looks into a folder into which the information system drops its exports, each
a folder or a zip, and loads those that are ready, in the order of their names. An
export is ready when a file with its name and .done lies beside it or, without such
a file, when nothing in it has changed for --settle. A record family with an error,
or that would lose too many records, is held: what was loaded before stays, answers
say that it is stale, and the others are loaded.

A loaded export moves to loaded/, one that was held or rejected to held/, each with
its report (report.txt) and every finding by row (rows.csv). The exit code is 3 if
anything was held.`,
		Example: "  hallpass import nightly --dir district --format csv --snapshot active /srv/drop",
		Args:    cobra.ExactArgs(1),
	}, func(ctx context.Context, args []string) error { return a.importNightly(ctx, d, all, args[0]) })
	d.flags(c)
	d.declarations(c)
	for _, f := range all {
		if f.flags != nil {
			f.flags(c)
		}
	}
	c.Flags().StringVar(&d.format, "format", "csv", "what the exports are: "+strings.Join(names, ", "))
	c.Flags().DurationVar(&d.settle, "settle", 10*time.Minute, "how long an export without a .done file must lie unchanged")
	return c
}

func (a *app) importNightly(ctx context.Context, d dropFolder, all []format, folder string) error {
	at := slices.IndexFunc(all, func(f format) bool { return f.name == d.format })
	if at < 0 {
		return usage(errors.New("--format is none that hallpass import --help lists"))
	}
	d.degrade = true
	req, err := d.request("")
	if err != nil {
		return usage(err)
	}
	if req.Format, err = all[at].open(ctx, a); err != nil {
		return usage(err)
	}
	folder = a.path(folder)
	ready, err := readyIn(folder, time.Now().Add(-d.settle))
	if err != nil {
		return fmt.Errorf("looking into the drop folder: %w", err)
	}
	if len(ready) == 0 {
		a.say("Nothing lies ready in %s.", printable(folder))
		return nil
	}
	return a.withDistrict(ctx, d.place, func(ctx context.Context, b *broker.Broker) error {
		var worst error
		for _, name := range ready {
			held, err := a.loadDropped(ctx, b, req, folder, name)
			if err != nil {
				return err
			}
			worst = errors.Join(worst, held)
		}
		if worst != nil {
			return &failure{exitRejected, "read report.txt below held/ and mend the export", errors.New("at least one export was held, wholly or in part")}
		}
		return nil
	})
}

// loadDropped loads one export and moves it away with its report. held is not
// nil where it was not loaded whole.
func (a *app) loadDropped(ctx context.Context, b *broker.Broker, req broker.ImportRequest, folder, name string) (held, err error) {
	req.Path = filepath.Join(folder, name)
	if a.served == nil {
		defer boundMemory(req.Path)()
	}
	result, err := b.Import(ctx, a.local(broker.RoleSteward), req)
	if err != nil {
		return nil, fmt.Errorf("importing %s: %w", printable(name), err)
	}
	to := "loaded"
	if result.Rejected || len(result.Report.Held) > 0 {
		to, held = "held", errors.New("held")
	}
	a.say("%s: %s", printable(name), outcomeWords(result))
	return held, moveWithReport(folder, name, to, result)
}

func outcomeWords(r broker.ImportResult) string {
	switch {
	case r.Unchanged:
		return "nothing new"
	case r.Rejected:
		return "held; nothing was loaded"
	case len(r.Report.Held) > 0:
		return fmt.Sprintf("loaded as version %d, %d record families held", r.Version, len(r.Report.Held))
	}
	return fmt.Sprintf("loaded as version %d", r.Version)
}

// readyIn lists the exports of a drop folder that are complete, in the order of
// their names.
func readyIn(folder string, settled time.Time) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var ready []string
	for _, e := range entries {
		if e.Name() == "loaded" || e.Name() == "held" || !e.IsDir() && strings.ToLower(filepath.Ext(e.Name())) != ".zip" {
			continue
		}
		path := filepath.Join(folder, e.Name())
		if _, err := os.Stat(path + ".done"); err == nil {
			ready = append(ready, e.Name())
			continue
		}
		newest, err := newestChange(path)
		if err != nil {
			return nil, err
		}
		if newest.Before(settled) {
			ready = append(ready, e.Name())
		}
	}
	return ready, nil
}

// newestChange is when anything of an export changed last.
func newestChange(path string) (newest time.Time, err error) {
	err = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
		return err
	})
	return newest, err
}

// moveWithReport puts an export and its report into a folder of its own below
// loaded or held; a name that was there before gets a number.
func moveWithReport(folder, name, to string, result broker.ImportResult) error {
	place := filepath.Join(folder, to, name)
	for n := 2; ; n++ {
		if _, err := os.Lstat(place); errors.Is(err, fs.ErrNotExist) {
			break
		}
		place = filepath.Join(folder, to, fmt.Sprintf("%s-%d", name, n))
	}
	if err := os.MkdirAll(place, 0o700); err != nil {
		return fmt.Errorf("making a place for the report: %w", err)
	}
	report := func(w io.Writer) error { return writeResult(w, result) }
	err := errors.Join(
		writePrivate(filepath.Join(place, "report.txt"), report),
		writePrivate(filepath.Join(place, "rows.csv"), result.Report.WriteRows),
		os.Rename(filepath.Join(folder, name), filepath.Join(place, name)),
	)
	if gone := os.Remove(filepath.Join(folder, name+".done")); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	if err != nil {
		return fmt.Errorf("moving %s away: %w", printable(name), err)
	}
	return nil
}
