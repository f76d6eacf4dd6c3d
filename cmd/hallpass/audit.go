package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/store"
)

func (a *app) auditCommand() *cobra.Command {
	return a.group(&cobra.Command{
		Use:   "audit",
		Short: "Read, check and prove the log",
		Example: `  hallpass audit list --dir district --from 100
  hallpass audit verify --dir district`,
	}, a.auditListCommand(), a.auditVerifyCommand(), a.auditProveCommand(), a.auditExportCommand())
}

// auditVerb is a command about the log of a district.
func (a *app) auditVerb(c *cobra.Command, do func(ctx context.Context, b *broker.Broker, args []string) error) *cobra.Command {
	var p place
	c = a.command(c, func(ctx context.Context, args []string) error {
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error { return do(ctx, b, args) })
	})
	p.flags(c)
	return c
}

func (a *app) auditVerifyCommand() *cobra.Command {
	return a.auditVerb(&cobra.Command{
		Use:   "verify",
		Short: "Recompute the log and compare it with what was signed",
		Long: `verify recomputes every hash from the leaves, compares the tree with the newest
signed checkpoint, and opens each entry that can be opened against its leaf. Exit
code 6 means that something does not agree; the first place is named.`,
		Example: "  hallpass audit verify --dir district",
		Args:    cobra.NoArgs,
	}, func(ctx context.Context, b *broker.Broker, _ []string) error {
		size, err := b.LogSize(ctx)
		if err == nil && size > 0 {
			_, err = b.VerifyLog(ctx, a.progress("verifying the log"))
		}
		if err != nil {
			return unproven(err)
		}
		return a.show(map[string]any{"verifies": true, "origin": b.Settings().Origin, "size": size}, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "The log of %s verifies: %s.\n", b.Settings().Origin, entries(int(size)))
			return err
		})
	})
}

// unproven gives the error of a check its exit code: what is not the store's
// trouble is a log that does not agree with itself.
func unproven(err error) error {
	code, next := classify(err)
	if code == exitUnavailable && !errors.Is(err, store.ErrCorrupt) || code == exitUnproven {
		return err
	}
	if code == exitFailed {
		code, next = exitUnproven, "keep the directory as it is, stop the service, and compare with your newest backup"
	}
	return &failure{code, next, fmt.Errorf("the log does not verify: %w", err)}
}

func (a *app) auditProveCommand() *cobra.Command {
	var out string
	c := a.auditVerb(&cobra.Command{
		Use:   "prove INDEX",
		Short: "Print the receipt of an entry",
		Long: `prove prints an entry's receipt under the newest checkpoint. hallpass-verify checks
it with nothing else than the district's public log key.`,
		Example: `  hallpass audit prove 17 --dir district --out receipt.json
  hallpass-verify receipt receipt.json --key district/keys/log.pub`,
		Args: cobra.ExactArgs(1),
	}, func(ctx context.Context, b *broker.Broker, args []string) error {
		index, err := strconv.ParseUint(args[0], 10, 64)
		if err != nil {
			return usage(errors.New("INDEX is the number of an entry, as hallpass audit list shows it"))
		}
		receipt, err := b.Prove(ctx, index)
		if errors.Is(err, broker.NotAvailable) {
			return &failure{exitRefused, "hallpass audit list shows which entries there are", fmt.Errorf("entry %d is not in the log, or its key was destroyed", index)}
		}
		if err != nil {
			return err
		}
		return a.keep(out, receipt)
	})
	c.Flags().StringVar(&out, "out", "", "write to this `file` instead")
	return c
}

// keep writes a document to a file that is not there yet, or to standard
// output.
func (a *app) keep(path string, text []byte) error {
	if path == "" {
		_, err := a.stdout.Write(append(text, '\n'))
		return err
	}
	f, err := os.OpenFile(a.path(path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing the document: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		a.say("Wrote %s.", path)
	}
	return err
}

func (a *app) auditExportCommand() *cobra.Command {
	return a.auditVerb(&cobra.Command{
		Use:   "export DIR",
		Short: "Write the log, opened, into a new directory",
		Long: `export writes tiles, leaves and opened entries in the form that hallpass-verify log
checks. The entries name people: keep the directory as safe as the district's own.`,
		Example: `  hallpass audit export export/ --dir district
  hallpass-verify log export/ --key district/keys/log.pub`,
		Args: cobra.ExactArgs(1),
	}, func(ctx context.Context, b *broker.Broker, args []string) error {
		size, err := b.ExportLog(ctx, a.local(broker.RoleAuditor), a.path(args[0]), a.progress("exporting the log"))
		if err != nil {
			return fmt.Errorf("exporting the log: %w", err)
		}
		return a.show(map[string]any{"dir": args[0], "size": size}, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "Wrote %s to %s.\n", entries(int(size)), args[0])
			return err
		})
	})
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return grouped(n) + " entries"
}

// grouped writes a number with its thousands apart.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
