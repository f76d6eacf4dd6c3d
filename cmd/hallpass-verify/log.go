package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker/tlog"
)

func logCommand(output *string) *cobra.Command {
	var key string
	var older []string
	cmd := &cobra.Command{
		Use:   "log DIR",
		Short: "Check a whole exported log",
		Long: `Check every byte of a directory that "hallpass audit export" wrote: the signed
checkpoint, the hash tiles, each leaf, and each opened entry against its leaf.
The first place that does not verify is named.

By itself an export cannot show that the log was not cut back to an earlier
signed state. Keep checkpoints and give them with --older.`,
		Example: `  hallpass-verify log export/ --key lakeview.pub
  hallpass-verify log export/ --key lakeview.pub --older checkpoint-of-march --output json`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return checkLog(cmd.OutOrStdout(), *output, args[0], key, older)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the district's public log key, or a file with it (required)")
	cmd.Flags().StringArrayVar(&older, "older", nil, "file with a checkpoint that was kept; may be given again")
	return cmd
}

func checkLog(stdout io.Writer, output, dir, key string, older []string) error {
	verifier, err := readKey(key)
	if err != nil {
		return err
	}
	if info, err := os.Stat(dir); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%s: not a directory; give the directory that was exported", dir)
	}
	var options tlog.ExportOptions
	for _, path := range older {
		signed, err := readSmall(path)
		if err != nil {
			return err
		}
		options.Older = append(options.Older, signed)
	}
	sum, err := tlog.VerifyExport(os.DirFS(dir), verifier, options)
	if err != nil {
		return err
	}
	return printLog(stdout, output, sum, len(older))
}

func printLog(w io.Writer, output string, s tlog.Summary, older int) error {
	r := report{
		Verifies: true, Origin: s.Checkpoint.Origin, Simulated: s.Checkpoint.Simulated(), Size: s.Checkpoint.Size,
		Root: s.Checkpoint.Root.String(), Destroyed: &s.Destroyed,
	}
	if r.Size > 0 {
		r.FirstEntry, r.LastEntry = stamp(s.First), stamp(s.Last)
	}
	if output == jsonOutput {
		return writeJSON(w, r)
	}
	if _, err := fmt.Fprintln(w, "The log verifies."); err != nil {
		return err
	}
	kept := "none given: a log cut back to an earlier state would verify too"
	if older > 0 {
		kept = fmt.Sprintf("the log continues all %d", older)
	}
	return printLines(w, [][2]string{
		{"log", simulatedMark(r)},
		{"entries", fmt.Sprintf("%d, %d of them destroyed", r.Size, s.Destroyed)},
		{"first", r.FirstEntry},
		{"last", r.LastEntry},
		{"root", r.Root},
		{"kept", kept},
	})
}
