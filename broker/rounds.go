package broker

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// roundRecord is a round of questions to the families of an agreement's roster.
type roundRecord struct {
	ID          string             `json:"id"`
	Agreement   string             `json:"agreement"`
	Schools     []string           `json:"schools,omitzero"` // none: all of the agreement
	Categories  []consent.Category `json:"categories"`
	RecordsFrom civil.Date         `json:"records_from"`
	RecordsTo   civil.Date         `json:"records_to"`
	Expires     civil.Date         `json:"expires"`
	Program     bool               `json:"program,omitzero"`
	OpenedAt    time.Time          `json:"opened_at"`
	By          string             `json:"by"`
	Roster      uint64             `json:"roster"`
	Next        int                `json:"next"` // how many of the roster's children were gone through
	Done        bool               `json:"done,omitzero"`
}

var rounds = table[roundRecord]{colRounds}

// lookLonger is how many days after the last day of the records a party may look, where
// the round says nothing else: long enough for grades that arrive in June.
const lookLonger = 120

// OpenRound asks the families of an agreement's roster: everyone who may decide for a
// child, once in ninety days, in one message a family for all its children and
// programs (officer).
func (b *Broker) OpenRound(ctx context.Context, c Caller, req RoundRequest) (*Answer, error) {
	const operation = "open a round"
	if err := b.admit(ctx, c, operation, RoleOfficer); err != nil {
		return nil, err
	}
	id, err := newID("rnd", "")
	if err != nil {
		return nil, err
	}
	a := act{event: tlog.RoundOpened, lane: store.LaneOfficer, caller: c, request: req}
	answer, err := b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		rec, found, err := agreements.get(tx, key(req.Agreement))
		if err != nil || !found {
			return outcome{}, orNotAvailable(err)
		}
		round, err := b.newRound(id, rec, req, c, m)
		if err != nil {
			return outcome{}, err
		}
		out := outcome{data: viewRound(round), created: true, agreement: rec.Agreement}
		return out, rounds.put(tx, key(id), round)
	})
	if err != nil {
		return nil, err
	}
	if _, err := b.AskFamilies(context.WithoutCancel(ctx)); err != nil {
		b.alarm("rounds", err) // the round stands, and is gone on with when the service looks again
	}
	return answer, nil
}

// newRound refuses what the agreement does not allow to ask.
func (b *Broker) newRound(id string, rec agreementRecord, req RoundRequest, c Caller, m moment) (roundRecord, error) {
	terms := rec.Agreement
	if terms.StateOn(m.today) != agreement.Active {
		return roundRecord{}, conflict("this agreement is not in force, so nothing can be asked under it")
	}
	if rec.Roster == 0 {
		return roundRecord{}, conflict("this agreement has no roster yet: whose families should be asked is not known")
	}
	round := roundRecord{
		ID: id, Agreement: terms.ID, Schools: req.Schools, Categories: orList(req.Categories, terms.Clauses.Categories), RecordsFrom: req.RecordsFrom, RecordsTo: req.RecordsTo,
		Expires: cmp.Or(req.Expires, req.RecordsTo+lookLonger), Program: req.Program, OpenedAt: m.now, By: c.Subject, Roster: rec.Roster,
	}
	if req.Program && req.Expires.IsZero() {
		round.RecordsTo = min(m.today.AddYears(longestConsent)-1, terms.Clauses.TermTo)
		round.Expires = round.RecordsTo
	}
	return round, round.check(terms.Clauses, m.today)
}

func (r roundRecord) check(clauses agreement.Clauses, today civil.Date) error {
	var fields []Field
	unless := func(ok bool, name, problem, remedy string) {
		if !ok {
			fields = append(fields, Field{name, problem, remedy})
		}
	}
	unless(!r.RecordsFrom.IsZero(), "records_from", "is missing", "give the first day of the records, such as that of the school year")
	unless(!r.RecordsTo.IsZero() && r.RecordsFrom <= r.RecordsTo, "records_to", "is missing or before records_from", "give the last day of the records, such as that of the school year")
	unless(r.Expires >= today, "expires", "is over", "give a day to come")
	unless(r.Expires <= today.AddYears(longestConsent), "expires", "is over three years away", "ask again by then: every consent ends by itself")
	for _, category := range r.Categories {
		unless(slices.Contains(clauses.Categories, category), "categories", "names a category that is not in the agreement's schedule of data", "choose among the agreement's categories")
	}
	for _, school := range r.Schools {
		unless(slices.Contains(clauses.Schools, school), "schools", "names a school that is not in the agreement", "choose among the agreement's schools")
	}
	if len(fields) > 0 {
		return invalid(fields...)
	}
	return nil
}

