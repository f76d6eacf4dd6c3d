package broker

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/token"
)

// usualTokenLifetime is how long a token counts where nothing is said.
const usualTokenLifetime = time.Hour

// TokenRequest asks for a bearer token for one person. Sites and Programs
// narrow a partner's person; Schools are what a coordinator holds. For a
// guardian Subject is the district's number of the guardian, for an eligible
// student "student:" and the number of the student.
type TokenRequest struct {
	Subject  string
	Role     Role
	Partner  string
	Sites    []string
	Programs []string
	Schools  []string
	Lifetime time.Duration // 0: one hour; at most token.DefaultLifetime
}

// TokenKeys returns the keys that verify the district's tokens, by key id.
func (b *Broker) TokenKeys() map[string]token.PublicKey {
	return map[string]token.PublicKey{b.tokens.ID: b.tokens.Public()}
}

// IssueToken signs a token for a local command. A partner's token carries the
// partner's epoch of now: a revocation, and the partner's end, end the token.
// It returns an Invalid error that names the field at fault.
func (b *Broker) IssueToken(ctx context.Context, req TokenRequest) (string, error) {
	req.Lifetime = cmp.Or(req.Lifetime, usualTokenLifetime)
	if err := req.check(); err != nil {
		return "", err
	}
	now := b.Now().Truncate(time.Second)
	claims := token.Claims{
		Issuer: b.settings.Issuer(), Audience: b.settings.Issuer(), Subject: req.Subject, Role: req.Role, Partner: req.Partner,
		Sites: req.Sites, Programs: req.Programs, Schools: req.Schools, IssuedAt: now, Expires: now.Add(req.Lifetime),
	}
	if err := b.store.View(ctx, func(r store.Reader) error { return req.scope(r, &claims) }); err != nil {
		return "", storeError(err)
	}
	raw, err := token.Issue(b.tokens, claims)
	if err != nil {
		return "", invalidField("subject", "cannot stand in a token: "+err.Error(), "use at most 200 printable characters, without spaces at either end")
	}
	return raw, nil
}

// check refuses what contradicts the role.
func (r TokenRequest) check() error {
	switch {
	case !slices.Contains(token.Roles(), r.Role):
		return invalidField("role", "is unknown", "use one of "+rolesInWords())
	case strings.TrimSpace(r.Subject) == "":
		return invalidField("subject", "is missing", "name the person whom the token is for")
	case (r.Role == RolePartner) != (r.Partner != ""):
		return invalidField("partner", "goes with the role partner, and only with it", "name the organization of a partner's person, and of nobody else")
	case r.Role != RolePartner && len(r.Sites)+len(r.Programs) > 0:
		return invalidField("site", "narrows a partner's person only", "leave sites and programs out")
	case (r.Role == RoleCoordinator) != (len(r.Schools) > 0):
		return invalidField("school", "goes with the role coordinator, and only with it", "name each school that the coordinator holds")
	case r.Lifetime < time.Second || r.Lifetime > token.DefaultLifetime:
		return invalidField("lifetime", "is out of range", fmt.Sprintf("use one second to %d hours", int(token.DefaultLifetime.Hours())))
	}
	return nil
}

func rolesInWords() string {
	var names []string
	for _, role := range token.Roles() {
		names = append(names, string(role))
	}
	return strings.Join(names, ", ")
}

// scope holds a partner's person to the partner's own sites and programs, and
// the token to the partner's epoch.
func (r TokenRequest) scope(tx store.Reader, claims *token.Claims) error {
	if r.Role != RolePartner {
		return nil
	}
	rec, found, err := partners.get(tx, key(r.Partner))
	if err != nil {
		return err
	}
	if !found {
		return invalidField("partner", "is not in the district's register", "create the partner first, by POST /v1/partners")
	}
	unknown := func(list, known []string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(known, s) })
	}
	if unknown(r.Sites, rec.Partner.Sites) {
		return invalidField("site", "is not one of the partner's sites", "use a site of the partner's record")
	}
	if unknown(r.Programs, rec.Partner.Programs) {
		return invalidField("program", "is not one of the partner's programs", "use a program of the partner's record")
	}
	claims.Epoch, err = number(tx, colEpochs, key(r.Partner))
	return err
}

// LogSize returns how many entries the log has.
func (b *Broker) LogSize(ctx context.Context) (size uint64, err error) {
	err = b.store.View(ctx, func(r store.Reader) (err error) {
		size, err = number(r, colLog, key(logSize))
		return err
	})
	if err != nil {
		return 0, storeError(err)
	}
	return size, nil
}
