package edfi_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/edfi"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

const clientSecret = "SECRETVALUE-of-the-client"

// An api is an Ed-Fi API in memory, with the faults that a test asks for.
type api struct {
	mu        sync.Mutex
	data      map[string][]json.RawMessage // by resource
	deletes   map[string][]json.RawMessage // after the first page
	later     map[string][]json.RawMessage // changes after the first page
	unknown   map[string]int               // resources that are answered with this status
	noChanges bool                         // no change queries
	busyEvery int                          // each so many requests one is refused with 429
	expireAt  int                          // the token is no longer good after so many requests
	after     func(requests int, w http.ResponseWriter, r *http.Request) bool

	requests, tokens int
	good             string
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.URL.Path == "/oauth/token" {
		a.token(w, r)
		return
	}
	a.requests++
	switch {
	case r.Header.Get("Authorization") != "Bearer "+a.good || a.good == "":
		w.WriteHeader(http.StatusUnauthorized)
	case a.requests == a.expireAt:
		a.good = ""
		w.WriteHeader(http.StatusUnauthorized)
	case a.busyEvery > 0 && a.requests%a.busyEvery == 0:
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	case a.after != nil && a.after(a.requests, w, r):
	default:
		a.answer(w, r)
	}
}

func (a *api) token(w http.ResponseWriter, r *http.Request) {
	key, secret, _ := r.BasicAuth()
	if r.Method != http.MethodPost || r.FormValue("grant_type") != "client_credentials" || key != "key" || secret != clientSecret {
		http.Error(w, secret, http.StatusUnauthorized)
		return
	}
	a.tokens++
	a.good = fmt.Sprint("token-", a.tokens)
	fmt.Fprintf(w, `{"access_token":%q,"expires_in":1800,"token_type":"bearer"}`, a.good)
}

func (a *api) answer(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/changeQueries/v1/2017/availableChangeVersions" {
		if a.noChanges {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		fmt.Fprint(w, `{"oldestChangeVersion":0,"newestChangeVersion":123}`)
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/data/v3/2017/ed-fi/")
	resource, tail, _ := strings.Cut(rest, "/")
	list, known := a.data[resource]
	if status := a.unknown[resource]; !ok || status != 0 || !known {
		w.WriteHeader(cmp.Or(status, http.StatusNotFound))
		return
	}
	switch {
	case tail == "deletes":
		list = a.deletes[resource]
	case r.URL.Query().Get("minChangeVersion") == "124":
		list = a.later[resource]
	}
	if r.URL.Query().Get("totalCount") == "true" {
		w.Header().Set("Total-Count", strconv.Itoa(len(list)))
	}
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	from := min(offset, len(list))
	page, _ := json.Marshal(append([]json.RawMessage{}, list[from:min(from+limit, len(list))]...))
	_, _ = w.Write(page)
}

// northridge is the API that the files of the real set were taken from: its
// last state, and the delete of a school that came then.
func northridge(t testing.TB) *api {
	t.Helper()
	a := &api{data: map[string][]json.RawMessage{}, deletes: map[string][]json.RawMessage{}}
	for _, resource := range []string{"schools", "students", "studentSchoolAssociations"} {
		dir := filepath.Join(ingesttest.Shared(t, "edfi-northridge-api-json"), resource, "incremental")
		place := map[string]int{}
		for _, o := range objectsBelow(t, filepath.Join(dir, "upserts")) {
			id := idOf(t, o)
			if at, there := place[id]; there {
				a.data[resource][at] = o
				continue
			}
			place[id] = len(a.data[resource])
			a.data[resource] = append(a.data[resource], o)
		}
		a.deletes[resource] = objectsBelow(t, filepath.Join(dir, "deletes"))
	}
	return a
}

func objectsBelow(t testing.TB, dir string) (list []json.RawMessage) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 {
				list = append(list, slices.Clone(line))
			}
		}
	}
	return list
}

func idOf(t testing.TB, o json.RawMessage) string {
	t.Helper()
	var v struct{ ID string }
	if err := json.Unmarshal(o, &v); err != nil {
		t.Fatal(err)
	}
	return v.ID
}

