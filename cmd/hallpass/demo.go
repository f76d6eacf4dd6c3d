package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/sample"
	"github.com/hallpass-edu/hallpass/broker/web"
)

// demo is a made-up district on show.
type demo struct {
	*app
	dir, listen, csv string
	once             bool
	anyPort          bool // the usual port may be replaced by a free one
	options          sample.Options
	mailing          mailing

	district *sample.District
	broker   *broker.Broker
	clock    *heldClock
	ending   []ending
}

func (a *app) demoCommand() *cobra.Command {
	d := demo{app: a}
	c := a.command(&cobra.Command{
		Use:   "demo",
		Short: "Make a made-up district, serve it, and show how to ask it",
		Long: `demo makes a throw-away district with made-up students, schools, partners and
consents, closes its school year, serves it on loopback, and prints a partner's
comparison, a token for each role and a curl for each. Its clock is simulated: it
stands shortly after the school year's end. The directory is removed at the end
unless --dir names one to keep.

With --write-csv it writes the district's export instead, and for each partner what
is needed to play it through the API, and serves nothing.`,
		Example: `  hallpass demo
  hallpass demo --students 20000 --schools 30
  hallpass demo --write-csv made-up`,
		Args: cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error { return d.run(ctx) })
	flags := c.Flags()
	flags.StringVar(&d.dir, "dir", "", "directory to make and keep (default one that is removed at the end)")
	flags.StringVar(&d.listen, "listen", "", "address of the API (default "+usualListen+", or a free port where that is taken)")
	flags.IntVar(&d.options.Students, "students", 5000, "how many students")
	flags.IntVar(&d.options.Schools, "schools", 10, "how many schools")
	flags.Uint64Var(&d.options.Seed, "seed", 1, "another seed makes another district")
	d.mailing.folderFlag(c)
	flags.BoolVar(&d.once, "once", false, "print, then stop")
	flags.StringVar(&d.csv, "write-csv", "", "write the district's files into this `directory` and stop")
	return c
}

func (d *demo) run(ctx context.Context) error {
	if least := max(100, 10*d.options.Schools); d.options.Schools < 1 || d.options.Students < least {
		return usage(errors.New("a made-up district has at least one school, 100 students and ten students for each school"))
	}
	d.options.Year = sample.YearEndedBy(civil.Of(time.Now(), time.Local))
	d.anyPort, d.listen = d.listen == "", cmp.Or(d.listen, usualListen)
	d.district = sample.Generate(d.options)
	if d.csv != "" {
		return d.writeCSV()
	}
	scratch, err := os.MkdirTemp("", "hallpass-demo-")
	if err != nil {
		return fmt.Errorf("making a throw-away directory: %w", err)
	}
	defer os.RemoveAll(scratch)
	d.dir = d.path(cmp.Or(d.dir, filepath.Join(scratch, "district")))
	began := time.Now()
	if err := d.furnish(ctx, scratch); err != nil {
		return err
	}
	d.say("%s", d.made(time.Since(began)))
	return errors.Join(d.serveDemo(ctx), d.broker.Close())
}

func (d *demo) writeCSV() error {
	if err := d.district.WriteCSV(d.path(d.csv)); err != nil {
		return fmt.Errorf("writing the district: %w", err)
	}
	var files []string
	for _, f := range d.district.Files() {
		files = append(files, filepath.Join(d.csv, filepath.FromSlash(f.Name)))
	}
	return d.show(map[string]any{"files": files}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "Wrote the made-up export of %s to %s, and what its partners send to %s.\n\nNext:\n  hallpass import csv --dir DIR --snapshot all --dry-run %s\n",
			d.district.Name, d.csv, filepath.Join(d.csv, "partners"), d.csv)
		return err
	})
}

// serveDemo serves the district while it shows how to ask it and, unless it
// is to be done once, until it is told to stop.
func (d *demo) serveDemo(ctx context.Context) error {
	d.mailing.folder = cmp.Or(d.mailing.folder, filepath.Join(d.dir, "messages"))
	d.mailing.phone = demoPhone
	carrier, err := d.carrier(d.mailing)
	if err != nil {
		return err
	}
	server, err := d.openListener(slog.New(slog.NewJSONHandler(d.stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return &failure{exitFailed, "choose another address with --listen", err}
	}
	serving, stop := context.WithCancel(ctx)
	d.mailing.public = "http://" + server.Addr()
	defer delivering(serving, d.broker, carrier, d.mailing.wording(d.broker.Settings()))()
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(serving) }()
	err = d.present(ctx, "http://"+server.Addr()+"/v1")
	if err == nil && !d.once {
		d.say("\nServing until Ctrl-C. Also while it runs: hallpass audit verify --dir %s", d.dir)
		<-ctx.Done()
	}
	stop()
	return errors.Join(err, <-ended)
}

// openListener opens the API's listener, on a free port if the usual one is
// taken and none was named.
func (d *demo) openListener(log *slog.Logger) (*web.Server, error) {
	at := served{d.broker, d.dir}
	server, err := listen(at, service{listen: d.listen, mailing: d.mailing}, log)
	if errors.Is(err, syscall.EADDRINUSE) && d.anyPort {
		return listen(at, service{listen: "127.0.0.1:0", mailing: d.mailing}, log)
	}
	return server, err
}
