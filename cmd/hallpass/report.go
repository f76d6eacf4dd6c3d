package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker/report"
)

// reportFlags are what hallpass report is told beside the answer.
type reportFlags struct {
	receipt, audience, out string
	stamp                  report.Stamp
}

func (a *app) reportCommand() *cobra.Command {
	var f reportFlags
	c := &cobra.Command{
		Use:   "report ANSWER",
		Short: "Write a saved comparison as one page to read or print",
		Long: `report writes one self-contained HTML page of a comparison that was saved as the
service sent it: an answer {"data": …, "receipt": …}, or its data alone. ANSWER -
is standard input. Nothing is asked of a district. The page runs no script, loads
nothing, and prints on two sheets.

--audience says for whom the page is, and stands on each sheet. What consented
students come to is on a page for named_people only; board_and_funder and public
get protected figures alone.`,
		Example: `  curl -H "Authorization: Bearer $TOKEN" https://data.lakeview.example/v1/agreements/riverside/comparisons > answer.json
  hallpass report answer.json --partner "Riverside Youth Center" --out report.html
  hallpass report answer.json --audience public > public.html`,
		Args: cobra.ExactArgs(1),
	}
	flags := c.Flags()
	flags.StringVar(&f.audience, "audience", string(report.NamedPeople), "named_people, board_and_funder or public")
	flags.StringVar(&f.receipt, "receipt", "", "`file` with the receipt, where the answer does not carry it")
	flags.StringVar(&f.out, "out", "", "write to this new `file` instead")
	flags.StringVar(&f.stamp.Partner, "partner", "", "name of the organization, to print")
	flags.StringVar(&f.stamp.District, "district", "", "name of the district, to print")
	flags.StringVar(&f.stamp.Agreement, "title", "", "title of the agreement, to print instead of its id")
	return a.command(c, func(_ context.Context, args []string) error { return a.report(c.InOrStdin(), args[0], f) })
}

func (a *app) report(stdin io.Reader, answer string, f reportFlags) error {
	f.stamp.Audience = report.Audience(f.audience)
	if err := f.stamp.Audience.Validate(); err != nil {
		return usage(fmt.Errorf("--audience: %w", err))
	}
	page, receipt, err := a.answered(stdin, answer, f.receipt)
	if err != nil {
		return err
	}
	var html bytes.Buffer
	if err := report.Render(&html, page, receipt, f.stamp); err != nil {
		return rejectedReport(err)
	}
	return a.keep(f.out, html.Bytes())
}

// answered reads an answer and its receipt, which may stand in a file of its
// own.
func (a *app) answered(stdin io.Reader, answer, receipt string) (report.Page, *report.Receipt, error) {
	text, err := a.saved(stdin, answer)
	if err != nil {
		return report.Page{}, nil, err
	}
	page, carried, err := report.ParseAnswer(text)
	if err != nil || receipt == "" {
		return page, carried, rejectedReport(err)
	}
	if text, err = a.saved(stdin, receipt); err != nil {
		return report.Page{}, nil, err
	}
	given, err := report.ParseReceipt(text)
	return page, &given, rejectedReport(err)
}

// saved reads a file, or standard input for -, and no more of it than an
// answer can have.
func (a *app) saved(stdin io.Reader, path string) ([]byte, error) {
	if path != "-" {
		f, err := os.Open(a.path(path))
		if err != nil {
			return nil, fmt.Errorf("reading the answer: %w", err)
		}
		defer f.Close()
		stdin = f
	}
	text, err := io.ReadAll(io.LimitReader(stdin, 2*report.MaxData+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return text, nil
}

// rejectedReport gives what cannot be made a page of its exit code.
func rejectedReport(err error) error {
	if errors.Is(err, report.ErrData) || errors.Is(err, report.ErrReceipt) {
		return &failure{exitRejected, "save the answer as the service sent it, for instance with curl, and give that file", err}
	}
	return err
}
