package broker

import (
	"context"
	"errors"
	"slices"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/sdc/budget"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// unpaid is a budgeted release before its noise: exact sums that stay in memory, and
// what follows from sets alone, by which it is decided whether noise may be drawn.
type unpaid struct {
	plan      sdc.Plan
	raw       []sdc.RawFigure
	epsilon   int // of the agreement, in tenths
	scale     string
	cohort    *roaring.Bitmap            // by the freeze's ordinals
	schools   map[string]*roaring.Bitmap // everybody placed at a school whose totals are drawn
	spendings []sdc.Spending
}

func unpaidOf(a underTerms, raw []sdc.RawFigure, roll *compare.Roll) (_ *unpaid, err error) {
	u := &unpaid{plan: a.Plan, raw: raw, epsilon: a.clauses.Epsilon, scale: a.Scale, schools: map[string]*roaring.Bitmap{}}
	if u.cohort, err = bitmapOf(a.Cohort); err != nil {
		return nil, err
	}
	if u.spendings, err = sdc.Spendings(a.Plan, raw); err != nil {
		return nil, err
	}
	for _, s := range u.spendings {
		for _, school := range s.Schools {
			u.schools[school] = roll.At([]string{school})
		}
	}
	return u, nil
}

// everybody is all whose records the release is made from.
func (u *unpaid) everybody() *roaring.Bitmap {
	all := u.cohort.Clone()
	for _, set := range u.schools {
		all.Or(set)
	}
	return all
}

// purchase is what became of a close's budgeted releases: an attempt, and of each
// agreement what it reserved or why it could not. Draws are what was drawn since.
type purchase struct {
	freeze   freeze
	from     civil.Date // whose ledger it is; zero: nothing was reserved
	attempt  int
	reserved []budget.Release
	said     map[string]*budgetSaid // by purse
	draws    []storedDraw
}

// budgetSaid is what a partner is told of its budget beside a budgeted release.
// Amounts are of zCDP, as decimal numbers.
type budgetSaid struct {
	Exhausted  bool       `json:"exhausted"` // the release shows nothing
	Epsilon    int        `json:"epsilon_tenths"`
	Granted    string     `json:"granted"`
	Cost       string     `json:"cost"`
	Left       string     `json:"left"` // of the agreement's own
	Release    string     `json:"release"`
	Noise      int        `json:"noise_tenths"`
	Affordable int        `json:"affordable_noise_tenths,omitzero"` // of an exhausted one; absent: no noise would do
	Resets     civil.Date `json:"resets"`
}

// releases are what is to be reserved of a release with a noise: the agreement's own,
// which it pays for, and the totals of each school, which are drawn once an attempt
// for all agreements. An ErrRho says that no account is large enough.
func (u *unpaid) releases(name func(what string) string, purse, agreement string, noise int, at map[uint32]uint32) ([]budget.Release, error) {
	var plan []budget.Figures
	var list []budget.Release
	for _, s := range u.spendings {
		figures := budget.Figures{Sensitivity: s.Range, Public: 1, Variance: varianceOf(noise).Times(s.Hidden)}
		cost, err := budget.Cost(figures)
		if err != nil {
			return nil, err
		}
		for _, school := range s.Schools {
			id := name("totals of " + u.figure(s))
			list = append(list, budget.Release{ID: id, Payer: schoolPayer(school), Cost: cost, Members: moved(u.schools[school], at)})
		}
		if figures.Public = s.Levels; s.Levels > 0 {
			plan = append(plan, figures)
		}
	}
	if len(plan) == 0 {
		return list, nil
	}
	cost, err := budget.Cost(plan...)
	own := budget.Release{ID: name(purse), Payer: agreementPayer(agreement), Cost: cost, Members: moved(u.cohort, at)}
	return append(list, own), err
}

// purse names what is paid for together: an agreement's figures of the families that
// were frozen together.
func (r releaseRecord) purse() string { return r.Agreement + ", " + join(r.Families) }

// figure tells results on two scales apart.
func (u *unpaid) figure(s sdc.Spending) string {
	if s.Family == string(records.GradesFamily) && u.scale != "" {
		return s.Indicator + " on " + u.scale
	}
	return s.Indicator
}

func agreementPayer(id string) budget.Payer {
	return budget.Payer{Kind: budget.KindAgreement, Name: id}
}
func schoolPayer(id string) budget.Payer { return budget.Payer{Kind: budget.KindSchool, Name: id} }

func moved(set *roaring.Bitmap, at map[uint32]uint32) *roaring.Bitmap {
	out := roaring.New()
	for it := set.Iterator(); it.HasNext(); {
		out.Add(at[it.Next()])
	}
	return out
}

// reserve sets aside what the unpaid releases of a close cost, before anything is
// drawn, in an Update of its own: in the order of the agreements, each as a whole or
// not at all. It reads sets only.
func (b *Broker) reserve(ctx context.Context, c Caller, f freeze, list []releaseRecord, resets civil.Date) (p purchase, err error) {
	a := act{event: tlog.BudgetReserved, lane: store.LaneOfficer, caller: c, request: map[string]string{"period": f.Session}}
	answer, err := b.perform(ctx, a, func(tx store.Tx, _ moment) (outcome, error) {
		l, err := b.ledger(tx, f, resets)
		if err != nil {
			return outcome{}, err
		}
		if err := l.begin(f.Session, b.sabotage.GiveBack); err != nil {
			return outcome{}, err
		}
		p = purchase{freeze: f, from: l.From, attempt: l.Attempts[f.Session], said: map[string]*budgetSaid{}}
		for _, rec := range list {
			if rec.unpaid == nil {
				continue
			}
			if err := b.reserveOne(tx, &l, &p, rec); err != nil {
				return outcome{}, err
			}
		}
		return outcome{body: p.entry()}, b.putLedger(tx, l)
	})
	answer.Drop()
	return p, err
}

// reserveOne sets aside what one release costs, or says why it cannot.
func (b *Broker) reserveOne(r store.Reader, l *yearLedger, p *purchase, rec releaseRecord) error {
	u, payer := rec.unpaid, agreementPayer(rec.Agreement)
	at, err := l.enrol(r, p.freeze, u.everybody())
	if err != nil {
		return err
	}
	if err := l.open(payer, u); err != nil {
		return err
	}
	name := func(what string) string { return releaseID(p.freeze.Session, p.attempt, what) }
	list, err := u.releases(name, rec.purse(), rec.Agreement, rec.Noise, at)
	if err != nil && !errors.Is(err, budget.ErrRho) {
		return err
	}
	said := &budgetSaid{Epsilon: u.epsilon, Cost: costOf(list, payer).String(), Release: name(rec.purse()), Noise: rec.Noise, Resets: l.book.Resets()}
	p.said[rec.purse()] = said
	next, _, reserveErr := l.book.Reserve(list...)
	switch {
	case err == nil && reserveErr == nil && !b.sabotage.FreeDraws:
		l.book, p.reserved = next, append(p.reserved, list...)
	case err != nil, errors.Is(reserveErr, budget.ErrExhausted):
		said.Exhausted = true
		said.Affordable = l.affordable(u, rec, at)
	case reserveErr != nil:
		return reserveErr
	}
	account, _ := l.book.Account(payer)
	said.Granted, said.Left = account.Granted().String(), account.Left().String()
	return nil
}

// open opens the accounts that a release needs.
func (l *yearLedger) open(payer budget.Payer, u *unpaid) error {
	granted, err := grantOf(u.epsilon)
	if err != nil {
		return err
	}
	if err := l.grant(payer, granted); err != nil {
		return err
	}
	for school := range u.schools {
		if err := l.grant(schoolPayer(school), l.School); err != nil {
			return err
		}
	}
	return nil
}

// affordable is the least noise with which the release could have been paid for now,
// in tenths of a student, or zero where there is none.
func (l *yearLedger) affordable(u *unpaid, rec releaseRecord, at map[uint32]uint32) int {
	fails := func(tenths int) bool {
		list, err := u.releases(func(what string) string { return "what if " + what }, rec.purse(), rec.Agreement, tenths, at)
		if err != nil {
			return true
		}
		_, _, err = l.book.Reserve(list...)
		return err != nil
	}
	n := rec.Noise + sort.Search(mostNoise-rec.Noise+1, func(i int) bool { return !fails(rec.Noise + i) })
	if n > mostNoise {
		return 0
	}
	return n
}

func costOf(list []budget.Release, payer budget.Payer) (sum budget.Rho) {
	for _, r := range list {
		if r.Payer == payer {
			sum += r.Cost
		}
	}
	return sum
}

// paidSum is what one account pays in an attempt.
type paidSum struct {
	Kind    budget.Kind `json:"kind"`
	Name    string      `json:"name"`
	Figures []string    `json:"releases"`
	Cost    string      `json:"cost"`
}

// entry is what the log keeps: what was reserved, for whom and at what cost, what is
// left of the agreements, and no student.
func (p purchase) entry() map[string]any {
	sums, costs := map[budget.Payer]*paidSum{}, map[budget.Payer]budget.Rho{}
	var list []*paidSum
	for _, r := range p.reserved {
		sum := sums[r.Payer]
		if sum == nil {
			sum = &paidSum{Kind: r.Payer.Kind, Name: r.Payer.Name}
			sums[r.Payer], list = sum, append(list, sum)
		}
		if slices.Contains(sum.Figures, r.ID) {
			continue // another agreement's too
		}
		costs[r.Payer] += r.Cost
		sum.Figures, sum.Cost = append(sum.Figures, r.ID), costs[r.Payer].String()
	}
	return map[string]any{"period": p.freeze.Session, "attempt": p.attempt, "reserved": list, "agreements": p.said}
}
