package main

import (
	"context"
	"fmt"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/sample"
)

// example is a person of one role with a token and something to ask.
type example struct {
	Role   broker.Role `json:"role"`
	Person string      `json:"person"`
	Shows  string      `json:"shows"`
	Token  string      `json:"token"`
	Curl   string      `json:"curl"`
}

// demoLifetime is how long the demo's tokens count.
const demoLifetime = 12 * time.Hour

// examples issues a token for each role. The first is a partner's.
func (d *demo) examples(ctx context.Context, api string) ([]example, error) {
	partner := d.district.Partners[0]
	guardian := answering(partner)
	school := partner.Agreement.Schools[0]
	var list []example
	for _, e := range []struct {
		person, shows, path string
		ask                 broker.TokenRequest
	}{
		{
			demoPartner + " of " + partner.Name, "the comparison, by grade too",
			"/agreements/" + partner.Agreement.ID + "/comparisons?school=all",
			broker.TokenRequest{Role: broker.RolePartner, Subject: demoPartner, Partner: partner.ID},
		},
		{"guardian " + guardian, "the family's own answers", "/consents", broker.TokenRequest{Role: broker.RoleGuardian, Subject: guardian}},
		{demoOfficer, "the agreements, the expired one too", "/agreements", broker.TokenRequest{Role: broker.RoleOfficer, Subject: demoOfficer}},
		{demoAuditor, "the newest entries of the log", d.newestEntries(ctx), broker.TokenRequest{Role: broker.RoleAuditor, Subject: demoAuditor}},
		{demoSteward, "participants whom a person must match", "/matches", broker.TokenRequest{Role: broker.RoleSteward, Subject: demoSteward}},
		{
			demoSchools + " of school " + school, "the partnerships of the school", "/schools/" + school + "/agreements",
			broker.TokenRequest{Role: broker.RoleCoordinator, Subject: demoSchools, Schools: []string{school}},
		},
	} {
		e.ask.Lifetime = demoLifetime
		token, err := d.broker.IssueToken(ctx, e.ask)
		if err != nil {
			return nil, fmt.Errorf("issuing a token: %w", err)
		}
		curl := fmt.Sprintf("curl -sS -H 'Authorization: Bearer %s' '%s%s'", token, api, e.path)
		list = append(list, example{e.ask.Role, e.person, e.shows, token, curl})
	}
	return list, nil
}

// answering returns a guardian who answered about a child of the partner.
func answering(p sample.Partner) string {
	for _, c := range p.Consents {
		if c.Signer != c.StudentID {
			return c.Signer
		}
	}
	return "nobody"
}

func (d *demo) newestEntries(ctx context.Context) string {
	size, err := d.broker.LogSize(ctx)
	if err != nil {
		return "/audit/entries"
	}
	return fmt.Sprintf("/audit/entries?from=%d&limit=10", max(size, 10)-10)
}