// waits records for how long the reader paused, and lets no time pass.
type waits struct {
	mu   sync.Mutex
	list []time.Duration
}

func (w *waits) wait(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, d)
	return ctx.Err()
}

func serve(t testing.TB, a *api) (edfi.Source, *waits) {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	w := &waits{}
	return edfi.Source{
		BaseURL: server.URL, Instance: "2017", Key: "key", Secret: clientSecret, PageSize: 500, Client: server.Client(), Wait: w.wait,
	}, w
}

func readLive(t testing.TB, src edfi.Source, exported string) (*ingest.Import, *ingest.Report) {
	t.Helper()
	opt := ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: ingesttest.Date(t, exported)}
	return read(t, fstest.MapFS{}, edfi.Live(t.Context(), src), opt)
}

func TestTheAPIGivesTheSameAsItsFiles(t *testing.T) {
	t.Parallel()
	want, _ := readReal(t, "edfi-northridge-api-json", edfi.JSON(), "2022-08-11")
	a := northridge(t)
	a.busyEvery, a.expireAt = 5, 9
	src, w := serve(t, a)
	got, report := readLive(t, src, "2022-08-11")
	if got == nil {
		t.Fatal(ingesttest.Findings(report))
	}
	if picture(got) != picture(want) {
		t.Error("the service is read otherwise than its files")
	}
	if a.tokens != 2 || len(w.list) == 0 || slices.ContainsFunc(w.list, func(d time.Duration) bool { return d != 7*time.Second }) {
		t.Errorf("%d tokens, pauses %v", a.tokens, w.list)
	}
	count := map[ingest.Rule]int{}
	for _, g := range report.Groups {
		count[g.Rule] += g.Count
	}
	if count[ingest.OrphaningDelete] != 1 || count[ingest.NotGranted] == 0 || count[ingest.AssumedYear] != 1 {
		t.Errorf("rules %v", count)
	}
}

// smallAPI serves the small district.
func smallAPI(t testing.TB) *api {
	t.Helper()
	a := &api{data: map[string][]json.RawMessage{}, deletes: map[string][]json.RawMessage{}, later: map[string][]json.RawMessage{}}
	for name, file := range base(t, "json", nil) {
		resource := strings.TrimPrefix(strings.TrimSuffix(path.Base(name), path.Ext(name)), "ed-fi-")
		if dir := path.Dir(name); dir != "." {
			resource = dir
		}
		if !strings.HasSuffix(resource, "s") {
			resource += "s"
		}
		data := bytes.TrimSpace(file.Data)
		switch {
		case bytes.HasPrefix(data, []byte(`{"data"`)):
			var held struct{ Data []json.RawMessage }
			if err := json.Unmarshal(data, &held); err != nil {
				t.Fatal(err)
			}
			a.data[resource] = held.Data
		case data[0] == '[':
			var list []json.RawMessage
			if err := json.Unmarshal(data, &list); err != nil {
				t.Fatal(err)
			}
			a.data[resource] = append(a.data[resource], list...)
		default:
			for _, line := range bytes.Split(data, []byte("\n")) {
				a.data[resource] = append(a.data[resource], line)
			}
		}
	}
	return a
}

func TestTheAPIOfTheSmallDistrictGivesEverything(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/district.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 2, 3, 500} {
		src, _ := serve(t, smallAPI(t))
		src.PageSize = size
		im, report := readLive(t, src, "2026-06-26")
		if im == nil || picture(im) != string(want) {
			t.Errorf("pages of %d: %v", size, ingesttest.Findings(report))
		}
	}
}

func TestAnOldAPIIsReadByItsOldNames(t *testing.T) {
	t.Parallel()
	a := smallAPI(t)
	old := strings.NewReplacer("contactUniqueId", "parentUniqueId", "contactReference", "parentReference")
	for now, was := range map[string]string{"contacts": "parents", "studentContactAssociations": "studentParentAssociations"} {
		for _, o := range a.data[now] {
			a.data[was] = append(a.data[was], json.RawMessage(old.Replace(string(o))))
		}
		delete(a.data, now)
	}
	a.noChanges = true
	src, _ := serve(t, a)
	want, _ := readLive(t, func() edfi.Source { s, _ := serve(t, smallAPI(t)); return s }(), "2026-06-26")
	got, report := readLive(t, src, "2026-06-26")
	if got == nil || picture(got) != picture(want) {
		t.Errorf("%v", ingesttest.Findings(report))
	}
}

