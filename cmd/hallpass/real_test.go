package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// sharedData finds the folder of real sample data beside the project.
func sharedData() (string, bool) {
	if root := os.Getenv("HALLPASS_SHARED"); root != "" {
		return filepath.Join(root, "data"), true
	}
	dir, err := os.Getwd()
	for ; err == nil && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "shared", "data")
		if _, err := os.Stat(path); err == nil {
			return path, true
		}
	}
	return "", false
}

// call STATUS METHOD PATH TOKENFILE [BODYFILE] sends a request to the district
// that start started, and writes the answer to standard output.
func call(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: call STATUS METHOD PATH TOKENFILE [BODYFILE]")
	}
	var body []byte
	if len(args) > 4 {
		body = []byte(ts.ReadFile(args[4]))
	}
	status, answer := send(ts, args[1], args[2], ts.ReadFile(args[3]), body)
	_, err := ts.Stdout().Write(answer)
	ts.Check(err)
	if strconv.Itoa(status) != args[0] {
		ts.Fatalf("status %d, want %s: %s", status, args[0], answer)
	}
}

func send(ts *testscript.TestScript, method, path, token string, body []byte) (int, []byte) {
	req, err := http.NewRequest(method, ts.Getenv("API")+path, bytes.NewReader(body))
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token))
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if method == http.MethodPut {
		req.Header.Set("Content-Type", "text/csv")
	}
	response, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	ts.Check(err)
	return response.StatusCode, answer
}

// sign AGREEMENT PARTY TOKENFILE signs the text that the token's bearer reads.
func sign(ts *testscript.TestScript, neg bool, args []string) {
	path, token := "/agreements/"+args[0], ts.ReadFile(args[2])
	_, answer := send(ts, http.MethodGet, path+"/text", token, nil)
	var text struct{ Data struct{ SHA256 string } }
	ts.Check(json.Unmarshal(answer, &text))
	body := fmt.Sprintf(`{"party":%q,"name":"Sam Signer","title":"Director","text_sha256":%q}`, args[1], text.Data.SHA256)
	if status, answer := send(ts, http.MethodPost, path+"/signatures", token, []byte(body)); status != http.StatusOK {
		ts.Fatalf("status %d: %s", status, answer)
	}
}

// realParticipant is a child of the real schools whom the partner lists.
type realParticipant struct {
	student, ref, school, birth string
	sessions                    int
}

func (p realParticipant) adult() bool { return p.birth <= "1988-06-30" } // on 2006-06-30

// realParticipants reads the partner's file beside the district's.
func realParticipants(ts *testscript.TestScript) []realParticipant {
	byName := map[string]*realParticipant{}
	for _, row := range cells(ts, "students.csv") {
		byName[row["given_name"]+"|"+row["family_name"]+"|"+row["birthdate"]] = &realParticipant{student: row["student_id"], birth: row["birthdate"]}
	}
	listed := map[string]realParticipant{}
	for _, row := range cells(ts, filepath.Join("partner", "participation.csv")) {
		p := byName[row["given_name"]+"|"+row["family_name"]+"|"+row["birthdate"]]
		p.ref, p.school, p.sessions = row["participant_ref"], row["school_id"], p.sessions+1
		listed[p.student] = *p
	}
	return slices.SortedFunc(maps.Values(listed), func(a, b realParticipant) int { return strings.Compare(a.student, b.student) })
}

