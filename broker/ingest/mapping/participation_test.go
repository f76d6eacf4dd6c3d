package mapping_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
	"github.com/hallpass-edu/hallpass/broker/ingest/mapping"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// partner maps a partner's sign-in sheet: names in one column, dates across.
const partner = `version: 1
files:
  participation.csv:
    file: club.*
    columns:
      participant_ref: No
      given_name: {column: Name, split: given family, take: given}
      family_name: {column: Name, split: given family, take: family}
      birthdate: Born
      school_id: School
      program: {value: Chess}
    dates: {birthdate: day-month-year}
    codes:
      school_id: {Alder: A}
    wide:
      dates: header
      from_column: 5
      marks: {x: present, "-": drop}
`

const club = `No,Name,Born,School,9/8/2025,9/15/2025,9/22/2025
1,Wilhelmina Quillfeather,4/3/2014,Alder,x,-,X
2,Barnaby van Quillfeather,6/5/2013,Alder,,x,
`

func lists(t testing.TB) ingest.Lists {
	return ingest.Lists{
		Schools:  []records.School{{ID: "A", Name: "Alder"}},
		Sessions: []records.Session{{ID: "Y", Type: records.SchoolYear, Start: ingesttest.Date(t, "2025-09-01"), End: ingesttest.Date(t, "2026-06-30")}},
	}
}

// participate writes a partner's sheet to disk and reads it.
func participate(t *testing.T, text, name string, data []byte) (*mapping.Participation, *ingest.Report) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
	m := parse(t, text)
	p, report, err := m.ReadParticipation(dir, ingest.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	ingesttest.CheckReport(t, report, secrets...)
	ingesttest.CheckCounts(t, report)
	alone, _, err := m.ReadParticipation(filepath.Join(dir, name), ingest.Limits{})
	uploaded, _, errFS := m.ReadParticipationFS(fstest.MapFS{name: &fstest.MapFile{Data: data}}, ingest.Limits{})
	if err != nil || errFS != nil || !reflect.DeepEqual(alone, p) || !reflect.DeepEqual(uploaded, p) {
		t.Error("a file, its folder and its upload were read otherwise", err, errFS)
	}
	return p, report
}

func TestAPartnersSheetBecomesParticipation(t *testing.T) {
	t.Parallel()
	p, report := participate(t, partner, "club.csv", []byte(club))
	if len(report.Findings) > 0 {
		t.Fatal(ingesttest.Findings(report))
	}
	got, checked, err := ingest.ParseParticipation(bytes.NewReader(p.CSV), lists(t), ingest.Limits{})
	if err != nil || checked.Errors() > 0 || len(got.Participants) != 2 || len(got.Sessions) != 3 {
		t.Fatalf("%v %v", err, ingesttest.Findings(checked))
	}
	child := got.Participants[1]
	if child.Given != "Barnaby van" || child.Family != "Quillfeather" || child.Birth != ingesttest.Date(t, "2013-05-06") || child.School != "A" || child.Program != "Chess" {
		t.Errorf("%+v", child)
	}
	if s := got.Sessions[1]; s.Ref != "1" || s.Date != ingesttest.Date(t, "2025-09-22") {
		t.Errorf("%+v", s)
	}
}

func TestAPartnersWorkbookSaysTheSame(t *testing.T) {
	t.Parallel()
	want, _ := participate(t, partner, "club.csv", []byte(club))
	var rows [][]any
	for _, line := range strings.Split(strings.TrimSpace(club), "\n") {
		var row []any
		for _, cell := range strings.Split(line, ",") {
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	for i, d := range []string{"2025-09-08", "2025-09-15", "2025-09-22"} {
		rows[0][4+i] = day(t, d)
	}
	rows[1][2], rows[2][2] = day(t, "2014-03-04"), day(t, "2013-05-06")
	got, report := participate(t, partner, "club.xlsx", book(t, "Club", rows, nil))
	if got == nil || !bytes.Equal(got.CSV, want.CSV) {
		t.Errorf("%v", ingesttest.Findings(report))
	}
}

func TestMinutesMayStandUnderTheDates(t *testing.T) {
	t.Parallel()
	text := strings.Replace(partner, "marks: {x: present, \"-\": drop}", "into: minutes", 1)
	p, _ := participate(t, text, "club.csv", []byte(strings.NewReplacer("x", "45", "X", "60", "-", "").Replace(club)))
	got, report, err := ingest.ParseParticipation(bytes.NewReader(p.CSV), lists(t), ingest.Limits{})
	if err != nil || len(got.Sessions) != 3 || got.Sessions[0].Minutes != 45 || got.Sessions[1].Minutes != 60 {
		t.Errorf("%v %v", err, ingesttest.Findings(report))
	}
}

func TestAMarkThatIsNotListedIsNobodysPresence(t *testing.T) {
	t.Parallel()
	p, report := participate(t, partner, "club.csv", []byte(strings.Replace(club, ",x,-,X", ",x,SECRETVALUE,X", 1)))
	if got := ingesttest.Findings(report); len(got) != 1 || got[0] != "club.csv:2:column 6 unknown-code" || len(p.Places) != 3 {
		t.Errorf("%v", got)
	}
}

func TestAFindingOfTheTextIsOneOfTheSheet(t *testing.T) {
	t.Parallel()
	broken := strings.Replace(club, "6/5/2013,Alder,,x,", "SECRETVALUE,Alder,,x,", 1)
	broken = strings.Replace(broken, "9/22/2025", "9/22/2027", 1)
	p, _ := participate(t, partner, "club.csv", []byte(broken))
	_, report, err := ingest.ParseParticipation(bytes.NewReader(p.CSV), lists(t), ingest.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	places := &ingest.Report{}
	for _, f := range report.Findings {
		places.Findings = append(places.Findings, p.At(f))
	}
	got := strings.Join(ingesttest.Findings(places), "\n")
	if got != "club.csv:2:column 7 outside-sessions\nclub.csv:3:Born bad-date" {
		t.Error(got)
	}
}

func TestAPartnersMappingImportsNothingOfADistrict(t *testing.T) {
	t.Parallel()
	im, report := read(t, fstest.MapFS{"club.csv": &fstest.MapFile{Data: []byte(club)}}, parse(t, partner))
	if got := ingesttest.Findings(report); im != nil || len(got) != 1 || got[0] != "mapping:0: bad-mapping" {
		t.Error(got)
	}
}

func TestAMappingWithoutParticipationSaysSo(t *testing.T) {
	t.Parallel()
	_, text := base(t, nil)
	p, report := participate(t, text, "club.csv", []byte(club))
	if got := ingesttest.Findings(report); p != nil || len(got) != 1 || got[0] != "mapping:0: bad-mapping" {
		t.Error(got)
	}
}
