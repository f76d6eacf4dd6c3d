package broker

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// agreementRecord is an agreement at rest. Revision counts its changes; the
// Stamp compares it.
type agreementRecord struct {
	Revision  uint64              `json:"revision"`
	Agreement agreement.Agreement `json:"agreement"`
	Roster    uint64              `json:"roster,omitzero"` // newest roster version; 0: none
}

var (
	agreements       = table[agreementRecord]{colAgreements}
	agreementHistory = table[agreementRecord]{colHistory}
)

// agreementView is what is read of an agreement.
type agreementView struct {
	agreement.Agreement `json:",inline"`
	StateToday          agreement.State `json:"state_today"`
	TextSHA256          string          `json:"text_sha256"`
}

func (rec agreementRecord) view(m moment) agreementView {
	shown := rec.Agreement
	shown.Text = ""
	return agreementView{shown, rec.Agreement.StateOn(m.today), agreement.TextHash(rec.Agreement.Text)}
}

// CreateAgreement offers an agreement to an accepted partner (officer).
func (b *Broker) CreateAgreement(ctx context.Context, c Caller, req AgreementRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "create an agreement", RoleOfficer); err != nil {
		return nil, err
	}
	id, err := newID("agr", req.ID)
	if err != nil {
		return nil, err
	}
	clauses, err := req.clauses()
	if err != nil {
		return nil, err
	}
	if err := b.vault.NewKeys(agreementKey(id)); err != nil {
		return nil, unavailable("the agreement's key could not be made durable", err)
	}
	a := act{event: tlog.AgreementCreated, lane: store.LaneOfficer, caller: c, request: req}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		return b.offer(tx, m, agreement.New(id, req.Partner, clauses))
	})
}

func (b *Broker) offer(tx store.Tx, m moment, a agreement.Agreement) (outcome, error) {
	if _, taken, err := agreements.get(tx, key(a.ID)); err != nil || taken {
		return outcome{}, orConflict(err, "the agreement's id is taken; choose another")
	}
	p, found, err := partners.get(tx, key(a.Partner))
	if err != nil {
		return outcome{}, err
	}
	if !found {
		return outcome{}, invalidField("partner", "is not in the district's register", "create the partner first")
	}
	d, err := b.dataset(tx)
	if err != nil {
		return outcome{}, err
	}
	rules := agreement.Rules{
		KnownSchool:    func(id string) bool { _, ok := d.district.School(id); return ok },
		KnownIndicator: func(id string) bool { _, ok := records.Find(id); return ok },
	}
	a.State = agreement.InReview
	if a, err = a.Offer(p.Partner, b.settings.Name, rules, m.today); err != nil {
		return outcome{}, domainError(err)
	}
	rec := agreementRecord{Revision: 1, Agreement: a}
	p.Agreements, p.Revision = append(p.Agreements, a.ID), p.Revision+1
	if err := partners.put(tx, key(a.Partner), p); err != nil {
		return outcome{}, err
	}
	return b.saved(tx, m, rec, true)
}

// acceptedRisk is what a district accepts that activates an agreement under
// published_table; the entry of the second signature keeps it. The figures are
// those measured on synthetic schools of 500 students with bands of 10, 5 and
// 1 points.
const acceptedRisk = "published_table adds no noise. Measured: an insider who knows none of the participants' values from elsewhere gains little; " +
	"one who knows 95 % of them can label 45 % of the others with 95 % confidence, among them 39 of 145 chronically absent students."

// saved writes an agreement and its version, and returns the act's outcome.
func (b *Broker) saved(tx store.Tx, m moment, rec agreementRecord, created bool) (outcome, error) {
	if err := agreements.put(tx, key(rec.Agreement.ID), rec); err != nil {
		return outcome{}, err
	}
	out := outcome{data: rec.view(m), created: created, key: agreementKey(rec.Agreement.ID), agreement: rec.Agreement}
	out.body = map[string]any{"state": rec.Agreement.StateOn(m.today), "revision": rec.Revision, "clauses": rec.Agreement.Clauses}
	if len(rec.Agreement.Signatures) == 2 && rec.Agreement.Clauses.Profile == agreement.PublishedTable {
		out.body = map[string]any{"state": rec.Agreement.StateOn(m.today), "signatures": rec.Agreement.Signatures, "accepted_risk": acceptedRisk}
	}
	if err := bump(tx, colHead, key(headTerms)); err != nil {
		return outcome{}, err
	}
	return out, agreementHistory.put(tx, key(rec.Agreement.ID, uint64(rec.Agreement.Version), rec.Revision), rec)
}

