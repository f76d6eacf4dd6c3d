package broker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// standingOf tells whether a question to a family's person can be answered now. Why
// sharing is off it does not tell: that may be another guardian's affair.
func (b *Broker) standingOf(r store.Reader, c Caller, p records.Profile, a ask, m moment) (pages.ChoiceState, error) {
	if a.Grant != "" {
		return pages.ChoiceAnswered, nil
	}
	rec, found, err := agreements.get(r, key(a.Agreement))
	if err != nil || !found {
		return pages.ChoiceWithdrawn, err
	}
	if rec.Agreement.StateOn(m.today) != agreement.Active || a.Expires < m.today {
		return pages.ChoiceWithdrawn, nil
	}
	recorded, err := b.rightsOf(r, p.SID)
	if err != nil {
		return "", err
	}
	law, err := b.lawNow(r, p, m)
	if err != nil {
		return "", err
	}
	if law.Eligible(m.today) && c.signer() != signerSelf {
		return pages.ChoiceOfAge, nil
	}
	now := consent.Moment{At: m.now, Known: m.now, Zone: b.zone}
	_, holds := law.CapacityOf(a.Person, now)
	if !holds || !law.MayDecide(a.Person, now) || recorded.paused(m) || recorded.protected(m.now) != nil {
		return pages.ChoiceOff, nil
	}
	return pages.ChoiceOpen, nil
}

// paused reports whether a case keeps all sharing of the student's records off.
func (f rights) paused(m moment) bool {
	return slices.ContainsFunc(f.Pauses, func(w pauseWord) bool { return w.Ended == nil && !w.At.After(m.now) })
}

// asked is a question with everything that it is about.
type askedAbout struct {
	ask
	profile records.Profile
	rec     agreementRecord
	partner partnerRecord
	state   pages.ChoiceState
}

// findAsk finds a question to the visitor. That of anybody else is not available, and
// none where a family is protected from the visitor: it names an organization.
func (b *Broker) findAsk(r store.Reader, c Caller, id string, m moment) (q askedAbout, err error) {
	sid, a, err := asks.get(b, r, id)
	if err != nil {
		return q, err
	}
	q.ask = a
	family, err := b.family(r, c)
	if err != nil {
		return q, err
	}
	who, err := b.persons(r)
	if err != nil {
		return q, err
	}
	if !slices.Contains(family, sid) || !slices.Contains(who.signers(c), a.Person) {
		return q, notAvailable()
	}
	recorded, err := b.rightsOf(r, sid)
	if err != nil {
		return q, err
	}
	if recorded.protected(m.now).from(a.Person) && !b.sabotage.NamesTold {
		return q, notAvailable()
	}
	if q.profile, err = b.profile(r, sid); err != nil {
		return q, err
	}
	if q, err = b.about(r, q.profile, a); err != nil {
		return q, err
	}
	q.state, err = b.standingOf(r, c, q.profile, a, m)
	return q, err
}

// terms are what a yes to a question names (34 CFR 99.30(b)).
func (b *Broker) terms(q askedAbout) pages.Terms {
	return pages.Terms{
		District: b.settings.Name, Partner: q.partner.Partner.Name, Child: q.profile.Person.Given, Self: q.Person == signerSelf,
		Purpose: q.rec.Agreement.Clauses.Purpose, Categories: q.Categories,
		RecordsFrom: q.RecordsFrom, RecordsTo: q.RecordsTo, Until: q.Expires, WhileInProgram: q.Program,
	}
}

// Choice reads a question to a signed-in person, with the real values that a yes would
// share now (the family). Another's is not available.
func (b *Broker) Choice(ctx context.Context, v Visitor, id, language string) (c pages.Choice, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		m := b.moment()
		q, err := b.findAsk(r, v.Caller, id, m)
		if err != nil {
			return err
		}
		c = pages.Choice{Terms: b.terms(q), Ask: q.ID, State: q.state}
		if c.SignIn, err = b.signableIn(r); err != nil {
			return err
		}
		c.MaySign = slices.Contains(c.SignIn, language)
		switch q.state {
		case pages.ChoiceOpen:
			c.Records, err = b.wouldShare(ctx, r, q, m)
		case pages.ChoiceAnswered:
			var g consent.Grant
			g, c.Receipt, err = b.answerTo(r, q)
			c.Answer = g.Answer
		}
		return err
	})
	return c, storeError(err)
}

// answerTo is the answer that a question got, and the number of its receipt.
func (b *Broker) answerTo(r store.Reader, q askedAbout) (given consent.Grant, number string, err error) {
	grants, err := b.grants(r, q.profile.SID)
	if err != nil {
		return given, "", err
	}
	for _, g := range grants {
		if g.ID == q.Grant {
			number, err := b.receiptOf(r, g.ID)
			return g, number, err
		}
	}
	return given, "", nil
}

