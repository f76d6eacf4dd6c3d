package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The whole road on real data, of which each figure is computed here again,
// by hand, from the files.
func TestTheWholeRoadOnRealData(t *testing.T) {
	t.Parallel()
	uci := realSchools(t)
	verifier := buildVerifier(t)
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "real"),
		Setup: func(env *testscript.Env) error {
			env.Values[lastStarted{}] = &lastStarted{}
			env.Setenv("UCI", uci)
			env.Setenv("PATH", env.Getenv("PATH")+string(os.PathListSeparator)+verifier)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "start": start, "bearer": bearer, "fetch": fetchInto, "sign": sign,
			"enter": enter, "figures": figures, "rows": rows, "recorded": recorded,
			"stop-first": stopFirst, "fewer": fewer,
		},
	})
}

// realSchools finds the sample data beside the project.
func realSchools(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	places := []string{os.Getenv("HALLPASS_SHARED")}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		places = append(places, filepath.Join(dir, "shared"))
	}
	for _, place := range places {
		uci := filepath.Join(place, "data", "uci-por")
		if _, err := os.Stat(uci); place != "" && err == nil {
			return uci
		}
	}
	t.Skip("the sample data uci-por is not here; put the folder shared beside the project, or set HALLPASS_SHARED")
	return ""
}

// bearer NAME ARGS… keeps a token that hallpass token prints for ARGS.
func bearer(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command(inPath(ts, "hallpass"), append([]string{"token", "--dir", ts.MkAbs("d")}, args[1:]...)...)
	out, err := cmd.Output()
	ts.Check(err)
	ts.Setenv(args[0], strings.TrimSpace(string(out)))
}

// fetch STATUS OUT TOKEN METHOD PATH [BODY] makes a request and keeps the
// answer.
func fetchInto(ts *testscript.TestScript, _ bool, args []string) {
	var body []byte
	kind := ""
	if len(args) > 5 {
		var err error
		body, err = os.ReadFile(ts.MkAbs(args[5]))
		ts.Check(err)
		kind = map[bool]string{true: "text/csv", false: "application/json"}[strings.HasSuffix(args[5], ".csv")]
	}
	status, answer := fetched(ts, args[2], args[3], args[4], kind, body)
	if strconv.Itoa(status) != args[0] {
		ts.Fatalf("%s %s answered %d, want %s: %s", args[3], args[4], status, args[0], answer)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), answer, 0o600))
}

func fetched(ts *testscript.TestScript, token, method, path, kind string, body []byte) (int, []byte) {
	req, err := http.NewRequest(method, ts.Getenv("API")+path, bytes.NewReader(body))
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+ts.Getenv(token))
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	ts.Check(err)
	return res.StatusCode, answer
}

// sign OUT TEXT PARTY writes a signature under the hash of an agreement's text.
func sign(ts *testscript.TestScript, _ bool, args []string) {
	text := readJSON[struct{ Data struct{ SHA256 string } }](ts, args[1])
	writeJSON(ts, args[0], map[string]string{"party": args[2], "name": "Sara Silva", "title": "Directora", "text_sha256": text.Data.SHA256})
}

func readJSON[T any](ts *testscript.TestScript, name string) (v T) {
	raw, err := os.ReadFile(ts.MkAbs(name))
	ts.Check(err)
	ts.Check(json.Unmarshal(raw, &v))
	return v
}

func writeJSON(ts *testscript.TestScript, name string, v any) {
	raw, err := json.Marshal(v)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(name), raw, 0o600))
}

// answered is one family's answer of the test.
type answered struct {
	ID, Student, Ref, Signer string
	Categories               []string
}

// enter TOKEN OUT AGREEMENT enters a paper yes for every third child of the
// partner: a guardian's, or the student's own at 18. Every second of them is
// to attendance only. A guardian's yes for a grown student must be refused.
func enter(ts *testscript.TestScript, _ bool, args []string) {
	p := readPortuguese(ts)
	var list []answered
	for i, ref := range p.refs {
		if i%3 != 0 {
			continue
		}
		s := p.byRef[ref]
		a := answered{Student: s.id, Ref: ref, Categories: []string{"attendance", "grades"}}
		if i%2 == 0 {
			a.Categories = a.Categories[:1]
		}
		if s.grown {
			status, answer := postYes(ts, args, a, p.guardian[s.id])
			if status != http.StatusUnprocessableEntity {
				ts.Fatalf("a guardian's yes for a grown student was answered with %d: %s", status, answer)
			}
		} else {
			a.Signer = p.guardian[s.id]
		}
		status, answer := postYes(ts, args, a, a.Signer)
		if status != http.StatusCreated {
			ts.Fatalf("a consent was answered with %d: %s", status, answer)
		}
		var made struct{ Data struct{ ID string } }
		ts.Check(json.Unmarshal(answer, &made))
		a.ID = made.Data.ID
		list = append(list, a)
	}
	writeJSON(ts, args[1], list)
}