// clauses are the template's with what the request names in their place.
func (r AgreementRequest) clauses() (agreement.Clauses, error) {
	c := agreement.Clauses{Basis: r.Basis, MinCohort: agreement.LeastCohort, DosageFloor: agreement.DefaultDosage}
	if r.Template != "" {
		var err error
		if c, err = agreement.Template(r.Template); err != nil {
			return c, invalidField("template", "is unknown", "use one of "+strings.Join(agreement.Templates(), ", "))
		}
		c.Indicators = everyIndicator()
	}
	c.Purpose = cmp.Or(r.Purpose, c.Purpose)
	c.PurposeText = cmp.Or(r.PurposeText, c.PurposeText)
	c.Redisclosure = cmp.Or(r.Redisclosure, c.Redisclosure)
	c.Administrator = cmp.Or(r.Administrator, c.Administrator)
	c.DosageFloor = cmp.Or(r.DosageFloor, c.DosageFloor)
	c.MinCohort = cmp.Or(r.MinCohort, c.MinCohort)
	c.Profile = cmp.Or(r.Profile, agreement.Standard)
	c.UnconsentedFloor = cmp.Or(r.UnconsentedFloor, c.Profile.DefaultUnconsented())
	if c.Epsilon = r.Epsilon; c.Profile == agreement.Budgeted {
		c.Epsilon = cmp.Or(r.Epsilon, agreement.DefaultEpsilon)
	}
	c.DestructionDays = cmp.Or(r.DestructionDays, c.DestructionDays)
	c.TermFrom, c.TermTo = r.TermFrom, r.TermTo
	c.Schools = orList(r.Schools, c.Schools)
	c.Categories = orList(r.Categories, c.Categories)
	c.Indicators = orList(r.Indicators, c.Indicators)
	c.Grain = orList(r.Grain, c.Grain)
	c.Study, c.Attestations = cmp.Or(r.Study, c.Study), cmp.Or(r.Attestations, c.Attestations)
	return c, nil
}

// everyIndicator is what is compared where nothing else is said.
func everyIndicator() []string {
	var ids []string
	for _, i := range records.Registry() {
		ids = append(ids, i.ID)
	}
	return ids
}

func orList[T any](list, otherwise []T) []T {
	if list == nil {
		return otherwise
	}
	return list
}

// Sign records one party's signature under the rendered text (officer for
// either party, the partner's people for theirs). The second one activates
// the agreement if its term has begun.
func (b *Broker) Sign(ctx context.Context, c Caller, id string, req SignatureRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "sign an agreement", RoleOfficer, RolePartner); err != nil {
		return nil, err
	}
	if c.is(RolePartner) && req.Party != agreement.PartnerParty {
		return nil, invalidField("party", "is not yours to sign for", "sign for the partner")
	}
	a := act{event: tlog.AgreementSigned, lane: store.LaneOfficer, caller: c, request: req}
	return b.changeAgreement(ctx, a, id, func(cur agreement.Agreement, m moment) (agreement.Agreement, error) {
		s := agreement.Signature{Party: req.Party, Name: req.Name, Title: req.Title, TextSHA256: req.TextSHA256, SignedAt: m.now, By: c.Subject}
		return cur.Sign(s, m.today)
	})
}

