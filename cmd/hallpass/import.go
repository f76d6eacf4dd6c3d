package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// load is what the steward declares of an export.
type load struct {
	place
	snapshot, attendance, exported string
	schoolYear                     string
	final                          []string
	removals                       []string
	rows                           string
	dryRun, acceptErrors, degrade  bool
}

func (a *app) importCommand() *cobra.Command {
	c := a.group(&cobra.Command{
		Use:     "import",
		Short:   "Load a district's records",
		Example: "  hallpass import csv --dir district --snapshot active export/",
	})
	for _, f := range a.formats() {
		c.AddCommand(a.importFormatCommand(f))
	}
	c.AddCommand(a.importMapCommand(), a.importParticipationCommand(), a.importListCommand(), a.importShowCommand(), a.importUndoCommand(), a.importApproveCommand(), a.importRolloverCommand(), a.importNightlyCommand())
	return c
}

// declarations adds the flags by which a steward declares what an export is.
func (l *load) declarations(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&l.snapshot, "snapshot", "", "which students the files list: active or all (required)")
	flags.StringVar(&l.attendance, "attendance", "exceptions", "which days the attendance lists: exceptions or every-day")
	flags.StringVar(&l.schoolYear, "school-year", "", "first and last `day` of the school year where the export lists no sessions: 2025-08-11/2026-06-05")
	flags.StringSliceVar(&l.final, "final", nil, "`names` of the categories of final results, where the format has such")
	flags.StringSliceVar(&l.removals, "max-removed", nil, "percent of a family's records that may go without a second person: `grades=10` (default 5 each)")
	// MarkFlagRequired fails only for a flag that does not exist.
	_ = c.MarkFlagRequired("snapshot")
}

func (a *app) importFormatCommand(f format) *cobra.Command {
	var l load
	c := a.command(&cobra.Command{
		Use: f.name + " FOLDER|ZIP", Short: f.short, Long: f.long + reportText, Example: f.example, Args: cobra.ExactArgs(1),
	}, func(ctx context.Context, args []string) error { return a.importFiles(ctx, l, f, args) })
	if f.remote {
		c.Use, c.Args = f.name, cobra.NoArgs
	}
	l.flags(c)
	l.declarations(c)
	if f.flags != nil {
		f.flags(c)
	}
	flags := c.Flags()
	flags.StringVar(&l.exported, "exported", "", "last `day` the files speak of (default today)")
	flags.BoolVar(&l.dryRun, "dry-run", false, "check and report, change nothing")
	flags.BoolVar(&l.acceptErrors, "accept-error-rows", false, "load the good rows although there are bad ones")
	flags.BoolVar(&l.degrade, "degrade", false, "hold only the record families that have errors, and load the others")
	flags.StringVar(&l.rows, "rows", "", "write every finding with its row to this `file` (CSV)")
	return c
}

// reportText stands in the help of every format.
const reportText = `

The report says of each fault the file, row and field and how to mend it. An
error row keeps the whole import out (exit code 3) unless --accept-error-rows,
or its record family alone with --degrade; a warning row goes in. The same files
twice change nothing. --snapshot says what a student who is not in the files
means: in an export of active students a leaver, whose records stay (active); in
a full export one who is to go from the years in the files (all). A load that
would lose over 5 % of a family, or that looks unlike the last ten, waits for
hallpass import approve.`

// request checks what was declared.
func (l load) request(path string) (broker.ImportRequest, error) {
	req := broker.ImportRequest{Path: path, AcceptErrorRows: l.acceptErrors, DryRun: l.dryRun}
	req.Options.Snapshot, req.Options.Final, req.Options.Degrade = ingest.Snapshot(l.snapshot), l.final, l.degrade
	if req.Options.Snapshot != ingest.SnapshotActive && req.Options.Snapshot != ingest.SnapshotAll {
		return req, errors.New("--snapshot is active or all")
	}
	var err error
	if req.Options.Marking, err = records.ParseMarking(l.attendance); err != nil {
		return req, errors.New("--attendance is exceptions or every-day")
	}
	if l.exported != "" {
		if req.Options.ExportDate, err = civil.Parse(l.exported); err != nil {
			return req, errors.New("--exported is not a day; write 2026-11-21")
		}
	}
	if req.Options.SchoolYear, err = span(l.schoolYear); err != nil {
		return req, err
	}
	req.Removals, err = removals(l.removals)
	return req, err
}

