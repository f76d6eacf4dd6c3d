package broker

import (
	"context"
	"crypto/rand"
	"regexp"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// partnerRecord is a partner organization at rest. Revision counts its
// changes; the Stamp compares it.
type partnerRecord struct {
	Revision   uint64            `json:"revision"`
	Partner    agreement.Partner `json:"partner"`
	Agreements []string          `json:"agreements,omitzero"`
}

var (
	partners = table[partnerRecord]{colPartners}
	bans     = table[agreement.Ban]{colBans}
)

// idForm is what the district may choose as an id, so that it reads well in
// an address.
var idForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)

// newID returns the chosen id, or a random one of the kind.
func newID(kind, chosen string) (string, error) {
	if chosen == "" {
		return kind + "_" + strings.ToLower(rand.Text()), nil
	}
	if !idForm.MatchString(chosen) {
		return "", invalidField("id", "is not an id", "use 1 to 40 lower-case letters, digits, hyphens or underscores, or leave it out")
	}
	return chosen, nil
}

// CreatePartner makes an accepted partner organization (officer).
func (b *Broker) CreatePartner(ctx context.Context, c Caller, req PartnerRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "create a partner", RoleOfficer); err != nil {
		return nil, err
	}
	id, err := newID("prt", req.ID)
	if err != nil {
		return nil, err
	}
	p := agreement.Partner{
		ID: id, Name: req.Name, LegalEntity: req.LegalEntity, TaxID: req.TaxID, Contact: req.Contact,
		Sites: req.Sites, Programs: req.Programs, State: agreement.Accepted, Version: 1,
	}
	if err := p.Validate(); err != nil {
		return nil, fieldErrors(err)
	}
	a := act{event: tlog.PartnerCreated, lane: store.LaneOfficer, caller: c, request: req}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		if _, taken, err := partners.get(tx, key(id)); err != nil || taken {
			return outcome{}, orConflict(err, "the partner's id is taken; choose another")
		}
		banned, err := bannedOn(tx, p, m)
		if err != nil || banned {
			return outcome{}, orConflict(err, "this legal entity is banned; an officer must end the ban first")
		}
		rec := partnerRecord{Revision: 1, Partner: p}
		return outcome{data: rec.Partner, created: true, body: rec}, partners.put(tx, key(id), rec)
	})
}

// orConflict returns err, or a conflict with the given detail.
func orConflict(err error, detail string) error {
	if err != nil {
		return err
	}
	return conflict(detail)
}

func bannedOn(r store.Reader, p agreement.Partner, m moment) (bool, error) {
	var list []agreement.Ban
	err := bans.all(r, nil, func(_ []byte, ban agreement.Ban) error {
		list = append(list, ban)
		return nil
	})
	return agreement.Banned(p, list, m.today), err
}

// AdvancePartner moves a partner along its lifecycle (officer). Its end is the
// end of the tokens of its people.
func (b *Broker) AdvancePartner(ctx context.Context, c Caller, id string, req TransitionRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "advance a partner", RoleOfficer); err != nil {
		return nil, err
	}
	a := act{event: tlog.PartnerAdvanced, lane: store.LaneOfficer, caller: c, request: req, again: stopPartner, id: id}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		rec, found, err := partners.get(tx, key(id))
		if err != nil || !found {
			return outcome{}, orNotAvailable(err)
		}
		next, err := rec.Partner.Advance(agreement.PartnerEvent(req.Event))
		if err != nil {
			return outcome{}, domainError(err)
		}
		rec.Partner, rec.Revision = next, rec.Revision+1
		if next.State == agreement.Ended {
			if err := bump(tx, colEpochs, key(id)); err != nil {
				return outcome{}, err
			}
		}
		return outcome{data: rec.Partner, body: rec}, partners.put(tx, key(id), rec)
	})
}

func orNotAvailable(err error) error {
	if err != nil {
		return err
	}
	return notAvailable()
}

