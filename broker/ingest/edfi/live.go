package edfi

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// Live is the format of an API that is read while it is opened; the files are
// not looked at. Whatever fails, nothing is read. A resource that the service
// does not grant, or does not know, is one that the export does not speak of;
// schools and students must be granted.
//
// The change version is asked for first. What changed or was deleted since,
// while the pages were read, is taken in after them, so that the records are
// those of one moment.
func Live(ctx context.Context, src Source) ingest.Format {
	return ingest.Format{Name: "ed-fi api", Open: func(files *ingest.Files, opt ingest.Options, report *ingest.Report) ingest.Feed {
		s, err := open(src)
		if err != nil {
			report.Note(ingest.Place{}, "", ingest.Unreachable, err.Error())
			return nil
		}
		l := &live{service: s, store: newStore(opt, report), fieldBytes: files.Limits().FieldBytes, limit: max(1, opt.Limits.Rows)}
		if !l.load(ctx) {
			return nil
		}
		return newFeed(l.store, opt)
	}}
}

// A live is an API while its resources are read.
type live struct {
	*service
	store      *store
	fieldBytes int
	limit      int   // records of a resource
	since      int64 // change version before the first page; 0: the service keeps none
}

// A collection is one path of the API.
type collection struct {
	name     string
	resource *resource
	old      bool   // Parent
	instead  string // its name before, where the service does not know this one
	quiet    bool   // it is missing in some versions, and nothing is to be said
	required bool
}

// collections are read in the order in which they name one another.
func collections() (list []collection) {
	for i := range resources {
		r := &resources[i]
		if r.kind == bystanders || r.kind == assignments || r.kind == descriptors { // counted where they come along, or below
			continue
		}
		list = append(list, collection{name: collectionName(string(r.kind)), resource: r, required: r.kind == schools || r.kind == students})
	}
	for i := range list {
		switch list[i].resource.kind {
		case contacts:
			list[i].instead = "parents"
		case contactLinks:
			list[i].instead = "studentParentAssociations"
		case involvements:
			list[i].instead = "studentDisciplineIncidentAssociations"
		}
	}
	for _, what := range []string{
		"attendanceEventCategory", "behavior", "calendarEvent", "discipline", "disciplineIncidentParticipationCode", "gradeLevel",
		"gradeType", "limitedEnglishProficiency", "race", "relation", "schoolCategory", "sex", "studentParticipationCode", "term",
	} {
		list = append(list, collection{name: what + "Descriptors", resource: resourceOf(descriptors), quiet: true})
	}
	return list
}

func collectionName(kind string) string {
	name := strings.ToLower(kind[:1]) + kind[1:]
	if stem, found := strings.CutSuffix(name, "y"); found {
		return stem + "ies"
	}
	return name + "s"
}

// load reads everything; false after a failure, which the report tells.
func (l *live) load(ctx context.Context) bool {
	if err := l.version(ctx); err != nil {
		l.store.report.Note(ingest.Place{}, "", ingest.Unreachable, err.Error())
		return false
	}
	granted := collections()
	for i := 0; i < len(granted); {
		c := &granted[i]
		err := l.whole(ctx, c)
		switch {
		case errors.Is(err, errNotGranted) && c.instead != "":
			c.name, c.instead, c.old = c.instead, "", strings.Contains(strings.ToLower(c.instead), "parent")
			continue
		case errors.Is(err, errNotGranted) && !c.required:
			l.notGranted(c)
			granted = append(granted[:i], granted[i+1:]...)
			continue
		case err != nil:
			l.store.report.Note(ingest.Place{File: c.name}, "", ingest.Unreachable, err.Error())
			return false
		case c.resource.kind == involvements && c.instead != "": // versions between have both
			granted = append(granted, collection{name: c.instead, resource: c.resource, quiet: true})
		}
		i++
	}
	return l.catchUp(ctx, granted)
}

