package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker/tlog"
)

type receiptFlags struct{ key, answer, newer string }

func receiptCommand(output *string) *cobra.Command {
	var flags receiptFlags
	cmd := &cobra.Command{
		Use:   "receipt FILE",
		Short: "Check one receipt",
		Long: `Check that the entry of a receipt is in the log that the district signed: who
asked, what was decided by which clause and policy, and the SHA-256 of the
answer.

FILE is a receipt, or a whole answer {"data": …, "receipt": …} as the service
sent it; then its data is checked too. --answer takes such an answer, or just
the bytes of its data. Do not reformat an answer: the exact bytes count.

--newer takes a later checkpoint with its consistency proof
{"checkpoint": …, "consistency": […]}, and shows that the log has only grown
since the receipt; a bare checkpoint will do for a tree of the same size.

A receipt proves that the entry is in the signed log. It does not prove that
nothing else was answered.`,
		Example: `  hallpass-verify receipt receipt.json --key lakeview.pub
  hallpass-verify receipt receipt.json --key lakeview.pub --answer answer.json
  hallpass-verify receipt answer.json --key lakeview.pub --newer checkpoint.json`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return checkReceipt(cmd.OutOrStdout(), *output, args[0], flags)
		},
	}
	cmd.Flags().StringVar(&flags.key, "key", "", "the district's public log key, or a file with it (required)")
	cmd.Flags().StringVar(&flags.answer, "answer", "", "file with the answer, or with the bytes of its data")
	cmd.Flags().StringVar(&flags.newer, "newer", "", "file with a later checkpoint and its consistency proof")
	return cmd
}

func checkReceipt(stdout io.Writer, output, path string, flags receiptFlags) error {
	verifier, err := readKey(flags.key)
	if err != nil {
		return err
	}
	text, err := readSmall(path)
	if err != nil {
		return err
	}
	data, receipt, whole := tlog.SplitAnswer(text)
	if !whole {
		data, receipt = nil, text
	}
	if flags.answer != "" {
		if data, err = readData(flags.answer); err != nil {
			return err
		}
	}
	r, err := tlog.ParseReceipt(receipt)
	if err != nil {
		return err
	}
	proven, err := r.Verify(verifier, data)
	if err != nil {
		return err
	}
	var newer tlog.Checkpoint
	if flags.newer != "" {
		if newer, err = checkNewer(flags.newer, verifier, proven.Checkpoint); err != nil {
			return err
		}
	}
	return printReceipt(stdout, output, proven, newer)
}

// readData returns the bytes of an answer's data; never nil.
func readData(path string) ([]byte, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	if data, _, ok := tlog.SplitAnswer(text); ok {
		return data, nil
	}
	return append([]byte{}, text...), nil
}

func checkNewer(path string, v *tlog.Verifier, earlier tlog.Checkpoint) (tlog.Checkpoint, error) {
	text, err := readSmall(path)
	if err != nil {
		return tlog.Checkpoint{}, err
	}
	c, err := tlog.ParseContinuation(text)
	if err != nil {
		return tlog.Checkpoint{}, err
	}
	return c.Verify(v, earlier)
}

func printReceipt(w io.Writer, output string, p tlog.Proven, newer tlog.Checkpoint) error {
	index := int64(p.Leaf.Index)
	r := report{
		Verifies: true, Origin: p.Checkpoint.Origin, Simulated: p.Checkpoint.Simulated(), Size: p.Checkpoint.Size,
		Root: p.Checkpoint.Root.String(), Index: &index, Time: stamp(p.Leaf.Time), Header: &p.Header, Answer: "not given", NewerSize: newer.Size,
	}
	if p.DataChecked {
		r.Answer = "verifies"
	}
	if output == jsonOutput {
		return writeJSON(w, r)
	}
	return humanReceipt(w, r)
}

func humanReceipt(w io.Writer, r report) error {
	h := r.Header
	lines := [][2]string{
		{"log", simulatedMark(r)},
		{"entry", fmt.Sprintf("%d of %d, %s", *r.Index, r.Size, r.Time)},
		{"event", string(h.Event) + ", " + string(h.Decision)},
		{"caller", joined(h.Caller.Role, h.Caller.Subject, h.Caller.Partner)},
		{"agreement", agreement(h)},
		{"clause", h.Clause},
		{"reasons", joined(h.Reasons...)},
		{"policy", h.Policy},
		{"request", h.Request},
		{"answer", r.Answer},
	}
	if r.NewerSize > 0 {
		lines = append(lines, [2]string{"since then", fmt.Sprintf("the log has only grown, to %d entries", r.NewerSize)})
	}
	if _, err := fmt.Fprintln(w, "The receipt verifies."); err != nil {
		return err
	}
	return printLines(w, lines)
}
