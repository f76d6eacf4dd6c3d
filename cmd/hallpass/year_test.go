package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// A family's year, told by the program: after each step exactly who sees what.
func TestAYearInTheLifeOfAFamily(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "year"),
		Setup: func(env *testscript.Env) error {
			env.Values[lastStarted{}] = &lastStarted{}
			env.Values[namesKey{}] = answerNames{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "cp-r": copyFolder, "append": appendLine, "now": now, "does": does, "keep": keep, "sign": signBoth, "sees": sees, "enters": enters, "visits": visits,
		},
	})
}

// answerNames are what a year's script calls answers, by their ids; namesKey is the
// key of the script's value.
type answerNames map[string]string

type namesKey struct{}

// now TIME serves the district from that time on.
func now(ts *testscript.TestScript, _ bool, args []string) {
	if b := ts.Value(lastStarted{}).(*lastStarted).background; b != nil {
		b.stop(ts)
		b.killed = true
	}
	start(ts, false, []string{"served.txt", "hallpass", "serve", "--dir", "d", "--listen", "127.0.0.1:0", "--ops-listen", "", "--clock", args[0], "--messages-dir", "sent", "--phone", demoPhone})
}

// tokenOf is a fresh token of ROLE:SUBJECT; a partner's subject is the organization,
// a student's the district's number.
func tokenOf(ts *testscript.TestScript, who string) string {
	role, subject, _ := strings.Cut(who, ":")
	args := []string{"token", "--dir", ts.MkAbs("d"), "--role", role, "--subject", subject}
	switch role {
	case "partner":
		args = append(args, "--partner", subject)
	case "student":
		args[4], args[6] = "guardian", who
	}
	out, err := exec.Command(inPath(ts, "hallpass"), args...).Output()
	ts.Check(err)
	return strings.TrimSpace(string(out))
}

// does STATUS WHO METHOD PATH [BODY [NAME]] makes a request as a person, with a token
// of that moment, or the one that keep kept. What it made is called NAME from then on:
// $NAME is its id.
func does(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: does STATUS WHO METHOD PATH [BODY [NAME]]")
	}
	var body []byte
	if len(args) > 4 {
		body = []byte(ts.ReadFile(args[4]))
	}
	token := ts.Getenv(args[1])
	if token == "" {
		token = tokenOf(ts, args[1])
	}
	status, answer := send(ts, args[2], args[3], token, body)
	_, err := ts.Stdout().Write(answer)
	ts.Check(err)
	if strconv.Itoa(status) != args[0] {
		ts.Fatalf("%s %s answered %d, want %s: %s", args[2], args[3], status, args[0], answer)
	}
	if len(args) > 5 {
		id := member[struct{ ID string }](ts, answer).ID
		ts.Setenv(args[5], id)
		ts.Value(namesKey{}).(answerNames)[id] = args[5]
	}
}

// keep NAME WHO keeps a token, as a telephone does.
func keep(ts *testscript.TestScript, _ bool, args []string) { ts.Setenv(args[0], tokenOf(ts, args[1])) }

// enters NAME GUARDIAN CHILD NUMBER signs a guardian in on a telephone called NAME: by a
// link of the front desk, the code that goes to the number, and the child's birthday.
func enters(ts *testscript.TestScript, _ bool, args []string) {
	body, err := json.Marshal(map[string]any{"student": map[string]string{"student_id": args[2]}, "person": map[string]string{"guardian_id": args[1]}})
	ts.Check(err)
	status, answer := send(ts, http.MethodPost, "/links", tokenOf(ts, "officer:Olga Okafor"), body)
	if status != http.StatusCreated {
		ts.Fatalf("the link was answered %d: %s", status, answer)
	}
	path := member[struct{ Path string }](ts, answer).Path
	old := codesTo(ts, args[3])
	if sent, _ := pageOf(ts, http.MethodPost, path+"/code", "", nil); sent.StatusCode != http.StatusSeeOther {
		ts.Fatalf("the code was answered %d", sent.StatusCode)
	}
	born, err := time.Parse(time.DateOnly, birthOf(ts, args[2]))
	ts.Check(err)
	form := url.Values{
		"code": {newCode(ts, args[3], old)}, "year": {strconv.Itoa(born.Year())}, "month": {strconv.Itoa(int(born.Month()))}, "day": {strconv.Itoa(born.Day())},
	}
	opened, text := pageOf(ts, http.MethodPost, path+"/open", "", form)
	for _, c := range opened.Cookies() {
		if c.Name == "__Host-family" && c.Value != "" {
			ts.Setenv(args[0], c.Value)
			return
		}
	}
	ts.Fatalf("nobody was signed in: %d %s", opened.StatusCode, text)
}