func postYes(ts *testscript.TestScript, args []string, a answered, guardian string) (int, []byte) {
	const paper = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
	signer := map[string]any{"guardian_id": guardian}
	if guardian == "" {
		signer = map[string]any{"self": true}
	}
	body, err := json.Marshal(map[string]any{
		"agreement": args[2], "student": map[string]string{"student_id": a.Student}, "signer": signer, "answer": "yes",
		"categories": a.Categories, "records_from": "2005-09-01", "records_to": "2006-08-31", "expires": "2006-10-21",
		"signed_at": "2006-06-12T10:00:00Z", "method": "paper",
		"text":     map[string]string{"version": "1", "language": "pt", "sha256": paper},
		"evidence": map[string]string{"kind": "scan", "sha256": paper},
	})
	ts.Check(err)
	return fetched(ts, args[0], http.MethodPost, "/consents", "application/json", body)
}

// portuguese is the real data, read with nothing of the product.
type portuguese struct {
	refs     []string
	byRef    map[string]pupil
	pupils   []pupil
	guardian map[string]string
}

// pupil is one student as the files have it.
type pupil struct {
	id, school       string
	grown            bool // 18 on the day of the signatures
	grownSince       bool // 18 since then: the parent's answer counts no more
	enrolled, absent int
	results          []int
	sessions         map[string]bool
	ref              string
}

// Who was born by these days was 18 on the day of the signatures, 12 June 2006,
// and on the day of the requests.
const (
	signatures = "1988-06-12"
	today      = "1988-06-30"
)

// readPortuguese reads the files. A participant is the student with the same
// names and birth date.
func readPortuguese(ts *testscript.TestScript) portuguese {
	dir := ts.Getenv("UCI")
	byID, byName := map[string]*pupil{}, map[string]*pupil{}
	for _, r := range rowsOf(ts, dir, "students.csv") {
		s := &pupil{id: r["student_id"], sessions: map[string]bool{}, grown: r["birthdate"] <= signatures}
		s.grownSince = !s.grown && r["birthdate"] <= today
		byID[s.id], byName[r["given_name"]+"|"+r["family_name"]+"|"+r["birthdate"]] = s, s
	}
	for _, r := range rowsOf(ts, dir, "enrollments.csv") {
		byID[r["student_id"]].school = r["school_id"]
	}
	for _, r := range rowsOf(ts, dir, "attendance_summary.csv") {
		s := byID[r["student_id"]]
		s.enrolled, s.absent = whole(ts, r["days_enrolled"]), whole(ts, r["days_absent"])
	}
	for _, r := range rowsOf(ts, dir, "grades.csv") {
		s := byID[r["student_id"]]
		s.results = append(s.results, whole(ts, r["value"]))
	}
	p := portuguese{byRef: map[string]pupil{}, guardian: map[string]string{}}
	for _, r := range rowsOf(ts, dir, "guardians.csv") {
		if r["holds_rights"] == "yes" && p.guardian[r["student_id"]] == "" {
			p.guardian[r["student_id"]] = r["guardian_id"]
		}
	}
	for _, r := range rowsOf(ts, dir, filepath.Join("partner", "participation.csv")) {
		s := byName[r["given_name"]+"|"+r["family_name"]+"|"+r["birthdate"]]
		s.sessions[r["date"]], s.ref = true, r["participant_ref"]
	}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		s := *byID[id]
		p.pupils = append(p.pupils, s)
		if s.ref != "" {
			p.byRef[s.ref] = s
		}
	}
	p.refs = slices.Sorted(maps.Keys(p.byRef))
	return p
}

func rowsOf(ts *testscript.TestScript, dir, name string) []map[string]string {
	f, err := os.Open(filepath.Join(dir, name))
	ts.Check(err)
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	ts.Check(err)
	var list []map[string]string
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, value := range record {
			row[records[0][i]] = value
		}
		list = append(list, row)
	}
	return list
}

func whole(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}

// group is one group's figures before protection.
type group struct {
	n, chronic, failed, results int
	attendance, mean            float64
}

func groupOf(pupils []pupil) group {
	var s group
	for _, p := range pupils {
		s.n++
		s.attendance += 1 - float64(p.absent)/float64(p.enrolled)
		if 10*p.absent >= p.enrolled {
			s.chronic++
		}
		sum := 0
		for _, r := range p.results {
			sum += r
			s.results++
			if r < 10 {
				s.failed++
			}
		}
		s.mean += float64(sum) / float64(len(p.results))
	}
	s.attendance, s.mean = 100*s.attendance/float64(s.n), s.mean/float64(s.n)
	return s
}

