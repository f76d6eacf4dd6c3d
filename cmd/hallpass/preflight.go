package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
)

// preflight is what a close would do.
type preflight struct {
	Period     period          `json:"period"`
	State      string          `json:"state"`
	Forecast   bool            `json:"forecast"`
	Census     string          `json:"census"`
	Blocked    []string        `json:"blocked"`
	Agreements []preflightPart `json:"agreements"`
	Lost       struct {
		Agreements int `json:"agreements"`
		Lost       int `json:"lost"`
	} `json:"pooled_lost"`
	Notes []string `json:"notes"`
}

type preflightPart struct {
	Agreement string `json:"agreement"`
	Profile   string `json:"profile"`
	Unmatched int    `json:"unmatched"`
	Cohort    int    `json:"cohort"`
	Rest      int    `json:"rest"`
	Figures   struct {
		Planned int `json:"planned"`
		Shown   int `json:"shown"`
	} `json:"figures"`
	Pooled []struct {
		Indicator string `json:"indicator"`
		Cause     string `json:"cause"`
	} `json:"pooled"`
	Risk struct {
		Words []string `json:"words"`
	} `json:"risk"`
	Holds []struct {
		Family string `json:"family"`
		Yeses  int    `json:"more_yes"`
	} `json:"holds"`
	Totals []struct{} `json:"public_totals"`
	Sees   []string   `json:"partner_sees"`
	Memo   struct {
		State string `json:"state"`
	} `json:"memo"`
}

func (a *app) preflightCommand() *cobra.Command {
	var p place
	c := a.command(&cobra.Command{
		Use:   "preflight PERIOD",
		Short: "Say what a close would do now, and change nothing",
		Long: `preflight plans the close of a period as it would be made now: for each agreement how
many figures are shown, why others are withheld, how far the figures protect a student,
how many more families may say yes before one is held, and what the partner will see.
It reads no outcome and changes nothing. Before the period's end it is a forecast; of a
frozen period it says what its freeze does.`,
		Example: "  hallpass period preflight 2025-26 --dir district\n  hallpass period preflight 2025-26 --dir district --output json",
		Args:    cobra.ExactArgs(1),
	}, func(ctx context.Context, args []string) error {
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error {
			body, err := body(b.Preflight(ctx, a.local(broker.RoleSteward), args[0]))
			if errors.Is(err, broker.NotAvailable) {
				return noPeriod(args[0], p)
			}
			if err != nil {
				return fmt.Errorf("period preflight: %w", err)
			}
			return showAnswer(a, body, writePreflight)
		})
	})
	p.flags(c)
	return c
}

func noPeriod(id string, p place) error {
	return &failure{exitRefused, "hallpass period list --dir " + p.dir, fmt.Errorf("there is no period %s", id)}
}

func writePreflight(w io.Writer, p preflight) error {
	what := "A close would do this now"
	switch {
	case p.Forecast:
		what = "Forecast; the period has not ended"
	case p.State != "open":
		what = "The period is " + p.State + "; its freeze does this"
	}
	fmt.Fprintf(w, "%s (%s), census %s. %s.\n", p.Period.ID, p.Period.Title, p.Census, what)
	for _, line := range p.Blocked {
		fmt.Fprintln(w, "A close is refused: "+line)
	}
	rows := [][]string{{"AGREEMENT", "PROFILE", "PARTICIPANTS", "OTHERS", "UNMATCHED", "SHOWN", "TOTALS", "MORE YES", "MEMO"}}
	for _, a := range p.Agreements {
		rows = append(rows, a.row())
	}
	fmt.Fprintln(w)
	if err := table(w, rows...); err != nil {
		return err
	}
	for _, a := range p.Agreements {
		a.explain(w)
	}
	fmt.Fprintf(w, "\nOf %d agreements with 40 participants or more %d lose a pooled row.\n", p.Lost.Agreements, p.Lost.Lost)
	for _, note := range p.Notes {
		fmt.Fprintln(w, note)
	}
	return nil
}

func (p preflightPart) row() []string {
	var more []string
	for _, h := range p.Holds {
		more = append(more, h.Family+" "+strconv.Itoa(h.Yeses))
	}
	return []string{
		p.Agreement, p.Profile, strconv.Itoa(p.Cohort), strconv.Itoa(p.Rest), strconv.Itoa(p.Unmatched),
		fmt.Sprintf("%d of %d", p.Figures.Shown, p.Figures.Planned), strconv.Itoa(len(p.Totals)), strings.Join(more, ", "), p.Memo.State,
	}
}

// explain writes what the table has no room for.
func (p preflightPart) explain(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n", printable(p.Agreement))
	for _, line := range p.Sees {
		fmt.Fprintln(w, "  "+printable(line))
	}
	for _, v := range p.Pooled {
		if v.Cause != "" {
			fmt.Fprintf(w, "  %s is not shown: %s\n", printable(v.Indicator), printable(v.Cause))
		}
	}
	for _, line := range p.Risk.Words {
		fmt.Fprintln(w, "  "+printable(line))
	}
}
