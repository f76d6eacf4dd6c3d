package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailed  = 1 // a file could not be read
	exitUsage   = 2
	exitFault   = 6 // something does not verify; the first place is named
	humanOutput = "human"
	jsonOutput  = "json"
)

// errUsage marks an error of the command line.
var errUsage = errors.New("usage")

// run is the whole program: arguments in, text and exit code out.
func run(args []string, stdout, stderr io.Writer) int {
	var output string
	root := &cobra.Command{
		Use:   "hallpass-verify",
		Short: "Check receipts and exported logs of a Hallpass district, offline",
		Long: `hallpass-verify checks what a Hallpass district signed, with the district's
public log key and nothing else. It opens no network connection.

Exit codes: 0 verifies, 1 a file could not be read, 2 usage,
6 does not verify (the first place is named).`,
		Example: `  hallpass-verify receipt answer.json --key lakeview.pub
  hallpass-verify log export/ --key lakeview.pub`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:              usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("%w: say what to check: receipt or log", errUsage)
		},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if output != humanOutput && output != jsonOutput {
				return fmt.Errorf("%w: --output is human or json", errUsage)
			}
			return nil
		},
	}
	root.PersistentFlags().StringVarP(&output, "output", "o", humanOutput, "human or json")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", errUsage, err) })
	root.AddCommand(receiptCommand(&output), logCommand(&output))
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return exitCode(root.Execute(), output, stdout, stderr)
}

func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return fmt.Errorf("%w: %w; see %s --help", errUsage, err, cmd.CommandPath())
		}
		return nil
	}
}

// exitCode reports an error, if there is one, where and as it was asked for.
func exitCode(err error, output string, stdout, stderr io.Writer) int {
	if err == nil {
		return exitOK
	}
	fault, isFault := errors.AsType[*tlog.Fault](err)
	if isFault && output == jsonOutput {
		return printed(stdout, stderr, faultReport(fault), exitFault)
	}
	if isFault {
		fmt.Fprintf(stderr, "hallpass-verify: does not verify: %s\n", printable(fault.Error()))
		return exitFault
	}
	fmt.Fprintf(stderr, "hallpass-verify: %s\n", printable(err.Error()))
	if errors.Is(err, errUsage) {
		return exitUsage
	}
	return exitFailed
}
