package broker_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// staffLink makes a link for somebody and returns its secret.
func (d *district) staffLink(role broker.Role, subject string) string {
	d.t.Helper()
	path, ends, err := d.NewStaffLink(d.t.Context(), broker.StaffLinkRequest{Role: role, Subject: subject})
	if err != nil {
		d.t.Fatal(err)
	}
	if want := d.clock.Now().Add(15 * time.Minute); !ends.Equal(want) || !strings.HasPrefix(path, "/o/") {
		d.t.Fatalf("the link %q ends at %v, not at %v", path, ends, want)
	}
	return filepath.Base(path)
}

func (d *district) staffSession(role broker.Role, subject string) broker.SignedIn {
	d.t.Helper()
	in, err := d.SignInStaff(d.t.Context(), d.staffLink(role, subject))
	if err != nil {
		d.t.Fatal(err)
	}
	return in
}

func TestALinkOfTheStaffOpensOneSessionAndSaysSoInTheLog(t *testing.T) {
	t.Parallel()
	for name, sabotage := range map[string]broker.Sabotage{"as it is": {}, "without using it up": {LastingLinks: true}} {
		d := newDistrict(t, inSpring, func(o *broker.Options) { o.Sabotage = sabotage })
		secret := d.staffLink(broker.RoleOfficer, "Olga Okafor")
		for range 3 { // looking uses nothing up
			if who, err := d.StaffDoor(t.Context(), secret); err != nil || who.Subject != "Olga Okafor" || who.Role != broker.RoleOfficer {
				t.Fatalf("%s: the link is for %v: %v", name, who, err)
			}
		}
		var opened []string
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if in, err := d.SignInStaff(t.Context(), secret); err == nil {
					mu.Lock()
					defer mu.Unlock()
					opened = append(opened, in.Secret)
				} else if broker.KindOf(err) != broker.NotAvailable {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if (len(opened) == 1) == sabotage.LastingLinks {
			t.Fatalf("%s: one link opened %d sessions", name, len(opened))
		}
		who, err := d.Staff(t.Context(), opened[0])
		if err != nil || who.Subject != "Olga Okafor" || who.Role != broker.RoleOfficer || !who.Expires.Equal(inSpring.Add(8*time.Hour)) {
			t.Errorf("%s: signed in is %v: %v", name, who, err)
		}
		if n := d.logged(string(tlog.StaffSignedIn)); n != len(opened) {
			t.Errorf("%s: %d sessions, and the log has %d", name, len(opened), n)
		}
	}
}

func TestALinkOfTheStaffEndsAfterAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, inSpring)
	early, late := d.staffLink(broker.RoleAuditor, "Aud"), d.staffLink(broker.RoleAuditor, "Aud")
	d.clock.Set(inSpring.Add(15*time.Minute - time.Second))
	if _, err := d.SignInStaff(t.Context(), early); err != nil {
		t.Error(err)
	}
	d.clock.Set(inSpring.Add(15 * time.Minute))
	if _, err := d.SignInStaff(t.Context(), late); broker.KindOf(err) != broker.NotAvailable {
		t.Error("an old link opened a session:", err)
	}
}

func TestASessionOfTheStaffEndsWhenIdleAtTheEndOfTheDayAndBySignOut(t *testing.T) {
	t.Parallel()
	for name, sabotage := range map[string]broker.Sabotage{"as it is": {}, "without an idle end": {LastingSessions: true}} {
		d := newDistrict(t, inSpring, func(o *broker.Options) { o.Sabotage = sabotage })
		used, idle, left := d.staffSession(broker.RoleOfficer, "A"), d.staffSession(broker.RoleOfficer, "B"), d.staffSession(broker.RoleOfficer, "C")
		ended := func(in broker.SignedIn) bool {
			_, err := d.Staff(t.Context(), in.Secret)
			if err != nil && broker.KindOf(err) != broker.Unauthenticated {
				t.Fatal(err)
			}
			return err != nil
		}
		if err := d.SignOutStaff(t.Context(), left.Secret); err != nil || !ended(left) {
			t.Errorf("%s: a session goes on after its sign-out: %v", name, err)
		}
		for d.clock.Now().Before(inSpring.Add(8*time.Hour - 20*time.Minute)) {
			d.clock.Set(d.clock.Now().Add(20 * time.Minute))
			if ended(used) {
				t.Fatalf("%s: a session in use ended after %v", name, d.clock.Now().Sub(inSpring))
			}
		}
		if ended(idle) == sabotage.LastingSessions {
			t.Errorf("%s: a session that nobody used has ended: %t", name, !sabotage.LastingSessions)
		}
		d.clock.Set(inSpring.Add(8 * time.Hour))
		if !ended(used) {
			t.Errorf("%s: a session goes on after eight hours", name)
		}
	}
}

func TestOnlyTheDistrictsOwnPeopleGetALink(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, inSpring)
	for name, req := range map[string]broker.StaffLinkRequest{
		"a partner": {Role: broker.RolePartner, Subject: "Pat"}, "a guardian": {Role: broker.RoleGuardian, Subject: "G1"},
		"a coordinator": {Role: broker.RoleCoordinator, Subject: "Cora"}, "no role": {Subject: "Olga"}, "nobody": {Role: broker.RoleOfficer},
		"a line break": {Role: broker.RoleOfficer, Subject: "Olga\nOkafor"}, "a long name": {Role: broker.RoleOfficer, Subject: strings.Repeat("n", 201)},
	} {
		if path, _, err := d.NewStaffLink(t.Context(), req); broker.KindOf(err) != broker.Invalid {
			t.Errorf("%s got %q, %v", name, path, err)
		}
	}
}

func TestSecretsOfTheStaffAndOfFamiliesOpenNothingOfEachOther(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 2)
	d.round()
	family := linkOf(t, d.mail(), motherMail(kids[1]))
	staff := d.staffLink(broker.RoleOfficer, "Olga")
	if _, err := d.StaffDoor(t.Context(), family); broker.KindOf(err) != broker.NotAvailable {
		t.Error("a family's link is one of the staff:", err)
	}
	if _, err := d.Doorway(t.Context(), staff); broker.KindOf(err) != broker.NotAvailable {
		t.Error("a link of the staff is a family's:", err)
	}
	visit, err := d.SignIn(t.Context(), family, d.code(family), kids[1].birth)
	if err != nil {
		t.Fatal(err)
	}
	desk := d.staffSession(broker.RoleOfficer, "Olga")
	if who, err := d.Staff(t.Context(), visit.Secret); broker.KindOf(err) != broker.Unauthenticated {
		t.Errorf("a family's session is that of %v: %v", who, err)
	}
	if v, err := d.Visitor(t.Context(), desk.Secret); broker.KindOf(err) != broker.Unauthenticated {
		t.Errorf("a session of the staff is that of %v: %v", v.Caller, err)
	}
}
