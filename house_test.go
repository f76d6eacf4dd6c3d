package hallpass_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
)

const module = "github.com/hallpass-edu/hallpass"

// room says what a package may import beside the standard library.
type room struct {
	ours  []string // packages of this module; nil: none
	third []string // third-party modules or packages, and what of std a pure package needs all the same
	pure  bool     // knows no clock, HTTP, storage or global
	wires bool     // a program: may import everything, and reads the clock
	clock []string // functions that may read the clock: they hand it to the rest, or set a deadline
}

// house is the import map. Imports run one way: cmd, web, broker, policy,
// agreement, consent; and broker to the packages below it. Leaves import
// nothing of ours but the calendar day. A package that is not listed here does
// not exist; one that wants a new import asks for it here, where it is seen.
var house = map[string]room{
	".":    {},
	"rego": {},
	"docs": {},

	"consent":          {pure: true, ours: []string{"broker/civil"}},
	"consent/casefile": {ours: []string{"broker/civil", "consent"}, third: []string{"go.yaml.in/yaml/v3"}}, // for tests: what cases say
	"policy/agreement": {pure: true, ours: []string{"broker/civil", "consent"}},
	"policy": {
		ours:  []string{"broker/civil", "consent", "policy/agreement", "rego"},
		third: []string{"github.com/open-policy-agent/opa/v1"},
		clock: []string{"late", "within"},
	},

	"broker/bench":   {}, // tests only: they start what is measured
	"broker/civil":   {pure: true},
	"broker/records": {pure: true, ours: []string{"broker/civil"}, third: []string{"golang.org/x/text"}},
	"broker/sdc": {
		pure: true, ours: []string{"broker/civil", "broker/sdc/field", "broker/sdc/noise", "broker/sdc/rank"},
		third: []string{"github.com/RoaringBitmap/roaring/v2", "gonum.org/v1/gonum"},
	},
	"broker/sdc/field": {pure: true},
	"broker/sdc/noise": {pure: true},
	"broker/sdc/rank": {
		pure: true, ours: []string{"broker/sdc/field"},
		third: []string{"github.com/RoaringBitmap/roaring/v2"},
	},
	"broker/sdc/budget": {
		pure: true, ours: []string{"broker/civil", "broker/sdc/noise"},
		third: []string{"github.com/RoaringBitmap/roaring/v2", "github.com/go-json-experiment/json"},
	},
	"broker/compare": {
		pure: true, ours: []string{"broker/civil", "broker/records", "broker/sdc", "broker/sdc/noise"},
		third: []string{"github.com/RoaringBitmap/roaring/v2", "gonum.org/v1/gonum"},
	},
	"broker/redteam":        {}, // tests only: they attack what is served
	"broker/redteam/attack": {pure: true, third: []string{"gonum.org/v1/gonum"}},
	"broker/tlog": {
		pure:  true,
		third: []string{"crypto/rand", "github.com/go-json-experiment/json", "golang.org/x/mod/sumdb"}, // rand: the log's key
	},
	"broker/report": {
		pure: true, ours: []string{"broker/civil", "broker/compare", "broker/records", "broker/sdc", "broker/tlog"},
		third: []string{"github.com/a-h/templ", "github.com/go-json-experiment/json"},
	},
	"broker/pages": {
		pure: true, ours: []string{"broker/civil", "consent"},
		third: []string{
			"github.com/a-h/templ", "github.com/nicksnyder/go-i18n/v2", "github.com/piglig/go-qr", "github.com/pelletier/go-toml/v2", "golang.org/x/text",
			"net/url", // addresses are written, never called
		},
	},
	"broker/sample": {pure: true, ours: []string{"broker/civil", "broker/records"}},
	"broker/ingest": {
		ours:  []string{"broker/civil", "broker/records"},
		third: []string{"golang.org/x/sync", "golang.org/x/text"},
	},
	"broker/ingest/oneroster": {ours: []string{"broker/civil", "broker/ingest", "broker/records"}},
	"broker/ingest/edfi": {
		ours:  []string{"broker/civil", "broker/ingest", "broker/records"},
		third: []string{"github.com/go-json-experiment/json"},
	},
	"broker/ingest/sds":        {ours: []string{"broker/civil", "broker/ingest", "broker/records"}},
	"broker/ingest/ingesttest": {ours: []string{"broker/civil", "broker/ingest", "broker/records"}},
	"broker/ingest/mapping": {
		ours:  []string{"broker/civil", "broker/ingest", "broker/records"},
		third: []string{"github.com/xuri/excelize/v2", "go.yaml.in/yaml/v3"},
	},
	"broker/seal":            {ours: []string{"broker/store", "broker/store/bolt"}}, // keys.db is a store of its own
	"broker/token":           {third: []string{"github.com/go-json-experiment/json", "github.com/golang-jwt/jwt/v5"}},
	"broker/store":           {},
	"broker/store/bolt":      {ours: []string{"broker/store"}, third: []string{"go.etcd.io/bbolt"}},
	"broker/store/storetest": {ours: []string{"broker/store"}, third: []string{"github.com/google/go-cmp", "pgregory.net/rapid"}},

	"broker": {
		ours: []string{
			"broker/civil", "broker/compare", "broker/ingest", "broker/pages", "broker/records", "broker/report", "broker/sdc", "broker/sdc/budget", "broker/sdc/noise", "broker/seal",
			"broker/store", "broker/store/bolt", "broker/tlog", "broker/token", "consent", "policy", "policy/agreement", "rego",
		},
		third: []string{
			"github.com/RoaringBitmap/roaring/v2", "github.com/go-json-experiment/json", "golang.org/x/mod/sumdb",
			"golang.org/x/sync", "golang.org/x/text",
		},
		clock: []string{"setClock"},
	},
	"broker/web": {
		ours: []string{
			"broker", "broker/civil", "broker/compare", "broker/ingest", "broker/pages", "broker/report", "broker/tlog", "broker/token",
			"consent", "docs", "policy", "policy/agreement",
		},
		third: []string{
			"github.com/gin-gonic/gin", "github.com/go-json-experiment/json", "github.com/prometheus/client_golang",
			"golang.org/x/sync", "golang.org/x/time",
		},
		clock: []string{"withDefaults", "wait", "sleepFor"},
	},
	"broker/post": {
		ours:  []string{"broker"},
		third: []string{"github.com/go-json-experiment/json", "github.com/wneessen/go-mail"},
	},
	"cmd/hallpass":        {wires: true},
	"cmd/hallpass-verify": {wires: true},
}

// verifierOf lists programs that must stay small enough to be trusted by
// reading: unlike other programs they may import only this of ours.
var verifierOf = map[string][]string{"cmd/hallpass-verify": {"broker/tlog"}}

func TestTheHouseKeepsItsRules(t *testing.T) {
	t.Parallel()
	here, err := os.OpenRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	tree, err := readTree(here.FS())
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.packages) < 3 {
		t.Fatalf("only %d packages were found: is this the root of the module?", len(tree.packages))
	}
	for name, rule := range rules() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, fault := range rule(tree) {
				t.Error(fault)
			}
		})
	}
}

func TestTheModuleFileListsOnlyWhatShips(t *testing.T) {
	t.Parallel()
	text, err := fs.ReadFile(os.DirFS("."), "go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"golangci", "gofumpt", "golang.org/x/perf", "\ntool "} {
		if strings.Contains(string(text), tool) {
			t.Errorf("go.mod names %q: linters and other tools belong into tools/go.mod", strings.TrimSpace(tool))
		}
	}
}
