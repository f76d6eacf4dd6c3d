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
	"github.com/hallpass-edu/hallpass/broker/records"
)

func (a *app) periodCommand() *cobra.Command {
	return a.group(&cobra.Command{
		Use:   "period",
		Short: "List, plan, freeze, close and correct reporting periods",
		Example: `  hallpass period close 2025-26 --dir district
  hallpass period close 2025-26-Q1 --family attendance --dir district`,
	}, a.periodListCommand(),
		a.preflightCommand(),
		a.memoCommand(),
		a.periodStep("freeze", "Fix a period's rosters, consents and versions", `freeze fixes what a period's figures will be computed from. It can be done from the
period's last day on, and counts as published: what families answer from then on is
held where it would expose the last students. The first freeze fixes rosters and
cohorts for good; each fixes consents and records of the indicator families it names,
or of all that are not frozen yet. Freezing twice changes nothing.`, (*broker.Broker).Freeze),
		a.periodStep("close", "Freeze a period, compute its figures and publish them", `close freezes the named indicator families of a period, or all that are not closed
yet, computes the figures of each agreement and publishes them, protected together.
It can be repeated after a stop at any point; repeating it changes nothing. A family
whose newest records could not be loaded stops only its own close.`, (*broker.Broker).ClosePeriod),
		a.periodCorrectCommand(),
	)
}

// period is a session with its state.
type period struct {
	ID          string         `json:"session_id"`
	Title       string         `json:"title"`
	Start       string         `json:"start"`
	End         string         `json:"end"`
	State       string         `json:"state"`
	Stage       string         `json:"stage"`
	Census      string         `json:"census"`
	FrozenAt    time.Time      `json:"frozen_at"`
	PublishedAt time.Time      `json:"published_at"`
	Families    []periodFamily `json:"families"`
	Agreements  []string       `json:"agreements"`
}

// periodFamily is an indicator family of a period with its state.
type periodFamily struct {
	Family      string    `json:"family"`
	State       string    `json:"state"`
	CorrectedAt time.Time `json:"corrected_at"`
}

// families says how far each family is where they are not all alike.
func (p period) families() string {
	var list []string
	alike := true
	for _, f := range p.Families {
		state := f.State
		if !f.CorrectedAt.IsZero() {
			state = "corrected"
		}
		alike = alike && state == p.State
		list = append(list, f.Family+" "+state)
	}
	if alike {
		return ""
	}
	return strings.Join(list, ", ")
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
				rows := [][]string{{"PERIOD", "TITLE", "FROM", "TO", "STATE", "CENSUS", "FAMILIES"}}
				for _, p := range d.Periods {
					rows = append(rows, []string{p.ID, p.Title, p.Start, p.End, p.State, p.Census, p.families()})
				}
				return table(w, rows...)
			})
		})
	})
	p.flags(c)
	return c
}

type periodAct = func(*broker.Broker, context.Context, broker.Caller, string, ...records.Family) (*broker.Answer, error)

func (a *app) periodStep(verb, short, long string, act periodAct) *cobra.Command {
	return a.periodVerb(&cobra.Command{
		Use: verb + " PERIOD", Short: short, Long: long,
		Example: fmt.Sprintf("  hallpass period %s 2025-26 --dir district", verb),
	}, verb, func(ctx context.Context, b *broker.Broker, session string, families []records.Family) (*broker.Answer, error) {
		return act(b, ctx, a.local(broker.RoleSteward), session, families...)
	})
}

func (a *app) periodCorrectCommand() *cobra.Command {
	var reason string
	c := a.periodVerb(&cobra.Command{
		Use: "correct PERIOD", Short: "Make the published figures of a period anew from corrected records, once",
		Long: `correct makes the figures of the named indicator families, or of all that are
published, anew from the newest records. Who is in which row, and what is withheld,
stays as it was; what did not change keeps its figure. It is done once a family, and
until the final day of the district's calendar. The reason stands in the log; name no
child in it.`,
		Example: "  hallpass period correct 2025-26 --family attendance --reason 'A closed day was marked as absence' --dir district",
	}, "correct", func(ctx context.Context, b *broker.Broker, session string, families []records.Family) (*broker.Answer, error) {
		return b.CorrectPeriod(ctx, a.local(broker.RoleOfficer), session, broker.CorrectionRequest{Reason: reason, Families: families})
	})
	c.Flags().StringVar(&reason, "reason", "", "what was `wrong` and how it was found (required)")
	return c
}

// periodVerb is a command about one period and some of its families.
func (a *app) periodVerb(c *cobra.Command, verb string, act func(context.Context, *broker.Broker, string, []records.Family) (*broker.Answer, error)) *cobra.Command {
	var (
		p     place
		names []string
	)
	c.Args = cobra.ExactArgs(1)
	c = a.command(c, func(ctx context.Context, args []string) error {
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error {
			var families []records.Family
			for _, name := range names {
				families = append(families, records.Family(name))
			}
			body, err := body(act(ctx, b, args[0], families))
			if errors.Is(err, broker.NotAvailable) {
				return &failure{exitRefused, "hallpass period list --dir " + p.dir, fmt.Errorf("there is no period %s", args[0])}
			}
			if err != nil {
				return fmt.Errorf("period %s: %w", verb, err)
			}
			return showAnswer(a, body, func(w io.Writer, d period) error {
				_, err := fmt.Fprintf(w, "%s is %s%s%s.\n", d.ID, d.State, joined("; figures of ", d.Agreements), aside(d.families()))
				return err
			})
		})
	})
	c.Flags().StringSliceVar(&names, "family", nil, "`families` of indicators: attendance, discipline, grades (default all that this is not done for yet)")
	p.flags(c)
	return c
}

// aside is text after a semicolon, if there is any.
func aside(text string) string {
	if text == "" {
		return ""
	}
	return "; " + text
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
