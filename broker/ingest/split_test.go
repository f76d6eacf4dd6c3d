package ingest_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// damaged spoils some lines behind the header in one of the ways that a line
// of the register can be wrong, and swaps others.
func damaged(rnd *rand.Rand, text []byte) []byte {
	lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	for range 3_000 {
		i, j := 1+rnd.IntN(len(lines)-2), 1+rnd.IntN(len(lines)-2)
		fields := bytes.SplitN(lines[i], []byte(","), 5)
		if len(fields) < 5 {
			continue
		}
		student, school, day, code := fields[0], fields[1], fields[2], fields[3]
		switch rnd.IntN(10) {
		case 0:
			lines[i] = nil
		case 1:
			lines[i] = append(lines[i], ",more"...)
		case 2:
			lines[i] = lines[j]
		case 3:
			lines[i] = fmt.Appendf(nil, "S99999999,%s,%s,%s,", school, day, code)
		case 4:
			lines[i] = fmt.Appendf(nil, "%s,SCH999,%s,%s,", student, day, code)
		case 5:
			lines[i] = fmt.Appendf(nil, "%s,SCH%03d,%s,%s,", student, rnd.IntN(10), day, code)
		case 6:
			lines[i] = fmt.Appendf(nil, "%s,%s,2025-13-01,%s,", student, school, code)
		case 7:
			lines[i] = fmt.Appendf(nil, "%s,%s,%s,presnt,", student, school, day)
		case 8:
			lines[i] = fmt.Appendf(nil, "%s,%s,%s,%s,2", student, school, day, code)
		case 9:
			lines[i], lines[j] = lines[j], lines[i]
		}
	}
	return append(bytes.Join(lines, []byte("\n")), '\n')
}

func TestALongRegisterReadInPartsIsReadAsInOneGo(t *testing.T) {
	t.Parallel()
	opt := ingest.Options{Snapshot: ingest.SnapshotAll, Marking: records.EveryDay, ExportDate: civil.Make(2026, 6, 30)}
	files := register(90_000)
	spoiled := damaged(rand.New(rand.NewPCG(1, 2)), files["attendance.csv"].Data)
	files["attendance.csv"].Data = spoiled
	inParts, partly, err := ingest.Read(files, ingest.Plain(), opt)
	if err != nil {
		t.Fatal(err)
	}
	end := bytes.LastIndexByte(bytes.TrimSuffix(spoiled, []byte("\n")), '\n') + 1
	quoted := append(bytes.Clone(spoiled[:end]), '"')
	quoted = append(quoted, bytes.Replace(spoiled[end:], []byte(","), []byte(`",`), 1)...)
	files["attendance.csv"].Data = quoted // a quote anywhere keeps the file whole
	whole, wholly, err := ingest.Read(files, ingest.Plain(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if len(spoiled) < 3<<20 || partly.Errors() < 1_000 || partly.Warnings() == 0 {
		t.Fatalf("%d bytes, %d errors, %d warnings show little", len(spoiled), partly.Errors(), partly.Warnings())
	}
	if partly.Digest == wholly.Digest {
		t.Error("the quoted file has the digest of the other")
	}
	partly.Digest, wholly.Digest = "", ""
	for what, pair := range map[string][2]any{
		"students": {inParts.Students, whole.Students}, "coverage": {inParts.Coverage, whole.Coverage},
		"files": {partly.Files, wholly.Files}, "findings": {partly.Findings, wholly.Findings}, "groups": {partly.Groups, wholly.Groups},
	} {
		if diff := cmp.Diff(pair[1], pair[0]); diff != "" {
			t.Errorf("%s differ: %.2000s", what, diff)
		}
	}
}
