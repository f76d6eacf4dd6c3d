package hallpass_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
)

// sabotages are made-up trees that each break one rule, and words of the
// sentence that must follow.
const sabotages = `
== every package stands on the map | not on the map
-- broker/novelty/novelty.go --
package novelty

== every package stands on the map | not on the map
-- broker/sdc/inner/inner_test.go --
package inner_test

== imports run one way | policy/agreement may not import github.com/hallpass-edu/hallpass/policy
-- policy/agreement/a.go --
package agreement
import _ "github.com/hallpass-edu/hallpass/policy"

== imports run one way | broker/tlog may not import github.com/hallpass-edu/hallpass/broker/civil
-- broker/tlog/a.go --
package tlog
import _ "github.com/hallpass-edu/hallpass/broker/civil"

== imports run one way | consent may not import net/http
-- consent/a.go --
package consent
import _ "net/http"

== imports run one way | broker/sdc may not import database/sql
-- broker/sdc/a.go --
package sdc
import _ "database/sql"

== imports run one way | does not list this third-party package
-- broker/store/a.go --
package store
import _ "go.etcd.io/bbolt"

== imports run one way | does not list this third-party package
-- consent/a.go --
package consent
import _ "golang.org/x/text/unicode/norm"

== imports run one way | does not list this third-party package
-- broker/tlog/a.go --
package tlog
import _ "golang.org/x/module"

== imports run one way | trusts nobody
-- cmd/hallpass-verify/main.go --
package main
import _ "github.com/hallpass-edu/hallpass/broker"

== no package is a drawer | named for no idea
-- consent/helpers.go --
package helpers

== no package is a drawer | named for no idea
-- broker/mocks/m_test.go --
package mocks_test

== nothing happens before main | init function
-- consent/a.go --
package consent
func init() {}

== package variables never change | count has no value
-- consent/a.go --
package consent
var count int

== package variables never change | cache holds the result of make
-- consent/a.go --
package consent
var cache = make(map[string]int)

== package variables never change | lock holds sync.Mutex
-- consent/a.go --
package consent
import "sync"
var lock = sync.Mutex{}

== package variables never change | table is written to
-- consent/a.go --
package consent
var table = map[string]int{}
-- consent/b.go --
package consent
func add(k string) { table[k] = 1 }

== package variables never change | table is written to
-- consent/a.go --
package consent
var table = map[string]int{}
func drop(k string) { delete(table, k) }

== package variables never change | limit is written to
-- consent/a.go --
package consent
var limit = 3
func raise() { limit++ }

== package variables never change | limit is written to
-- consent/a.go --
package consent
var limit = 3
func lend() *int { return &limit }

== package variables never change | limits is written to
-- consent/a.go --
package consent
var limits = struct{ high int }{3}
var raise = func() { limits.high = 9 }

== package variables never change | seal.Rounds is written to
-- broker/a.go --
package broker
import "github.com/hallpass-edu/hallpass/broker/seal"
func weaken() { seal.Rounds = 1 }

== time is a parameter | time.Now in broker/records
-- broker/records/a.go --
package records
import "time"
func stamp() time.Time { return time.Now() }

== time is a parameter | time.Now in broker
-- broker/a.go --
package broker
import clock "time"
var now = clock.Now

== time is a parameter | time.Since in broker/web
-- broker/web/a.go --
package web
import "time"
func age(t time.Time) time.Duration { return time.Since(t) }

== time is a parameter | time.Sleep in broker/compare
-- broker/compare/a.go --
package compare
import "time"
func wait() { time.Sleep(1) }

== time is a parameter | time.Now in broker
-- broker/a.go --
package broker
import "time"
func setClock() func() time.Time { return time.Now }
func other() time.Time { return time.Now() }

== every exported name is documented | Grant is exported
-- consent/a.go --
// Package consent is documented.
package consent
type Grant struct{}

== every exported name is documented | Validate is exported
-- consent/a.go --
// Package consent is documented.
package consent
// Grant is documented.
type Grant[T any] struct{}
func (g *Grant[T]) Validate() error { return nil }

== every exported name is documented | Floor is exported
-- consent/a.go --
// Package consent is documented.
package consent
const Floor = 9

== every exported name is documented | write a package comment
-- consent/a.go --
package consent

== functions fit on a page | long has 81 lines
-- consent/a.go --
package consent
func long() {
@79
}

== the README stays short | has 121 lines
-- README.md --
@121

== the README stays short | missing
-- LICENSE --
Free.

== links lead somewhere | link to docs/none.md
-- README.md --
Read [this](docs/none.md#top), [that](LICENSE) or [the standard](https://example.org).
-- LICENSE --
Free.

== no path of one machine stands in the text | README.md:1
-- README.md --
See /ho@me/someone/notes.

== no path of one machine stands in the text | tools/run.sh:2
-- tools/run.sh --
#!/bin/sh
cd "/ro@ot/x"

== nothing is left half-done | consent/a.go:2
-- consent/a.go --
package consent
// TO@DO: the rest

== nothing is left half-done | rego/rows.rego:1
-- rego/rows.rego --
# not implem@ented
`

