package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/token"
	"github.com/hallpass-edu/hallpass/broker/web"
)

// service is how a district is served.
type service struct {
	place
	listen, ops, clock, config string
	mailing                    mailing
}

const (
	usualListen = "127.0.0.1:8080"
	usualOps    = "127.0.0.1:9090"
)

func (a *app) serveCommand() *cobra.Command {
	var s service
	c := a.command(&cobra.Command{
		Use:   "serve",
		Short: "Serve a district's API",
		Long: `serve answers partners, families and the district's people over HTTP until it is
told to stop (SIGINT or SIGTERM), then finishes what is under way. Metrics,
/livez and /readyz are on a second listener; other commands come in through
admin.sock in the district's directory (mode 0600). Both listeners are on
loopback: put a proxy that ends TLS before the API to open it to others.

Messages to families leave by mail (--smtp-host) for those with an address, and by
calls of the district's own gateway (--webhook-url) for the rest or, without a mail
server, for all. Without either they wait.

Settings: a flag, else its HALLPASS_ variable, else a line "name: value" of the
YAML file --config (every flag but --config itself and --output).

When the disk is full, withdrawals still succeed: the store holds --ballast megabytes
for them at its end. Everything else answers 503 until there is space again.`,
		Example: `  hallpass serve --dir district
  hallpass serve --config hallpass.yaml
  HALLPASS_LISTEN=127.0.0.1:8443 hallpass serve --dir district`,
		Args: cobra.NoArgs,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if s.config == "" {
				return nil
			}
			return fromFile(cmd, a.path(s.config), settingsOfServe()...)
		},
	}, func(ctx context.Context, _ []string) error { return a.serve(ctx, s) })
	s.flags(c)
	c.Flags().StringVar(&s.listen, "listen", usualListen, "address of the API")
	c.Flags().StringVar(&s.ops, "ops-listen", usualOps, "address of metrics and health; empty for none")
	c.Flags().StringVar(&s.clock, "clock", "", "the `time` to start from, in a simulated district only (2006-06-30, read as noon UTC, or 2006-06-30T12:00:00Z)")
	c.Flags().StringVar(&s.config, "config", "", "`file` of settings")
	s.mailing.flags(c)
	return c
}

func (a *app) serve(ctx context.Context, s service) error {
	at, err := instant("--clock", s.clock)
	if err != nil {
		return usage(err)
	}
	carrier, err := a.carrier(s.mailing)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(a.stderr, nil))
	defer collectLess()()
	dir := a.path(s.dir)
	o := a.options(s.place)
	o.Serving, o.SimulatedNow, o.Log = true, at, log
	b, err := a.open(ctx, dir, o, func() error { return alone(ctx, dir) })
	if err != nil {
		return mayNotSet(ctx, at, dir, err)
	}
	server, err := listen(served{b, dir}, s, log)
	if err != nil {
		return errors.Join(&failure{exitFailed, "choose other addresses with --listen and --ops-listen", err}, b.Close())
	}
	stop := delivering(ctx, b, carrier, s.mailing.wording(b.Settings()))
	a.announce(b, s, server, log)
	err = server.Serve(ctx)
	stop()
	return errors.Join(err, b.Close())
}

// mayNotSet tells a clock that may not be set from other trouble at opening.
func mayNotSet(ctx context.Context, clock time.Time, dir string, err error) error {
	if clock.IsZero() {
		return err
	}
	b, again := openStore(ctx, dir, broker.Options{AcceptClockJump: true, Store: engine(0)})
	if again != nil {
		return err
	}
	if !b.Settings().IsSimulated() {
		err = usage(errors.New("--clock is for a simulated district only; hallpass init --simulated-clock makes one"))
	}
	return errors.Join(err, b.Close())
}

// listen opens the listeners of a district.
func listen(at served, s service, log *slog.Logger) (*web.Server, error) {
	issuer := at.broker.Settings().Issuer()
	verifier, err := token.NewVerifier(token.Config{Issuer: issuer, Audience: issuer, Keys: at.broker.TokenKeys(), Now: at.broker.Now})
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(at.broker.Settings().TimeZone)
	if err != nil {
		return nil, fmt.Errorf("reading the district's time zone: %w", err)
	}
	known := s.mailing.named(at.broker.Settings())
	known.Zone, known.Public = zone, s.mailing.address(at.broker.Settings())
	v := version()
	api, err := web.New[*broker.Answer](at.broker, verifier, web.Options{
		Log: log, Build: web.Build{Version: v.Version, Revision: v.Revision}, District: known, Simulated: at.broker.Settings().IsSimulated(),
	})
	if err != nil {
		return nil, err
	}
	return web.Listen(api, web.Config{
		Listen: s.listen, OpsListen: s.ops, AdminSocket: socketPath(at.dir), Admin: admin(at), Log: log,
	})
}

// announce says where the district is served: in lines for a person at a
// terminal, in one line of the log for a supervisor.
func (a *app) announce(b *broker.Broker, s service, server *web.Server, log *slog.Logger) {
	settings := b.Settings()
	if !a.terminal {
		log.Info("serving", slog.String("district", settings.Name), slog.String("api", "http://"+server.Addr()+"/v1"),
			slog.String("ops", server.OpsAddr()), slog.Bool("simulated", settings.IsSimulated()), slog.Time("district_time", b.Now()))
	} else {
		a.say("%s", settings.Name)
		a.say("  API      http://%s/v1", server.Addr())
		if server.OpsAddr() != "" {
			a.say("  health   http://%s/readyz and /metrics", server.OpsAddr())
		}
		a.say("  commands hallpass … --dir %s", s.dir)
		if settings.IsSimulated() {
			a.say("  SIMULATED CLOCK: it is %s here; nothing of this district is real evidence", stamp(b.Now()))
		}
		a.say("Stop with Ctrl-C.")
	}
	if !loopback(server.Addr()) {
		log.Warn("the API is open to other machines without TLS: put a proxy that ends TLS before it")
	}
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}
