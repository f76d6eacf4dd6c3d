package edfi_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/edfi"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

func sortedNames(files fstest.MapFS) []string { return slices.Sorted(maps.Keys(files)) }

// sorted puts the lines of a picture in order.
func sorted(picture string) string {
	lines := strings.Split(picture, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// sound checks what holds for every input: an import or a fault that says why.
func sound(t *testing.T, im *ingest.Import, report *ingest.Report) {
	t.Helper()
	if (im == nil) != report.Unusable() {
		t.Errorf("an import %v of files that are unusable %v", im != nil, report.Unusable())
	}
	for _, f := range report.Findings {
		if f.What == "" || f.Remedy == "" {
			t.Errorf("a finding without a remedy: %+v", f)
		}
	}
	if im != nil {
		im.Apply(nil, 1, ingesttest.Identities())
	}
}

// FuzzXML puts a file beside one student and what that student needs.
func FuzzXML(f *testing.F) {
	for _, name := range []string{"ds2", "ds3", "ds5"} {
		for _, file := range base(f, name, nil) {
			f.Add(file.Data)
		}
	}
	for _, parts := range cases(f, "xml") {
		for name, text := range parts {
			if name != "want" {
				f.Add([]byte(text))
			}
		}
	}
	tiny := base(f, "tiny", nil)
	f.Fuzz(func(t *testing.T, data []byte) {
		files := maps.Clone(tiny)
		files["Fuzzed.xml"] = &fstest.MapFile{Data: data}
		im, report, err := ingest.Read(files, edfi.XML(), options(t))
		if err != nil {
			t.Fatal(err)
		}
		sound(t, im, report)
	})
}

// FuzzJSON puts a file of any resource, whole or of a feed, beside those of the
// small district.
func FuzzJSON(f *testing.F) {
	for name, file := range base(f, "json", nil) {
		f.Add("x/"+name, file.Data)
		f.Add(strings.TrimSuffix(path.Base(name), ".json")+"/upserts/rundate=2026-01-01/x.json", file.Data)
		f.Add(strings.TrimSuffix(path.Base(name), ".json")+"/deletes/rundate=2026-01-01/x.json", file.Data)
	}
	for _, parts := range cases(f, "json") {
		for name, text := range parts {
			if name != "want" {
				f.Add(name, []byte(text))
			}
		}
	}
	small := base(f, "json", nil)
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		files := maps.Clone(small)
		name = path.Clean("/" + strings.ToValidUTF8(name, ""))[1:]
		if name == "" || strings.ContainsAny(name, "\x00\\") || len(name) > 200 {
			return
		}
		for there := range files {
			if strings.HasPrefix(there, name+"/") || strings.HasPrefix(name, there+"/") {
				return
			}
		}
		files[name] = &fstest.MapFile{Data: data}
		im, report, err := ingest.Read(files, edfi.JSON(), options(t))
		if err != nil {
			t.Skip(err) // no name that a folder may hold
		}
		sound(t, im, report)
	})
}

// A fixed answers every request of the API by the same bytes.
type fixed struct {
	status int
	total  string
	body   []byte
}

func (a fixed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/token") {
		fmt.Fprint(w, `{"access_token":"x"}`)
		return
	}
	w.Header().Set("Total-Count", a.total)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// FuzzLive lets a service answer anything.
func FuzzLive(f *testing.F) {
	f.Add(200, "1", []byte(`[{"id":"1","studentUniqueId":"1","schoolId":1,"nameOfInstitution":"x","firstName":"y"}]`))
	f.Add(200, "", []byte(`{"newestChangeVersion":7}`))
	f.Add(200, "0", []byte(`[]`))
	f.Add(429, "", []byte(``))
	f.Add(302, "-1", []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, total string, body []byte) {
		if status < 200 || status > 599 || strings.ContainsAny(total, "\r\n") || bytes.Count(body, []byte("{")) > 1000 {
			return
		}
		server := httptest.NewServer(fixed{status, total, body})
		defer server.Close()
		w := &waits{}
		src := edfi.Source{BaseURL: server.URL, Key: "k", Secret: clientSecret, PageSize: 1, Client: server.Client(), Wait: w.wait}
		im, report, err := ingest.Read(fstest.MapFS{}, edfi.Live(t.Context(), src), options(t))
		if err != nil {
			t.Fatal(err)
		}
		sound(t, im, report)
	})
}
