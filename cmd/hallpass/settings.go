package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

const variablePrefix = "HALLPASS_"

// environment keeps the variables that are the program's own.
func environment(all []string) map[string]string {
	own := map[string]string{}
	for _, v := range all {
		if name, value, ok := strings.Cut(v, "="); ok && strings.HasPrefix(name, variablePrefix) {
			own[name] = value
		}
	}
	return own
}

// variable names the variable that stands for a flag.
func variable(flag string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment sets the flags that were not given from their variables.
func (a *app) fromEnvironment(c *cobra.Command) error {
	for _, name := range slices.Sorted(maps.Keys(a.env)) {
		flag := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, variablePrefix)), "_", "-")
		if f := c.Flags().Lookup(flag); f == nil || f.Changed {
			continue
		}
		if err := c.Flags().Set(flag, a.env[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// fromFile sets the flags that neither the command line nor a variable gave
// from a YAML file of "flag: value" lines. A name that is not in allowed is an
// error with its line.
func fromFile(c *cobra.Command, path string, allowed ...string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the settings: %w", err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("reading the settings in %s: %w", path, err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	at := func(n *yaml.Node, what string) error { return fmt.Errorf("%s:%d: %s", path, n.Line, what) }
	pairs := doc.Content[0]
	if pairs.Kind != yaml.MappingNode {
		return at(pairs, "settings are lines of the form name: value")
	}
	for pair := range slices.Chunk(pairs.Content, 2) {
		name, value := pair[0].Value, pair[1]
		if !slices.Contains(allowed, name) {
			return at(pair[0], fmt.Sprintf("%q is no setting; the settings are %s", name, strings.Join(allowed, ", ")))
		}
		if value.Kind != yaml.ScalarNode {
			return at(value, name+" takes one value")
		}
		if c.Flags().Changed(name) {
			continue
		}
		if err := c.Flags().Set(name, value.Value); err != nil {
			return at(value, err.Error())
		}
	}
	return nil
}
