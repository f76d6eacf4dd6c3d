package oneroster_test

import (
	"archive/zip"
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

// files makes a set of texts by name.
func files(texts map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range texts {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// small is a set of 1.1 without manifest: one school, one year.
func small(more map[string]string) fstest.MapFS {
	m := files(map[string]string{
		"orgs.csv":             "sourcedId,name,type\nA,Ash,school\nB,Beech,school\nD,District,district\n",
		"academicSessions.csv": "sourcedId,title,type,startDate,endDate\nY,Year,schoolYear,2025-08-18,2026-06-05\nT,Fall,term,2025-08-18,2025-12-19\n",
		"users.csv":            "sourcedId,givenName,familyName,role,orgSourcedIds,grades\nS,Ada,Okafor,student,A,04\n",
	})
	for name, text := range more {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// inFolders puts sets into folders of one input.
func inFolders(sets map[string]fstest.MapFS) fstest.MapFS {
	all := fstest.MapFS{}
	for folder, set := range sets {
		for name, f := range set {
			all[folder+"/"+name] = f
		}
	}
	return all
}

// deltaOf is a layer whose users are a delta.
func deltaOf(users string) fstest.MapFS {
	return files(map[string]string{
		"manifest.csv": "propertyName,value\noneroster.version,1.1\nfile.users,delta\nfile.orgs,absent\n",
		"users.csv":    "sourcedId,status,givenName,familyName,role,orgSourcedIds,grades\n" + users,
	})
}

func names(im *ingest.Import) []string {
	var all []string
	for _, s := range im.Students {
		all = append(all, s.Profile.Person.StudentID+" "+s.Profile.Person.Given)
	}
	return all
}

func TestASetWithoutAManifestIsBulk(t *testing.T) {
	t.Parallel()
	im, report := read(t, small(nil), options(t))
	same(t, "findings", ingesttest.Findings(report), []string{"users.csv:2: assumed-entry", "users.csv:2:birthDate no-birthdate"})
	same(t, "students", students(im), []string{"S Ada Okafor   ", "  at A 2025-08-18.. grade 04 primary"})
	if im.Present["grades.csv"] || im.Present["guardians.csv"] || im.Present["attendance.csv"] {
		t.Errorf("it speaks of %v", im.Present)
	}
}

func TestDeltasApplyInTheOrderOfTheirFoldersByNumber(t *testing.T) {
	t.Parallel()
	im, _ := read(t, inFolders(map[string]fstest.MapFS{
		"base":     small(nil),
		"Delta 10": deltaOf("S,active,Ten,Okafor,student,A,04\n"),
		"Delta 9":  deltaOf("S,active,Nine,Okafor,student,A,04\nS2,active,Ben,Okafor,student,A,04\n"),
	}), options(t))
	same(t, "students", names(im), []string{"S Ten", "S2 Ben"})
}

func TestADeletedRecordMayComeBack(t *testing.T) {
	t.Parallel()
	im, _ := read(t, inFolders(map[string]fstest.MapFS{
		"0": small(nil), "1": deltaOf("S,tobedeleted,,,,,\nnone,tobedeleted,,,,,\n"), "2": deltaOf("S,active,Back,Okafor,student,A,04\n"),
	}), options(t))
	same(t, "students", names(im), []string{"S Back"})
	im, _ = read(t, inFolders(map[string]fstest.MapFS{"0": small(nil), "1": deltaOf("S,tobedeleted,,,,,\nnone,tobedeleted,,,,,\n")}), options(t))
	if len(im.Students) != 0 {
		t.Errorf("%q are left", names(im))
	}
}

func TestADeleteThatWouldLeaveRecordsKeepsWhatWasKnown(t *testing.T) {
	t.Parallel()
	im, report := read(t, inFolders(map[string]fstest.MapFS{
		"0": small(map[string]string{
			"classes.csv":     "sourcedId,schoolSourcedId,termSourcedIds\nK,A,T\n",
			"enrollments.csv": "sourcedId,classSourcedId,userSourcedId,role\nE,K,S,student\n",
		}),
		"1": deltaOf("S,tobedeleted,,,,,\n"),
	}), options(t))
	if got := ingesttest.Findings(report); !slices.Contains(got, "users.csv:2:status orphaning-delete") || report.Rejected(false) {
		t.Errorf("%v", got)
	}
	same(t, "students", students(im), []string{"S Ada Okafor   ", "  at A 2025-08-18..2025-12-19 grade 04 primary"})
}

func TestALaterBulkFileReplacesThatFileAlone(t *testing.T) {
	t.Parallel()
	im, _ := read(t, inFolders(map[string]fstest.MapFS{
		"2025-10": small(nil),
		"2025-11": files(map[string]string{"users.csv": "sourcedId,givenName,familyName,role,orgSourcedIds\nS9,Cy,Okafor,student,B\n"}),
	}), options(t))
	same(t, "students", students(im), []string{"S9 Cy Okafor   ", "  at B 2025-08-18.. grade  primary"})
}

func TestAZipIsReadLikeAFolder(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if err := w.AddFS(withDelta(t)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	im, report, err := ingest.ReadZip(bytes.NewReader(b.Bytes()), int64(b.Len()), formatUnderTest(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	ingesttest.CheckReport(t, report, secrets...)
	folder, _ := read(t, withDelta(t), options(t))
	same(t, "students", students(im), students(folder))
}

func TestAZipThatMayNotBeUnpackedIsRefused(t *testing.T) {
	t.Parallel()
	for what, entry := range map[string]string{"too deep": "a/b/c/users.csv", "out of it": "../users.csv", "an archive": "more.zip"} {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		if _, err := w.Create(entry); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		im, report, err := ingest.ReadZip(bytes.NewReader(b.Bytes()), int64(b.Len()), formatUnderTest(), options(t))
		if err != nil || im != nil || !slices.Contains(ingesttest.Findings(report), ":0: bad-zip") {
			t.Errorf("%s: %v %v", what, err, ingesttest.Findings(report))
		}
	}
}

func TestFilesOfAnotherFormatAreRefused(t *testing.T) {
	t.Parallel()
	for what, set := range map[string]fstest.MapFS{
		"plain files": files(map[string]string{"students.csv": "student_id\nSECRETVALUE\n", "schools.csv": "school_id\n"}),
		"nothing":     files(nil),
		"too deep":    inFolders(map[string]fstest.MapFS{"a/b/c": small(nil)}),
	} {
		im, report := read(t, set, options(t))
		if im != nil || !slices.Contains(ingesttest.Findings(report), ":0: not-this-format") {
			t.Errorf("%s: %v", what, ingesttest.Findings(report))
		}
	}
}

func TestColumnsMayStandInAnyOrderAndCase(t *testing.T) {
	t.Parallel()
	set := small(map[string]string{
		"Users.CSV": "\ufeff\"GRADES\",vendor thing,metadata.house,\"role\",FamilyName,givenname,orgsourcedids,STATUS,SourcedId,,\r\n" +
			"\"03, 04\",x,y,STUDENT,\"Okafor, Jr\",\"A\"\"da\",\" A , D \",Active, S ,,\r\n\r\n",
	})
	delete(set, "users.csv")
	im, report := read(t, set, options(t))
	same(t, "students", students(im), []string{`S A"da Okafor, Jr   `, "  at A 2025-08-18.. grade 03 primary"})
	if report.Errors() != 0 || strings.Contains(ingesttest.Shown(t, report), "vendor") {
		t.Errorf("%v", ingesttest.Findings(report))
	}
}