// BanPartner bars a partner's legal entity from all records, under whatever
// name it comes back (officer; 34 CFR 99.67).
func (b *Broker) BanPartner(ctx context.Context, c Caller, id string, req BanRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "ban a partner", RoleOfficer); err != nil {
		return nil, err
	}
	a := act{event: tlog.BanRecorded, lane: store.LaneOfficer, caller: c, request: req, again: stopBan, id: id}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		rec, found, err := partners.get(tx, key(id))
		if err != nil || !found {
			return outcome{}, orNotAvailable(err)
		}
		ban := agreement.Ban{LegalEntity: rec.Partner.LegalEntity, TaxID: rec.Partner.TaxID, From: m.today, Until: req.Until, Order: req.Order}
		if err := ban.Validate(); err != nil {
			return outcome{}, fieldErrors(err)
		}
		return outcome{data: ban, created: true, body: ban}, bans.put(tx, key(id, ban.From.String(), ban.Until.String()), ban)
	})
}

// RevokeTokens ends every token of a partner's people that was issued so far
// (officer).
func (b *Broker) RevokeTokens(ctx context.Context, c Caller, id string) (*Answer, error) {
	if err := b.admit(ctx, c, "revoke a partner's tokens", RoleOfficer); err != nil {
		return nil, err
	}
	a := act{event: tlog.TokenRevoked, lane: store.LaneOfficer, caller: c, request: map[string]string{"partner": id}, again: stopTokens, id: id}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		if _, found, err := partners.get(tx, key(id)); err != nil || !found {
			return outcome{}, orNotAvailable(err)
		}
		return outcome{data: map[string]any{"partner": id, "revoked_at": m.now}}, bump(tx, colEpochs, key(id))
	})
}

// TokenEpoch is the epoch under which a partner's tokens must be issued to
// count now; it is zero for people of no partner.
func (b *Broker) TokenEpoch(ctx context.Context, partner string) (epoch uint64, err error) {
	if partner == "" {
		return 0, nil
	}
	err = b.store.View(ctx, func(r store.Reader) error {
		if _, found, err := partners.get(r, key(partner)); err != nil || !found {
			return orNotAvailable(err)
		}
		epoch, err = number(r, colEpochs, key(partner))
		return err
	})
	return epoch, err
}

// Partners lists the partner organizations (officer, auditor).
func (b *Broker) Partners(ctx context.Context, c Caller) (*Answer, error) {
	if err := b.admit(ctx, c, "list partners", RoleOfficer, RoleAuditor); err != nil {
		return nil, err
	}
	return b.read(ctx, c, "list partners", func(r store.Reader, _ moment) (any, error) {
		list := []agreement.Partner{}
		err := partners.all(r, nil, func(_ []byte, rec partnerRecord) error {
			list = append(list, rec.Partner)
			return nil
		})
		return map[string]any{"partners": list}, err
	})
}

// Partner shows one partner organization (officer, auditor, its own people).
func (b *Broker) Partner(ctx context.Context, c Caller, id string) (*Answer, error) {
	if err := b.admit(ctx, c, "read a partner", RoleOfficer, RoleAuditor, RolePartner); err != nil {
		return nil, err
	}
	if c.is(RolePartner) && c.Partner != id {
		return nil, b.refuseAccess(ctx, c, "read a partner")
	}
	return b.read(ctx, c, "read a partner", func(r store.Reader, _ moment) (any, error) {
		rec, found, err := partners.get(r, key(id))
		if err != nil || !found {
			return nil, orNotAvailable(err)
		}
		return rec.Partner, nil
	})
}

// mine reports whether an agreement is the caller's to see.
func (c Caller) mine(a agreement.Agreement) bool {
	return c.is(RoleOfficer, RoleAuditor) || c.is(RolePartner) && c.Partner == a.Partner ||
		c.is(RoleCoordinator) && slices.ContainsFunc(c.Schools, func(s string) bool { return slices.Contains(a.Clauses.Schools, s) })
}
