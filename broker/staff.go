package broker

import (
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/broker/token"
)

// How the district's own people get in: by a link that is good once and for a quarter
// of an hour, to a session of a working day at most, which ends when nobody uses it.
const (
	staffLinkLasts    = 15 * time.Minute
	staffSessionLasts = 8 * time.Hour
	staffIdle         = 30 * time.Minute
	staffTouch        = time.Minute // a session is written as used at most this often
)

// staffRoles are those who may have pages of their own.
func staffRoles() []Role { return []Role{RoleOfficer, RoleSteward, RoleAuditor} }

// staffLink is what the secret of a link stands for. The store has the secret only as a
// keyed hash of a kind of its own: no family's secret opens anything here, and no
// secret of the staff anything of a family.
type staffLink struct {
	Role    Role      `json:"role"`
	Subject string    `json:"subject"`
	Ends    time.Time `json:"ends"`
}

// staffVisit is a session.
type staffVisit struct {
	Role    Role      `json:"role"`
	Subject string    `json:"subject"`
	Began   time.Time `json:"began"`
	Used    time.Time `json:"used"`
	Ends    time.Time `json:"ends"`
}

// staffOver reports whether a session has ended or was idle for too long.
func (b *Broker) staffOver(s staffVisit) bool {
	now := b.clock()
	return !now.Before(s.Ends) || !now.Before(s.Used.Add(staffIdle)) && !b.sabotage.LastingSessions
}

// caller is the person of a session, as a caller of the broker.
func (s staffVisit) caller() Caller { return Caller{Subject: s.Subject, Role: s.Role, Expires: s.Ends} }

// The kinds of secrets in colStaff.
const (
	staffLinkKind    = "staff link"
	staffSessionKind = "staff session"
)

func (b *Broker) staffKey(kind, secret string) []byte {
	sum := b.vault.Index(kind, secret)
	return sum[:]
}

func staffAAD(k []byte) []byte { return append([]byte("staff|"), k...) }

func putStaff(b *Broker, tx store.Tx, kind, secret string, v any) error {
	plain, err := json.Marshal(v)
	if err != nil {
		return err
	}
	k := b.staffKey(kind, secret)
	box, err := b.vault.Seal(districtKey, staffAAD(k), plain)
	if err != nil {
		return err
	}
	return tx.Put(colStaff, k, box)
}

// getStaff finds what a secret stands for; found is false where there is nothing.
func getStaff[T any](b *Broker, r store.Reader, kind, secret string) (v T, found bool, err error) {
	k := b.staffKey(kind, secret)
	box, err := r.Get(colStaff, k)
	if err != nil || box == nil {
		return v, false, err
	}
	plain, err := b.vault.Open(districtKey, staffAAD(k), box)
	if err != nil {
		return v, false, err
	}
	return v, true, json.Unmarshal(plain, &v)
}

// StaffLinkRequest asks for a link by which one of the district's own people signs in.
// Subject is the person's name, which the log keeps.
type StaffLinkRequest struct {
	Role    Role
	Subject string
}

// NewStaffLink makes a link for a local command: its path, good once and for fifteen
// minutes. It returns an Invalid error that names the field at fault.
func (b *Broker) NewStaffLink(ctx context.Context, req StaffLinkRequest) (path string, ends time.Time, err error) {
	if !slices.Contains(staffRoles(), req.Role) {
		return "", ends, invalidField("role", "has no pages", "use officer, steward or auditor")
	}
	if !token.Plain(req.Subject) {
		return "", ends, invalidField("subject", "is missing or cannot stand in the log", "name the person in at most 200 printable characters, without spaces at either end")
	}
	secret := newSecret()
	_, err = b.store.Update(ctx, store.LaneOfficer, func(tx store.Tx) error {
		m := b.moment()
		ends = m.now.Add(staffLinkLasts)
		if err := b.forgetStaff(tx, m); err != nil {
			return err
		}
		return putStaff(b, tx, staffLinkKind, secret, staffLink{req.Role, req.Subject, ends})
	})
	if err != nil {
		return "", ends, storeError(err)
	}
	return "/o/" + secret, ends, nil
}

