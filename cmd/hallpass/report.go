package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/report"
)

// reportFlags are what hallpass report is told beside the answer.
type reportFlags struct {
	receipt, audience, out string
	agreement, session     string
	stamp                  report.Stamp
	place                  place
}

func (a *app) reportCommand() *cobra.Command {
	var f reportFlags
	c := &cobra.Command{
		Use:   "report [ANSWER]",
		Short: "Write a comparison or a release as one page to read or print",
		Long: `report writes one self-contained HTML page. The page runs no script, loads nothing,
and prints on two sheets.

With ANSWER it is of a comparison that was saved as the service sent it: an answer
{"data": …, "receipt": …}, or its data alone. ANSWER - is standard input. Nothing is
asked of a district.

With --dir, --agreement and --session it is of every row of that release, for the
district's own use, and an entry of the log says so.

--audience says for whom the page is, and stands on each sheet. What consented
students come to is on a page for named_people only, which the partner's people ask
the service for; board_and_funder and public get protected figures alone.`,
		Example: `  curl -H "Authorization: Bearer $TOKEN" https://data.lakeview.example/v1/agreements/riverside/comparisons > answer.json
  hallpass report answer.json --partner "Riverside Youth Center" --out report.html
  hallpass report answer.json --audience public > public.html
  hallpass report --dir district --agreement riverside --session 2025-26 --out report.html`,
		Args: cobra.MaximumNArgs(1),
	}
	flags := c.Flags()
	f.place.optional(c, "directory of the district, without ANSWER")
	flags.StringVar(&f.agreement, "agreement", "", "agreement of the release, with --dir")
	flags.StringVar(&f.session, "session", "", "session of the release, with --dir")
	flags.StringVar(&f.audience, "audience", "", "named_people, board_and_funder or public (default named_people with ANSWER, else board_and_funder)")
	flags.StringVar(&f.receipt, "receipt", "", "`file` with the receipt, where the answer does not carry it")
	flags.StringVar(&f.out, "out", "", "write to this new `file` instead")
	flags.StringVar(&f.stamp.Partner, "partner", "", "name of the organization, to print")
	flags.StringVar(&f.stamp.District, "district", "", "name of the district, to print")
	flags.StringVar(&f.stamp.Agreement, "title", "", "title of the agreement, to print instead of its id")
	return a.command(c, func(ctx context.Context, args []string) error {
		if len(args) == 0 {
			return a.releaseReport(ctx, f)
		}
		return a.report(c.InOrStdin(), args[0], f)
	})
}

// releaseReport writes the page of a release of a district on this machine.
func (a *app) releaseReport(ctx context.Context, f reportFlags) error {
	if f.place.dir == "" || f.agreement == "" || f.session == "" {
		return usage(errors.New("give the ANSWER that was saved or, of a district on this machine, --dir, --agreement and --session"))
	}
	if f.receipt+f.stamp.Partner+f.stamp.District != "" {
		return usage(errors.New("--receipt, --partner and --district are for a saved ANSWER; leave them out with --dir, whose district knows them"))
	}
	request := broker.ReportRequest{
		Agreement: f.agreement, Session: f.session, Audience: report.Audience(cmp.Or(f.audience, string(report.BoardAndFunder))),
	}
	if err := forOthers(request.Audience); err != nil {
		return err
	}
	return a.withDistrict(ctx, f.place, func(ctx context.Context, b *broker.Broker) error {
		answer, err := b.OfficerReport(ctx, a.local(broker.RoleOfficer), request)
		if errors.Is(err, broker.NotAvailable) {
			return &failure{
				exitRefused, "hallpass period list --dir " + f.place.dir + " shows what is published",
				fmt.Errorf("there is no release of the agreement %s for %s", f.agreement, f.session),
			}
		}
		if err != nil {
			return err
		}
		defer answer.Drop()
		stamp := answer.Page().Stamp
		stamp.Agreement = f.stamp.Agreement
		return a.page(answer.Body(), stamp, f.out)
	})
}

// forOthers refuses the page for named people, which an officer cannot ask for.
func forOthers(audience report.Audience) error {
	if err := audience.Validate(); err != nil {
		return usage(fmt.Errorf("--audience: %w", err))
	}
	if audience == report.NamedPeople {
		return &failure{
			exitRefused, "write --audience board_and_funder or public, or let the partner's people ask the service for their page",
			errors.New("what consented students come to is for the partner's people alone, to whom their families opened it"),
		}
	}
	return nil
}

// page writes an answer as a page.
func (a *app) page(answer []byte, s report.Stamp, out string) error {
	page, receipt, err := report.ParseAnswer(answer)
	if err != nil {
		return err
	}
	var html bytes.Buffer
	if err := report.Render(&html, page, receipt, s); err != nil {
		return err
	}
	return a.keep(out, html.Bytes())
}

// report writes the page of a saved answer.
func (a *app) report(stdin io.Reader, answer string, f reportFlags) error {
	if f.agreement != "" || f.session != "" {
		return usage(errors.New("--agreement and --session are for a release of a district; leave them out with ANSWER"))
	}
	f.stamp.Audience = report.Audience(cmp.Or(f.audience, string(report.NamedPeople)))
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
