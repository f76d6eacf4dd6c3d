package broker

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/token"
)

// Role says what a caller is to the district.
type Role = token.Role

// The closed list of roles (DESIGN: people and what they come for).
const (
	RolePartner     = token.Partner
	RoleGuardian    = token.Guardian
	RoleOfficer     = token.Officer
	RoleAuditor     = token.Auditor
	RoleSteward     = token.Steward
	RoleCoordinator = token.Coordinator
)

// Caller is a verified token's bearer: a named person in a role, and for a
// partner's people the organization with the sites and programs they hold
// (empty: all of them). Schools are what a coordinator holds.
type Caller struct {
	Subject  string
	Role     Role
	Partner  string
	Sites    []string
	Programs []string
	Schools  []string
	Epoch    uint64    // the partner's epoch under which the token was issued
	Expires  time.Time // of the token; zero: a local command
}

// expired reports whether the caller's token has ended.
func (c Caller) expired(now time.Time) bool { return !c.Expires.IsZero() && !now.Before(c.Expires) }

// is reports whether the caller holds one of the roles.
func (c Caller) is(roles ...Role) bool { return slices.Contains(roles, c.Role) }

// CallerOf returns the caller that a verified token names.
func CallerOf(c token.Claims) Caller {
	return Caller{
		Subject: c.Subject, Role: c.Role, Partner: c.Partner, Sites: c.Sites, Programs: c.Programs,
		Schools: c.Schools, Epoch: c.Epoch, Expires: c.Expires.Add(token.Leeway),
	}
}

// scope is what an answer depends on of its caller: everything but the person.
func (c Caller) scope() string {
	var b []byte
	for _, list := range [][]string{{string(c.Role), c.Partner}, c.Sites, c.Programs} {
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, s := range list {
			b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
		}
	}
	return string(b)
}
