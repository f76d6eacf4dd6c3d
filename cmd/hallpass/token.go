package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
)

func (a *app) tokenCommand() *cobra.Command {
	var (
		p    place
		req  broker.TokenRequest
		role string
	)
	c := a.command(&cobra.Command{
		Use:   "token",
		Short: "Print a short-lived token for one person",
		Long: `token prints a bearer token and nothing else on standard output. Roles: partner,
guardian, officer, auditor, steward, coordinator. For a guardian, --subject is the
district's number of the guardian (or of the student from eighteen on); for
everybody else it is the person's name, which the log keeps.`,
		Example: `  hallpass token --dir district --role officer --subject "Olga Okafor"
  hallpass token --dir district --role partner --partner north-star --site "Oak Street" --subject "Pat Quinn"
  hallpass token --dir district --role coordinator --school E01 --subject "Cora Lind" --lifetime 8h`,
		Args: cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error {
		req.Role = broker.Role(role)
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error { return a.token(ctx, b, req) })
	})
	p.flags(c)
	flags := c.Flags()
	flags.StringVar(&role, "role", "", "what the person is to the district (required)")
	flags.StringVar(&req.Subject, "subject", "", "the person (required)")
	flags.StringVar(&req.Partner, "partner", "", "the organization of a partner's person")
	flags.StringArrayVar(&req.Sites, "site", nil, "a site that a partner's person holds (default all)")
	flags.StringArrayVar(&req.Programs, "program", nil, "a program that a partner's person holds (default all)")
	flags.StringArrayVar(&req.Schools, "school", nil, "a school that a coordinator holds")
	flags.DurationVar(&req.Lifetime, "lifetime", time.Hour, "how long the token counts, at most 24h")
	for _, required := range []string{"role", "subject"} {
		// MarkFlagRequired fails only for a flag that does not exist.
		_ = c.MarkFlagRequired(required)
	}
	return c
}

func (a *app) token(ctx context.Context, b *broker.Broker, req broker.TokenRequest) error {
	raw, err := b.IssueToken(ctx, req)
	if err != nil {
		return err
	}
	return a.show(map[string]string{"token": raw}, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, raw)
		return err
	})
}
