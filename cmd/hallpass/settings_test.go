package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestOnlyTheProgramsOwnVariablesAreKept(t *testing.T) {
	t.Parallel()
	own := environment([]string{"HALLPASS_DIR=a=b", "PATH=/bin", "HALLPASS_LISTEN=", "nothing"})
	if len(own) != 2 || own["HALLPASS_DIR"] != "a=b" || own["HALLPASS_LISTEN"] != "" {
		t.Errorf("kept %v", own)
	}
}

func TestAFlagWinsOverItsVariable(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.env["HALLPASS_OUTPUT"] = outputJSON
	c.wants(t, exitDone, `"version"`, "version")
	c.wants(t, exitDone, "hallpass ", "version", "--output", "human")
	c.env["HALLPASS_OUTPUT"] = "yaml"
	c.wants(t, exitUsage, "--output is human or json", "version")
}

func TestAVariableThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.env["HALLPASS_STUDENTS"] = "many"
	c.wants(t, exitUsage, "HALLPASS_STUDENTS", "demo", "--once")
}

func TestTheFileOfSettings(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]struct{ text, want string }{
		"sets what nobody else set":       {"listen: 127.0.0.1:1\ndir: there\n", ""},
		"may be empty":                    {"# nothing yet\n", ""},
		"names an unknown setting's line": {"dir: there\n\nport: 1\n", `:3: "port" is no setting; the settings are dir, listen`},
		"takes no lists":                  {"dir:\n  - there\n", ":2: dir takes one value"},
		"is not a list":                   {"- dir\n", ":1: settings are lines"},
		"is YAML":                         {"dir: [\n", "reading the settings"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "hallpass.yaml")
			if err := os.WriteFile(path, []byte(f.text), 0o600); err != nil {
				t.Fatal(err)
			}
			serve := &cobra.Command{Use: "serve"}
			dir, listen := serve.Flags().String("dir", "", ""), serve.Flags().String("listen", "usual", "")
			if err := serve.Flags().Set("dir", "given"); err != nil {
				t.Fatal(err)
			}
			err := fromFile(serve, path, "dir", "listen")
			if f.want != "" {
				if err == nil || !strings.Contains(err.Error(), f.want) {
					t.Fatalf("error %v", err)
				}
				return
			}
			if err != nil || *dir != "given" || strings.Contains(f.text, "listen") != (*listen == "127.0.0.1:1") {
				t.Errorf("dir %q, listen %q, error %v", *dir, *listen, err)
			}
		})
	}
}
