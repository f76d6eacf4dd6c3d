package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

const (
	// patience is how long a command waits for a store that another one has
	// open, such as a service that is just starting.
	patience = 5 * time.Second
	lockTry  = 200 * time.Millisecond
)

// served is a district that this process serves.
type served struct {
	broker *broker.Broker
	dir    string
}

// place is the district that a command is about.
type place struct {
	dir        string
	acceptJump bool
	ballast    int // megabytes
	journal    string
	anchor     string
}

func (p *place) flags(c *cobra.Command) {
	p.optional(c, "directory of the district (required)")
	// MarkFlagRequired fails only for a flag that does not exist.
	_ = c.MarkFlagRequired("dir")
}

// optional are the flags of a command that can do without a district.
func (p *place) optional(c *cobra.Command, dir string) {
	c.Flags().StringVar(&p.dir, "dir", "", dir)
	c.Flags().BoolVar(&p.acceptJump, "accept-clock-jump", false, "the clock is over a day ahead of the newest entry, and that is right")
	c.Flags().IntVar(&p.ballast, "ballast", usualBallast, "`megabytes` of the disk that the store holds for withdrawals, which succeed when the disk is full")
	c.Flags().StringVar(&p.journal, "withdrawal-journal", "", "`file` on another machine's disk to which every withdrawal is written too, for a restored store")
	c.Flags().StringVar(&p.anchor, "anchor", "", "`file` at another place than the directory that says how far the log was signed")
}

// usualBallast, in megabytes, is room for many thousand withdrawals.
const usualBallast = 64

// engine opens the store's file with its ballast, waiting for its lock for a moment.
func engine(ballast int) func(path string) (store.Engine, error) {
	return func(path string) (store.Engine, error) {
		return bolt.Open(path, bolt.Options{LockTimeout: lockTry, Ballast: int64(ballast) << 20})
	}
}

// work is what a command does to a district.
type work func(context.Context, *broker.Broker) error

// withDistrict does a command's work on a district: inside the process that
// serves it, if there is one, else on the store itself.
func (a *app) withDistrict(ctx context.Context, p place, do work) error {
	p.dir = a.path(p.dir)
	if a.served != nil {
		return a.within(ctx, p.dir, do)
	}
	b, err := a.reach(ctx, p)
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, b), b.Close())
}

// within runs in the serving process, which has one district open.
func (a *app) within(ctx context.Context, dir string, do work) error {
	asked, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("looking for the district: %w", err)
	}
	here, err := os.Stat(a.served.dir)
	if err != nil {
		return fmt.Errorf("looking for the district: %w", err)
	}
	if !os.SameFile(asked, here) {
		return errors.New("the process that serves this socket serves another district")
	}
	return do(ctx, a.served.broker)
}

// reach hands the command to the process that serves the district, or opens
// the store.
func (a *app) reach(ctx context.Context, p place) (*broker.Broker, error) {
	return a.open(ctx, p.dir, a.options(p), func() error { return a.handOver(ctx, p.dir) })
}

// options are those of every command that opens a district.
func (a *app) options(p place) broker.Options {
	o := broker.Options{AcceptClockJump: p.acceptJump, Store: engine(p.ballast)}
	if p.journal != "" {
		o.Journal = a.path(p.journal)
	}
	if p.anchor != "" {
		o.Anchor = a.path(p.anchor)
	}
	return o
}

// open opens a store unless elsewhere finds the process that serves it. While a
// service starts it has the store but no socket yet, and a short command has
// the store for a moment, so both are tried in turn for a while.
func (a *app) open(ctx context.Context, dir string, o broker.Options, elsewhere func() error) (*broker.Broker, error) {
	for late := time.Now().Add(a.patience); ; {
		if err := elsewhere(); !errors.Is(err, errNotServed) {
			return nil, err
		}
		b, err := openStore(ctx, dir, o)
		if err == nil || !errors.Is(err, bolt.ErrInUse) || time.Now().After(late) || ctx.Err() != nil {
			return b, err
		}
	}
}

// openStore opens a district's directory.
func openStore(ctx context.Context, dir string, o broker.Options) (*broker.Broker, error) {
	b, err := broker.Open(ctx, dir, o)
	if err != nil {
		return nil, openError(dir, err)
	}
	return b, nil
}

// openError says that a district's store cannot be used, whatever the reason.
func openError(dir string, err error) error {
	next, known := storeTrouble(err)
	if errors.Is(err, broker.ErrClockJump) {
		return &failure{exitFailed, "check the machine's clock, then run the command again with --accept-clock-jump", err}
	}
	if !known {
		next = "look at the files in " + dir + "; restore the newest backup if they are damaged"
	}
	return &failure{exitUnavailable, next, fmt.Errorf("the district in %s cannot be opened: %w", dir, err)}
}

// socketPath is where a serving process takes commands.
func socketPath(dir string) string { return filepath.Join(dir, broker.AdminSocket) }

// local is the person at the keyboard, in the role that a command needs.
func (a *app) local(role broker.Role) broker.Caller {
	return broker.Caller{Subject: a.person, Role: role}
}