// askedAtOnce is how many children one Update goes through.
const askedAtOnce = 100

// AskFamilies goes on with every round that is not done, and then sends the messages
// that are due. It returns how many messages were written. It may be called at any
// time and by anybody: what was asked is not asked twice.
func (b *Broker) AskFamilies(ctx context.Context) (written int, err error) {
	for {
		var open []roundRecord
		err := b.store.View(ctx, func(r store.Reader) error {
			return rounds.all(r, nil, func(_ []byte, round roundRecord) error {
				if !round.Done {
					open = append(open, round)
				}
				return nil
			})
		})
		if err != nil {
			return 0, storeError(err)
		}
		if len(open) == 0 {
			return b.sendInvitations(ctx)
		}
		for _, round := range open {
			if _, err := b.store.Update(ctx, store.LaneImport, func(tx store.Tx) error { return b.goOn(tx, round.ID) }); err != nil {
				return 0, storeError(err)
			}
		}
	}
}

// goOn asks about the next children of a round.
func (b *Broker) goOn(tx store.Tx, id string) error {
	m := b.moment()
	round, found, err := rounds.get(tx, key(id))
	if err != nil || !found || round.Done {
		return err
	}
	rec, found, err := agreements.get(tx, key(round.Agreement))
	if err != nil || !found {
		return err
	}
	roster, err := b.roster(tx, round.Agreement, round.Roster)
	if err != nil {
		return err
	}
	all := children(roster)
	upTo := min(round.Next+askedAtOnce, len(all))
	for _, c := range all[min(round.Next, upTo):upTo] {
		if err := b.askAbout(tx, m, round, rec, c.sid); err != nil {
			return err
		}
	}
	round.Next, round.Done = upTo, upTo == len(all)
	return rounds.put(tx, key(id), round)
}

// askAbout asks everyone who may decide for a child. A protected family is asked by an
// officer, in person, and never by itself.
func (b *Broker) askAbout(tx store.Tx, m moment, round roundRecord, rec agreementRecord, sid records.SID) error {
	p, err := b.profile(tx, sid)
	if KindOf(err) == NotAvailable {
		return nil
	}
	if err != nil {
		return err
	}
	if !attends(p, orList(round.Schools, rec.Agreement.Clauses.Schools), m.today) {
		return nil
	}
	recorded, err := b.rightsOf(tx, sid)
	if err != nil || recorded.protected(m.now) != nil {
		return err
	}
	people, err := b.decidersOf(tx, p, m)
	if err != nil {
		return err
	}
	grants, err := b.grants(tx, sid)
	if err != nil {
		return err
	}
	before, err := b.asksOf(tx, sid)
	if err != nil {
		return err
	}
	for _, one := range people {
		a := ask{
			Round: round.ID, Agreement: round.Agreement, Person: one.signer, Categories: round.Categories,
			RecordsFrom: round.RecordsFrom, RecordsTo: round.RecordsTo, Expires: round.Expires, Program: round.Program, AskedAt: m.now,
		}
		a = a.renewing(grants, rec, m)
		if !b.dueFor(grants, before, rec.Agreement.Partner, rec.Agreement.Clauses.Purpose, a, m) {
			continue
		}
		a.ID = newAskID()
		if err := b.putAsk(tx, sid, a); err != nil {
			return err
		}
		if err := b.hasMail(tx, one.subject); err != nil {
			return err
		}
	}
	return nil
}

// attends reports whether a student is enrolled at one of the schools on a day.
func attends(p records.Profile, schools []string, day civil.Date) bool {
	return slices.ContainsFunc(p.Enrollments, func(e records.Enrollment) bool {
		return slices.Contains(schools, e.School) && e.Entry <= day && (e.Exit.IsZero() || day <= e.Exit)
	})
}

