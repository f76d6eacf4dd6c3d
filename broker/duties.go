package broker

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// What a family is told once, and so remembered.
const (
	toldBirthday = "birthday" // sixty days before, to everyone who may decide and to the student
	toldOfAge    = "of_age"   // on the day, the student is asked
	toldYearly   = "yearly"   // each year, of a consent that lasts longer
)

// birthdayNotice is how many days before the eighteenth birthday a family is told that
// the rights will pass (34 CFR 99.5).
const birthdayNotice = 60

// missedNights is how many days back duties look, for nights in which the service was
// not there.
const missedNights = 30

// dutiesEvery is how often a service looks for what it owes families.
const dutiesEvery = 15 * time.Minute

// RunDuties does what a district owes its families by itself, until ctx ends: goes on
// with rounds, writes the messages that are due, tells of birthdays and of consents
// that last. What fails is tried again, and the alarm says so.
func (b *Broker) RunDuties(ctx context.Context) {
	tick := time.NewTicker(dutiesEvery)
	defer tick.Stop()
	var done civil.Date // the day whose birthdays and reminders are told: that reads every file
	for {
		today := b.moment().today
		var err error
		if today == done {
			_, err = b.AskFamilies(ctx)
		} else if err = b.DoDuties(ctx); err == nil {
			done = today
		}
		if err != nil && ctx.Err() == nil {
			b.alarm("duties", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// DoDuties does it once. It may be called at any time: what was done is not done
// twice.
func (b *Broker) DoDuties(ctx context.Context) error {
	if err := errors.Join(b.tellBirthdays(ctx), b.remindYearly(ctx)); err != nil {
		return err
	}
	_, err := b.AskFamilies(ctx)
	return err
}

func toldKey(what string, of []byte) []byte { return key(what, of) }

// toldOn is the day on which something was told; zero: it was not.
func toldOn(r store.Reader, what string, of []byte) (civil.Date, error) {
	raw, err := r.Get(colTold, toldKey(what, of))
	if err != nil || len(raw) != 4 {
		return 0, err
	}
	return civil.Date(binary.BigEndian.Uint32(raw)), nil
}

func putTold(tx store.Tx, what string, of []byte, on civil.Date) error {
	return tx.Put(colTold, toldKey(what, of), binary.BigEndian.AppendUint32(nil, uint32(on)))
}

// pagesAtOnce is how many identity pages one snapshot reads.
const pagesAtOnce = 64

// tellBirthdays finds who comes of age.
func (b *Broker) tellBirthdays(ctx context.Context) error {
	var due []records.SID
	for from := 0; ; from += pagesAtOnce {
		more := false
		err := b.store.View(ctx, func(r store.Reader) error {
			m := b.moment()
			d, err := b.dataset(r)
			if err != nil {
				return err
			}
			all := d.manifest.Pages
			more = from+pagesAtOnce < len(all)
			for _, ref := range all[min(from, len(all)):min(from+pagesAtOnce, len(all))] {
				err := b.readPage(r, ref, func(p records.Profile) {
					if passes := p.Birth.AddYears(consent.Majority); !p.Birth.IsZero() && passes-birthdayNotice <= m.today && m.today <= passes+missedNights {
						due = append(due, p.SID)
					}
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return storeError(err)
		}
		if !more {
			break
		}
	}
	for _, sid := range due {
		if _, err := b.store.Update(ctx, store.LaneImport, func(tx store.Tx) error { return b.tellBirthday(tx, sid) }); err != nil {
			return storeError(err)
		}
	}
	return nil
}

// tellBirthday tells the family of a student about whom anything was answered, and asks
// the student on the day.
func (b *Broker) tellBirthday(tx store.Tx, sid records.SID) error {
	m := b.moment()
	p, err := b.profile(tx, sid)
	if KindOf(err) == NotAvailable {
		return nil
	}
	if err != nil {
		return err
	}
	recorded, err := b.rightsOf(tx, sid)
	if err != nil || recorded.protected(m.now) != nil {
		return err
	}
	grants, err := b.grants(tx, sid)
	if err != nil || len(grants) == 0 {
		return err
	}
	if m.today >= p.Birth.AddYears(consent.Majority) {
		return b.askOfAge(tx, m, p, grants)
	}
	if on, err := toldOn(tx, toldBirthday, sid[:]); err != nil || !on.IsZero() {
		return err
	}
	people, err := b.decidersOf(tx, p, m)
	if err != nil {
		return err
	}
	student, _ := onFileAs(p, signerSelf)
	for _, one := range append(people, student) {
		_, err := b.enqueue(tx, m, message{
			Kind: MessageBirthdaySoon, Person: one.subject, Language: one.language, Email: one.email, Phone: one.phone,
			Values: map[string]string{"date": p.Birth.AddYears(consent.Majority).String(), "to": toWhom(one)},
		})
		if err != nil {
			return err
		}
	}
	return putTold(tx, toldBirthday, sid[:], m.today)
}

// toWhom says in a message's values whether it is the student's.
func toWhom(one person) string {
	if one.signer == signerSelf {
		return "student"
	}
	return "guardian"
}

// askOfAge asks a student who came of age about what others said yes to.
func (b *Broker) askOfAge(tx store.Tx, m moment, p records.Profile, grants []consent.Grant) error {
	if on, err := toldOn(tx, toldOfAge, p.SID[:]); err != nil || !on.IsZero() {
		return err
	}
	student, _ := onFileAs(p, signerSelf)
	before, err := b.asksOf(tx, p.SID)
	if err != nil {
		return err
	}
	under, err := rosteredUnder(tx, []records.SID{p.SID})
	if err != nil {
		return err
	}
	for _, at := range under {
		rec, _, err := agreements.get(tx, key(at.agreement))
		if err != nil {
			return err
		}
		g, ok := lastYes(grants, rec, m)
		if !ok {
			continue
		}
		a := ask{
			Agreement: at.agreement, Person: signerSelf, Categories: g.Categories, RecordsFrom: g.RecordsFrom, RecordsTo: g.RecordsTo, Expires: g.Expires, AskedAt: m.now,
		}
		if !b.dueFor(grants, before, rec.Agreement.Partner, rec.Agreement.Clauses.Purpose, a, m) {
			continue
		}
		a.ID = newAskID()
		if err := errors.Join(b.putAsk(tx, p.SID, a), b.hasMail(tx, student.subject)); err != nil {
			return err
		}
	}
	return putTold(tx, toldOfAge, p.SID[:], m.today)
}

// lastYes is the newest yes to an agreement that has not run out.
func lastYes(grants []consent.Grant, rec agreementRecord, m moment) (last consent.Grant, ok bool) {
	for _, g := range grants {
		if g.Party == rec.Agreement.Partner && g.Purpose == rec.Agreement.Clauses.Purpose && g.Answer == consent.Yes &&
			g.Withdrawn == nil && g.Invalidated == nil && g.Expires >= m.today && !g.SignedAt.Before(last.SignedAt) {
			last, ok = g, true
		}
	}
	return last, ok
}

// remindYearly tells each year of a consent that lasts longer than one.
func (b *Broker) remindYearly(ctx context.Context) error {
	var due []grantKey
	from := []byte(nil)
	for {
		n := 0
		err := b.store.View(ctx, func(r store.Reader) error {
			m := b.moment()
			return r.Scan(colConsents, store.Range{From: from, Limit: remindedAtOnce}, func(k, _ []byte) (bool, error) {
				n++
				from = append(append([]byte(nil), k...), 0)
				at := grantKey{records.SID(k[:16]), binary.BigEndian.Uint32(k[16:])}
				g, err := b.getGrant(r, at)
				if KindOf(err) == NotAvailable {
					return true, nil
				}
				if err == nil && b.anniversary(g, m) {
					due = append(due, at)
				}
				return true, err
			})
		})
		if err != nil {
			return storeError(err)
		}
		if n < remindedAtOnce {
			break
		}
	}
	for _, at := range due {
		if _, err := b.store.Update(ctx, store.LaneImport, func(tx store.Tx) error { return b.remind(tx, at) }); err != nil {
			return storeError(err)
		}
	}
	return nil
}

// remindedAtOnce is how many answers one snapshot looks at.
const remindedAtOnce = 5000

// anniversary reports whether a yes that goes on was signed some whole years ago, in
// the last nights.
func (b *Broker) anniversary(g consent.Grant, m moment) bool {
	if g.Answer != consent.Yes || g.Withdrawn != nil || g.Invalidated != nil || g.Expires < m.today {
		return false
	}
	signed := civil.Of(g.SignedAt, b.zone)
	for years := 1; years <= longestConsent; years++ {
		if on := signed.AddYears(years); on <= m.today && m.today <= on+missedNights {
			return true
		}
	}
	return false
}

// remind writes the reminder of a consent, with the link that stops it, once a year.
func (b *Broker) remind(tx store.Tx, at grantKey) error {
	m := b.moment()
	g, err := b.getGrant(tx, at)
	if err != nil || !b.anniversary(g, m) {
		return err
	}
	told, err := toldOn(tx, toldYearly, []byte(g.ID))
	if err != nil || !told.IsZero() && m.today-told <= missedNights {
		return err
	}
	p, err := b.profile(tx, at.sid)
	if KindOf(err) == NotAvailable {
		return nil
	}
	if err != nil {
		return err
	}
	recorded, err := b.rightsOf(tx, at.sid)
	if err != nil || recorded.protected(m.now) != nil {
		return err
	}
	one, ok := onFileAs(p, g.Signer)
	if !ok {
		return nil
	}
	if live, err := b.hasLive(tx, g, m); err != nil || !live {
		return err
	}
	number, err := b.receiptOf(tx, g.ID)
	if err != nil {
		return err
	}
	c := Caller{Subject: one.subject, Role: RoleGuardian}
	made, err := b.findGiven(tx, c, number)
	if err != nil {
		return err
	}
	return errors.Join(b.mailAbout(tx, m, c, made, MessageYearlyReminder), putTold(tx, toldYearly, []byte(g.ID), m.today))
}

// hasLive reports whether a consent's party has an agreement in force that it is for.
func (b *Broker) hasLive(r store.Reader, g consent.Grant, m moment) (bool, error) {
	org, _, err := partners.get(r, key(g.Party))
	if err != nil {
		return false, err
	}
	for _, id := range org.Agreements {
		rec, _, err := agreements.get(r, key(id))
		if err != nil {
			return false, err
		}
		if rec.Agreement.Clauses.Purpose == g.Purpose && rec.Agreement.StateOn(m.today) == agreement.Active {
			return true, nil
		}
	}
	return false, nil
}