// shown is a group as published_table shows it, worked out from the written
// rules: attendance to half a point, a mean to a hundredth of its scale, both
// with open ends of one part in a hundred (of over 300 students, in two
// hundred); and a share of over 300 students in whole percents with open ends
// at 1 and 99, of 61 to 300 in bands.
func (s group) shown() map[string]string {
	return map[string]string{
		"attendance_rate":      meanOf(s.attendance, 0.5, 100, s.n),
		"mean_course_result":   meanOf(s.mean, 0.2, 20, s.n),
		"chronic_absence":      shareOf(s.chronic, s.n, s.n),
		"course_failure_share": shareOf(s.failed, s.results, s.n),
	}
}

func meanOf(mean, step, top float64, students int) string {
	rounded, end := math.Round(mean/step)*step, top/100
	if students > 300 {
		end = top / 200
	}
	if rounded >= top-end {
		return fmt.Sprintf("GE%.1f", top-end)
	}
	return fmt.Sprintf("%.1f", rounded)
}

// shareOf codes a share of a subgroup as EDFacts publishes it.
func shareOf(num, den, students int) string {
	percent := int(math.Floor(100*float64(num)/float64(den) + 0.5))
	switch {
	case students > 300 && percent <= 1:
		return "LE1"
	case students > 300 && percent >= 99:
		return "GE99"
	case students > 300:
		return strconv.Itoa(percent)
	case percent <= 5:
		return "LE5"
	case percent <= 9:
		return "6-9"
	case percent >= 95:
		return "GE95"
	}
	low := percent / 5 * 5
	return fmt.Sprintf("%d-%d", low, low+4)
}

// comparisons are the figures of an answer.
type comparisons struct {
	Data struct {
		Rows []struct {
			Row     string
			Figures []struct {
				Indicator, Status string
				Cohort, Rest      *struct {
					N     int
					Value struct{ Code string }
				}
			}
		}
	}
}

// figures ALL GP MS holds the pooled rows and those of the two schools against
// what the files say.
func figures(ts *testscript.TestScript, _ bool, args []string) {
	p := readPortuguese(ts)
	wantN := map[string][2]int{"all": {315, 334}, "school:GP": {219, 204}, "school:MS": {96, 130}}
	for i, row := range []string{"all", "school:GP", "school:MS"} {
		cohort, rest := split(p.pupils, strings.TrimPrefix(row, "school:"))
		if got := [2]int{cohort.n, rest.n}; got != wantN[row] {
			ts.Fatalf("%s: the files give %v, want %v", row, got, wantN[row])
		}
		checkRow(ts, readJSON[comparisons](ts, args[i]), row, cohort, rest)
	}
	pooled, others := split(p.pupils, "all")
	before := fmt.Sprintf("%.2f %.2f %d %d %.2f %.2f %d/%d %d/%d", pooled.attendance, others.attendance, pooled.chronic, others.chronic,
		pooled.mean, others.mean, pooled.failed, pooled.results, others.failed, others.results)
	if before != "98.01 97.93 4 7 11.83 11.43 170/945 232/1002" {
		ts.Fatalf("before protection the files give %s", before)
	}
}

// split divides the students of a school into those with nine sessions or more
// and the others.
func split(pupils []pupil, school string) (cohort, rest group) {
	var in, out []pupil
	for _, s := range pupils {
		switch {
		case school != "all" && s.school != school:
		case len(s.sessions) >= 9:
			in = append(in, s)
		default:
			out = append(out, s)
		}
	}
	return groupOf(in), groupOf(out)
}

func checkRow(ts *testscript.TestScript, got comparisons, row string, cohort, rest group) {
	seen := map[string]bool{}
	for _, r := range got.Data.Rows {
		if r.Row != row {
			continue
		}
		for _, f := range r.Figures {
			seen[f.Indicator] = true
			want, reported := cohort.shown()[f.Indicator]
			if !reported {
				if f.Status != "not_reported" || f.Cohort != nil {
					ts.Fatalf("%s %s is %s; the district reported nothing", row, f.Indicator, f.Status)
				}
				continue
			}
			if f.Cohort == nil || f.Rest == nil || f.Cohort.N != cohort.n || f.Rest.N != rest.n {
				ts.Fatalf("%s %s: status %s, cohort %+v, rest %+v", row, f.Indicator, f.Status, f.Cohort, f.Rest)
			}
			if f.Cohort.Value.Code != want || f.Rest.Value.Code != rest.shown()[f.Indicator] {
				ts.Fatalf("%s %s: %s beside %s, by hand %s beside %s", row, f.Indicator, f.Cohort.Value.Code, f.Rest.Value.Code, want, rest.shown()[f.Indicator])
			}
		}
	}
	if len(seen) != 9 {
		ts.Fatalf("%s shows %d indicators, want 9", row, len(seen))
	}
}

