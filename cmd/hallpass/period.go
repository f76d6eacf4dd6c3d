package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
)

func (a *app) periodCommand() *cobra.Command {
	return a.group(&cobra.Command{
		Use:     "period",
		Short:   "List, plan, freeze and close reporting periods",
		Example: "  hallpass period close 2025-26 --dir district",
	}, a.periodListCommand(),
		a.preflightCommand(),
		a.memoCommand(),
		a.periodStep("freeze", "Fix a period's rosters, consents and versions", `freeze fixes what a period's figures will be computed from. It can be done from the
period's last day on, and counts as published: what families answer from then on is
held where it would expose the last students. Freezing twice changes nothing.`, (*broker.Broker).Freeze),
		a.periodStep("close", "Freeze a period, compute its figures and publish them", `close freezes a period unless it is frozen, computes the figures of each agreement
and publishes them, protected together. It can be repeated after a stop at any
point; repeating it changes nothing.`, (*broker.Broker).ClosePeriod),
	)
}

// period is a session with its state.
type period struct {
	ID          string    `json:"session_id"`
	Title       string    `json:"title"`
	Start       string    `json:"start"`
	End         string    `json:"end"`
	State       string    `json:"state"`
	Census      string    `json:"census"`
	FrozenAt    time.Time `json:"frozen_at"`
	PublishedAt time.Time `json:"published_at"`
	Agreements  []string  `json:"agreements"`
}

type periodList struct {
	Periods []period `json:"periods"`
}

func (a *app) periodListCommand() *cobra.Command {
	var p place
	c := a.command(&cobra.Command{
		Use:     "list",
		Short:   "List the sessions of the district with their states",
		Example: "  hallpass period list --dir district",
		Args:    cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error {
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error {
			body, err := body(b.Periods(ctx, a.local(broker.RoleSteward)))
			if err != nil {
				return err
			}
			return showAnswer(a, body, func(w io.Writer, d periodList) error {
				rows := [][]string{{"PERIOD", "TITLE", "FROM", "TO", "STATE", "CENSUS"}}
				for _, p := range d.Periods {
					rows = append(rows, []string{p.ID, p.Title, p.Start, p.End, p.State, p.Census})
				}
				return table(w, rows...)
			})
		})
	})
	p.flags(c)
	return c
}

type periodAct = func(*broker.Broker, context.Context, broker.Caller, string) (*broker.Answer, error)

func (a *app) periodStep(verb, short, long string, act periodAct) *cobra.Command {
	var p place
	c := a.command(&cobra.Command{
		Use: verb + " PERIOD", Short: short, Long: long,
		Example: fmt.Sprintf("  hallpass period %s 2025-26 --dir district", verb),
		Args:    cobra.ExactArgs(1),
	}, func(ctx context.Context, args []string) error {
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error {
			body, err := body(act(b, ctx, a.local(broker.RoleSteward), args[0]))
			if errors.Is(err, broker.NotAvailable) {
				return &failure{exitRefused, "hallpass period list --dir " + p.dir, fmt.Errorf("there is no period %s", args[0])}
			}
			if err != nil {
				return fmt.Errorf("period %s: %w", verb, err)
			}
			return showAnswer(a, body, func(w io.Writer, d period) error {
				_, err := fmt.Fprintf(w, "%s is %s%s.\n", d.ID, d.State, joined("; figures of ", d.Agreements))
				return err
			})
		})
	})
	p.flags(c)
	return c
}

func joined(before string, list []string) string {
	if len(list) == 0 {
		return ""
	}
	return before + strings.Join(list, ", ")
}

// body is a local command's whole use of an answer: it does not travel, so it
// needs no flight.
func body(answer *broker.Answer, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer answer.Drop()
	return answer.Body(), nil
}
