package broker

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// CaseKind is why the district has to look at who answers for a student.
type CaseKind string

// The closed list. The first two are what a family says and pause all sharing of the
// student's records until an officer has settled them; the third the service notices.
const (
	CaseNotMyChild CaseKind = "not_my_child" // somebody who was asked says that the child is not theirs
	CaseNotMe      CaseKind = "not_me"       // somebody says that an answer under their name was not theirs
	CaseFlips      CaseKind = "flips"        // one person said yes and no in turn, again and again
)

// pauses reports whether sharing stops while such a case is open.
func (k CaseKind) pauses() bool { return k == CaseNotMyChild || k == CaseNotMe }

// caseFile is a case about a student.
type caseFile struct {
	ID     string       `json:"id"`
	Kind   CaseKind     `json:"kind"`
	By     string       `json:"by"`             // whom it is about, as grants name signers
	Grant  string       `json:"grant,omitzero"` // the answer that it is about
	Opened time.Time    `json:"opened"`
	Closed *consent.Act `json:"closed,omitzero"`
}

var cases = filed[caseFile]{colCases}

// caseView is what is read of a case.
type caseView struct {
	ID      string     `json:"id"`
	Kind    CaseKind   `json:"kind"`
	Student StudentRef `json:"student"`
	By      SignerRef  `json:"by"`
	Consent string     `json:"consent,omitzero"`
	Pauses  bool       `json:"pauses"` // sharing is paused while it is open
	Opened  time.Time  `json:"opened_at"`
	Closed  time.Time  `json:"closed_at,omitzero"`
	How     string     `json:"closed_how,omitzero"`
}

func (b *Broker) viewCase(r store.Reader, sid records.SID, c caseFile) (caseView, error) {
	v := caseView{ID: c.ID, Kind: c.Kind, By: signerRef(c.By), Consent: c.Grant, Pauses: c.Kind.pauses() && c.Closed == nil, Opened: c.Opened}
	if c.Closed != nil {
		v.Closed, v.How = c.Closed.At, c.Closed.Reason
	}
	p, err := b.profile(r, sid)
	if KindOf(err) == NotAvailable {
		return v, nil
	}
	v.Student.StudentID = p.Person.StudentID
	return v, err
}

// OpenCase records that somebody who was asked says that the child is not theirs, or
// that an answer was not theirs (the family; officer for one of its people). Sharing
// of the student's records is paused at once.
func (b *Broker) OpenCase(ctx context.Context, c Caller, req CaseRequest) (*Answer, error) {
	const operation = "open a case"
	if err := b.admit(ctx, c, operation, RoleOfficer, RoleGuardian); err != nil {
		return nil, err
	}
	if !req.Kind.pauses() {
		return nil, invalidField("kind", "is missing or unknown", "write not_my_child or not_me")
	}
	id, err := idFor(ctx, "cas")
	if err != nil {
		return nil, err
	}
	var sid records.SID
	err = b.store.View(ctx, func(r store.Reader) (err error) {
		sid, err = b.student(r, c, "", req.Student)
		return err
	})
	if err != nil {
		return nil, b.turnAway(ctx, c, operation, storeError(err))
	}
	a := act{event: tlog.CaseOpened, lane: store.LaneWithdrawal, caller: c, request: req, again: stopCase, id: id}
	return b.changeRightsOf(ctx, a, sid, true, func(tx store.Tx, m moment, p records.Profile, recorded *rights) (any, error) {
		link, err := b.link(tx, c, p)
		if err != nil {
			return nil, err
		}
		by, _, err := signerOf(c, link, p, req.By)
		if err != nil {
			return nil, err
		}
		f := caseFile{ID: id, Kind: req.Kind, By: by, Grant: req.Consent, Opened: m.now}
		recorded.Pauses = append(recorded.Pauses, pauseWord{id, consent.Pause{At: m.now, EnteredAt: m.now}})
		if err := cases.put(b, tx, id, sid, f); err != nil {
			return nil, err
		}
		return b.viewCase(tx, sid, f)
	})
}

