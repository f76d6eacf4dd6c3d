package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
)

func (a *app) linkCommand() *cobra.Command {
	var (
		p          place
		req        broker.StaffLinkRequest
		role, base string
	)
	c := a.command(&cobra.Command{
		Use:   "link",
		Short: "Print a one-time link by which one of the district's people signs in",
		Long: `link prints the address of a page and nothing else on standard output. Whoever opens
it within fifteen minutes and presses its button is signed in to the district's pages
under /office as the person and in the role that were named: officer, steward or
auditor. The link works once; the session lasts eight hours at most and ends after
half an hour without use. The log keeps the person's name.

The address begins with https:// and the district's host, or as --public-url says.`,
		Example: `  hallpass link --dir district --role officer --subject "Olga Okafor"
  hallpass link --dir district --role auditor --subject "Aud Ito" --public-url http://localhost:8080`,
		Args: cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error {
		req.Role = broker.Role(role)
		if base != "" {
			if at, err := url.Parse(base); err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
				return usage(fmt.Errorf("--public-url %q is no beginning of an address, such as https://data.lakeview.example", base))
			}
		}
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error { return a.link(ctx, b, req, base) })
	})
	p.flags(c)
	flags := c.Flags()
	flags.StringVar(&role, "role", "", "what the person is to the district: officer, steward or auditor (required)")
	flags.StringVar(&req.Subject, "subject", "", "the person's name (required)")
	flags.StringVar(&base, "public-url", "", "where people reach the pages (default https:// and the district's host)")
	for _, required := range []string{"role", "subject"} {
		// MarkFlagRequired fails only for a flag that does not exist.
		_ = c.MarkFlagRequired(required)
	}
	return c
}

func (a *app) link(ctx context.Context, b *broker.Broker, req broker.StaffLinkRequest, base string) error {
	path, ends, err := b.NewStaffLink(ctx, req)
	if err != nil {
		return err
	}
	address := strings.TrimSuffix(cmp.Or(base, "https://"+b.Settings().Host), "/") + path
	return a.show(map[string]string{"link": address, "ends": stamp(ends)}, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, address)
		return err
	})
}
