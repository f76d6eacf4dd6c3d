package broker

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// determination is a memo as an officer signed it.
type determination struct {
	Name    string    `json:"name"`
	Title   string    `json:"title"`
	By      string    `json:"by"` // whose token signed
	At      time.Time `json:"signed_at"`
	SHA256  string    `json:"sha256"`         // of the text
	Subject string    `json:"subject_sha256"` // of what it speaks of
	Text    string    `json:"text"`
}

var determinations = table[determination]{colMemos}

// The states of a memo.
const (
	memoUnsigned = "unsigned"
	memoSigned   = "signed"
	memoOutdated = "outdated" // signed, and what it speaks of has changed since
)

// memoState is whether a memo about an agreement's figures is signed.
type memoState struct {
	State   string    `json:"state"`
	By      string    `json:"by,omitzero"`
	At      time.Time `json:"signed_at,omitzero"`
	SHA256  string    `json:"sha256,omitzero"`
	Subject string    `json:"subject_sha256"` // of what a memo would speak of now
}

func (o *outlook) memoState(v preflightPart, terms agreement.Agreement) (s memoState, err error) {
	s.State = memoUnsigned
	if s.Subject, err = o.subject(v, terms); err != nil {
		return s, err
	}
	d, found, err := determinations.get(o.r, key(o.period.ID, v.Agreement))
	if err != nil || !found {
		return s, err
	}
	s.State, s.By, s.At, s.SHA256 = memoSigned, d.Name, d.At, d.SHA256
	if d.Subject != s.Subject {
		s.State = memoOutdated
	}
	return s, nil
}

// memoAnswer is the memo of now with the one that was signed last.
type memoAnswer struct {
	SessionID string         `json:"session_id"`
	Agreement string         `json:"agreement"`
	Text      string         `json:"text"`
	SHA256    string         `json:"sha256"`
	State     string         `json:"state"`
	Signed    *determination `json:"signed,omitzero"`
}

// Memo drafts the determination of 34 CFR 99.31(b)(1) about what an agreement is
// given of a period, from its preflight or its freeze (officer, auditor), and shows
// the one that was signed last.
func (b *Broker) Memo(ctx context.Context, c Caller, req MemoRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "read a determination memo", RoleOfficer, RoleAuditor); err != nil {
		return nil, err
	}
	if req.Agreement == "" || len(req.Agreement) > maxIDText {
		return nil, invalidField("agreement", "is missing or too long", "give the id of one agreement")
	}
	return b.read(ctx, c, "read a determination memo", func(r store.Reader, m moment) (any, error) {
		return b.memoOf(r, m, req.Session, req.Agreement)
	})
}

func (b *Broker) memoOf(r store.Reader, m moment, session, id string) (memoAnswer, error) {
	o, err := b.outlook(r, m, session)
	if err != nil {
		return memoAnswer{}, err
	}
	filled, err := o.memo(id)
	if err != nil {
		return memoAnswer{}, err
	}
	text, err := filled.write()
	if err != nil {
		return memoAnswer{}, err
	}
	a := memoAnswer{SessionID: session, Agreement: id, Text: text, SHA256: digest([]byte(text)), State: filled.Part.Memo.State}
	if a.State != memoUnsigned {
		d, _, err := determinations.get(r, key(session, id))
		if err != nil {
			return a, err
		}
		a.Signed = &d
	}
	return a, nil
}

// SignMemo records an officer's signature under a memo by the SHA-256 of its text
// (officer). A text that is not the one of now is refused: the officer signs what
// was read. A close needs no memo; its entry names those that are signed.
func (b *Broker) SignMemo(ctx context.Context, c Caller, session string, req MemoSignature) (*Answer, error) {
	if err := b.admit(ctx, c, "sign a determination memo", RoleOfficer); err != nil {
		return nil, err
	}
	if err := req.Validate(); err != nil {
		return nil, err
	}
	a := act{event: tlog.DeterminationSigned, lane: store.LaneOfficer, caller: c, request: req}
	for range attempts {
		signed, before, err := b.signable(ctx, session, req)
		if err != nil {
			return nil, b.turnAway(ctx, c, string(a.event), err)
		}
		ans, err := b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
			return putDetermination(tx, m, c, before, session, req.Agreement, signed)
		})
		if !errors.Is(err, errMoved) {
			return ans, err
		}
	}
	return nil, unavailable("what the memo speaks of kept changing; ask again", errMoved)
}

// signable makes the memo on a snapshot, so that the Update is short.
func (b *Broker) signable(ctx context.Context, session string, req MemoSignature) (d determination, w world, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		if w, err = readWorld(r); err != nil {
			return err
		}
		m := b.moment()
		o, err := b.outlook(r, m, session)
		if err != nil {
			return err
		}
		filled, err := o.memo(req.Agreement)
		if err != nil {
			return err
		}
		if o.forecast {
			return conflict("the period has not ended, and a forecast cannot be signed; sign on its last day or later, before or after the close")
		}
		d = determination{Name: req.Name, Title: req.Title, Subject: filled.Digest}
		if d.Text, err = filled.write(); err != nil {
			return err
		}
		if d.SHA256 = digest([]byte(d.Text)); d.SHA256 != req.SHA256 {
			return conflict("the memo is another one by now; read it again, then sign that")
		}
		return nil
	})
	return d, w, storeError(err)
}

func putDetermination(tx store.Tx, m moment, c Caller, before world, session, id string, d determination) (outcome, error) {
	now, err := readWorld(tx)
	if err != nil {
		return outcome{}, err
	}
	if now != before {
		return outcome{}, errMoved
	}
	d.By, d.At = c.Subject, m.now
	rec, found, err := agreements.get(tx, key(id))
	if err != nil || !found {
		return outcome{}, orNotAvailable(err)
	}
	out := outcome{
		agreement: rec.Agreement,
		data:      memoAnswer{SessionID: session, Agreement: id, Text: d.Text, SHA256: d.SHA256, State: memoSigned, Signed: &d},
		body:      map[string]any{"period": session, "agreement": id, "sha256": d.SHA256, "subject_sha256": d.Subject, "name": d.Name, "title": d.Title},
	}
	return out, determinations.put(tx, key(session, id), d)
}

// signedMemos are the SHA-256 of the memos that were signed about a freeze's
// agreements.
func signedMemos(r store.Reader, f freeze) (map[string]string, error) {
	list := map[string]string{}
	for _, id := range f.Agreements {
		d, found, err := determinations.get(r, key(f.Session, id))
		if err != nil {
			return nil, err
		}
		if found {
			list[id] = d.SHA256
		}
	}
	return list, nil
}

// Validate names what is missing of a signature.
func (r MemoSignature) Validate() error {
	for _, f := range []struct{ name, value string }{{"agreement", r.Agreement}, {"name", r.Name}, {"title", r.Title}} {
		if strings.TrimSpace(f.value) == "" || len(f.value) > maxIDText {
			return invalidField(f.name, "is missing or too long", "give it in at most 128 bytes")
		}
	}
	if len(r.SHA256) != 64 {
		return invalidField("sha256", "is not a SHA-256", "give the sha256 of the memo that was read, in 64 hexadecimal digits")
	}
	return nil
}