// roundView is what an officer reads of a round.
type roundView struct {
	ID          string             `json:"id"`
	Agreement   string             `json:"agreement"`
	Schools     []string           `json:"schools,omitzero"`
	Categories  []consent.Category `json:"categories"`
	RecordsFrom civil.Date         `json:"records_from"`
	RecordsTo   civil.Date         `json:"records_to"`
	Expires     civil.Date         `json:"expires"`
	OpenedAt    time.Time          `json:"opened_at"`
	Done        bool               `json:"everyone_was_asked"`
	Children    *roundCounts       `json:"children,omitzero"`
}

// roundCounts tell of the children of a round by the newest answer of their families,
// and of the answers by how they were given.
type roundCounts struct {
	Asked    int                    `json:"asked"`
	Yes      int                    `json:"yes"`
	No       int                    `json:"no"`
	Talk     int                    `json:"wants_to_talk"`
	Silent   int                    `json:"no_answer"`
	ByMethod map[consent.Method]int `json:"answered_by_method"`
}

func viewRound(r roundRecord) roundView {
	return roundView{
		ID: r.ID, Agreement: r.Agreement, Schools: r.Schools, Categories: r.Categories, RecordsFrom: r.RecordsFrom, RecordsTo: r.RecordsTo,
		Expires: r.Expires, OpenedAt: r.OpenedAt, Done: r.Done,
	}
}

// Rounds lists the rounds, newest first, with what came of each (officer, auditor).
func (b *Broker) Rounds(ctx context.Context, c Caller) (*Answer, error) {
	const operation = "list rounds"
	if err := b.admit(ctx, c, operation, RoleOfficer, RoleAuditor); err != nil {
		return nil, err
	}
	return b.read(ctx, c, operation, func(r store.Reader, _ moment) (any, error) {
		list, at := []roundView{}, map[string]*roundCounts{}
		err := rounds.all(r, nil, func(_ []byte, round roundRecord) error {
			v := viewRound(round)
			v.Children = &roundCounts{ByMethod: map[consent.Method]int{}}
			at[round.ID] = v.Children
			list = append(list, v)
			return nil
		})
		if err != nil {
			return nil, err
		}
		slices.SortFunc(list, func(a, b roundView) int { return cmp.Or(b.OpenedAt.Compare(a.OpenedAt), cmp.Compare(a.ID, b.ID)) })
		return map[string]any{"rounds": list}, b.countRounds(r, at)
	})
}

// countRounds counts each child of each round once.
func (b *Broker) countRounds(r store.Reader, at map[string]*roundCounts) error {
	type childOf struct {
		round string
		sid   records.SID
	}
	newest := map[childOf]ask{}
	err := asks.all(b, r, func(_ string, sid records.SID, a ask) error {
		k := childOf{a.Round, sid}
		if known, ok := newest[k]; !ok || a.AnsweredAt.After(known.AnsweredAt) {
			newest[k] = a
		}
		return nil
	})
	if err != nil {
		return err
	}
	for k, a := range newest {
		n := at[k.round]
		if n == nil {
			continue
		}
		n.Asked++
		if a.Grant == "" {
			n.Silent++
			continue
		}
		g, err := b.grantOf(r, k.sid, a.Grant)
		if err != nil {
			return err
		}
		n.count(g)
	}
	return nil
}

func (n *roundCounts) count(g consent.Grant) {
	n.ByMethod[g.Method]++
	switch g.Answer {
	case consent.Yes:
		n.Yes++
	case consent.No:
		n.No++
	default:
		n.Talk++
	}
}

// lastAsked is when the families of an agreement were asked last, and the first day
// after which they may be asked again: to a partner it is the same whatever any family
// answered.
func lastAsked(r store.Reader, id string, zone *time.Location) (asked, again civil.Date, err error) {
	err = rounds.all(r, nil, func(_ []byte, round roundRecord) error {
		if round.Agreement == id {
			asked = max(asked, civil.Of(round.OpenedAt, zone))
		}
		return nil
	})
	if !asked.IsZero() {
		again = asked + AskAgainDays
	}
	return asked, again, err
}