func cells(ts *testscript.TestScript, name string) []map[string]string {
	text := ts.ReadFile(filepath.Join(ts.Getenv("UCI"), name))
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	ts.Check(err)
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, column := range lines[0] {
			row[column] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// families TOKENFILE REFS enters answers of families: of each school's
// participants at the floor the first thirty under eighteen say yes by a
// guardian, the next ten to attendance only, and the first fifteen of age say
// yes themselves; so do five of each kind who are under the floor. A guardian's
// answer for a student of age must be refused. REFS gets whose rows are open.
func families(ts *testscript.TestScript, neg bool, args []string) {
	token, count := ts.ReadFile(args[0]), map[string]int{}
	guardians := map[string]string{}
	for _, row := range cells(ts, "guardians.csv") {
		guardians[row["student_id"]] = row["guardian_id"]
	}
	var open []string
	for _, p := range realParticipants(ts) {
		group := fmt.Sprint(p.school, p.adult(), p.sessions >= 9)
		n := count[group]
		count[group]++
		guardian, categories, want := guardians[p.student], `"attendance","grades"`, http.StatusCreated
		switch {
		case p.sessions < 9 && n >= 5, p.adult() && n > 15, n >= 40:
			continue
		case p.adult() && n == 15:
			want = http.StatusUnprocessableEntity
		case p.adult():
			guardian = ""
		case n >= 30:
			categories = `"attendance"`
		}
		status, answer := send(ts, http.MethodPost, "/consents", token, form(p.student, guardian, categories))
		if status != want {
			ts.Fatalf("%+v: status %d, want %d: %s", p, status, want, answer)
		}
		if want == http.StatusCreated {
			open = append(open, p.ref)
			ts.Setenv("NEWEST", idOf(ts, answer)) // whose ref is the last line of REFS
			ts.Setenv("NEWEST_BY", signer(guardian))
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(open, "\n")), 0o600))
}

func idOf(ts *testscript.TestScript, answer []byte) string {
	var made struct{ Data struct{ ID string } }
	ts.Check(json.Unmarshal(answer, &made))
	return made.Data.ID
}

// withdraw TOKENFILE REFS takes back the newest consent that families entered,
// as the officer does for a family, and takes its line out of REFS.
func withdraw(ts *testscript.TestScript, neg bool, args []string) {
	refs := strings.Split(ts.ReadFile(args[1]), "\n")
	body := fmt.Appendf(nil, `{"by":%s,"reason":"asked by phone"}`, ts.Getenv("NEWEST_BY"))
	if status, answer := send(ts, http.MethodPost, "/consents/"+ts.Getenv("NEWEST")+"/withdraw", ts.ReadFile(args[0]), body); status != http.StatusOK {
		ts.Fatalf("status %d: %s", status, answer)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(refs[:len(refs)-1], "\n")), 0o600))
}

// signer names a guardian or, without one, the student.
func signer(guardian string) string {
	if guardian == "" {
		return `{"self":true}`
	}
	return fmt.Sprintf(`{"guardian_id":%q}`, guardian)
}

func form(student, guardian, categories string) []byte {
	return fmt.Appendf(nil, `{"agreement":"mentoring","student":{"student_id":%q},"signer":%s,"answer":"yes","categories":[%s],
		"records_from":"2005-09-01","records_to":"2006-08-31","expires":"2007-06-30","signed_at":"2006-06-29T12:00:00Z","method":"paper",
		"text":{"version":"1","language":"pt","sha256":"%064d"},"evidence":{"kind":"scan","reference":"binder 1"}}`, student, signer(guardian), categories, 1)
}

// openedRows ANSWER REFS fails unless the answer has exactly the rows of REFS, at
// least one with grades and one without.
func openedRows(ts *testscript.TestScript, neg bool, args []string) {
	var answer struct {
		Data struct {
			Rows []struct {
				Ref        string          `json:"participant_ref"`
				Attendance json.RawMessage `json:"attendance"`
				Grades     json.RawMessage `json:"grades"`
				Discipline json.RawMessage `json:"discipline"`
			} `json:"rows"`
		} `json:"data"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &answer))
	var got []string
	graded := 0
	for _, row := range answer.Data.Rows {
		got = append(got, row.Ref)
		if row.Grades != nil {
			graded++
		}
		if row.Attendance == nil || row.Discipline != nil {
			ts.Fatalf("%s: attendance %s, discipline %s", row.Ref, row.Attendance, row.Discipline)
		}
	}
	want := strings.Split(ts.ReadFile(args[1]), "\n")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || graded == 0 || graded == len(got) {
		ts.Fatalf("%d rows, want %d; %d with grades", len(got), len(want), graded)
	}
}

// figure ANSWER ROW INDICATOR N CODE N CODE compares a figure's cohort and
// rest; INDICATOR with nothing after it must be not_reported.
func figure(ts *testscript.TestScript, neg bool, args []string) {
	type side struct {
		N     int                   `json:"n"`
		Value struct{ Code string } `json:"value"`
	}
	var answer struct {
		Data struct {
			Rows []struct {
				Row     string
				Figures []struct {
					Indicator, Status string
					Cohort, Rest      *side
				}
			}
		}
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &answer))
	for _, row := range answer.Data.Rows {
		for _, f := range row.Figures {
			if row.Row != args[1] || f.Indicator != args[2] {
				continue
			}
			got := f.Status
			if f.Cohort != nil && f.Rest != nil {
				got = fmt.Sprint(f.Cohort.N, " ", f.Cohort.Value.Code, " ", f.Rest.N, " ", f.Rest.Value.Code)
			}
			if want := strings.Join(args[3:], " "); got != want && (len(args) > 3 || got != "not_reported") {
				ts.Fatalf("%s of %s: %s, want %s", f.Indicator, row.Row, got, want)
			}
			return
		}
	}
	ts.Fatalf("there is no %s of %s", args[2], args[1])
}