func TestWhatChangesWhilePagesAreReadIsTakenIn(t *testing.T) {
	t.Parallel()
	a := smallAPI(t)
	a.later["students"] = []json.RawMessage{json.RawMessage(strings.Replace(string(a.data["students"][0]), "Wilhelmina", "Wil", 1))}
	gone := a.data["studentSchoolAttendanceEvents"][0]
	a.deletes["studentSchoolAttendanceEvents"] = []json.RawMessage{json.RawMessage(fmt.Sprintf(`{"id":%q,"changeVersion":130}`, idOf(t, gone)))}
	a.deletes["disciplineActions"] = []json.RawMessage{json.RawMessage(
		`{"changeVersion":131,"keyValues":{"disciplineActionIdentifier":"3","disciplineDate":"2025-09-03","studentUniqueId":"0042"}}`,
	)}
	src, _ := serve(t, a)
	im, report := readLive(t, src, "2026-06-26")
	if im == nil {
		t.Fatal(ingesttest.Findings(report))
	}
	s := im.Students[0]
	if s.Profile.Person.Given != "Wil" || s.Facts.Marks.Len() != 2 || len(s.Facts.Incidents) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestAResourceThatIsNotGrantedIsNotSpokenOf(t *testing.T) {
	t.Parallel()
	a := smallAPI(t)
	a.unknown = map[string]int{"disciplineActions": http.StatusForbidden, "disciplineIncidents": http.StatusForbidden, "grades": http.StatusForbidden}
	src, _ := serve(t, a)
	im, report := readLive(t, src, "2026-06-26")
	if im == nil {
		t.Fatal(ingesttest.Findings(report))
	}
	if im.Present["grades.csv"] || im.Present["discipline.csv"] || !im.Present["attendance.csv"] {
		t.Errorf("it speaks of %v", im.Present)
	}
	if !slices.Contains(ingesttest.Findings(report), "grades:0: not-granted") {
		t.Errorf("%v", ingesttest.Findings(report))
	}
}

// TestAServiceThatFailsGivesNothing breaks the service in each way; the report
// says that it could not be reached, and never what it was sent or sent.
func TestAServiceThatFailsGivesNothing(t *testing.T) {
	t.Parallel()
	say := func(status int, body string) func(int, http.ResponseWriter, *http.Request) bool {
		return func(n int, w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/students") {
				return false
			}
			w.WriteHeader(status)
			fmt.Fprint(w, body)
			return true
		}
	}
	for name, c := range map[string]struct {
		api    func(*api)
		source func(*edfi.Source)
		says   string
	}{
		"a wrong secret":      {source: func(s *edfi.Source) { s.Secret = "SECRETVALUE2" }, says: "no token"},
		"no address":          {source: func(s *edfi.Source) { s.BaseURL = "SECRETVALUE" }, says: "address"},
		"another scheme":      {source: func(s *edfi.Source) { s.BaseURL = "file:///SECRETVALUE" }, says: "address"},
		"a bad token address": {source: func(s *edfi.Source) { s.TokenURL = "://SECRETVALUE" }, says: "address"},
		"plain HTTP afar":     {source: func(s *edfi.Source) { s.BaseURL = "http://ods.SECRETVALUE.example" }, says: "not https"},
		"a token in clear":    {source: func(s *edfi.Source) { s.TokenURL = "http://ods.SECRETVALUE.example/token" }, says: "not https"},
		"nobody there":        {source: func(s *edfi.Source) { s.BaseURL, s.TokenURL = "http://127.0.0.1:1", "" }, says: "no answer"},
		"an error":            {api: func(a *api) { a.after = say(http.StatusInternalServerError, "SECRETVALUE") }, says: "an error"},
		"always busy":         {api: func(a *api) { a.after = say(http.StatusServiceUnavailable, "SECRETVALUE") }, says: "busy"},
		"a body cut off":      {api: func(a *api) { a.after = say(http.StatusOK, `[{"id":"SECRETVALUE`) }, says: "not what the standard says"},
		"no array":            {api: func(a *api) { a.after = say(http.StatusOK, `{"message":"SECRETVALUE"}`) }, says: "not what the standard says"},
		"no records":          {api: func(a *api) { a.after = say(http.StatusOK, `["SECRETVALUE"]`) }, says: "not what the standard says"},
		"no JSON":             {api: func(a *api) { a.after = say(http.StatusOK, "<html>SECRETVALUE") }, says: "not what the standard says"},
		"the same page again": {
			api:    func(a *api) { a.after = say(http.StatusOK, `[{"studentUniqueId":"SECRETVALUE"}]`) },
			source: func(s *edfi.Source) { s.PageSize = 1 }, says: "not what the standard says",
		},
		"students refused": {api: func(a *api) { a.unknown = map[string]int{"students": http.StatusForbidden} }, says: "grant"},
		"the token refused again": {api: func(a *api) {
			a.after = say(http.StatusUnauthorized, "SECRETVALUE")
		}, says: "refused the token"},
		"another host": {api: func(a *api) {
			a.after = func(_ int, w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, "http://192.0.2.1/SECRETVALUE", http.StatusFound)
				return true
			}
		}, says: "another host"},
		"change versions that are none": {api: func(a *api) {
			a.after = func(_ int, w http.ResponseWriter, r *http.Request) bool {
				fmt.Fprint(w, "SECRETVALUE")
				return strings.Contains(r.URL.Path, "changeQueries")
			}
		}, says: "not what the standard says"},
		"fewer records than counted": {api: func(a *api) {
			a.noChanges = true
			a.after = func(_ int, w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Total-Count", "7")
				return strings.HasSuffix(r.URL.Path, "/sessions") && func() bool { fmt.Fprint(w, "[]"); return true }()
			}
		}, says: "fewer records"},
		"a delete that names nothing and a page that breaks": {api: func(a *api) {
			a.deletes["grades"] = []json.RawMessage{json.RawMessage(`"SECRETVALUE"`)}
		}, says: "not what the standard says"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := smallAPI(t)
			if c.api != nil {
				c.api(a)
			}
			src, w := serve(t, a)
			if c.source != nil {
				c.source(&src)
			}
			im, report := readLive(t, src, "2026-06-26")
			if im != nil || len(report.Groups) == 0 || report.Groups[0].Rule != ingest.Unreachable || !strings.Contains(report.Groups[0].What, c.says) {
				t.Errorf("import %v, %v", im != nil, report.Groups)
			}
			if len(w.list) > 5 {
				t.Errorf("it waited %d times", len(w.list))
			}
		})
	}
}

