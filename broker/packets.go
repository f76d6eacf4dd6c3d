package broker

import (
	"context"
	"time"

	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// Packet makes the consent forms of a round that nobody has answered, to be printed:
// one for each person who was asked, in that person's language, with a link to the
// pages beside the boxes (officer). The forms of a protected family are not among
// them. After names the form behind which a page of a long packet begins; next is the
// last of this page, empty when there is no more. What is printed is in the log.
func (b *Broker) Packet(ctx context.Context, c Caller, req PacketRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "print forms", RoleOfficer); err != nil {
		return nil, err
	}
	if req.Round == "" {
		return nil, invalidField("round", "is missing", "GET /v1/rounds lists them")
	}
	var waiting []askedAbout
	err := b.store.View(ctx, func(r store.Reader) error {
		_, found, err := rounds.get(r, key(req.Round))
		if err != nil || !found {
			return orNotAvailable(err)
		}
		waiting, err = b.unanswered(r, req.Round, req.After)
		return err
	})
	if err != nil {
		return nil, b.turnAway(ctx, c, "print forms", storeError(err))
	}
	a := act{event: tlog.FormsPrinted, lane: store.LaneOfficer, caller: c, request: req}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		view := packetView{Round: req.Round, Sheets: []sheetView{}}
		var subjects []records.SID
		for _, w := range waiting[:min(len(waiting), sheetsAtOnce)] {
			sheet, ok, err := b.sheet(tx, m, w)
			if err != nil {
				return outcome{}, err
			}
			view.Next = w.ask.ID
			if ok && (req.School == "" || attends(w.profile, []string{req.School}, m.today)) {
				view.Sheets = append(view.Sheets, sheet)
				subjects = append(subjects, w.profile.SID)
			}
		}
		if len(waiting) <= sheetsAtOnce {
			view.Next = ""
		}
		return outcome{data: view, subjects: sortedSIDs(subjects), body: map[string]any{"round": req.Round, "sheets": len(view.Sheets)}}, nil
	})
}

// sheetsAtOnce bounds a page of a packet.
const sheetsAtOnce = 200

// packetView is a page of a packet.
type packetView struct {
	Round  string      `json:"round"`
	Sheets []sheetView `json:"sheets"`
	Next   string      `json:"next,omitzero"`
}

// sheetView is one form: what is printed, and where its code leads.
type sheetView struct {
	Ask      string      `json:"form"`
	Language string      `json:"language,omitzero"` // of the person on file
	Student  string      `json:"student"`           // full name, for the office
	Path     string      `json:"path"`              // of the link, below the service's own address
	Terms    pages.Terms `json:"terms"`
}

// unanswered lists the open questions of a round behind one, by id.
func (b *Broker) unanswered(r store.Reader, round, after string) (list []askedAbout, err error) {
	m := b.moment()
	err = asks.all(b, r, func(id string, sid records.SID, a ask) error {
		if a.Round != round || a.Grant != "" || id <= after || len(list) > sheetsAtOnce {
			return nil
		}
		p, err := b.profile(r, sid)
		if KindOf(err) == NotAvailable {
			return nil
		}
		if err != nil {
			return err
		}
		q, err := b.about(r, p, a)
		if err != nil {
			return err
		}
		one, ok := onFileAs(p, a.Person)
		if !ok {
			return nil
		}
		if q.state, err = b.standingOf(r, Caller{Subject: one.subject, Role: RoleGuardian}, p, a, m); err != nil {
			return err
		}
		if q.state == pages.ChoiceOpen {
			list = append(list, q)
		}
		return nil
	})
	return list, err
}

// sheet makes a form with a link of its own.
func (b *Broker) sheet(tx store.Tx, m moment, q askedAbout) (sheetView, bool, error) {
	one, ok := onFileAs(q.profile, q.Person)
	if !ok {
		return sheetView{}, false, nil
	}
	path, _, err := b.newLink(tx, m, one, q.profile.SID)
	return sheetView{
		Ask: q.ID, Language: one.language, Student: q.profile.Person.Given + " " + q.profile.Person.Family, Path: path, Terms: b.terms(q),
	}, err == nil, err
}

// newLink makes a person's link to one child.
func (b *Broker) newLink(tx store.Tx, m moment, one person, sid records.SID) (path string, ends time.Time, err error) {
	l := link{
		Kind: linkAsk, Person: one.subject, Children: []records.SID{sid}, Contact: contact{one.email, one.phone}, Language: one.language,
		Made: m.now, Ends: m.now.AddDate(0, 0, askLinkDays),
	}
	secret := newSecret()
	return linkPath + secret, l.Ends, b.putLink(tx, secret, l)
}

// CreateLink makes a link for somebody on a student's file who stands at the front
// desk, to be opened on their own telephone (officer). The link alone shows nothing: a
// code goes to the contact on file.
func (b *Broker) CreateLink(ctx context.Context, c Caller, req LinkRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "make a link", RoleOfficer); err != nil {
		return nil, err
	}
	a := act{event: tlog.LinkMade, lane: store.LaneOfficer, caller: c, request: req}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		sid, err := b.student(tx, c, "", req.Student)
		if err != nil {
			return outcome{}, err
		}
		p, err := b.profile(tx, sid)
		if err != nil {
			return outcome{}, err
		}
		signer, err := onFile(p, req.Person)
		if err != nil {
			return outcome{}, err
		}
		one, ok := onFileAs(p, signer)
		if !ok {
			return outcome{}, notAvailable()
		}
		path, ends, err := b.newLink(tx, m, one, sid)
		data := map[string]any{"path": path, "ends_at": ends, "code_goes_to": maskedContact(one.email, one.phone)}
		return outcome{data: data, created: true, key: studentKey(sid), subjects: []records.SID{sid}, body: map[string]string{"person": signer}}, err
	})
}

// about is a question with what it is about.
func (b *Broker) about(r store.Reader, p records.Profile, a ask) (q askedAbout, err error) {
	q.ask, q.profile = a, p
	if q.rec, _, err = agreements.get(r, key(a.Agreement)); err != nil {
		return q, err
	}
	q.partner, _, err = partners.get(r, key(q.rec.Agreement.Partner))
	return q, err
}