// sound is a tree in which every rule is kept, some of them narrowly.
const sound = `
-- README.md --
@120
-- consent/a.go --
// Package consent is documented.
package consent

import (
	"errors"
	"regexp"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// Every error of this package.
var (
	ErrOne = errors.New("one")
	ErrTwo = errors.New("two") // said of the second
)

var (
	_       error = ErrOne
	pattern       = regexp.MustCompile("a")
	table         = map[string]int{"a": 1}
)

// Half is an hour's half; a local variable may be named like a package's.
const Half = time.Hour / 2

// Count reads.
func Count(of civil.Date) int {
	table := map[string]int{}
	table[pattern.String()] = int(of)
	pattern := 0
	pattern++
	return table["a"] + pattern
}

type hidden struct{}

func (hidden) Exported() int { return table["a"] }

func page() {
@78
}
-- rego/rego.go --
// Package rego holds the rules.
package rego

import "embed"

// Files are the rules.
//
//go:embed rows.rego
var Files embed.FS
-- cmd/hallpass/main.go --
// Command hallpass reads the clock.
package main

import (
	"time"

	_ "github.com/hallpass-edu/hallpass/broker"
	_ "github.com/spf13/cobra"
)

func main() { _ = time.Now() }
-- cmd/hallpass/main_test.go --
package main

import "testing"

var seen int

func TestMain(m *testing.M) { seen++ }
-- build/broken.go --
this is not Go
-- broker/sdc/testdata/broken.go --
nor is this
`

// treeOf reads a txtar text; a line "@N" stands for N empty lines, and any
// other @ for nothing, so that no rule finds its own sabotage in this file.
func treeOf(t *testing.T, text string) *tree {
	t.Helper()
	files := fstest.MapFS{}
	for _, f := range txtar.Parse([]byte(text)).Files {
		var b strings.Builder
		for line := range strings.Lines(string(f.Data)) {
			n := 0
			for _, digit := range strings.TrimPrefix(strings.TrimSpace(line), "@") {
				n = n*10 + int(digit-'0')
			}
			if strings.HasPrefix(line, "@") {
				b.WriteString(strings.Repeat("\n", n))
				continue
			}
			b.WriteString(strings.ReplaceAll(line, "@", ""))
		}
		files[f.Name] = &fstest.MapFile{Data: []byte(b.String())}
	}
	tree, err := readTree(files)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestEachRuleSeesItsBreach(t *testing.T) {
	t.Parallel()
	all, broken := rules(), map[string]bool{}
	for block := range strings.SplitSeq(sabotages, "\n== ") {
		head, text, _ := strings.Cut(strings.TrimPrefix(block, "\n"), "\n")
		name, want, ok := strings.Cut(head, " | ")
		if !ok {
			continue
		}
		broken[name] = true
		t.Run(name+"/"+want, func(t *testing.T) {
			t.Parallel()
			check, known := all[name]
			if !known {
				t.Fatalf("there is no rule of this name")
			}
			faults := check(treeOf(t, text))
			if len(faults) != 1 || !strings.Contains(faults[0], want) {
				t.Errorf("got %q, want one sentence with %q", faults, want)
			}
		})
	}
	for name := range all {
		if !broken[name] {
			t.Errorf("the rule %q has no sabotage", name)
		}
	}
}

func TestASoundTreeBreaksNoRule(t *testing.T) {
	t.Parallel()
	tree := treeOf(t, sound)
	for name, rule := range rules() {
		for _, fault := range rule(tree) {
			t.Errorf("%s: %s", name, fault)
		}
	}
}

func TestTheMapHasNoCircle(t *testing.T) {
	t.Parallel()
	depth := map[string]int{}
	var walk func(dir string, path []string)
	walk = func(dir string, path []string) {
		if len(path) > len(house) {
			t.Fatalf("packages import each other: %s", strings.Join(path[:4], ", "))
		}
		depth[dir] = max(depth[dir], len(path))
		for _, next := range house[dir].ours {
			if _, known := house[next]; !known {
				t.Errorf("%s may import %s, which is not on the map", dir, next)
			}
			walk(next, append(path, dir))
		}
	}
	for dir := range house {
		walk(dir, nil)
	}
}
