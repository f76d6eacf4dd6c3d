package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
)

// memo is a determination memo as it was drawn up or signed.
type memo struct {
	Text   string `json:"text"`
	SHA256 string `json:"sha256"`
	State  string `json:"state"`
}

func (a *app) memoCommand() *cobra.Command {
	var (
		p         place
		agreement string
		signature broker.MemoSignature
	)
	c := a.command(&cobra.Command{
		Use:   "memo PERIOD",
		Short: "Draw up the determination of 34 CFR 99.31(b)(1), or sign it",
		Long: `memo writes the determination memo about what one agreement is given of a period: what
is released, to whom, how it is protected, which risks were measured, what else is known,
and the finding. It prints the text's SHA-256 on standard error. With --sign and that
SHA-256 an officer signs the memo that was read; if it is another one by now, nothing is
signed.`,
		Example: `  hallpass period memo 2025-26 --agreement north-star-1 --dir district > memo.md
  hallpass period memo 2025-26 --agreement north-star-1 --dir district \
    --sign SHA256 --name 'Olga Okafor' --title 'Privacy officer'`,
		Args: cobra.ExactArgs(1),
	}, func(ctx context.Context, args []string) error {
		signature.Agreement = agreement
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error {
			body, err := body(a.memo(ctx, b, args[0], signature))
			if errors.Is(err, broker.NotAvailable) {
				return &failure{exitRefused, "hallpass period preflight " + args[0] + " --dir " + p.dir, errors.New("the period has no such agreement")}
			}
			if err != nil {
				return fmt.Errorf("period memo: %w", err)
			}
			return showAnswer(a, body, func(w io.Writer, m memo) error {
				a.say("The memo is %s; its SHA-256 is %s.", m.State, m.SHA256)
				_, err := io.WriteString(w, m.Text)
				return err
			})
		})
	})
	p.flags(c)
	c.Flags().StringVar(&agreement, "agreement", "", "id of the agreement")
	c.Flags().StringVar(&signature.SHA256, "sign", "", "sign the memo with this SHA-256")
	c.Flags().StringVar(&signature.Name, "name", "", "who signs")
	c.Flags().StringVar(&signature.Title, "title", "", "as what")
	return c
}

func (a *app) memo(ctx context.Context, b *broker.Broker, session string, s broker.MemoSignature) (*broker.Answer, error) {
	if s.SHA256 == "" {
		return b.Memo(ctx, a.local(broker.RoleOfficer), broker.MemoRequest{Session: session, Agreement: s.Agreement})
	}
	return b.SignMemo(ctx, a.local(broker.RoleOfficer), session, s)
}
