package oneroster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

// stayLines are the stays of student S in a small set.
func stayLines(t *testing.T, more map[string]string) []string {
	t.Helper()
	im, _ := read(t, small(more), options(t))
	var stays []string
	for _, line := range students(im) {
		if strings.HasPrefix(line, "  at ") {
			stays = append(stays, strings.TrimPrefix(line, "  at "))
		}
	}
	return stays
}

// classesOf are classes in which S is enrolled: school, terms, course, and the
// dates of the enrollment.
func classesOf(classes ...[5]string) map[string]string {
	k := "sourcedId,title,courseSourcedId,schoolSourcedId,termSourcedIds\n"
	e := "sourcedId,status,classSourcedId,userSourcedId,role,beginDate,endDate\n"
	for i, c := range classes {
		k += fmt.Sprintf("K%d,Class,%s,%s,%q\n", i, c[2], c[0], c[1])
		e += fmt.Sprintf("E%d,active,K%d,S,student,%s,%s\n", i, i, c[3], c[4])
	}
	return map[string]string{
		"classes.csv": k, "enrollments.csv": e, "courses.csv": "sourcedId,title,courseCode,schoolYearSourcedId\nC,Art,A1,Y\n",
	}
}

func TestAStayIsFromTheFirstDayOfItsClassesToTheLast(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		classes []([5]string)
		want    string
	}{
		"its own dates":             {[][5]string{{"A", "T", "", "2025-09-01", "2025-10-01"}}, "A 2025-09-01..2025-10-01 grade 04 primary"},
		"the term's":                {[][5]string{{"A", "T", "", "", ""}}, "A 2025-08-18..2025-12-19 grade 04 primary"},
		"the first and last term's": {[][5]string{{"A", "T,Y", "", "", ""}}, "A 2025-08-18..2026-06-05 grade 04 primary"},
		"the course's year":         {[][5]string{{"A", "", "C", "", ""}}, "A 2025-08-18..2026-06-05 grade 04 primary"},
		"a begin, the term's end":   {[][5]string{{"A", "T", "", "2025-11-03", ""}}, "A 2025-11-03..2025-12-19 grade 04 primary"},
		"a begin after the term":    {[][5]string{{"A", "T", "", "2026-01-07", ""}}, "A 2026-01-07.. grade 04 primary"},
		"nothing that dates it":     {[][5]string{{"A", "", "", "", ""}}, "A 2025-08-18.. grade 04 primary"},
		"two, and the days between": {
			[][5]string{{"A", "", "", "2025-11-01", "2025-12-01"}, {"A", "", "", "2025-09-01", "2025-09-30"}},
			"A 2025-09-01..2025-12-01 grade 04 primary",
		},
		"one of them open": {
			[][5]string{{"A", "", "", "2025-09-01", "2025-09-30"}, {"A", "", "", "2025-11-01", ""}},
			"A 2025-09-01.. grade 04 primary",
		},
		"one of no known day": {
			[][5]string{{"A", "", "", "", "2025-12-01"}, {"A", "", "", "2025-09-01", "2025-09-30"}},
			"A 2025-09-01..2025-12-01 grade 04 primary",
		},
		"one dropped before the term": {
			[][5]string{{"A", "T", "", "", "2025-08-01"}, {"B", "T", "", "", ""}},
			"B 2025-08-18..2025-12-19 grade 04 primary",
		},
		"days with slashes": {
			[][5]string{{"A", "", "", "9/1/2025", "12/31/2025"}, {"A", "", "", "8/25/2025", "12/2/2025"}},
			"A 2025-08-25..2025-12-31 grade 04 primary",
		},
	} {
		same(t, what, stayLines(t, classesOf(c.classes...)), []string{c.want})
	}
}

func TestThePrimarySchoolIsTheOneOfMostClasses(t *testing.T) {
	t.Parallel()
	all := [5]string{"A", "Y", "", "", ""}
	other := [5]string{"B", "Y", "", "", ""}
	same(t, "most classes", stayLines(t, classesOf(all, other, other)), []string{
		"A 2025-08-18..2026-06-05 grade 04 also", "B 2025-08-18..2026-06-05 grade 04 primary",
	})
	same(t, "as many: the first of the user's", stayLines(t, classesOf(other, all)), []string{
		"A 2025-08-18..2026-06-05 grade 04 primary", "B 2025-08-18..2026-06-05 grade 04 also",
	})
	moved := stayLines(t, classesOf([5]string{"A", "", "", "2025-08-18", "2025-10-01"}, [5]string{"B", "", "", "2025-10-02", ""}))
	same(t, "one after the other", moved, []string{
		"A 2025-08-18..2025-10-01 grade 04 primary", "B 2025-10-02.. grade 04 primary",
	})
	more := classesOf(all, other, other)
	more["users.csv"] = "sourcedId,givenName,familyName,primaryOrgSourcedId,grades\nS,Ada,Okafor,A,04\n"
	more["roles.csv"] = "sourcedId,userSourcedId,role,roleType,orgSourcedId\nR,S,student,secondary,B\n"
	same(t, "the user's own", stayLines(t, more), []string{
		"A 2025-08-18..2026-06-05 grade 04 primary", "B 2025-08-18..2026-06-05 grade 04 also",
	})
	more["roles.csv"] = "sourcedId,userSourcedId,role,roleType,orgSourcedId\nR,S,student,primary,B\n"
	same(t, "the primary role's", stayLines(t, more), []string{
		"A 2025-08-18..2026-06-05 grade 04 also", "B 2025-08-18..2026-06-05 grade 04 primary",
	})
}

