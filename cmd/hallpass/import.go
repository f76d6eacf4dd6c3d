package main

import (
	"context"
	"errors"
	"fmt"

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
	dryRun, acceptErrors           bool
}

func (a *app) importCommand() *cobra.Command {
	return a.group(&cobra.Command{
		Use:     "import",
		Short:   "Load a district's records",
		Example: "  hallpass import csv --dir district --snapshot active export/",
	}, a.importCSVCommand())
}

func (a *app) importCSVCommand() *cobra.Command {
	var l load
	c := a.command(&cobra.Command{
		Use:   "csv FOLDER|ZIP",
		Short: "Load an export in the plain CSV form",
		Long: `csv loads a folder or a zip of plain CSV files: UTF-8, a header row, columns in any
order, dates as 2026-11-21. Required (columns in brackets are optional):

  schools.csv       school_id, name [level]
  sessions.csv      session_id, title, type, start, end [parent]
  students.csv      student_id, given_name, family_name, birthdate [sex, race_ethnicity,
                    english_learner, special_education, economically_disadvantaged]
  enrollments.csv   student_id, school_id, entry [exit, grade_level, primary]

Optional: calendar.csv, attendance.csv, attendance_summary.csv, discipline.csv,
grades.csv, guardians.csv, public_totals.csv, merges.csv.

The report says of each fault the file, row and column and how to mend it. An
error row keeps the whole import out (exit code 3) unless --accept-error-rows; a
warning row goes in. An import is all or nothing, and the same files twice change
nothing. --snapshot says what a student who is not in the files means: in an
export of active students a leaver, whose records stay (active); in a full export
one who is to go from the years in the files (all).`,
		Example: `  hallpass import csv --dir district --snapshot active --dry-run export/
  hallpass import csv --dir district --snapshot all --attendance every-day export-2025-26.zip`,
		Args: cobra.ExactArgs(1),
	}, func(ctx context.Context, args []string) error { return a.importCSV(ctx, l, args[0]) })
	l.flags(c)
	flags := c.Flags()
	flags.StringVar(&l.snapshot, "snapshot", "", "which students the files list: active or all (required)")
	flags.StringVar(&l.attendance, "attendance", "exceptions", "which days attendance.csv lists: exceptions or every-day")
	flags.StringVar(&l.exported, "exported", "", "last `day` the files speak of (default today)")
	flags.BoolVar(&l.dryRun, "dry-run", false, "check and report, change nothing")
	flags.BoolVar(&l.acceptErrors, "accept-error-rows", false, "load the good rows although there are bad ones")
	// MarkFlagRequired fails only for a flag that does not exist.
	_ = c.MarkFlagRequired("snapshot")
	return c
}

// request checks what was declared.
func (l load) request(path string) (broker.ImportRequest, error) {
	req := broker.ImportRequest{Path: path, AcceptErrorRows: l.acceptErrors, DryRun: l.dryRun}
	req.Options.Snapshot = ingest.Snapshot(l.snapshot)
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
	return req, nil
}

func (a *app) importCSV(ctx context.Context, l load, path string) error {
	req, err := l.request(a.path(path))
	if err != nil {
		return usage(err)
	}
	return a.withDistrict(ctx, l.place, func(ctx context.Context, b *broker.Broker) error {
		result, err := b.Import(ctx, a.local(broker.RoleSteward), req)
		if err != nil {
			return fmt.Errorf("importing: %w", err)
		}
		if err := a.show(result, result.Report.Write); err != nil {
			return err
		}
		return a.imported(result)
	})
}

// imported says what became of an import, as an error if it was rejected.
func (a *app) imported(r broker.ImportResult) error {
	switch {
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
	default:
		a.say("Imported as data version %d.", r.Version)
	}
	return nil
}
