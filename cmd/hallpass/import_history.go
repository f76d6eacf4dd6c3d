package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

func (a *app) importListCommand() *cobra.Command {
	var p place
	c := a.command(&cobra.Command{
		Use:     "list",
		Short:   "List the loads of a district, newest first",
		Example: "  hallpass import list --dir district",
		Args:    cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error {
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error {
			list, err := b.Loads(ctx, a.local(broker.RoleSteward))
			if err != nil {
				return fmt.Errorf("listing the loads: %w", err)
			}
			return a.show(map[string]any{"loads": list}, func(w io.Writer) error { return writeLoads(w, list) })
		})
	})
	p.flags(c)
	return c
}

func writeLoads(w io.Writer, list []broker.Load) error {
	rows := [][]string{{"version", "at", "by", "format", "what", "held"}}
	for _, l := range list {
		what := loadWords(l)
		if l.Current {
			what += " (in use)"
		}
		rows = append(rows, []string{
			strconv.FormatUint(l.Version, 10), l.At.Format("2006-01-02 15:04"), l.By, l.Format, what, strconv.Itoa(len(l.Held)),
		})
	}
	return table(w, rows...)
}

func loadWords(l broker.Load) string {
	switch l.Event {
	case tlog.ImportUndone:
		return fmt.Sprintf("undid version %d", l.Undoes)
	case tlog.ImportHeld:
		return "held, nothing loaded"
	}
	return "loaded"
}

func (a *app) importShowCommand() *cobra.Command {
	var p place
	c := a.command(&cobra.Command{
		Use:     "show VERSION",
		Short:   "Show one load: who, when, which files, what it found and changed",
		Example: "  hallpass import show 12 --dir district",
		Args:    cobra.ExactArgs(1),
	}, func(ctx context.Context, args []string) error {
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error {
			list, err := b.Loads(ctx, a.local(broker.RoleSteward))
			if err != nil {
				return fmt.Errorf("reading the loads: %w", err)
			}
			for _, l := range list {
				if strconv.FormatUint(l.Version, 10) == args[0] {
					return a.show(l, func(w io.Writer) error { return writeLoad(w, l) })
				}
			}
			return &failure{exitFailed, "hallpass import list shows the versions", fmt.Errorf("there is no load of version %s", printable(args[0]))}
		})
	})
	p.flags(c)
	return c
}

func writeLoad(w io.Writer, l broker.Load) error {
	fmt.Fprintf(w, "version %d, %s by %s, %s (%s)\n", l.Version, l.At.Format("2006-01-02 15:04"), printable(l.By), loadWords(l), l.Format)
	rows := [][]string{{"file", "bytes", "sha256"}}
	for _, s := range l.Sources {
		rows = append(rows, []string{s.Name, strconv.FormatInt(s.Bytes, 10), s.SHA256})
	}
	if err := table(w, rows...); err != nil {
		return err
	}
	rows = [][]string{{"rows of", "good", "warnings", "errors", "added", "changed", "removed"}}
	for _, f := range l.Files {
		line := []string{f.Name, strconv.Itoa(f.Good), strconv.Itoa(f.Warnings), strconv.Itoa(f.Errors)}
		if l.Changes != nil {
			d := l.Changes.Files[f.Name]
			line = append(line, strconv.Itoa(d.Added), strconv.Itoa(d.Changed), strconv.Itoa(d.Removed))
		}
		rows = append(rows, line)
	}
	if err := table(w, rows...); err != nil {
		return err
	}
	for _, h := range l.Held {
		if _, err := fmt.Fprintf(w, "held: %s: %s\n", h.Family, h.Why); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) importUndoCommand() *cobra.Command {
	var p place
	c := a.command(&cobra.Command{
		Use:   "undo",
		Short: "Make the records count again that counted before the newest load",
		Long: `undo goes back to the version before the newest load. It is a load of its own: it is
recorded, and may be undone. Ten versions are kept. A load that joined the files of
two students cannot be undone.`,
		Example: "  hallpass import undo --dir district",
		Args:    cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error {
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error {
			version, err := b.Undo(ctx, a.local(broker.RoleSteward))
			if err != nil {
				return fmt.Errorf("undoing the newest load: %w", err)
			}
			a.say("Undone: data version %d is as it was before.", version)
			return nil
		})
	})
	p.flags(c)
	return c
}

func (a *app) importApproveCommand() *cobra.Command {
	var p place
	c := a.command(&cobra.Command{
		Use:   "approve DIGEST",
		Short: "Let a load in that waits for a second person",
		Long: `approve lets the files in that a load held because too many records would go or
because they look unlike the last loads. DIGEST is what that load named. It takes
another person than the one who loaded or, in an office of one, the same person
after twelve hours, which the log says. Load the same files again afterwards.`,
		Example: "  hallpass import approve 5f0c…e1 --dir district",
		Args:    cobra.ExactArgs(1),
	}, func(ctx context.Context, args []string) error {
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error {
			if err := b.ApproveImport(ctx, a.local(broker.RoleSteward), args[0]); err != nil {
				return fmt.Errorf("approving: %w", err)
			}
			a.say("Approved. Load the same files again.")
			return nil
		})
	})
	p.flags(c)
	return c
}

func (a *app) importRolloverCommand() *cobra.Command {
	var (
		p        place
		from, to string
	)
	c := a.command(&cobra.Command{
		Use:   "rollover",
		Short: "Plan the days on which the information system changes to the next school year",
		Long: `rollover plans a window of at most sixty days in which students may leave and schools
may change by the hundred without a second person. It must lie ahead.`,
		Example: "  hallpass import rollover --dir district --from 2026-07-01 --to 2026-07-31",
		Args:    cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error {
		first, err1 := civil.Parse(from)
		last, err2 := civil.Parse(to)
		if err1 != nil || err2 != nil {
			return usage(errors.New("--from and --to are days; write 2026-07-01"))
		}
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error {
			if err := b.PlanRollover(ctx, a.local(broker.RoleSteward), broker.Rollover{From: first, To: last}); err != nil {
				return fmt.Errorf("planning the rollover: %w", err)
			}
			a.say("Planned from %s to %s.", first, last)
			return nil
		})
	})
	p.flags(c)
	c.Flags().StringVar(&from, "from", "", "first `day` (required)")
	c.Flags().StringVar(&to, "to", "", "last `day` (required)")
	for _, name := range []string{"from", "to"} {
		// MarkFlagRequired fails only for a flag that does not exist.
		_ = c.MarkFlagRequired(name)
	}
	return c
}