func TestWhatIsInactiveIsOver(t *testing.T) {
	t.Parallel()
	more := classesOf([5]string{"A", "Y", "", "", ""})
	more["users.csv"] = "sourcedId,status,givenName,familyName,role,orgSourcedIds,grades\nS,INACTIVE,Ada,Okafor,student,A,04\n"
	same(t, "a student", stayLines(t, more), []string{"A 2025-08-18..2025-12-02 grade 04 primary"})
	more = classesOf([5]string{"A", "Y", "", "", ""}, [5]string{"B", "", "", "2025-09-01", "2025-10-01"})
	more["enrollments.csv"] = strings.ReplaceAll(more["enrollments.csv"], "active", "inactive")
	same(t, "enrollments", stayLines(t, more), []string{
		"A 2025-08-18..2025-12-02 grade 04 primary", "B 2025-09-01..2025-10-01 grade 04 also",
	})
	more = classesOf([5]string{"A", "", "", "2026-01-07", ""}, [5]string{"B", "T", "", "", ""})
	more["enrollments.csv"] = strings.Replace(more["enrollments.csv"], "active", "inactive", 1)
	same(t, "an enrollment that had not begun", stayLines(t, more), []string{"B 2025-08-18..2025-12-19 grade 04 primary"})
}

func TestWithoutClassesTheUsersSchoolsCount(t *testing.T) {
	t.Parallel()
	users := "sourcedId,givenName,familyName,role,orgSourcedIds,grades\nS,Ada,Okafor,student,\"D,B,A,B\",\"04,05\"\n"
	same(t, "the first is primary", stayLines(t, map[string]string{"users.csv": users}), []string{
		"A 2025-08-18.. grade 04 also", "B 2025-08-18.. grade 04 primary",
	})
}

func TestTheAssumedEntryIsTheFirstDayOfTheYearOfTheExport(t *testing.T) {
	t.Parallel()
	for sessions, want := range map[string]string{
		"Y0,Last,schoolYear,2024-08-19,2025-06-06\nY,Year,schoolYear,2025-08-18,2026-06-05\nZ,Next,schoolYear,2026-08-17,2027-06-04\n": "2025-08-18",
		"Z,Next,schoolYear,2026-08-17,2027-06-04\n": "2026-08-17",
		"F,Fall,term,2025-08-20,2025-12-19\nG,Spring,term,2026-01-05,2026-06-05\nH,Before,term,2025-01-06,2025-06-06\n": "2025-08-20",
		"": "2025-07-01",
	} {
		header := "sourcedId,title,type,startDate,endDate\n"
		got := stayLines(t, map[string]string{"academicSessions.csv": header + sessions})
		same(t, "entry", got, []string{"A " + want + ".. grade 04 primary"})
	}
}

func TestRaceAndEthnicityAreRolledUp(t *testing.T) {
	t.Parallel()
	header := "sourcedId,hispanicOrLatinoEthnicity,demographicRaceTwoOrMoreRaces,americanIndianOrAlaskaNative,asian," +
		"blackOrAfricanAmerican,nativeHawaiianOrOtherPacificIslander,white\n"
	for flags, want := range map[string]string{
		"true,false,false,true,true,false,false":  "hispanic_or_latino",
		"false,true,false,false,false,false,true": "two_or_more",
		"false,,true,,,TRUE,":                     "two_or_more",
		",,true,,,,":                              "american_indian_or_alaska_native",
		",,,1,,,":                                 "asian",
		",,,,True,,":                              "black_or_african_american",
		",,,,,true,":                              "native_hawaiian_or_other_pacific_islander",
		",,,,,,true":                              "white",
		"false,no,0,,,,":                          "",
	} {
		im, _ := read(t, small(map[string]string{"demographics.csv": header + "S," + flags + "\n"}), options(t))
		if got := im.Students[0].Profile.RaceEthnicity; got != want {
			t.Errorf("%s is %q, want %q", flags, got, want)
		}
	}
}

