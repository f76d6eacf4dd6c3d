package broker_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// A needle is searched by its first bytes. A needle of five bytes is in a
// megabyte of random bytes once in a million times (2^20 / 2^40); a shorter
// one would be found by chance, so there is none.
const shortest = 5

// needles are the personal data of an input, in lower case, by their first
// bytes.
type needles map[[shortest]byte][]string

func (n needles) add(t *testing.T, text string) {
	t.Helper()
	text = strings.ToLower(text)
	if len(text) < shortest {
		t.Fatalf("a needle of %d bytes would be found by chance", len(text))
	}
	head := [shortest]byte([]byte(text))
	for _, have := range n[head] {
		if have == text {
			return
		}
	}
	n[head] = append(n[head], text)
}

func (n needles) size() (size int) {
	for _, list := range n {
		size += len(list)
	}
	return size
}

// person adds a student's or guardian's names: a given name of six bytes or
// more by itself, a shorter one together with its family name.
func (n needles) person(t *testing.T, given, family string) {
	t.Helper()
	n.add(t, family)
	if len(given) >= 6 {
		n.add(t, given)
	}
	for _, form := range []string{given + " " + family, given + family, family + "," + given, family + ", " + given, given + "," + family, given + "|" + family} {
		n.add(t, form)
	}
}

// birth adds the usual forms of a birth date.
func (n needles) birth(t *testing.T, iso string) {
	t.Helper()
	at, err := civil.Parse(iso)
	if err != nil {
		t.Fatal(err)
	}
	for _, layout := range []string{"2006-01-02", "20060102", "01/02/2006", "02/01/2006", "1/2/2006", "02.01.2006", "2.1.2006", "January 2, 2006", "2 January 2006", "Jan 2, 2006"} {
		n.add(t, at.Time().Format(layout))
	}
}

// readNeedles reads what must not be found from the files of an input.
func readNeedles(t *testing.T, dir string) needles {
	t.Helper()
	n := needles{}
	for _, row := range readTable(t, filepath.Join(dir, "students.csv")) {
		n.add(t, row["student_id"])
		n.person(t, row["given_name"], row["family_name"])
		n.birth(t, row["birthdate"])
	}
	for _, row := range readTable(t, filepath.Join(dir, "guardians.csv")) {
		n.add(t, row["guardian_id"])
		n.person(t, row["given_name"], row["family_name"])
		for _, contact := range []string{row["email"], row["phone"]} {
			if contact != "" {
				n.add(t, contact)
			}
		}
	}
	return n
}

func readTable(t *testing.T, path string) (rows []map[string]string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, fields := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = fields[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// search returns the first needle in a haystack and its place.
func (n needles) search(haystack []byte) (found string, at int) {
	haystack = bytes.ToLower(haystack)
	for at := 0; at+shortest <= len(haystack); at++ {
		if haystack[at] == 0 {
			continue
		}
		for _, text := range n[[shortest]byte(haystack[at:])] {
			if bytes.HasPrefix(haystack[at:], []byte(text)) {
				return text, at
			}
		}
	}
	return "", -1
}

// searchAll searches every file of a district but its keys.
func (n needles) searchAll(t *testing.T, dir string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if text, at := n.search(content); at >= 0 {
			found = append(found, fmt.Sprintf("%s: %q at byte %d, in %q", filepath.Base(path), text, at, content[max(0, at-40):min(len(content), at+60)]))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
