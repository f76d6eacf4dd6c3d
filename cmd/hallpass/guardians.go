package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
)

func (a *app) guardiansCommand() *cobra.Command {
	return a.group(&cobra.Command{
		Use:   "guardians",
		Short: "Find guardians who are in the records under two ids, and join them",
		Long: `guardians lists pairs of guardian ids that look like one person, and records what the
steward decides of each. Nothing is joined before somebody confirms it.`,
		Example: "  hallpass guardians list --dir district",
	}, a.guardiansListCommand(),
		a.guardiansStep(broker.DuplicateConfirm, "Join two guardian ids that are one person", `confirm joins a pair of guardian ids. From then on the token of either speaks about the
children of both, and what either answers is one person's answer: the newest counts.
Rights stay with each id on each child's file. What the two answered before opens no
more than it did: a no under one id holds until the guardian answers again or an
officer invalidates it. Confirming twice changes nothing.`),
		a.guardiansStep(broker.DuplicateReject, "Say that two guardian ids are two people", `reject keeps a pair from being suggested again. Rejecting twice changes nothing.`),
		a.guardiansStep(broker.DuplicateUndo, "Take a decision on two guardian ids back", `undo takes a confirmation or a rejection back; the pair is suggested again. A
confirmation cannot be undone once somebody answered under either id (exit code 1),
since nobody can say for which of two people that answer was meant; an officer
invalidates such answers first.`),
	)
}

// duplicate is two guardians who look like one person.
type duplicate struct {
	ID        string `json:"id"`
	State     string `json:"state"`
	Why       string `json:"why"`
	Guardians []struct {
		ID       string `json:"guardian_id"`
		Children int    `json:"children"`
	} `json:"guardians"`
}

type duplicateList struct {
	Duplicates []duplicate `json:"duplicates"`
	Decided    []duplicate `json:"decided"`
	Waiting    int         `json:"waiting"`
}

func (a *app) guardiansListCommand() *cobra.Command {
	var p place
	c := a.command(&cobra.Command{
		Use:   "list",
		Short: "List the pairs that look like one person, then those that were decided",
		Long: `list shows pairs of guardian ids in the records that count now: the same name and the
same e-mail address, telephone number or child. It says how the two agree and how many
children each has, and nothing else of the persons; the rest stands in the information
system.`,
		Example: "  hallpass guardians list --dir district",
		Args:    cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error {
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error {
			body, err := body(b.Duplicates(ctx, a.local(broker.RoleSteward)))
			if err != nil {
				return fmt.Errorf("listing the guardians: %w", err)
			}
			return showAnswer(a, body, func(w io.Writer, list duplicateList) error {
				if more := list.Waiting - len(list.Duplicates); more > 0 {
					a.say("%d more wait; decide these first.", more)
				}
				return writeDuplicates(w, slices.Concat(list.Duplicates, list.Decided))
			})
		})
	})
	p.flags(c)
	return c
}

func writeDuplicates(w io.Writer, list []duplicate) error {
	rows := [][]string{{"PAIR", "STATE", "GUARDIAN", "CHILDREN", "GUARDIAN", "CHILDREN", "WHY"}}
	for _, d := range list {
		row := []string{d.ID, d.State}
		for _, g := range d.Guardians {
			row = append(row, g.ID, strconv.Itoa(g.Children))
		}
		rows = append(rows, append(row, d.Why))
	}
	return table(w, rows...)
}

func (a *app) guardiansStep(decision, short, long string) *cobra.Command {
	var p place
	c := a.command(&cobra.Command{
		Use: decision + " PAIR", Short: short, Long: long,
		Example: fmt.Sprintf("  hallpass guardians %s dup_5d20c1f7a0b94e3c8d61f2a7b5c0e942 --dir district", decision),
		Args:    cobra.ExactArgs(1),
	}, func(ctx context.Context, args []string) error {
		return a.withDistrict(ctx, p, func(ctx context.Context, b *broker.Broker) error {
			body, err := body(b.DecideDuplicate(ctx, a.local(broker.RoleSteward), args[0], broker.DuplicateRequest{Decision: decision}))
			if errors.Is(err, broker.NotAvailable) {
				return &failure{exitRefused, "hallpass guardians list --dir " + p.dir, errors.New("no such pair is suggested or was decided")}
			}
			if err != nil {
				return fmt.Errorf("guardians %s: %w", decision, err)
			}
			return showAnswer(a, body, func(w io.Writer, d duplicate) error {
				_, err := fmt.Fprintf(w, "%s is %s.\n", d.ID, d.State)
				return err
			})
		})
	})
	p.flags(c)
	return c
}