// visits STATUS NAME PATH opens a page on a telephone.
func visits(ts *testscript.TestScript, _ bool, args []string) {
	page, text := pageOf(ts, http.MethodGet, args[2], ts.Getenv(args[1]), nil)
	_, err := ts.Stdout().Write(text)
	ts.Check(err)
	if strconv.Itoa(page.StatusCode) != args[0] {
		ts.Fatalf("%s answered %d, want %s: %s", args[2], page.StatusCode, args[0], text)
	}
}

// pageOf asks for one of the families' pages.
func pageOf(ts *testscript.TestScript, method, path, session string, form url.Values) (*http.Response, []byte) {
	req, err := http.NewRequest(method, strings.TrimSuffix(ts.Getenv("API"), "/v1")+path, strings.NewReader(form.Encode()))
	ts.Check(err)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if session != "" {
		req.AddCookie(&http.Cookie{Name: "__Host-family", Value: session})
	}
	response, err := http.DefaultTransport.RoundTrip(req)
	ts.Check(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	ts.Check(err)
	return response, text
}

// codesTo are the codes that were sent to a number, by file.
func codesTo(ts *testscript.TestScript, number string) map[string]string {
	files, err := filepath.Glob(filepath.Join(ts.MkAbs("sent"), "*.txt"))
	ts.Check(err)
	codes := map[string]string{}
	for _, name := range files {
		text := ts.ReadFile(name)
		if code := regexp.MustCompile(`\b[0-9]{6}\b`).FindString(text); strings.HasPrefix(text, "To: "+number+"\n") && strings.Contains(text, "Kind: code\n") {
			codes[name] = code
		}
	}
	return codes
}

// newCode waits for a code that was not there.
func newCode(ts *testscript.TestScript, number string, old map[string]string) string {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for late := time.After(20 * time.Second); ; {
		for name, code := range codesTo(ts, number) {
			if old[name] == "" {
				return code
			}
		}
		select {
		case <-look.C:
		case <-late:
			ts.Fatalf("no code went to %s", number)
		}
	}
}

// birthOf is a student's birthday as the files have it.
func birthOf(ts *testscript.TestScript, student string) string {
	for line := range strings.Lines(ts.ReadFile("files/students.csv")) {
		if rest, ok := strings.CutPrefix(line, student+","); ok {
			return regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}`).FindString(rest)
		}
	}
	ts.Fatalf("%s has no birthday", student)
	return ""
}

// sign AGREEMENT has both parties sign the text as it stands.
func signBoth(ts *testscript.TestScript, _ bool, args []string) {
	officer := tokenOf(ts, "officer:Olga Okafor")
	_, text := send(ts, http.MethodGet, "/agreements/"+args[0]+"/text", officer, nil)
	for _, party := range []string{"district", "partner"} {
		body, err := json.Marshal(map[string]string{
			"party": party, "name": "Sam Signer", "title": "Director", "text_sha256": member[struct{ SHA256 string }](ts, text).SHA256,
		})
		ts.Check(err)
		if status, answer := send(ts, http.MethodPost, "/agreements/"+args[0]+"/signatures", officer, body); status >= 300 {
			ts.Fatalf("the signature was answered %d: %s", status, answer)
		}
	}
}

// member is the member data of an answer.
func member[T any](ts *testscript.TestScript, answer []byte) T {
	var whole struct{ Data T }
	ts.Check(json.Unmarshal(answer, &whole))
	return whole.Data
}

// sees CAST… writes what each of the cast sees: partner:ORGANIZATION/AGREEMENT the rows;
// guardian:NUMBER and student:NUMBER the answers they gave and, of each CHILD in
// guardian:NUMBER/CHILD,CHILD, what was asked about it.
func sees(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: sees CAST…")
	}
	var b strings.Builder
	for _, one := range args {
		who, of, _ := strings.Cut(one, "/")
		fmt.Fprintf(&b, "%s\n", who)
		if strings.HasPrefix(who, "partner:") {
			seenRows(ts, &b, who, of)
			continue
		}
		token := tokenOf(ts, who)
		saidBy(ts, &b, token)
		for child := range strings.SplitSeq(of, ",") {
			askedAbout(ts, &b, token, child)
		}
	}
	_, err := fmt.Fprint(ts.Stdout(), b.String())
	ts.Check(err)
}

// yearRow is a row as a partner reads it.
type yearRow struct {
	Ref        string `json:"participant_ref"`
	School     string
	EndsOn     string `json:"ends_on"`
	Attendance *struct {
		Enrolled float64 `json:"days_enrolled"`
		Absent   float64 `json:"days_absent"`
	}
	Grades     []struct{ Course, Session, Value string }
	Discipline []map[string]any
	Spans      []struct{ Category, From, To string }
}

func seenRows(ts *testscript.TestScript, b *strings.Builder, who, agreement string) {
	status, answer := send(ts, http.MethodGet, "/agreements/"+agreement+"/students?period=current", tokenOf(ts, who), nil)
	if status != http.StatusOK {
		ts.Fatalf("%s was answered %d: %s", who, status, answer)
	}
	rows := member[struct{ Rows []yearRow }](ts, answer).Rows
	slices.SortFunc(rows, func(a, b yearRow) int { return strings.Compare(a.Ref, b.Ref) })
	if len(rows) == 0 {
		b.WriteString("  nobody\n")
	}
	for _, r := range rows {
		fmt.Fprintf(b, "  %s at %s", r.Ref, r.School)
		if r.EndsOn != "" {
			fmt.Fprintf(b, ", ends on %s", r.EndsOn)
		}
		b.WriteString("\n")
		for _, s := range r.Spans {
			fmt.Fprintf(b, "    %s of %s to %s\n", s.Category, s.From, s.To)
		}
		if r.Attendance != nil {
			fmt.Fprintf(b, "    absent %v of %v days\n", r.Attendance.Absent, r.Attendance.Enrolled)
		}
		for _, g := range r.Grades {
			fmt.Fprintf(b, "    %s %s: %s\n", g.Session, g.Course, g.Value)
		}
		for _, line := range r.Discipline {
			text, err := json.Marshal(line)
			ts.Check(err)
			fmt.Fprintf(b, "    %s\n", text)
		}
	}
}

// saidBy writes the answers that a person gave, as they stand, by their names.
func saidBy(ts *testscript.TestScript, b *strings.Builder, token string) {
	status, answer := send(ts, http.MethodGet, "/consents", token, nil)
	if status != http.StatusOK {
		ts.Fatalf("the answers were answered %d: %s", status, answer)
	}
	names := ts.Value(namesKey{}).(answerNames)
	var lines []string
	for _, c := range member[struct {
		Consents []struct {
			ID, Party, Answer string
			Student           struct {
				ID string `json:"student_id"`
			}
			Categories []string
			From       string `json:"records_from"`
			To         string `json:"records_to"`
			Expires    string
			Withdrawn  string `json:"withdrawn_at"`
		}
	}](ts, answer).Consents {
		line := fmt.Sprintf("  %s: %s to %s about %s's %s of %s to %s until %s", names[c.ID], c.Answer, c.Party, c.Student.ID, strings.Join(c.Categories, " "), c.From, c.To, c.Expires)
		if c.Withdrawn != "" {
			line += ", withdrawn " + c.Withdrawn[:10]
		}
		lines = append(lines, line+"\n")
	}
	slices.Sort(lines)
	b.WriteString(strings.Join(lines, ""))
}

// askedAbout writes how often each agreement's partner asked about a child, and what
// became of it the last time.
func askedAbout(ts *testscript.TestScript, b *strings.Builder, token, child string) {
	body, err := json.Marshal(map[string]any{"student": map[string]string{"student_id": child}})
	ts.Check(err)
	status, answer := send(ts, http.MethodPost, "/disclosures", token, body)
	if status == http.StatusNotFound {
		fmt.Fprintf(b, "  may not ask about %s\n", child)
		return
	}
	if status != http.StatusOK {
		ts.Fatalf("the disclosures were answered %d: %s", status, answer)
	}
	type request struct {
		Time, Agreement, Outcome string
		Categories               []string
	}
	requests := member[struct{ Requests []request }](ts, answer).Requests // newest first
	last, times := map[string]request{}, map[string]int{}
	for _, r := range requests {
		if times[r.Agreement]++; times[r.Agreement] == 1 {
			last[r.Agreement] = r
		}
	}
	agreements := make([]string, 0, len(last))
	for a := range last {
		agreements = append(agreements, a)
	}
	slices.Sort(agreements)
	for _, a := range agreements {
		r := last[a]
		fmt.Fprintf(b, "  %s: %s asked %d times, last on %s: %s", child, a, times[a], r.Time[:10], r.Outcome)
		if r.Outcome == "shown" {
			fmt.Fprintf(b, " %s", strings.Join(r.Categories, " "))
		}
		b.WriteString("\n")
	}
	if len(agreements) == 0 {
		fmt.Fprintf(b, "  %s: nobody asked\n", child)
	}
}
