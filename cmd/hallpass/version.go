package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build says which program this is, from what the Go command wrote into it.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitzero"`
	Time     string `json:"time,omitzero"`
	Modified bool   `json:"modified,omitzero"`
	Go       string `json:"go"`
}

func version() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build{Version: "unknown"}
	}
	b := build{Version: cmp.Or(info.Main.Version, "unknown"), Go: info.GoVersion}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func (b build) String() string {
	text := b.Version
	if b.Revision != "" {
		text += ", revision " + b.Revision
	}
	if b.Modified {
		text += " with changes"
	}
	return fmt.Sprintf("%s, %s", text, b.Go)
}

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	c := a.command(&cobra.Command{
		Use:     "version",
		Short:   "Say which program this is",
		Example: "  hallpass version --json",
		Args:    cobra.NoArgs,
	}, func(context.Context, []string) error {
		if asJSON {
			a.output = outputJSON
		}
		return a.show(version(), func(w io.Writer) error {
			_, err := fmt.Fprintln(w, "hallpass", version())
			return err
		})
	})
	c.Flags().BoolVar(&asJSON, "json", false, "the same as --output json")
	return c
}
