package broker_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/token"
)

// desk is a district that its own people work on.
type desk struct {
	*broker.Broker
	t *testing.T
}

var deskOfficer = broker.Caller{Subject: "Olga Okafor", Role: broker.RoleOfficer}

// openDesk makes a district with one partner, riverside.
func openDesk(t *testing.T) desk {
	t.Helper()
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	dir := filepath.Join(t.TempDir(), "district")
	if err := broker.Init(t.Context(), dir, broker.Settings{Name: "Lakeview", Host: "lakeview.example", TimeZone: "UTC", CreatedAt: at}); err != nil {
		t.Fatal(err)
	}
	b, err := broker.Open(t.Context(), dir, broker.Options{Clock: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	d := desk{b, t}
	t.Cleanup(func() {
		if _, err := b.VerifyLog(context.Background(), nil); err != nil {
			t.Errorf("the log does not verify: %v", err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	d.does(b.CreatePartner(t.Context(), deskOfficer, broker.PartnerRequest{
		ID: "riverside", Name: "Riverside", LegalEntity: "Riverside Inc.", Contact: "1 River Street", Sites: []string{"north"}, Programs: []string{"tutoring"},
	}))
	return d
}

func (d desk) does(a *broker.Answer, err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
	a.Drop()
}

// claims verifies a token as the service does.
func (d desk) claims(raw string) (token.Claims, error) {
	d.t.Helper()
	issuer := d.Settings().Issuer()
	v, err := token.NewVerifier(token.Config{Issuer: issuer, Audience: issuer, Keys: d.TokenKeys(), Now: d.Now})
	if err != nil {
		d.t.Fatal(err)
	}
	return v.Verify(raw)
}

func TestAnIssuedTokenNamesItsBearer(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	for _, req := range []broker.TokenRequest{
		{Role: broker.RoleOfficer, Subject: "Olga Okafor"},
		{Role: broker.RoleAuditor, Subject: "Ada Lowe", Lifetime: 10 * time.Minute},
		{Role: broker.RoleSteward, Subject: "Stan Berg"},
		{Role: broker.RoleGuardian, Subject: "G000001"},
		{Role: broker.RoleCoordinator, Subject: "Cora Lind", Schools: []string{"101", "102"}, Lifetime: token.DefaultLifetime},
	} {
		raw, err := d.IssueToken(t.Context(), req)
		if err != nil {
			t.Errorf("%s: %v", req.Role, err)
			continue
		}
		c, err := d.claims(raw)
		if err != nil || c.Role != req.Role || c.Subject != req.Subject || len(c.Schools) != len(req.Schools) {
			t.Errorf("%s: %+v, %v", req.Role, c, err)
		}
		if life := c.Expires.Sub(c.IssuedAt); req.Lifetime == 0 && life != time.Hour || req.Lifetime != 0 && life != req.Lifetime {
			t.Errorf("%s: it counts for %s", req.Role, life)
		}
	}
}

func TestATokenThatContradictsItsRoleIsNotIssued(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	for field, req := range map[string]broker.TokenRequest{
		"role":           {Role: "pirate", Subject: "P"},
		"subject":        {Role: broker.RoleOfficer},
		"subject ":       {Role: broker.RoleOfficer, Subject: "line\nbreak"},
		"partner":        {Role: broker.RolePartner, Subject: "P"},
		"partner ":       {Role: broker.RoleOfficer, Subject: "P", Partner: "riverside"},
		"partner  ":      {Role: broker.RolePartner, Subject: "P", Partner: "nobody"},
		"site":           {Role: broker.RolePartner, Subject: "P", Partner: "riverside", Sites: []string{"south"}},
		"site ":          {Role: broker.RoleOfficer, Subject: "P", Sites: []string{"north"}},
		"program":        {Role: broker.RolePartner, Subject: "P", Partner: "riverside", Programs: []string{"sailing"}},
		"school":         {Role: broker.RoleCoordinator, Subject: "P"},
		"school ":        {Role: broker.RoleOfficer, Subject: "P", Schools: []string{"101"}},
		"lifetime":       {Role: broker.RoleOfficer, Subject: "P", Lifetime: 25 * time.Hour},
		"lifetime ended": {Role: broker.RoleOfficer, Subject: "P", Lifetime: -time.Hour},
	} {
		raw, err := d.IssueToken(t.Context(), req)
		var e *broker.Error
		if raw != "" || !errors.As(err, &e) || e.Kind != broker.Invalid || len(e.Fields) != 1 || e.Fields[0].Remedy == "" {
			t.Errorf("%s: %q, %v", field, raw, err)
		}
	}
}

func TestAPartnersTokenCarriesThePartnersEpoch(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	ask := broker.TokenRequest{Role: broker.RolePartner, Subject: "Pat Quinn", Partner: "riverside", Sites: []string{"north"}, Programs: []string{"tutoring"}}
	epoch := func() uint64 {
		raw, err := d.IssueToken(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		c, err := d.claims(raw)
		if err != nil || c.Partner != "riverside" || len(c.Sites) != 1 || len(c.Programs) != 1 {
			t.Fatalf("%+v, %v", c, err)
		}
		return c.Epoch
	}
	before := epoch()
	d.does(d.RevokeTokens(t.Context(), deskOfficer, "riverside"))
	if after := epoch(); after <= before {
		t.Errorf("a revocation leaves the epoch at %d: older tokens would count on", after)
	}
}

func TestTheLogSizeCountsEntries(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	before, err := d.LogSize(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.does(d.CreatePartner(t.Context(), deskOfficer, broker.PartnerRequest{Name: "Harbor", LegalEntity: "Harbor Inc.", Contact: "1 Quay"}))
	if after, err := d.LogSize(t.Context()); err != nil || after != before+1 {
		t.Errorf("%d, then %d: %v", before, after, err)
	}
}