// forgetStaff deletes links and sessions that have ended.
func (b *Broker) forgetStaff(tx store.Tx, m moment) error {
	var over [][]byte
	err := tx.Scan(colStaff, store.Range{}, func(k, box []byte) (bool, error) {
		plain, err := b.vault.Open(districtKey, staffAAD(k), box)
		if err != nil {
			return false, err
		}
		var v struct {
			Ends time.Time `json:"ends"`
		}
		err = json.Unmarshal(plain, &v)
		if err == nil && !m.now.Before(v.Ends) {
			over = append(over, slices.Clone(k))
		}
		return true, err
	})
	for _, k := range over {
		if err == nil {
			err = tx.Delete(colStaff, k)
		}
	}
	return err
}

// StaffDoor tells for whom a link is. It changes nothing; a link that was used, has
// ended or never was is not available.
func (b *Broker) StaffDoor(ctx context.Context, secret string) (who Caller, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		l, err := b.openStaffLink(r, secret, b.moment())
		who = Caller{Subject: l.Subject, Role: l.Role}
		return err
	})
	return who, storeError(err)
}

func (b *Broker) openStaffLink(r store.Reader, secret string, m moment) (staffLink, error) {
	l, found, err := getStaff[staffLink](b, r, staffLinkKind, secret)
	if err != nil || !found || !m.now.Before(l.Ends) {
		return staffLink{}, orNotAvailable(err)
	}
	return l, nil
}

// SignInStaff uses a link up and opens a session.
func (b *Broker) SignInStaff(ctx context.Context, secret string) (SignedIn, error) {
	who, err := b.StaffDoor(ctx, secret)
	if err != nil {
		return SignedIn{}, err
	}
	in := SignedIn{Secret: newSecret(), Lasts: staffSessionLasts}
	a := act{event: tlog.StaffSignedIn, lane: store.LaneOfficer, caller: who, request: map[string]string{"method": "link"}}
	_, err = b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		l, err := b.openStaffLink(tx, secret, m)
		if err != nil {
			return outcome{}, err
		}
		if !b.sabotage.LastingLinks {
			if err := tx.Delete(colStaff, b.staffKey(staffLinkKind, secret)); err != nil {
				return outcome{}, err
			}
		}
		v := staffVisit{Role: l.Role, Subject: l.Subject, Began: m.now, Used: m.now, Ends: m.now.Add(in.Lasts)}
		return outcome{data: map[string]string{"method": "link"}}, putStaff(b, tx, staffSessionKind, in.Secret, v)
	})
	if err != nil {
		return SignedIn{}, err
	}
	return in, nil
}

// errStaffSession sends one of the district's people back to a link.
var errStaffSession = &Error{Kind: Unauthenticated, Detail: "nobody is signed in here; ask for a new link: hallpass link"}

// Staff finds who of the district's people is signed in, and keeps the session alive.
func (b *Broker) Staff(ctx context.Context, session string) (Caller, error) {
	var v staffVisit
	find := func(r store.Reader) (err error) {
		var found bool
		v, found, err = getStaff[staffVisit](b, r, staffSessionKind, session)
		if err == nil && (!found || b.staffOver(v)) {
			err = errStaffSession
		}
		return err
	}
	if err := b.store.View(ctx, find); err != nil {
		return Caller{}, storeError(err)
	}
	if b.clock().Before(v.Used.Add(staffTouch)) {
		return v.caller(), nil
	}
	_, err := b.store.Update(ctx, store.LaneOfficer, func(tx store.Tx) error {
		if err := find(tx); err != nil {
			return err
		}
		v.Used = b.moment().now
		return putStaff(b, tx, staffSessionKind, session, v)
	})
	if KindOf(err) == Unauthenticated {
		return Caller{}, err
	}
	// A disk that is full must not keep an officer from a withdrawal: a session that
	// cannot be written as used ends the earlier.
	return v.caller(), nil
}

// SignOutStaff ends a session; one that is not there is ended already.
func (b *Broker) SignOutStaff(ctx context.Context, session string) error {
	_, err := b.store.Update(ctx, store.LaneOfficer, func(tx store.Tx) error {
		return tx.Delete(colStaff, b.staffKey(staffSessionKind, session))
	})
	return storeError(err)
}
