package ingest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

func lists(t testing.TB) ingest.Lists {
	t.Helper()
	im, _, err := ingest.Read(base(t, nil), ingest.Plain(), options(t))
	if err != nil || im == nil {
		t.Fatal("the base cannot be read", err)
	}
	return ingest.Lists{Schools: im.Schools, Sessions: im.Sessions}
}

const participationHeader = "participant_ref,given_name,family_name,birthdate,school_id,date,program,minutes,funder\n"

func parse(t testing.TB, text string) (*ingest.Participation, *ingest.Report) {
	t.Helper()
	p, report, err := ingest.ParseParticipation(strings.NewReader(text), lists(t), ingest.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	ingesttest.CheckReport(t, report, secrets...)
	ingesttest.CheckCounts(t, report)
	return p, report
}

func TestParticipationIsOneRowASession(t *testing.T) {
	t.Parallel()
	p, report := parse(t, participationHeader+
		"P-1,Wilhelmina,Quillfeather,2014-03-04,A,2025-10-01,Chess,60,City\n"+
		"P-1,Wilhelmina,Quillfeather,2014-03-04,B,2025-10-02,Chess,,\n"+
		"P-2,Xiomara,Thistlewood,2012-07-08,B,2025-10-01,Robots,45,\n")
	if len(report.Findings) > 0 || len(p.Participants) != 2 || len(p.Sessions) != 3 {
		t.Fatal(ingesttest.Findings(report))
	}
	if p.Sessions[0].Minutes != 60 || p.Sessions[0].Funder != "City" || p.Sessions[1].School != "B" || p.Participants[1].Row != 4 {
		t.Errorf("%+v", p.Sessions)
	}
}

func TestADayCountsOnceForAParticipant(t *testing.T) {
	t.Parallel()
	row := "P-1,Wilhelmina,Quillfeather,2014-03-04,A,2025-10-01,Chess,60,\n"
	p, report := parse(t, participationHeader+row+row)
	if len(p.Sessions) != 1 || !slices.Equal(ingesttest.Findings(report), []string{"participation.csv:3:date same-day"}) || report.Rejected(false) {
		t.Error(ingesttest.Findings(report))
	}
}

func TestFaultsOfParticipationAreFoundWhereTheyAre(t *testing.T) {
	t.Parallel()
	p, report := parse(t, participationHeader+
		"P-1,Wilhelmina,Quillfeather,2014-03-04,A,2025-10-01,,,\n"+
		"P-1,SECRETVALUE,Quillfeather,2014-03-04,A,2025-10-02,,,\n"+
		"P-1,Wilhelmina,Quillfeather,2014-03-05,A,2025-10-02,,,\n"+
		"P-2,Xiomara,Thistlewood,2012-07-08,SECRETVALUE,2025-10-01,,,\n"+
		"P-2,Xiomara,Thistlewood,8.7.2012,B,2025-10-01,,,\n"+
		"P-2,Xiomara,Thistlewood,2012-07-08,B,2030-10-01,,,\n"+
		"P-2,Xiomara,Thistlewood,2012-07-08,B,2025-10-01,,SECRETVALUE,\n"+
		",Xiomara,Thistlewood,2012-07-08,B,2025-10-01,,,\n"+
		"P-2,Xiomara,,2012-07-08,B,2025-10-01,,,\n")
	want := []string{
		"participation.csv:10:family_name empty", "participation.csv:3:participant_ref two-names", "participation.csv:4:participant_ref two-names",
		"participation.csv:5:school_id unknown-school", "participation.csv:6:birthdate bad-date", "participation.csv:7:date outside-sessions",
		"participation.csv:8:minutes bad-number", "participation.csv:9:participant_ref empty",
	}
	if !slices.Equal(ingesttest.Findings(report), want) || len(p.Participants) != 1 || len(p.Sessions) != 1 || !report.Rejected(false) {
		t.Errorf("%v", ingesttest.Findings(report))
	}
}

func TestAPartnerMayNotSendWhatNobodyMaySend(t *testing.T) {
	t.Parallel()
	p, report := parse(t, "ssn,"+participationHeader+"SECRETVALUE,P-1,Wilhelmina,Quillfeather,2014-03-04,A,2025-10-01,,,\n")
	if p != nil || !slices.Equal(ingesttest.Findings(report), []string{"participation.csv:1:ssn forbidden-column"}) {
		t.Error(ingesttest.Findings(report))
	}
}

const (
	rosterText = "participant_ref,given_name,family_name,birthdate,school_id,student_number,program,start,end\n" +
		"P-1,Wilhelmina,Quillfeather,2014-03-04,A,ST-9001,Chess,2025-09-01,2026-05-01\n" +
		"P-2,Xiomara,Thistlewood,2012-07-08,B,,,,\n"
	sessionText = "participant_ref,date,program,minutes,funder\nP-1,2025-10-01,Chess,60,City\nP-2,2025-10-01,,,\n"
)

func TestTheFormOfTwoFilesSaysTheSame(t *testing.T) {
	t.Parallel()
	p, report, err := ingest.ParseRoster(strings.NewReader(rosterText), strings.NewReader(sessionText), lists(t), ingest.Limits{})
	if err != nil || len(report.Findings) > 0 || len(p.Participants) != 2 || len(p.Sessions) != 2 {
		t.Fatal(err, ingesttest.Findings(report))
	}
	if p.Participants[0].StudentNumber != "ST-9001" || p.Participants[0].End != ingesttest.Date(t, "2026-05-01") {
		t.Errorf("%+v", p.Participants[0])
	}
}

func TestFaultsOfARosterAreFoundWhereTheyAre(t *testing.T) {
	t.Parallel()
	roster := rosterText +
		"P-2,Xiomara,Thistlewood,2012-07-08,B,,,,\n" +
		"P-3,Ada,Quillfeather,2012-07-08,B,,,2026-01-01,2025-01-01\n"
	sessions := sessionText + "P-9,2025-10-01,,,\nP-1,2031-10-01,,,\n"
	_, report, err := ingest.ParseRoster(strings.NewReader(roster), strings.NewReader(sessions), lists(t), ingest.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	ingesttest.CheckReport(t, report, secrets...)
	ingesttest.CheckCounts(t, report)
	want := []string{
		"roster.csv:4:participant_ref duplicate-row", "roster.csv:5:end end-before-start",
		"sessions.csv:4:participant_ref unknown-ref", "sessions.csv:5:date outside-sessions",
	}
	if !slices.Equal(ingesttest.Findings(report), want) {
		t.Error(ingesttest.Findings(report))
	}
}

func TestTheTwoFilesMayComeOneAfterTheOther(t *testing.T) {
	t.Parallel()
	roster, report, err := ingest.ParseRosterAlone(strings.NewReader(rosterText), lists(t), ingest.Limits{})
	if err != nil || len(report.Findings) > 0 || len(roster.Sessions) != 0 {
		t.Fatal(err, ingesttest.Findings(report))
	}
	p, report, err := ingest.ParseSessions(strings.NewReader(sessionText), roster.Participants, lists(t), ingest.Limits{})
	if err != nil || len(report.Findings) > 0 || len(p.Participants) != 2 || len(p.Sessions) != 2 {
		t.Fatal(err, ingesttest.Findings(report))
	}
}

func FuzzParticipation(f *testing.F) {
	public := lists(f)
	f.Add(participationHeader + "P-1,Ada,Lovelace,2014-03-04,A,2025-10-01,Chess,60,City\n")
	f.Add("\xef\xbb\xbf" + participationHeader + "\"P,1\",Ada,\"Love\"\"lace\",2014-03-04,A,2025-10-01,,,\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, report, err := ingest.ParseParticipation(strings.NewReader(text), public, ingest.Limits{})
		if err != nil || (p == nil) != report.Unusable() {
			t.Fatal(err)
		}
		for _, c := range report.Files {
			if c.Good+c.Errors != c.Rows {
				t.Fatalf("%+v", c)
			}
		}
	})
}
