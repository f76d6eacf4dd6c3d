package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// app is one run of the program: what it reads and writes, who runs it, and
// how it reaches a district.
type app struct {
	stdout, stderr io.Writer
	terminal       bool              // stderr is one
	env            map[string]string // HALLPASS_ variables
	folder         string            // where relative paths start
	person         string            // who runs the program
	args           []string          // as given
	served         *served           // set inside hallpass serve: the district there
	output         string            // human or json
	began          bool              // the command line was right, and its command runs
	patience       time.Duration     // how long to wait for a store that is in use
}

// run is the whole program: arguments in, text and exit code out.
func run(args []string, stdout, stderr *os.File) int {
	ctx, stop := untilStopped()
	defer stop()
	a := &app{
		stdout: stdout, stderr: stderr, terminal: term.IsTerminal(int(stderr.Fd())),
		env: environment(os.Environ()), person: person(), patience: patience,
	}
	var err error
	if a.folder, err = os.Getwd(); err != nil {
		return a.exit(fmt.Errorf("finding the working directory: %w", err))
	}
	return a.execute(ctx, args, a.root())
}

// untilStopped ends with the first signal to stop, so that a command ends in
// good order; a second signal ends the process. A reader that went away is an
// error of the write, so that what was begun is cleared up too.
func untilStopped() (context.Context, context.CancelFunc) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as it is under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// execute runs one command line and returns its exit code.
func (a *app) execute(ctx context.Context, args []string, root *cobra.Command) int {
	a.args = args
	root.SetArgs(args)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !a.began {
		err = usage(err)
	}
	if f, ok := errors.AsType[*failure](err); ok && f.code == exitUsage {
		f.next = "see " + cmd.CommandPath() + " --help"
	}
	if err != nil && ctx.Err() != nil {
		err = errInterrupted
	}
	return a.exit(err)
}

func (a *app) root() *cobra.Command {
	root := a.bare()
	root.AddCommand(
		a.initCommand(), a.serveCommand(), a.demoCommand(), a.versionCommand(),
		a.importCommand(), a.guardiansCommand(), a.tokenCommand(), a.linkCommand(), a.periodCommand(), a.auditCommand(),
		a.reportCommand(), a.messagesCommand(), a.restoreCommand(),
	)
	return root
}

// bare is the root without commands.
func (a *app) bare() *cobra.Command {
	root := a.group(&cobra.Command{
		Use:   "hallpass",
		Short: "Share school records without losing control of them",
		Long: `hallpass runs a broker between a school district and its partner organizations.
It answers a partner with a protected comparison or with the records of students
whose families said yes, and records everything in a log that can be checked.

Commands for a district work whether hallpass serve runs there or not. Every flag
can be given as a variable too: --dir as HALLPASS_DIR. Data is written to standard
output, messages to standard error.

Exit codes: 0 done, 1 failed, 2 usage, 3 rejected by validation, 4 refused by
policy, 5 store unavailable, 6 proof does not verify.`,
		Example: `  hallpass demo
  hallpass init --dir district --name "Lakeview Schools" --host data.lakeview.example --timezone America/Chicago
  hallpass serve --dir district`,
		Version:       version().String(),
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.fromEnvironment(cmd); err != nil {
				return err
			}
			if a.output != outputHuman && a.output != outputJSON {
				return fmt.Errorf("--output is %s or %s", outputHuman, outputJSON)
			}
			return nil
		},
	})
	root.PersistentFlags().StringVarP(&a.output, "output", "o", outputHuman, "human or json")
	return root
}

// command gives a cobra command its work.
func (a *app) command(c *cobra.Command, work func(ctx context.Context, args []string) error) *cobra.Command {
	c.RunE = func(cmd *cobra.Command, args []string) error {
		a.began = true
		return work(cmd.Context(), args)
	}
	return c
}

// group is a command that only has other commands.
func (a *app) group(c *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	c.AddCommand(commands...)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("%q is no command of %s", args[0], cmd.CommandPath())
		}
		return cmd.Help()
	}
	return c
}

// path makes a path absolute, as the person who gave it meant it.
func (a *app) path(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(a.folder, p)
}

// person names who runs the program, for the log.
func person() string {
	if u, err := user.Current(); err == nil && strings.TrimSpace(u.Username) != "" {
		return u.Username
	}
	return "uid " + fmt.Sprint(os.Getuid())
}