// AdvanceAgreement moves an agreement along its lifecycle (officer).
func (b *Broker) AdvanceAgreement(ctx context.Context, c Caller, id string, req TransitionRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "advance an agreement", RoleOfficer); err != nil {
		return nil, err
	}
	a := act{event: tlog.AgreementAdvanced, lane: store.LaneOfficer, caller: c, request: req, again: stopAgreement, id: id}
	return b.changeAgreement(ctx, a, id, func(cur agreement.Agreement, m moment) (agreement.Agreement, error) {
		return cur.Advance(agreement.Event(req.Event), m.today)
	})
}

func (b *Broker) changeAgreement(ctx context.Context, a act, id string, change func(agreement.Agreement, moment) (agreement.Agreement, error)) (*Answer, error) {
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		rec, found, err := agreements.get(tx, key(id))
		if err != nil || !found || !a.caller.mine(rec.Agreement) {
			return outcome{}, orNotAvailable(err)
		}
		next, err := change(rec.Agreement, m)
		if err != nil {
			return outcome{}, domainError(err)
		}
		rec.Agreement, rec.Revision = next, rec.Revision+1
		return b.saved(tx, m, rec, false)
	})
}

// Agreements lists the agreements that are the caller's to see (officer,
// auditor, the partner's people).
func (b *Broker) Agreements(ctx context.Context, c Caller) (*Answer, error) {
	if err := b.admit(ctx, c, "list agreements", RoleOfficer, RoleAuditor, RolePartner); err != nil {
		return nil, err
	}
	return b.listAgreements(ctx, c, "", c.mine)
}

// SchoolAgreements lists the agreements at a school (the coordinator who
// holds it, officer).
func (b *Broker) SchoolAgreements(ctx context.Context, c Caller, school string) (*Answer, error) {
	if err := b.admit(ctx, c, "list a school's agreements", RoleOfficer, RoleCoordinator); err != nil {
		return nil, err
	}
	if c.is(RoleCoordinator) && !slices.Contains(c.Schools, school) {
		return nil, b.refuseAccess(ctx, c, "list a school's agreements")
	}
	return b.listAgreements(ctx, c, school, func(a agreement.Agreement) bool { return slices.Contains(a.Clauses.Schools, school) })
}

// listAgreements lists what is shown of all agreements or, with a school, says
// that there is nothing where there is no such school.
func (b *Broker) listAgreements(ctx context.Context, c Caller, school string, shown func(agreement.Agreement) bool) (*Answer, error) {
	return b.read(ctx, c, "list agreements", func(r store.Reader, m moment) (any, error) {
		if school != "" {
			d, err := b.dataset(r)
			if err != nil {
				return nil, err
			}
			if _, there := d.district.School(school); !there {
				return nil, notAvailable()
			}
		}
		list := []agreementView{}
		err := agreements.all(r, nil, func(_ []byte, rec agreementRecord) error {
			if shown(rec.Agreement) {
				list = append(list, rec.view(m))
			}
			return nil
		})
		return map[string]any{"agreements": list}, err
	})
}

// Agreement shows one agreement.
func (b *Broker) Agreement(ctx context.Context, c Caller, id string) (*Answer, error) {
	return b.showAgreement(ctx, c, id, func(rec agreementRecord, m moment) any { return rec.view(m) })
}

// AgreementText shows the text that both parties sign, and its SHA-256.
func (b *Broker) AgreementText(ctx context.Context, c Caller, id string) (*Answer, error) {
	return b.showAgreement(ctx, c, id, func(rec agreementRecord, _ moment) any {
		return map[string]string{"text": rec.Agreement.Text, "sha256": agreement.TextHash(rec.Agreement.Text)}
	})
}

func (b *Broker) showAgreement(ctx context.Context, c Caller, id string, show func(agreementRecord, moment) any) (*Answer, error) {
	if err := b.admit(ctx, c, "read an agreement", RoleOfficer, RoleAuditor, RolePartner); err != nil {
		return nil, err
	}
	return b.read(ctx, c, "read an agreement", func(r store.Reader, m moment) (any, error) {
		rec, found, err := agreements.get(r, key(id))
		if err != nil || !found || !c.mine(rec.Agreement) {
			return nil, orNotAvailable(err)
		}
		return show(rec, m), nil
	})
}