// CloseCase records how a case was settled, and ends its pause (officer).
func (b *Broker) CloseCase(ctx context.Context, c Caller, id string, req ReviewRequest) (*Answer, error) {
	const operation = "close a case"
	if err := b.admit(ctx, c, operation, RoleOfficer); err != nil {
		return nil, err
	}
	if req.Reason == "" {
		return nil, invalidField("reason", "is missing", "say what was found, and what became of the answers")
	}
	var sid records.SID
	err := b.store.View(ctx, func(r store.Reader) (err error) {
		sid, _, err = cases.get(b, r, id)
		return err
	})
	if err != nil {
		return nil, b.turnAway(ctx, c, operation, storeError(err))
	}
	a := act{event: tlog.CaseClosed, lane: store.LaneOfficer, caller: c, request: req}
	return b.changeRightsOf(ctx, a, sid, false, func(tx store.Tx, m moment, _ records.Profile, recorded *rights) (any, error) {
		_, f, err := cases.get(b, tx, id)
		if err != nil {
			return nil, err
		}
		if f.Closed != nil {
			return nil, conflict("this case is closed already")
		}
		f.Closed = &consent.Act{By: c.Subject, At: m.now, EnteredAt: m.now, Reason: req.Reason}
		for i := range recorded.Pauses {
			if recorded.Pauses[i].Case == id {
				recorded.Pauses[i].Ended = f.Closed
			}
		}
		if err := cases.put(b, tx, id, sid, f); err != nil {
			return nil, err
		}
		return b.viewCase(tx, sid, f)
	})
}

// Cases lists them, the open ones first, oldest first (officer, auditor).
func (b *Broker) Cases(ctx context.Context, c Caller) (*Answer, error) {
	const operation = "list cases"
	if err := b.admit(ctx, c, operation, RoleOfficer, RoleAuditor); err != nil {
		return nil, err
	}
	return b.read(ctx, c, operation, func(r store.Reader, _ moment) (any, error) {
		list := []caseView{}
		err := cases.all(b, r, func(_ string, sid records.SID, f caseFile) error {
			v, err := b.viewCase(r, sid, f)
			list = append(list, v)
			return err
		})
		slices.SortFunc(list, func(a, b caseView) int {
			return cmp.Or(closedLast(a.Closed, b.Closed), a.Opened.Compare(b.Opened), cmp.Compare(a.ID, b.ID))
		})
		return map[string]any{"cases": list}, err
	})
}

// closedLast puts what is closed behind what is open.
func closedLast(a, b time.Time) int {
	switch {
	case a.IsZero() && !b.IsZero():
		return -1
	case !a.IsZero() && b.IsZero():
		return 1
	}
	return 0
}

// A person who changed their mind so often about one party, within so many days, is
// one that an officer should call.
const (
	flipsNoticed = 3
	flipsDays    = 30
)

// noticeFlips opens a case when the newest answer about a student leaves its signer
// with three changes from yes to no or back in thirty days. While one is open about
// the signer there is no other. A withdrawal counts and is not kept up by looking: the
// next answer shows it.
func (b *Broker) noticeFlips(tx store.Tx, m moment, sid records.SID, signer, party string) error {
	grants, err := b.grants(tx, sid)
	if err != nil {
		return err
	}
	if changesOfMind(grants, signer, party, m.now.AddDate(0, 0, -flipsDays)) < flipsNoticed {
		return nil
	}
	known := false
	err = cases.all(b, tx, func(_ string, of records.SID, f caseFile) error {
		known = known || of == sid && f.Kind == CaseFlips && f.By == signer && f.Closed == nil
		return nil
	})
	if err != nil || known {
		return err
	}
	id, err := newID("cas", "")
	if err != nil {
		return err
	}
	return cases.put(b, tx, id, sid, caseFile{ID: id, Kind: CaseFlips, By: signer, Opened: m.now})
}

// changesOfMind counts how often a person went from yes to no, or back, about a party
// since a moment.
func changesOfMind(grants []consent.Grant, signer, party string, since time.Time) (changes int) {
	type word struct {
		at  time.Time
		yes bool
	}
	var words []word
	for _, g := range grants {
		if g.Signer != signer || g.Party != party || g.Answer == consent.Talk {
			continue
		}
		words = append(words, word{g.SignedAt, g.Answer == consent.Yes})
		if g.Withdrawn != nil {
			words = append(words, word{g.Withdrawn.At, false})
		}
	}
	slices.SortStableFunc(words, func(a, b word) int { return a.at.Compare(b.at) })
	for i := 1; i < len(words); i++ {
		if words[i].yes != words[i-1].yes && !words[i].at.Before(since) {
			changes++
		}
	}
	return changes
}
