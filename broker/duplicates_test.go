package broker_test

import (
	"bytes"
	"strings"
	"testing"
)

func TestGuardiansAreSuggestedWhoShareANameAndSomethingBesides(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name      string
		sisGiven  string
		ann, sis  [2]string
		onSisFile bool // ann's mother stands there too
		why       string
	}{
		{name: "a name alone is nothing", sisGiven: "Mo"},
		{name: "an e-mail address alone is nothing", sisGiven: "Moa", ann: [2]string{mothersEmail, ""}, sis: [2]string{mothersEmail, ""}},
		{name: "name and e-mail", sisGiven: "MÓ", ann: [2]string{mothersEmail, ""}, sis: [2]string{strings.ToUpper(mothersEmail), ""}, why: "same name and e-mail"},
		{name: "name and telephone number, written in another way", sisGiven: "Mo", ann: [2]string{"", mothersPhone}, sis: [2]string{"", "608.555.0142"}, why: "same name and telephone number"},
		{name: "another telephone number is another", sisGiven: "Mo", ann: [2]string{"", mothersPhone}, sis: [2]string{"", "608.555.0143"}},
		{name: "a number of zeros stands for none", sisGiven: "Mo", ann: [2]string{"", "000-000-0000"}, sis: [2]string{"", "000-000-0000"}},
		{name: "name and a child", sisGiven: "Mo", onSisFile: true, why: "same name and child"},
		{name: "all of it", sisGiven: "Mo", onSisFile: true, ann: [2]string{mothersEmail, mothersPhone}, sis: [2]string{mothersEmail, mothersPhone}, why: "same name, e-mail, telephone number and child"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := emptyTown(t, inLent)
			f := townFiles(sis)
			for _, row := range f["guardians"] {
				if row[1] == sis.mother() {
					row[2] = c.sisGiven
				}
			}
			children := 1
			if c.onSisFile {
				f.add("guardians", sis.id, ann.mother(), "Mo", ann.family, "mother", "parent", "yes")
				children = 2
			}
			d.imported(reached(f, map[string][2]string{ann.mother(): c.ann, sis.mother(): c.sis}))
			list := d.duplicates()
			if c.why == "" {
				if list.Waiting != 0 || len(list.Duplicates) != 0 {
					t.Errorf("suggested: %+v", list)
				}
				return
			}
			if list.Waiting != 1 || len(list.Duplicates) != 1 {
				t.Fatalf("suggested: %+v", list)
			}
			got := list.Duplicates[0]
			if got.Why != c.why || got.State != "suggested" || got.ids() != ann.mother()+" "+sis.mother() || got.Guardians[0].Children != children || got.Guardians[1].Children != 1 {
				t.Errorf("suggested: %+v", got)
			}
		})
	}
}

// What very many guardians share is a filler of the file: it joins nobody.
func TestWhatVeryManyGuardiansShareSuggestsNobody(t *testing.T) {
	t.Parallel()
	list := others(20)
	f := townFiles(list...)
	contacts := map[string][2]string{}
	for _, row := range f["guardians"][1:] {
		row[2], row[3] = "Parent", "Guardian"
		contacts[row[1]] = [2]string{"none@lakeview.example", ""}
	}
	d := emptyTown(t, inLent)
	d.imported(reached(f, contacts))
	for _, p := range d.duplicates().Duplicates {
		if p.Why != "same name, e-mail and child" {
			t.Errorf("suggested: %+v", p)
		}
	}
}

func TestTheListOfDuplicatesHoldsNumbersAndNothingElseOfAPerson(t *testing.T) {
	t.Parallel()
	d := sisters(t)
	a := d.must(d.Duplicates(t.Context(), officer))
	defer a.Drop()
	for _, text := range []string{ann.family, "Mo ", mothersEmail, "@", ann.given, sis.given, ann.birth, ann.id + `"`} {
		if bytes.Contains(bytes.ToLower(a.Body()), []byte(strings.ToLower(text))) {
			t.Errorf("the list holds %q: %s", text, a.Body())
		}
	}
}