// wouldShare are the values of the year so far that a yes would open today.
func (b *Broker) wouldShare(ctx context.Context, r store.Reader, q askedAbout, m moment) (pages.Records, error) {
	s := &snapshot{b: b, r: r, ctx: ctx, now: m.now}
	s.today = m.today
	if err := s.readStanding(q.Agreement); err != nil {
		return pages.Records{}, err
	}
	var err error
	if s.data, err = b.datasetAt(r, s.stamp.Data); err != nil {
		return pages.Records{}, err
	}
	year, ok := s.data.district.CurrentYear(m.today)
	if !ok {
		return pages.Records{}, nil
	}
	w := &walk{s: s, year: year, categories: q.Categories}
	o := opened{student: s.data.district.Find(q.profile.SID), parts: map[consent.Category][]openPart{}}
	span := consent.Span{From: max(q.RecordsFrom, year.Start), To: min(q.RecordsTo, year.End, m.today)}
	if o.student == nil || span.From > span.To {
		return pages.Records{}, nil
	}
	for _, category := range q.Categories {
		for _, school := range w.schoolsOf(o.student) {
			o.parts[category] = append(o.parts[category], openPart{school, []consent.Span{span}})
		}
	}
	return recordsPage(w.attendance(o), w.grades(o), w.discipline(o)), nil
}

// recordsPage puts a row's cells as a page shows them.
func recordsPage(a *attendanceCell, grades []gradeCell, discipline []incidentCell) (shown pages.Records) {
	if a != nil {
		shown.Attendance = &pages.Days{Present: float64(a.Enrolled-a.Absent) / 1000, Enrolled: float64(a.Enrolled) / 1000}
	}
	for _, g := range grades {
		shown.Grades = append(shown.Grades, pages.Result{Course: g.Course, Mark: g.Value})
	}
	for _, d := range discipline {
		shown.Discipline = append(shown.Discipline, pages.Event{Date: d.Date, Incident: d.Type, Action: d.Action})
	}
	return shown
}

// errStale asks for another code before an answer: what is signed needs a proof of who
// signs that is not five minutes old.
var errStale = &Error{Kind: Unauthenticated, Detail: "who answers has to be shown again: type a new code"}

// IsStale reports whether an error asks for another code before an answer.
func IsStale(err error) bool { return errors.Is(err, errStale) }

var errOtherText = conflict("the text that was shown is not the text of now, or cannot be signed in this language; read it once more")

// AnswerAsk enters a signed-in person's answer to a question: yes, no or wants to
// talk. sha256 is of the text that was shown, which must be the text of now. It
// returns the number of the receipt: of the first one where the same answer to the same
// text comes again, as from a second tap.
func (b *Broker) AnswerAsk(ctx context.Context, v Visitor, id, language string, answer consent.Answer, textSHA256 string) (number string, err error) {
	req, number, err := b.answerRequest(ctx, v, id, language, answer, textSHA256)
	if err != nil || number != "" {
		return number, err
	}
	a, err := b.createConsent(ctx, v.Caller, req, id)
	if errors.Is(err, errAnswered) {
		_, number, err = b.answerRequest(ctx, v, id, language, answer, textSHA256)
		return number, err
	}
	if err != nil {
		return "", err
	}
	defer a.Drop()
	err = b.store.View(ctx, func(r store.Reader) error {
		_, done, err := asks.get(b, r, id)
		if err != nil {
			return err
		}
		number, err = b.receiptOf(r, done.Grant)
		return err
	})
	return number, storeError(err)
}

// answerRequest is what a person's answer asks to be entered; or the number of its
// receipt, where it was entered before.
func (b *Broker) answerRequest(ctx context.Context, v Visitor, id, language string, answer consent.Answer, textSHA256 string) (req ConsentRequest, number string, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		m := b.moment()
		if m.now.Sub(v.proven) > stepUpWithin && !b.sabotage.OldProof {
			return errStale
		}
		q, err := b.findAsk(r, v.Caller, id, m)
		if err != nil {
			return err
		}
		if q.state == pages.ChoiceAnswered {
			number, err = b.sameAnswer(r, q, answer, textSHA256)
			return err
		}
		if q.state != pages.ChoiceOpen {
			return errClosed
		}
		signable, err := b.signableIn(r)
		if err != nil {
			return err
		}
		if !slices.Contains(signable, language) {
			return errOtherText
		}
		version, text, err := pages.ConsentText(language, pages.Choice{Terms: b.terms(q)})
		if err != nil {
			return internal(err)
		}
		sum := sha256.Sum256([]byte(text))
		if textSHA256 != hex.EncodeToString(sum[:]) {
			return errOtherText
		}
		req = ConsentRequest{
			Agreement: q.Agreement, Student: StudentRef{StudentID: q.profile.Person.StudentID}, Answer: answer, Categories: q.Categories,
			RecordsFrom: q.RecordsFrom, RecordsTo: q.RecordsTo, Expires: q.Expires, Method: consent.Web,
			Text:     TextRef{Version: version, Language: language, SHA256: textSHA256},
			Evidence: consent.Evidence{Kind: methodCode, Reference: "code typed at " + v.proven.UTC().Format("2006-01-02T15:04:05Z")},
		}
		return nil
	})
	return req, number, storeError(err)
}

var errClosed = conflict("this question cannot be answered now")

// sameAnswer is the number of the receipt of an answer that was given before, to the
// same text.
func (b *Broker) sameAnswer(r store.Reader, q askedAbout, answer consent.Answer, textSHA256 string) (string, error) {
	g, number, err := b.answerTo(r, q)
	if err == nil && (g.Answer != answer || g.TextSHA256 != textSHA256) {
		err = errClosed
	}
	return number, err
}

// day is a moment's date in the district, and no date for no moment.
func (b *Broker) day(at consent.Act) civil.Date { return civil.Of(at.At, b.zone) }
