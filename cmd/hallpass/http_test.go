package main

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

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