// studentRows are the consented rows of an answer.
type studentRows struct {
	Data struct {
		Rows []struct {
			Ref        string `json:"participant_ref"`
			Attendance *struct {
				Enrolled float64 `json:"days_enrolled"`
				Absent   float64 `json:"days_absent"`
			}
			Grades     []struct{ Value string }
			Discipline []any
		}
	}
}

// rows STUDENTS CONSENTS holds the rows against the answers and the files: a
// row for each yes, with what it opened and nothing else, and none by a
// parent's yes for a student who is 18 by now.
func rows(ts *testscript.TestScript, _ bool, args []string) {
	p := readPortuguese(ts)
	want := map[string]answered{}
	grown, grownSince, under := 0, 0, 0
	for _, a := range readJSON[[]answered](ts, args[1]) {
		if p.byRef[a.Ref].grownSince {
			grownSince++
			continue
		}
		want[a.Ref] = a
		if a.Signer == "" {
			grown++
		}
		if len(p.byRef[a.Ref].sessions) < 9 {
			under++
		}
	}
	got := readJSON[studentRows](ts, args[0]).Data.Rows
	if len(got) != len(want) || grown == 0 || grownSince == 0 || under == 0 {
		ts.Fatalf("%d rows for %d answers (%d of grown students, %d grown since, %d under the floor)", len(got), len(want), grown, grownSince, under)
	}
	for _, r := range got {
		a, ok := want[r.Ref]
		s := p.byRef[r.Ref]
		if !ok || r.Discipline != nil {
			ts.Fatalf("a row that nobody opened, or discipline in it")
		}
		if r.Attendance == nil || int(r.Attendance.Enrolled) != s.enrolled || int(r.Attendance.Absent) != s.absent {
			ts.Fatalf("the attendance of a row is not the file's")
		}
		if opened := len(a.Categories) == 2; opened != (len(r.Grades) == len(s.results)) || !opened && r.Grades != nil {
			ts.Fatalf("%d grades in a row whose family opened %v", len(r.Grades), a.Categories)
		}
		for i, g := range r.Grades {
			if !slices.Contains(s.results, whole(ts, g.Value)) {
				ts.Fatalf("grade %d of a row is not the file's", i)
			}
		}
	}
}

// recorded ENTRIES ACTION wants the entry of an answer with its request,
// decision, clause and policy.
func recorded(ts *testscript.TestScript, _ bool, args []string) {
	raw, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	var list struct {
		Data struct {
			Entries []struct {
				Event, Decision, Clause, Policy string
				Request                         struct{ Action string }
			}
		}
	}
	ts.Check(json.Unmarshal(raw, &list))
	for _, e := range list.Data.Entries {
		if e.Request.Action == args[1] && e.Event == "query.released" && e.Decision == "allow" && e.Clause != "" && len(e.Policy) == 64 {
			return
		}
	}
	ts.Fatalf("no entry of a released %s with request, decision, clause and policy", args[1])
}

// stop-first TOKEN STUDENTS CONSENTS withdraws the consent of the first row.
func stopFirst(ts *testscript.TestScript, _ bool, args []string) {
	first := readJSON[studentRows](ts, args[1]).Data.Rows[0].Ref
	for _, a := range readJSON[[]answered](ts, args[2]) {
		if a.Ref != first {
			continue
		}
		by := map[string]any{"guardian_id": a.Signer}
		if a.Signer == "" {
			by = map[string]any{"self": true}
		}
		body, err := json.Marshal(map[string]any{"by": by, "reason": "the family asked"})
		ts.Check(err)
		status, answer := fetched(ts, args[0], http.MethodPost, "/consents/"+a.ID+"/withdraw", "application/json", body)
		if status != http.StatusOK {
			ts.Fatalf("withdrawing was answered with %d: %s", status, answer)
		}
		return
	}
	ts.Fatalf("nobody consented to the first row")
}

// fewer AFTER BEFORE wants all rows but the first.
func fewer(ts *testscript.TestScript, _ bool, args []string) {
	after, before := readJSON[studentRows](ts, args[0]).Data.Rows, readJSON[studentRows](ts, args[1]).Data.Rows
	if len(after) != len(before)-1 {
		ts.Fatalf("%d rows, then %d", len(before), len(after))
	}
	for _, r := range after {
		if r.Ref == before[0].Ref {
			ts.Fatalf("the row of the family that stopped is still there")
		}
	}
}
