package edfi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/ingest/edfi"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

// TestTheOrderOfRecordsAndFilesDoesNotMatter shuffles the lines of each file,
// which are its records, and gives the files other names.
func TestTheOrderOfRecordsAndFilesDoesNotMatter(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/district.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ds2", "ds3", "ds5"} {
		files := base(t, name, nil)
		rapid.Check(t, func(rt *rapid.T) {
			mixed := fstest.MapFS{}
			for i, file := range rapid.Permutation(sortedNames(files)).Draw(rt, "files") {
				lines := strings.Split(strings.TrimSpace(string(files[file].Data)), "\n")
				body := rapid.Permutation(lines[2:len(lines)-1]).Draw(rt, "lines")
				all := append(append(lines[:2:2], body...), lines[len(lines)-1])
				mixed[fmt.Sprintf("%c/%02d.xml", 'a'+i%3, i)] = &fstest.MapFile{Data: []byte(strings.Join(all, "\n"))}
			}
			im, report := read(t, mixed, edfi.XML(), options(t))
			if im == nil || sorted(picture(im)) != sorted(string(want)) {
				rt.Fatalf("%v", ingesttest.Findings(report))
			}
		})
	}
}

// TestTheLayoutOfJSONDoesNotMatter writes the records in each layout that the
// standard's tools write, upserts in two deliveries among them.
func TestTheLayoutOfJSONDoesNotMatter(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/district.txt")
	if err != nil {
		t.Fatal(err)
	}
	a := smallAPI(t)
	rapid.Check(t, func(rt *rapid.T) {
		files := fstest.MapFS{}
		for resource, list := range a.data {
			layout := rapid.SampledFrom([]string{"array", "data", "lines", "named", "upserts"}).Draw(rt, resource)
			mark := rapid.SampledFrom([]string{"", "\xef\xbb\xbf"}).Draw(rt, "mark")
			put := func(name string, text []byte) { files[name] = &fstest.MapFile{Data: append([]byte(mark), text...)} }
			lines := bytes.Join(raws(list), []byte("\n"))
			array := append(append([]byte("["), bytes.Join(raws(list), []byte(",\r\n"))...), ']')
			switch layout {
			case "array":
				put("ed-fi-"+resource+"_1.json", array)
			case "data":
				put("x/"+strings.ToUpper(resource)+".json", fmt.Appendf(nil, `{"total":3,"data":%s}`, array))
			case "lines":
				put("x/"+resource+"/part-0.jsonl", lines)
			case "named":
				put(resource+".json", fmt.Appendf(nil, `{%q:%s}`, resource, array))
			case "upserts":
				put(path.Join(resource, "incremental/upserts/rundate=2026-01-02/x.json"), lines)
				put(path.Join(resource, "incremental/upserts/rundate=2026-01-01/x.json"), bytes.Join(raws(list[:1]), nil))
				put(path.Join(resource, "incremental/deletes/rundate=2026-01-01/x.json"), nil)
			}
		}
		im, report := read(t, files, edfi.JSON(), options(t))
		if im == nil || sorted(picture(im)) != sorted(string(want)) {
			rt.Fatalf("%v", ingesttest.Findings(report))
		}
	})
}

func raws(list []json.RawMessage) (all [][]byte) {
	for _, r := range list {
		all = append(all, r)
	}
	return all
}
