package broker

import (
	"context"
	"time"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/consent"
)

// ConsentState answers what the answers about one student come to, category by
// category, for an agreement: at a moment, by what was known at another (officer,
// auditor). Of the people on the student's file it knows what the files say now;
// everything that somebody answered or recorded carries its own times.
func (b *Broker) ConsentState(ctx context.Context, c Caller, req ConsentStateRequest) (*Answer, error) {
	const operation = "read what the answers about a student come to"
	if err := b.admit(ctx, c, operation, RoleOfficer, RoleAuditor); err != nil {
		return nil, err
	}
	return b.read(ctx, c, operation, func(r store.Reader, m moment) (any, error) {
		if err := req.orNow(m.now); err != nil {
			return nil, err
		}
		rec, found, err := agreements.get(r, key(req.Agreement))
		if err != nil || !found {
			return nil, orNotAvailable(err)
		}
		sid, err := b.student(r, c, req.Agreement, req.Student)
		if err != nil {
			return nil, err
		}
		return b.stateOf(r, sid, rec, req)
	})
}

// orNow fills in the moments that were left out.
func (r *ConsentStateRequest) orNow(now time.Time) error {
	if r.At.IsZero() {
		r.At = now
	}
	if r.Known.IsZero() {
		r.Known = now
	}
	if r.Known.After(now) {
		return invalidField("known", "lies in the future", "give a moment up to now, or leave it out")
	}
	return nil
}

// stateView is what the answers came to.
type stateView struct {
	Agreement  string          `json:"agreement"`
	At         time.Time       `json:"at"`
	Known      time.Time       `json:"known"`
	Categories []categoryState `json:"categories"`
}

type categoryState struct {
	Category consent.Category    `json:"category"`
	Answer   consent.StateAnswer `json:"answer"`
	Reason   consent.Reason      `json:"reason"`
	Sentence string              `json:"sentence"`
	Windows  []consent.Window    `json:"windows,omitzero"`
	Deciding []string            `json:"deciding,omitzero"`
}

func (b *Broker) stateOf(r store.Reader, sid records.SID, rec agreementRecord, req ConsentStateRequest) (any, error) {
	p, err := b.profile(r, sid)
	if err != nil {
		return nil, err
	}
	law, grants, err := b.lawAndGrants(r, p, req.Known)
	if err != nil {
		return nil, err
	}
	view := stateView{Agreement: req.Agreement, At: req.At.UTC(), Known: req.Known.UTC(), Categories: []categoryState{}}
	for _, category := range rec.Agreement.Clauses.Categories {
		s := consent.Decide(law, grants, consent.Question{
			Party: rec.Agreement.Partner, Purpose: rec.Agreement.Clauses.Purpose, Category: category, At: req.At, Known: req.Known, Zone: b.zone,
		})
		view.Categories = append(view.Categories, categoryState{category, s.Answer, s.Reason, s.Reason.Sentence(), s.Windows, s.Deciding})
	}
	return view, nil
}
