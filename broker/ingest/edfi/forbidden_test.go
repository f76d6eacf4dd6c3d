package edfi_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

// TestNothingForbiddenComesIn plants values where they must never come in,
// beside and inside what is read, and looks for them in all that comes out.
func TestNothingForbiddenComesIn(t *testing.T) {
	t.Parallel()
	plant := map[string]func(string) string{
		"ds5": func(text string) string {
			for _, at := range []string{"<Student>", "<Student id=\"ST_604822\">", "<Name>", "<School id=\"S1\">", "<DisciplineAction>", "<StudentReference>", "<Contact id=\"PRNT_P1\">"} {
				text = strings.ReplaceAll(text, at, at+"<SocialSecurityNumber>PLANTED</SocialSecurityNumber><Passwords><Name><FirstName>PLANTED</FirstName></Name></Passwords>"+
					"<StudentIdentificationCode><IdentificationCode>PLANTED</IdentificationCode><SSN>PLANTED</SSN></StudentIdentificationCode>")
			}
			return text
		},
		"json": func(text string) string {
			return strings.ReplaceAll(text, `{"id":`, `{"loginPassword":"PLANTED","biometricData":{"firstName":"PLANTED"},"_ext":{"x":[{"ssn":"PLANTED"}]},"id":`)
		},
	}
	wanted := map[string][]string{
		"ds5": {"SocialSecurityNumber", "Passwords", "SSN"}, "json": {"loginPassword", "biometricData", "ssn"},
	}
	for name, with := range plant {
		files := base(t, name, nil)
		for _, f := range files {
			text := strings.ReplaceAll(string(f.Data), `{"id": `, `{"id":`)
			f.Data = []byte(with(text))
		}
		im, report := read(t, files, formatOf(name), options(t))
		if im == nil {
			t.Fatal(ingesttest.Findings(report))
		}
		if text := fmt.Sprintf("%+v", *im) + picture(im); strings.Contains(text, "PLANTED") {
			t.Errorf("%s: the import holds what must never come in", name)
		}
		if asJSON, err := json.Marshal(report); err != nil || strings.Contains(string(asJSON), "PLANTED") {
			t.Errorf("%s: the report holds what must never come in", name)
		}
		plain, _ := read(t, base(t, name, nil), formatOf(name), options(t))
		if picture(im) != picture(plain) {
			t.Errorf("%s: what was dropped changed what was read", name)
		}
		for _, column := range wanted[name] {
			if !slices.ContainsFunc(report.Findings, func(f ingest.Finding) bool {
				return f.Rule == ingest.DroppedColumn && f.Field == column
			}) {
				t.Errorf("%s: %s was dropped and not said", name, column)
			}
		}
	}
}