func (l *live) notGranted(c *collection) {
	if !c.quiet {
		l.store.form = c.resource.form
		l.store.hold(note{ingest.Place{File: c.name}, "", ingest.NotGranted, ""})
	}
}

// version asks for the newest change version.
func (l *live) version(ctx context.Context) error {
	path := "changeQueries/v1/"
	if l.Instance != "" {
		path += strings.Trim(l.Instance, "/") + "/"
	}
	body, _, err := l.get(ctx, path+"availableChangeVersions", nil)
	if errors.Is(err, errNotGranted) {
		return nil
	}
	if err != nil {
		return err
	}
	var v struct {
		Newest int64 `json:"newestChangeVersion,case:ignore"`
	}
	if json.Unmarshal(body, &v, json.MatchCaseInsensitiveNames(true)) != nil || v.Newest < 0 {
		return errBody
	}
	l.since = v.Newest
	return nil
}

func (l *live) path(c *collection, tail string) string {
	path := strings.Trim(l.DataPath, "/") + "/"
	if l.Instance != "" {
		path += strings.Trim(l.Instance, "/") + "/"
	}
	return path + "ed-fi/" + c.name + tail
}

// whole reads all records of a collection. Where some go away between two
// pages others move up and are missed; then it is read again.
func (l *live) whole(ctx context.Context, c *collection) error {
	for range rereads {
		r := l.reader(c)
		total, err := l.pages(ctx, l.path(c, ""), nil, r)
		if err != nil || r.row >= total {
			return err
		}
		if l.since == 0 {
			break // the service cannot say which went away
		}
	}
	return errMissed
}

// catchUp takes in what changed and what was deleted since the first page.
func (l *live) catchUp(ctx context.Context, granted []collection) bool {
	if l.since == 0 {
		return true
	}
	query := url.Values{"minChangeVersion": {strconv.FormatInt(l.since+1, 10)}}
	for _, tail := range []string{"", "/deletes"} {
		for i := range granted {
			c := &granted[i]
			if c.resource.kind == descriptors {
				continue
			}
			r := l.reader(c)
			r.deletes = tail != ""
			if _, err := l.pages(ctx, l.path(c, tail), query, r); err != nil && !errors.Is(err, errNotGranted) {
				l.store.report.Note(ingest.Place{File: c.name}, "", ingest.Unreachable, err.Error())
				return false
			}
		}
	}
	return true
}

func (l *live) reader(c *collection) *jsonReader {
	r := newJSONReader(l.store, l.fieldBytes, c.name, c.resource)
	r.replay, r.old = true, c.old
	return r
}

// pages reads a collection page by page until one is empty, or short where the
// service does not count. total is how many records it counted at first.
func (l *live) pages(ctx context.Context, path string, query url.Values, r *jsonReader) (total int, err error) {
	var last []byte
	for r.row < l.limit {
		before := r.row
		body, header, err := l.get(ctx, path, l.pageQuery(query, before))
		if err != nil {
			return 0, err
		}
		if before == 0 {
			total = countIn(header)
		}
		if before > 0 && len(body) > len("[]") && bytes.Equal(body, last) || !r.page(body) {
			return 0, errBody // the same page again, or none
		}
		if r.row == before || r.row-before < l.PageSize && r.row >= total {
			return total, nil
		}
		last = body
	}
	return 0, errTooMany
}

func (l *live) pageQuery(query url.Values, offset int) url.Values {
	page := url.Values{"offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(l.PageSize)}}
	for name, values := range query {
		page[name] = values
	}
	if offset == 0 {
		page.Set("totalCount", "true")
	}
	return page
}

func countIn(h http.Header) int {
	n, err := strconv.Atoi(h.Get("Total-Count"))
	if err != nil {
		return 0
	}
	return n
}

// page takes one answer, which must be an array of records.
func (j *jsonReader) page(body []byte) bool {
	body = bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf"))
	if len(body) == 0 || body[0] != '[' {
		return false
	}
	if j.resource.kind != descriptors {
		j.store.spoken[j.resource.kind] = true
	}
	return j.read(body) == nil
}
