package main

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker"
)

// entry is what the log says of one event.
type entry struct {
	Index     uint64         `json:"index"`
	Time      time.Time      `json:"time"`
	Event     string         `json:"event"`
	Decision  string         `json:"decision"`
	Caller    entryCaller    `json:"caller"`
	Agreement string         `json:"agreement"`
	Clause    string         `json:"clause"`
	Policy    string         `json:"policy"`
	Reasons   []string       `json:"reasons"`
	Request   jsontext.Value `json:"request"`        // of a partner's request, or of a report
	Digest    string         `json:"request_sha256"` // of everything else
	Destroyed bool           `json:"destroyed"`
}

type entryCaller struct {
	Role    string `json:"role"`
	Subject string `json:"subject"`
	Partner string `json:"partner"`
}

// entryPage is a page of the log.
type entryPage struct {
	Entries []entry `json:"entries"`
	Size    uint64  `json:"size"`
}

func (a *app) auditListCommand() *cobra.Command {
	var (
		from  uint64
		limit int
	)
	c := a.auditVerb(&cobra.Command{
		Use:   "list",
		Short: "List entries, oldest first",
		Long: `list shows who asked what when, how it was decided, by which clause of which
agreement and under which revision of the rules. Reading the log is itself an entry.`,
		Example: `  hallpass audit list --dir district
  hallpass audit list --dir district --from 1000 --limit 500 --output json`,
		Args: cobra.NoArgs,
	}, func(ctx context.Context, b *broker.Broker, _ []string) error {
		body, err := b.ListEntries(ctx, a.local(broker.RoleAuditor), from, limit)
		if err != nil {
			return err
		}
		return showAnswer(a, body, a.listed)
	})
	c.Flags().Uint64Var(&from, "from", 0, "index of the first entry")
	c.Flags().IntVar(&limit, "limit", 100, "how many entries, at most 1000")
	return c
}

func (a *app) listed(w io.Writer, page entryPage) error {
	rows := [][]string{{"INDEX", "TIME", "EVENT", "DECISION", "CALLER", "AGREEMENT", "CLAUSE", "POLICY", "REQUEST"}}
	for _, e := range page.Entries {
		rows = append(rows, e.row())
	}
	if err := table(w, rows...); err != nil {
		return err
	}
	if n := len(page.Entries); n > 0 && page.Entries[n-1].Index+1 < page.Size {
		a.say("The log has %d entries; go on with --from %d.", page.Size, page.Entries[n-1].Index+1)
	}
	return nil
}

func (e entry) row() []string {
	if e.Destroyed {
		return []string{strconv.FormatUint(e.Index, 10), stamp(e.Time), e.Event, e.Decision, "(its key was destroyed)"}
	}
	caller := slices.DeleteFunc([]string{e.Caller.Role, e.Caller.Partner, e.Caller.Subject}, func(s string) bool { return s == "" })
	return []string{
		strconv.FormatUint(e.Index, 10), stamp(e.Time), e.Event, e.Decision + joined(": ", e.Reasons), strings.Join(caller, " / "),
		cmp.Or(e.Agreement, "-"), cmp.Or(e.Clause, "-"), short(e.Policy), e.asked(),
	}
}

// asked is a question for figures or records in words, or the digest of what was sent.
func (e entry) asked() string {
	var q struct {
		Action   string `json:"action"`
		School   string `json:"school"`
		Period   string `json:"period"`
		Audience string `json:"audience"`
	}
	if len(e.Request) == 0 || json.Unmarshal(e.Request, &q) != nil || q.Action == "" {
		return "sha256:" + short(e.Digest)
	}
	return strings.Join(strings.Fields(q.Action+" "+named("school=", q.School)+" "+named("period=", q.Period)+" "+named("audience=", q.Audience)), " ")
}

func named(name, value string) string {
	if value == "" {
		return ""
	}
	return name + value
}

// short is the beginning of a digest, enough to tell one from another.
func short(digest string) string {
	return cmp.Or(digest[:min(12, len(digest))], "-")
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