func span(text string) (s ingest.Span, err error) {
	if text == "" {
		return s, nil
	}
	from, to, both := strings.Cut(text, "/")
	s.From, err = civil.Parse(from)
	to2, err2 := civil.Parse(to)
	if s.To = to2; !both || err != nil || err2 != nil {
		return s, errors.New("--school-year is not two days; write 2025-08-11/2026-06-05")
	}
	return s, nil
}

func removals(list []string) (broker.Removals, error) {
	limits := broker.Removals{}
	for _, entry := range list {
		name, text, _ := strings.Cut(entry, "=")
		percent, err := strconv.ParseFloat(text, 64)
		known := false
		for _, f := range ingest.Families() {
			known = known || string(f) == name
		}
		if err != nil || !known || percent < 0 || percent > 100 {
			return nil, errors.New("--max-removed is not a family and a percentage; write grades=10 (people, attendance, discipline, grades, guardians, totals)")
		}
		limits[ingest.Family(name)] = percent
	}
	return limits, nil
}

func (a *app) importFiles(ctx context.Context, l load, f format, args []string) error {
	path := ""
	if len(args) > 0 {
		path = a.path(args[0])
	}
	req, err := l.request(path)
	if err != nil {
		return usage(err)
	}
	if req.Format, err = f.open(ctx, a); err != nil {
		return usage(err)
	}
	req.Options.Progress = a.steps()
	return a.withDistrict(ctx, l.place, func(ctx context.Context, b *broker.Broker) error {
		if a.served == nil { // a service keeps its own pace
			defer boundMemory(path)()
		}
		result, err := b.Import(ctx, a.local(broker.RoleSteward), req)
		if err != nil {
			return fmt.Errorf("importing: %w", err)
		}
		if err := a.show(result, func(w io.Writer) error { return writeResult(w, result) }); err != nil {
			return err
		}
		if l.rows != "" {
			if err := writePrivate(a.path(l.rows), result.Report.WriteRows); err != nil {
				return fmt.Errorf("writing the rows: %w", err)
			}
		}
		return a.imported(result)
	})
}

// writeResult writes the check report and whose reports it changes.
func writeResult(w io.Writer, r broker.ImportResult) error {
	if err := r.Report.Write(w); err != nil || len(r.Effects) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(w, "\nReports that this affects:"); err != nil {
		return err
	}
	for _, e := range r.Effects {
		end := ""
		if e.Withheld {
			end = ": its row will be withheld"
		}
		if _, err := fmt.Fprintf(w, "  %s at school %s: from %d children to %d%s\n", printable(e.Agreement), printable(e.School), e.Was, e.Is, end); err != nil {
			return err
		}
	}
	return nil
}

// writePrivate writes a file that only its owner may read.
func writePrivate(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(filepath.Clean(path), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// imported says what became of an import, as an error if it was rejected.
func (a *app) imported(r broker.ImportResult) error {
	switch {
	case r.Doubted && r.Rejected:
		return &failure{
			exitRejected, "look at the export; if it is right, another person runs: hallpass import approve " + r.Content,
			errors.New("nothing was imported: the export needs a second person's approval"),
		}
	case r.Rejected && r.Report.Unusable():
		return &failure{exitRejected, "mend the files in the order above and import again", errors.New("nothing was imported: the files cannot be used")}
	case r.Rejected:
		return &failure{
			exitRejected, "mend the rows in the order above and import again, or leave them out with --accept-error-rows",
			errors.New("nothing was imported: there are rows in error"),
		}
	case r.Unchanged:
		a.say("Nothing to do: these very files are data version %d already.", r.Version)
	case r.DryRun:
		a.say("A dry run: nothing was changed. Import it without --dry-run.")
	case len(r.Report.Held) > 0:
		next := "mend what is held; the next load takes it in"
		if r.Doubted {
			next = "look at the export; if it is right, another person runs: hallpass import approve " + r.Content
		}
		return &failure{exitRejected, next, fmt.Errorf("imported as data version %d without the record families that are held", r.Version)}
	default:
		a.say("Imported as data version %d.", r.Version)
	}
	return nil
}
