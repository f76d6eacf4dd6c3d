package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// twoIDs are the guardians of a family in which the mother got another id with
// her second child.
const twoIDs = `student_id,guardian_id,holds_rights,given_name,family_name,relation,capacity,language,email,phone
ST-9001,G-1,yes,Philippa,Quillfeather,mother,,es,philippa@example.org,555-0100
ST-9002,G-7,yes,PHILIPPA,Quillfeather,mother,,es,Philippa@Example.org,
`

// pairs reads the list of guardians as JSON.
func (c *console) pairs(t *testing.T, dir string) duplicateList {
	t.Helper()
	c.wants(t, exitDone, "", "guardians", "list", "--dir", dir, "--output", "json")
	var doc struct {
		Data duplicateList `json:"data"`
	}
	if err := json.Unmarshal(c.out.Bytes(), &doc); err != nil {
		t.Fatalf("%v: %s", err, c.out.String())
	}
	return doc.Data
}

func TestAStewardJoinsTwoGuardianIDsAndTakesItBack(t *testing.T) {
	t.Parallel()
	base, _ := faultCases(t)
	c := newConsole(t)
	dir := c.district(t, "lakeview")
	folder := filepath.Join(c.folder, "export")
	write(t, folder, base, map[string][]byte{"guardians.csv": []byte(twoIDs)})
	c.wants(t, exitDone, "PAIR", "guardians", "list", "--dir", dir)
	c.wants(t, exitDone, "", "import", "csv", "--dir", dir, "--snapshot", "all", "--exported", "2026-06-26", folder)

	c.wants(t, exitDone, "same name and e-mail", "guardians", "list", "--dir", dir)
	if strings.Contains(strings.ToLower(c.out.String()), "philippa") || !strings.Contains(c.out.String(), "G-7") {
		t.Errorf("the list is\n%s", c.out.String())
	}
	list := c.pairs(t, dir)
	if list.Waiting != 1 || len(list.Duplicates) != 1 {
		t.Fatalf("the list is %+v", list)
	}
	id := list.Duplicates[0].ID
	c.wants(t, exitDone, id+" is confirmed.", "guardians", "confirm", id, "--dir", dir)
	c.wants(t, exitDone, `"state": "confirmed"`, "guardians", "confirm", id, "--dir", dir, "--output", "json")
	c.wants(t, exitFailed, "undo that first", "guardians", "reject", id, "--dir", dir)
	c.wants(t, exitDone, "confirmed", "guardians", "list", "--dir", dir)
	c.wants(t, exitDone, id+" is suggested.", "guardians", "undo", id, "--dir", dir)
	c.wants(t, exitDone, id+" is rejected.", "guardians", "reject", id, "--dir", dir)
	if list := c.pairs(t, dir); list.Waiting != 0 || len(list.Decided) != 1 {
		t.Errorf("the list is %+v", list)
	}
	c.wants(t, exitDone, "guardians.joined", "audit", "list", "--dir", dir)
	c.wants(t, exitDone, "", "audit", "verify", "--dir", dir)
}

func TestAPairThatIsNotInTheListIsRefusedWithTheNextStep(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dir := c.district(t, "lakeview")
	for _, step := range []string{"confirm", "reject", "undo"} {
		c.wants(t, exitRefused, "hallpass guardians list --dir", "guardians", step, "dup_nothing", "--dir", dir)
		c.wants(t, exitUsage, "see hallpass guardians "+step+" --help", "guardians", step, "--dir", dir)
		c.wants(t, exitDone, "Example", "guardians", step, "--help")
	}
}
