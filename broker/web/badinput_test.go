package web_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// CANARY stands in every value of a bad request: no answer may hold it.
const canary = "CANARY"

// bad is a request that must be refused as one that cannot be taken, and how.
type bad struct {
	who                       person
	method, path, media, body string
	status                    int
}

// badPartners are bodies that make no partner.
func badPartners(h *house) map[string]bad {
	of := func(status int, body string) bad {
		return bad{h.officer(), "POST", "/v1/partners", "application/json", body, status}
	}
	good := `{"id":"canary","name":"CANARY","legal_entity":"CANARY Inc.","contact":"CANARY Street"`
	return map[string]bad{
		"half an object":             of(400, good),
		"two objects":                of(400, good+`}{}`),
		"an object and a word":       of(400, good+`} CANARY`),
		"not JSON":                   of(400, `CANARY`),
		"a comment":                  of(400, good+`,/*CANARY*/"tax_id":"1"}`),
		"a single quote":             of(400, `{'name':'CANARY'}`),
		"not UTF-8":                  of(400, good+`,"tax_id":"CANARY`+"\xff"+`"}`),
		"half a surrogate":           of(400, good+`,"tax_id":"CANARY\ud800"}`),
		"a byte order mark":          of(400, "\xef\xbb\xbf"+good+`}`),
		"nothing":                    of(415, ``),
		"null":                       of(422, `null`),
		"a list":                     of(422, `["CANARY"]`),
		"a text":                     of(422, `"CANARY"`),
		"an empty object":            of(422, `{}`),
		"a member twice":             of(422, good+`,"name":"CANARY2"}`),
		"an unknown member":          of(422, good+`,"CANARY":"CANARY"}`),
		"a member in another case":   of(422, good+`,"Name":"CANARY"}`),
		"a member of the server's":   of(422, good+`,"state":"accepted","version":7}`),
		"a null member":              of(422, good+`,"tax_id":null}`),
		"a number for a text":        of(422, `{"name":12345678901,"legal_entity":"CANARY","contact":"CANARY"}`),
		"a text for a list":          of(422, good+`,"sites":"CANARY"}`),
		"twenty-one levels":          of(422, good+`,"sites":`+strings.Repeat("[", 21)+strings.Repeat("]", 21)+`}`),
		"a hundred thousand levels":  of(413, strings.Repeat(`[`, 100_000)),
		"ten thousand levels":        of(422, strings.Repeat(`[`, 20_000)),
		"ten thousand and one sites": of(422, good+`,"sites":["`+strings.Repeat(`","`, 10_000)+`"]}`),
		"65 KB":                      of(413, good+`,"tax_id":"`+strings.Repeat("9", 65<<10)+`"}`),
		"an id that is none":         of(422, `{"id":"../CANARY","name":"CANARY","legal_entity":"CANARY","contact":"CANARY"}`),
		"an empty name":              of(422, `{"name":"","legal_entity":"CANARY","contact":"CANARY"}`),
		"a name of two lines":        of(422, `{"name":"CANARY\nCANARY","legal_entity":"CANARY","contact":"CANARY"}`),
		"a name in disguise":         of(422, `{"name":"CANARY\u202eevil","legal_entity":"CANARY","contact":"CANARY"}`),
		"a name of a book":           of(422, `{"name":"`+strings.Repeat(canary, 100)+`","legal_entity":"CANARY","contact":"CANARY"}`),
	}
}