func TestADateIsReadOnlyWhereItCanBeOnlyOne(t *testing.T) {
	t.Parallel()
	for column, want := range map[string]string{
		"2014-03-04":                     "2014-03-04",
		"2014-03-04T00:00:00.000Z":       "2014-03-04",
		"2014-03-04 00:00:00":            "2014-03-04",
		"3/4/2014 0:00":                  "ambiguous-date",
		"3/4/2014|3/13/2014":             "2014-03-04",
		"3/4/2014|13/3/2014":             "2014-04-03",
		"03/04/2014|12/31/2014|1/2/2014": "2014-03-04",
		"3/4/2014|13/3/2014|3/13/2014":   "ambiguous-date",
		"3/4/2014|2014-03-13":            "ambiguous-date",
		"4/4/2014":                       "2014-04-04",
		"13/13/2014":                     "bad-date",
		"2/29/2014":                      "bad-date",
		"2/29/2016":                      "2016-02-29",
		"0/4/2014":                       "bad-date",
		"3/4/14":                         "bad-date",
		"3-4-2014":                       "bad-date",
		"2014-3-4":                       "bad-date",
		"20140304":                       "bad-date",
		"3/4/2014/5":                     "bad-date",
		"/4/2014":                        "bad-date",
	} {
		text := "sourcedId,birthdate\n"
		for i, value := range strings.Split(column, "|") {
			text += []string{"S", "S1", "S2"}[i] + "," + value + "\n"
		}
		im, report := read(t, small(map[string]string{"demographics.csv": text}), options(t))
		got := im.Students[0].Profile.Birth.String()
		for _, line := range ingesttest.Findings(report) {
			if rule, ok := strings.CutPrefix(line, "demographics.csv:2:birthDate "); ok {
				got += rule
			}
		}
		if got != want {
			t.Errorf("%s is %q, want %q", column, got, want)
		}
	}
}

func TestGuardiansAreLinkedFromEitherSide(t *testing.T) {
	t.Parallel()
	set := small(map[string]string{"users.csv": `sourcedId,status,givenName,familyName,role,orgSourcedIds,agentSourcedIds,email,sms,phone
S,,Ada,Okafor,student,A,"P,G, T ",,,
S2,,Ben,Okafor,student,A,,,,
P,,Pa,Okafor,Parent,D,"S,S2",,1,2
G,,Ga,Okafor,guardian,D,S2,ga@example.org,3,
R,,Ra,Okafor,relative,D,"S2,T",,,
T,,Ta,Teacher,teacher,A,S,,,
I,inactive,Ia,Okafor,parent,D,S,,,
X,tobedeleted,Xa,Okafor,parent,D,S,,,
`})
	im, report := read(t, set, options(t))
	var got []string
	for _, s := range im.Students {
		for _, g := range s.Profile.Guardians {
			got = append(got, fmt.Sprintf("%s %s %s %s %v %s%s", s.Profile.Person.StudentID, g.ID, g.Relation, g.Capacity, g.HoldsRights, g.Email, g.Phone))
		}
	}
	same(t, "guardians", got, []string{
		"S G guardian unknown true ga@example.org3", "S P parent parent true 2",
		"S2 G guardian unknown true ga@example.org3", "S2 P parent parent true 2", "S2 R relative unknown false ",
	})
	if report.Errors() > 0 {
		t.Errorf("%v", ingesttest.Findings(report))
	}
}

func TestTheLastGuardianMayGo(t *testing.T) {
	t.Parallel()
	with := small(map[string]string{"users.csv": "sourcedId,status,givenName,familyName,role,orgSourcedIds,agentSourcedIds\n" +
		"S,,Ada,Okafor,student,A,\nP,tobedeleted,Pa,Okafor,parent,D,S\n"})
	im, _ := read(t, with, options(t))
	if !im.Present["guardians.csv"] || len(im.Students[0].Profile.Guardians) != 0 {
		t.Error("a deleted guardian is one, or was none")
	}
}

func TestRolesOf1_2(t *testing.T) {
	t.Parallel()
	set := small(map[string]string{
		"users.csv": "sourcedId,givenName,familyName,agentSourcedIds\nS,Ada,Okafor,\"P,Q\"\nP,Pa,Okafor,\nQ,Qa,Okafor,\nE,Eve,Okafor,\n",
		"roles.csv": "sourcedId,status,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId\n" +
			"1,,S,primary,student,2025-09-01,,A\n2,inactive,S,secondary,student,2025-08-20,2025-08-29,B\n3,,S,secondary,parent,,,D\n" +
			"4,,P,primary,districtAdministrator,,,D\n5,,P,secondary,parent,,,D\n6,,Q,primary,parent,,2025-11-30,D\n7,,E,primary,ext:volunteer,,,A\n",
	})
	im, report := read(t, set, options(t))
	same(t, "students", students(im), []string{
		"S Ada Okafor   ", "  at B 2025-08-20..2025-08-29 grade  primary", "  at A 2025-09-01.. grade  primary",
		"  guardian P Pa Okafor parent parent rights true  ",
	})
	if slices.ContainsFunc(ingesttest.Findings(report), func(l string) bool { return strings.HasPrefix(l, "roles.csv") }) {
		t.Errorf("%v", ingesttest.Findings(report))
	}
}
