package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
)

func (a *app) restoreCommand() *cobra.Command {
	return a.group(&cobra.Command{
		Use:   "restore",
		Short: "Bring a district back from an older copy without forgetting a withdrawal",
		Long: `A store that is older than what was signed is refused: families may have withdrawn
since. Put back the newest store if it exists. If it is lost:

  1. hallpass restore begin    says that the old copy was put back on purpose. A new
                               log key takes over, and the log says what is missing.
  2. hallpass serve            serves everything but records of students.
  3. hallpass restore replay   does the withdrawals of the withdrawal journal again;
                               when none is missing, records leave again.
     hallpass restore open     or an officer's word that all was checked by hand.`,
	}, a.restoreBegin(), a.restoreReplay(), a.restoreOpen())
}

func (a *app) restoreBegin() *cobra.Command {
	var p place
	var reason string
	c := a.command(&cobra.Command{
		Use:   "begin",
		Short: "Declare that an older copy was put back on purpose",
		Long: `begin cannot be taken back: the log goes on from the copy, under a new key, and its
next entry carries the last checkpoint of the old key. Hand the new keys/log.pub out;
receipts of before are checked with the keys/log-until-….pub that it leaves.`,
		Example: `  hallpass restore begin --dir district --anchor /mnt/other/anchor --withdrawal-journal /mnt/other/journal --reason "disk failed; copy of Sunday"`,
		Args:    cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error {
		p.dir = a.path(p.dir)
		o := a.options(p)
		o.Restore = &broker.RestoreOrder{By: a.person, Reason: reason}
		b, err := a.open(ctx, p.dir, o, func() error { return alone(ctx, p.dir) })
		if err != nil {
			return err
		}
		return errors.Join(a.show(restoredDistrict{"restored", false}, restoredDistrict{"restored", false}.human), b.Close())
	})
	p.flags(c)
	reasonFlag(c, &reason, "which copy was put back, and why (required)")
	return c
}

func reasonFlag(c *cobra.Command, reason *string, what string) {
	c.Flags().StringVar(reason, "reason", "", what)
	// MarkFlagRequired fails only for a flag that does not exist.
	_ = c.MarkFlagRequired("reason")
}

// restoredDistrict is how a restored district stands.
type restoredDistrict struct {
	State string `json:"state"`
	Open  bool   `json:"open"`
}

func (d restoredDistrict) human(w io.Writer) error {
	if d.Open {
		_, err := fmt.Fprintln(w, "Records of students leave again.")
		return err
	}
	_, err := fmt.Fprintln(w, `The district is restored. No records of students leave until its withdrawals are made good.

Next:
  hallpass restore replay --journal FILE`)
	return err
}

func (a *app) restoreReplay() *cobra.Command {
	var p place
	var journal string
	c := a.command(&cobra.Command{
		Use:     "replay",
		Short:   "Do the withdrawals of the withdrawal journal again",
		Example: `  hallpass restore replay --dir district --journal /mnt/other/journal`,
		Args:    cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error {
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error {
			r, err := b.ReplayJournal(ctx, a.person, a.path(journal))
			if err != nil {
				return err
			}
			replayed := replayReport{r}
			if err := a.show(r, replayed.human); err != nil || r.Open {
				return err
			}
			return &failure{exitRejected, "see docs/restoring.md", errors.New("records of students do not leave yet")}
		})
	})
	p.flags(c)
	c.Flags().StringVar(&journal, "journal", "", "`file` of the withdrawal journal (required)")
	// MarkFlagRequired fails only for a flag that does not exist.
	_ = c.MarkFlagRequired("journal")
	return c
}

type replayReport struct{ *broker.Replay }

func (r replayReport) human(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%d lines newer than the store: %d done again, %d stood already, %d end what the store does not have.\n", r.Lines, r.Done, r.Already, r.Nothing)
	if err == nil && r.Undone > 0 {
		_, err = fmt.Fprintf(w, "%d are about students or partners whom the store does not know: load the newest export, then replay again.\n", r.Undone)
	}
	if err == nil && r.Missing > 0 {
		_, err = fmt.Fprintf(w, "%d that the anchor counts are not in the journal: look for them by hand, then hallpass restore open.\n", r.Missing)
	}
	if err == nil && !r.Counted {
		_, err = fmt.Fprintln(w, "No anchor says how many there were: see that the journal is whole, then hallpass restore open.")
	}
	if err == nil && r.Open {
		return restoredDistrict{"open", true}.human(w)
	}
	return err
}

func (a *app) restoreOpen() *cobra.Command {
	var p place
	var reason string
	c := a.command(&cobra.Command{
		Use:     "open",
		Short:   "Let records of students leave by an officer's word",
		Long:    `open is for what no journal can tell: an officer has checked with families, or on paper, what was withdrawn since the copy, and has entered it. The word is recorded.`,
		Example: `  hallpass restore open --dir district --reason "all forms since Sunday were entered again; checked by O. Okafor"`,
		Args:    cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error {
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error {
			if err := b.OpenRestored(ctx, a.person, reason); err != nil {
				return err
			}
			return a.show(restoredDistrict{"open", true}, restoredDistrict{"open", true}.human)
		})
	})
	p.flags(c)
	reasonFlag(c, &reason, "how it was checked, and by whom (required)")
	return c
}