// badMedia are good bodies in the wrong wrapping.
func badMedia(h *house) map[string]bad {
	body := `{"name":"CANARY","legal_entity":"CANARY","contact":"CANARY"}`
	all := map[string]bad{}
	for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=latin1", "text/json", "application/*", "CANARY", "application/json, text/csv"} {
		all["JSON as "+media] = bad{h.officer(), "POST", "/v1/partners", media, body, 415}
	}
	for _, media := range []string{"application/json", "text/plain", "application/vnd.ms-excel", "text/csv; charset=utf-16", "CANARY"} {
		all["CSV as "+media] = bad{h.partnerOf(north), "PUT", under(northAgreement, "/participation"), media, h.participation(north), 415}
	}
	return all
}

// badFiles are uploads of which nothing can be used.
func badFiles(h *house) map[string]bad {
	head := "participant_ref,given_name,family_name,birthdate,school_id,date\n"
	row := "CANARY1,CANARY,CANARY,2012-01-01," + h.Schools[0].ID + ",2025-10-06\n"
	all := map[string]bad{}
	for name, csv := range map[string]string{
		"a header alone": head, "a header that is none": "CANARY,CANARY2\n1,2\n", "a column missing": strings.Replace(head, ",birthdate", "", 1) + row,
		"a column twice": strings.Replace(head, "family_name", "given_name", 1) + row, "a forbidden column": strings.Replace(head, "date\n", "ssn\n", 1) + row,
		"a quote that does not end": head + `"CANARY1,` + row, "another delimiter": strings.ReplaceAll(head+row, ",", ";"),
		"a date that is none": head + strings.ReplaceAll(row, "2025-10-06", "CANARY"), "a birth in another form": head + strings.ReplaceAll(row, "2012-01-01", "01/CANARY/2012"),
		"a school that is none": head + strings.ReplaceAll(row, h.Schools[0].ID, "CANARYSCHOOL"), "an empty reference": head + strings.ReplaceAll(row, "CANARY1", ""),
		"control characters": head + strings.ReplaceAll(row, "CANARY1", "CANARY\x01"), "NUL": head + strings.ReplaceAll(row, "CANARY1", "CANARY\x00"),
		"two bytes a letter": wide(head + row), "a zip": "PK\x03\x04CANARY", "too many fields": head + strings.TrimSuffix(row, "\n") + ",CANARY,CANARY\n", "JSON": `{"rows":["CANARY"]}`,
		"a text too long": head + strings.ReplaceAll(row, "CANARY1", strings.Repeat(canary, 2000)),
	} {
		for _, form := range []string{"/participation", "/roster", "/sessions"} {
			if form == "/participation" || name == "a zip" || name == "JSON" || name == "NUL" {
				all[name+" as "+form] = bad{h.partnerOf(north), "PUT", under(northAgreement, form), "text/csv", csv, 422}
			}
		}
	}
	return all
}

// wide is a text with two bytes a letter, as spreadsheets save "Unicode".
func wide(text string) string {
	var b strings.Builder
	b.WriteString("\xff\xfe")
	for _, c := range []byte(text) {
		b.WriteByte(c)
		b.WriteByte(0)
	}
	return b.String()
}

// badQueries are reads that ask in a way nobody understands.
func badQueries(h *house) map[string]bad {
	all := map[string]bad{}
	for _, query := range []string{"?period=CANARY", "?categories=CANARY", "?categories=attendance,CANARY", "?CANARY=1", "?period=current&period=current", "?categories=" + strings.Repeat("CANARY", 30), "?period=%01CANARY"} {
		all["students"+query] = bad{h.partnerOf(north), "GET", under(northAgreement, "/students"+query), "", "", 422}
	}
	for _, query := range []string{"?school=CANARY&CANARY=1", "?school=a&school=b", "?period=" + strings.Repeat("CANARY", 30), "?school=%E2%80%AECANARY"} {
		all["comparisons"+query] = bad{h.partnerOf(north), "GET", under(northAgreement, "/comparisons"+query), "", "", 422}
	}
	for _, query := range []string{"?state=CANARY", "?state=waiting&state=waiting", "?limit=0", "?limit=1001", "?from=1"} {
		all["messages"+query] = bad{h.officer(), "GET", "/v1/messages" + query, "", "", 422}
	}
	for _, query := range []string{"?limit=0", "?limit=1001", "?limit=CANARY", "?from=-1", "?from=1e3", "?from=01", "?from=99999999999999999999", "?limit=1&limit=2"} {
		all["entries"+query] = bad{h.officer(), "GET", "/v1/audit/entries" + query, "", "", 422}
	}
	all["a query that cannot be read"] = bad{h.officer(), "GET", "/v1/audit/entries?limit=%zz", "", "", 400}
	all["a body where none is taken"] = bad{h.officer(), "GET", "/v1/partners", "text/plain", canary, 400}
	return all
}

// badActs are well-formed bodies that the law, an agreement or a lifecycle
// does not allow.
func badActs(h *house) map[string]bad {
	f := h.families()[0]
	consents := func(who person, status int, change func(map[string]any)) bad {
		body := map[string]any{
			"agreement": northAgreement, "student": map[string]any{"student_id": f.child}, "signer": map[string]any{"guardian_id": f.guardian},
			"answer": "yes", "categories": []string{"attendance"}, "records_from": h.Year.Start.String(), "records_to": h.AsOf.String(), "expires": h.AsOf.String(),
			"signed_at": "2026-06-01T09:00:00Z", "method": "paper", "text": map[string]any{"version": "1", "language": "en", "sha256": strings.Repeat("0", 64)},
			"evidence": map[string]any{"kind": "scan", "reference": "CANARY"},
		}
		change(body)
		return bad{who, "POST", "/v1/consents", "application/json", jsonText(h.t, body), status}
	}
	set := func(name string, value any) func(map[string]any) {
		return func(b map[string]any) { b[name] = value }
	}
	officer := h.officer()
	return map[string]bad{
		"an unknown signer":     consents(officer, 422, set("signer", map[string]any{"guardian_id": canary})),
		"no signer":             consents(officer, 422, set("signer", map[string]any{})),
		"two signers":           consents(officer, 422, set("signer", map[string]any{"guardian_id": f.guardian, "self": true})),
		"two students":          consents(officer, 422, set("student", map[string]any{"student_id": f.child, "participant_ref": canary})),
		"an unknown answer":     consents(officer, 422, set("answer", canary)),
		"an unknown category":   consents(officer, 422, set("categories", []string{canary})),
		"a category in general": consents(officer, 422, set("categories", []string{"discipline"})),
		"no category":           consents(officer, 422, set("categories", []string{})),
		"a day that is none":    consents(officer, 422, set("expires", "CANARY-06-31")),
		"a span turned round":   consents(officer, 422, set("records_to", "2020-01-01")),
		"an instant of words":   consents(officer, 422, set("signed_at", canary)),
		"an unknown method":     consents(officer, 422, set("method", canary)),
		"a text without a hash": consents(officer, 422, set("text", map[string]any{"version": canary, "language": canary, "sha256": canary})),
		"a form of no child":    consents(h.partnerOf(north), 422, set("student", map[string]any{"participant_ref": canary})),
		"a form by a number":    consents(h.partnerOf(north), 422, set("student", map[string]any{"student_id": canary})),
		"a form without a name": consents(h.partnerOf(north), 422, func(b map[string]any) {
			b["student"], b["signer"] = map[string]any{"participant_ref": f.ref}, map[string]any{"guardian_id": canary}
		}),
		"an unknown template":               {officer, "POST", "/v1/agreements", "application/json", `{"partner":"north-star","template":"CANARY","schools":["CANARY"],"term_from":"2025-08-01","term_to":"2026-08-01","administrator":"CANARY"}`, 422},
		"schools of elsewhere":              {officer, "POST", "/v1/agreements", "application/json", `{"partner":"north-star","template":"comparison_and_consent","schools":["CANARY"],"indicators":["CANARY"],"term_from":"2025-08-01","term_to":"2026-08-01","administrator":"CANARY"}`, 422},
		"a partner of elsewhere":            {officer, "POST", "/v1/agreements", "application/json", `{"partner":"CANARY","template":"comparison_and_consent","schools":["101"],"term_from":"2025-08-01","term_to":"2026-08-01","administrator":"CANARY"}`, 422},
		"an event that is none":             {officer, "POST", "/v1/agreements/" + northAgreement + "/transitions", "application/json", `{"event":"CANARY","reason":"CANARY"}`, 409},
		"a partner's event, ditto":          {officer, "POST", "/v1/partners/north-star/transitions", "application/json", `{"event":"CANARY"}`, 409},
		"a ban without an end":              {officer, "POST", "/v1/partners/north-star/ban", "application/json", `{"until":"CANARY","order":"CANARY"}`, 422},
		"a ban that is too short":           {officer, "POST", "/v1/partners/north-star/ban", "application/json", `{"until":"2027-01-01","order":"CANARY"}`, 422},
		"a third party's signature":         {officer, "POST", "/v1/agreements/" + northAgreement + "/signatures", "application/json", `{"party":"CANARY","name":"CANARY","title":"CANARY","text_sha256":"CANARY"}`, 422},
		"a name that is taken":              {officer, "POST", "/v1/partners", "application/json", `{"id":"north-star","name":"CANARY","legal_entity":"CANARY","contact":"CANARY"}`, 409},
		"a calendar turned round":           {h.steward(), "PUT", "/v1/periods/" + h.spring() + "/calendar", "application/json", `{"census":"2026-06-01","final":"2026-05-01"}`, 422},
		"a match with nobody":               {h.steward(), "POST", "/v1/matches/mch_CANARY", "application/json", `{}`, 422},
		"a match with both":                 {h.steward(), "POST", "/v1/matches/mch_CANARY", "application/json", `{"student_id":"CANARY","none":true}`, 422},
		"a duplicate undecided":             {h.steward(), "POST", "/v1/duplicates/dup_CANARY", "application/json", `{"decision":"CANARY"}`, 422},
		"an order of no kind":               {officer, "POST", "/v1/restrictions", "application/json", `{"student":{"student_id":"` + f.child + `"},"kind":"CANARY","signer":{"guardian_id":"` + f.guardian + `"},"document":"CANARY"}`, 422},
		"an order about a stranger":         {officer, "POST", "/v1/restrictions", "application/json", `{"student":{"student_id":"` + f.child + `"},"kind":"may_not_decide","signer":{"guardian_id":"CANARY"},"document":"CANARY"}`, 422},
		"a holder as a caseworker":          {officer, "POST", "/v1/holders", "application/json", `{"student":{"student_id":"` + f.child + `"},"signer":{"guardian_id":"` + f.guardian + `"},"capacity":"CANARY","holds_rights":true,"document":"CANARY"}`, 422},
		"a college for no reason":           {officer, "POST", "/v1/postsecondary", "application/json", `{"student":{"student_id":"` + f.child + `"},"document":""}`, 422},
		"a state of two students":           {officer, "POST", "/v1/consents/state", "application/json", `{"agreement":"` + northAgreement + `","student":{"student_id":"CANARY","participant_ref":"CANARY"}}`, 422},
		"a case of no kind":                 {officer, "POST", "/v1/cases", "application/json", `{"student":{"student_id":"` + f.child + `"},"kind":"CANARY","by":{"guardian_id":"` + f.guardian + `"}}`, 422},
		"a case about a stranger":           {officer, "POST", "/v1/cases", "application/json", `{"student":{"student_id":"` + f.child + `"},"kind":"not_me","by":{"guardian_id":"CANARY"}}`, 422},
		"a round of no agreement's schools": {officer, "POST", "/v1/rounds", "application/json", `{"agreement":"` + northAgreement + `","schools":["CANARY"],"records_from":"` + h.Year.Start.String() + `","records_to":"` + h.AsOf.String() + `"}`, 422},
		"a round about a category of none":  {officer, "POST", "/v1/rounds", "application/json", `{"agreement":"` + northAgreement + `","categories":["CANARY"],"records_from":"` + h.Year.Start.String() + `","records_to":"` + h.AsOf.String() + `"}`, 422},
		"a round turned round":              {officer, "POST", "/v1/rounds", "application/json", `{"agreement":"` + northAgreement + `","records_from":"2026-06-01","records_to":"2026-05-01"}`, 422},
		"a round for thirty years":          {officer, "POST", "/v1/rounds", "application/json", `{"agreement":"` + northAgreement + `","records_from":"2026-06-01","records_to":"2026-06-02","expires":"2056-06-01"}`, 422},
		"a round without an end":            {officer, "POST", "/v1/rounds", "application/json", `{"agreement":"` + northAgreement + `","records_from":"2026-06-01"}`, 422},
		"a protection without a document":   {officer, "POST", "/v1/protections", "application/json", `{"student":{"student_id":"` + f.child + `"},"document":""}`, 422},
		"a protection of a stranger":        {officer, "POST", "/v1/protections", "application/json", `{"student":{"student_id":"` + f.child + `"},"protects":{"guardian_id":"CANARY"},"document":"CANARY"}`, 422},
		"a text in no language":             {officer, "POST", "/v1/texts", "application/json", `{"language":"CANARY","version":"family-1","reviewer":"CANARY"}`, 422},
		"a text of no version":              {officer, "POST", "/v1/texts", "application/json", `{"language":"ar","version":"CANARY","reviewer":"CANARY"}`, 422},
		"a text that nobody read":           {officer, "POST", "/v1/texts", "application/json", `{"language":"ar","version":"family-1","reviewer":""}`, 422},
		"a deletion without a word":         {h.partnerOf(north), "POST", "/v1/deletions/del_CANARY/close", "application/json", `{"reason":""}`, 422},
		"a protection lifted for nothing":   {officer, "POST", "/v1/protections/prt_CANARY/lift", "application/json", `{"reason":""}`, 422},
		"an override for no reason":         {officer, "POST", "/v1/consents/cns_CANARY/override", "application/json", `{"reason":""}`, 422},
	}
}

func allBad(h *house) map[string]bad {
	all := map[string]bad{}
	for _, some := range []map[string]bad{badPartners(h), badMedia(h), badFiles(h), badQueries(h), badActs(h)} {
		for name, b := range some {
			all[name] = b
		}
	}
	return all
}

func TestABadRequestIsRefusedChangesNothingAndIsNotQuoted(t *testing.T) {
	t.Parallel()
	h := open(t, lakeland)
	all := allBad(h)
	if len(all) < 60 {
		t.Fatalf("only %d requests", len(all))
	}
	secret := slices.Concat(h.secrets(), []string{canary, strings.ToLower(canary), "12345678901"})
	since := h.mark()
	for name, b := range all {
		before := h.size()
		a := b.who.send(b.method, b.path, b.media, b.body)
		if a.status != b.status {
			t.Errorf("%s: %d, not %d: %.300s", name, a.status, b.status, a.body)
		}
		if word := holdsAny(a.body, secret); word != "" {
			t.Errorf("%s: the answer quotes what was sent: %s", name, a.body)
		}
		if a.status == 400 || a.status == 413 || a.status == 415 || a.status == 422 {
			if p := a.problem(); p.Type != "https://hallpass.example/problems/invalid" || len(p.Fields) == 0 || p.Fields[0].Remedy == "" {
				t.Errorf("%s: names no field, or no remedy: %s", name, a.body)
			}
		}
		if h.size() != before {
			t.Errorf("%s: left an entry", name)
		}
	}
	if !h.untouched(since) {
		t.Error("a bad request wrote to the store")
	}
	if word := holdsAny([]byte(h.log.String()), secret); word != "" {
		t.Error("the service's log quotes what was sent")
	}
}

// The report of an upload that is taken says where its bad rows are and what
// is wrong with them, never what stands there.
func TestAReportOfBadRowsQuotesNoCell(t *testing.T) {
	t.Parallel()
	h := open(t, lakeland)
	good := h.participation(north)
	s := h.Schools[0].ID
	var b strings.Builder
	b.WriteString(good)
	width := strings.Count(strings.SplitN(good, "\n", 2)[0], ",")
	for _, row := range []string{
		"CANARY1,CANARY,CANARY,CANARY," + s + ",2025-10-06", "CANARY2,CANARY,CANARY,2012-01-01,CANARYSCHOOL,2025-10-06", "CANARY3,CANARY,CANARY,2012-01-01," + s + ",CANARY",
		"CANARY4,,CANARY,2012-01-01," + s + ",2025-10-06", "CANARY5,CANARY,CANARY,2012-01-01," + s + ",2031-10-06", "CANARY6,CANARY,CANARY,1912-01-01," + s + ",2025-10-06",
		"CANARY7,CANARY,CANARY,2012-01-01," + s + ",2025-10-06", "CANARY7,CANARYELSE,CANARY,2012-01-01," + s + ",2025-10-07", "=CANARY8,CANARY\t,CANARY,2012-01-01," + s + ",2025-10-06",
	} {
		fmt.Fprintln(&b, row+strings.Repeat(",", width-strings.Count(row, ",")))
	}
	for _, minutes := range []string{"CANARY", "-5", "1e99"} {
		fmt.Fprintf(&b, "CANARY9,CANARY,CANARY,2012-01-01,%s,2025-10-06,CANARY,%s,CANARY\n", s, minutes)
	}
	a := h.partnerOf(north).upload(under(northAgreement, "/participation"), b.String()).want(http.StatusOK)
	if strings.Contains(string(a.body), canary) {
		t.Errorf("the report quotes a cell: %s", a.member("data"))
	}
	if strings.Count(string(a.body), `"remedy"`) < 5 {
		t.Errorf("the report names few faults: %s", a.member("data"))
	}
}

// A body over its limit is refused whether its length is announced or not,
// and changes nothing.
func TestAnUploadOfSeventeenMegabytesIsRefused(t *testing.T) {
	t.Parallel()
	h := open(t, lakeland)
	since := h.mark()
	row := h.participation(north)
	for name, announced := range map[string]bool{"announced": true, "in chunks": false} {
		size := 16<<20 + 1 // all of it is read before the last byte is found to be too much
		if announced {
			size = 17 << 20
		}
		body := strings.Repeat(row, size/len(row)+1)[:size]
		req := h.request("PUT", under(northAgreement, "/participation"), "Bearer "+h.partnerOf(north).token(), "text/csv", "x")
		req.Body, req.ContentLength, req.GetBody = io.NopCloser(strings.NewReader(body)), int64(size), nil
		if announced {
			req.Header.Set("Expect", "100-continue")
		} else {
			req.ContentLength = -1
		}
		res, err := h.client.Do(req)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		a := h.read(res)
		if a.status != http.StatusRequestEntityTooLarge || a.problem().Fields[0].Problem != "is larger than 16 MB" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if !h.untouched(since) {
		t.Error("an upload that was refused wrote to the store")
	}
}