func TestAReadThatIsCalledOffStops(t *testing.T) {
	t.Parallel()
	src, _ := serve(t, smallAPI(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	opt := ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: ingesttest.Date(t, "2026-06-26")}
	im, report := read(t, fstest.MapFS{}, edfi.Live(ctx, src), opt)
	if im != nil || !report.Unusable() {
		t.Error("it went on")
	}
}

func TestTheAddressesAreThoseOfTheAPI(t *testing.T) {
	t.Parallel()
	a := smallAPI(t)
	var asked []url.URL
	a.after = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		asked = append(asked, *r.URL)
		return false
	}
	src, _ := serve(t, a)
	src.PageSize = 1
	if im, report := readLive(t, src, "2026-06-26"); im == nil {
		t.Fatal(ingesttest.Findings(report))
	}
	for _, want := range []string{
		"/data/v3/2017/ed-fi/schools?limit=1&offset=0&totalCount=true", "/data/v3/2017/ed-fi/schools?limit=1&offset=1",
		"/data/v3/2017/ed-fi/grades/deletes?limit=1&minChangeVersion=124&offset=0&totalCount=true",
		"/changeQueries/v1/2017/availableChangeVersions",
	} {
		if !slices.ContainsFunc(asked, func(u url.URL) bool { return u.RequestURI() == want }) {
			t.Errorf("%s was not asked for", want)
		}
	}
}
