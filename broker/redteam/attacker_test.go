package redteam_test

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/token"
)

// attacker is a person of a partner with a token of its own and nothing else.
type attacker struct {
	d       *district
	partner string
	bearer  string
}

// attackers of a partner: each has its own name and token.
func (d *district) attacker(partner string, name ...string) attacker {
	d.t.Helper()
	issuer, now := d.broker.Settings().Issuer(), d.broker.Now().Truncate(time.Second)
	raw, err := token.Issue(d.key, token.Claims{
		Issuer: issuer, Audience: issuer, Subject: "Mal Mallory" + strings.Join(name, " "), Role: broker.RolePartner, Partner: partner,
		IssuedAt: now, Expires: now.Add(12 * time.Hour),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return attacker{d, partner, "Bearer " + raw}
}

// answer is a response, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a attacker) get(path string, header ...string) answer {
	a.d.t.Helper()
	return a.send(http.MethodGet, path, "", "", header...)
}

func (a attacker) send(method, path, media, body string, header ...string) answer {
	a.d.t.Helper()
	req, err := http.NewRequestWithContext(a.d.t.Context(), method, a.d.server.URL+path, strings.NewReader(body))
	if err != nil {
		a.d.t.Fatal(err)
	}
	req.Header.Set("Authorization", a.bearer)
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := a.d.server.Client().Do(req)
	if err != nil {
		a.d.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		a.d.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, text}
}

// upload replaces the partner's roster.
func (a attacker) upload(roster []int) answer {
	a.d.t.Helper()
	return a.send(http.MethodPut, a.path("/participation"), "text/csv", a.d.participation(roster))
}

func (a attacker) path(rest string) string { return "/v1/agreements/" + a.partner + rest }

// comparison asks for the pooled rows of a period or those of a school.
func (a attacker) comparison(period, school string) answer {
	a.d.t.Helper()
	return a.get(a.path("/comparisons?period=" + period + "&school=" + school))
}
