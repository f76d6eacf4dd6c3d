package broker

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/consent"
)

// childrenOf are the profiles of a visitor's children, by given name and number: their
// ordinals on the pages.
func (b *Broker) childrenOf(r store.Reader, c Caller) (list []records.Profile, err error) {
	family, err := b.family(r, c)
	if err != nil {
		return nil, err
	}
	for _, sid := range family {
		p, err := b.profile(r, sid)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b records.Profile) int {
		return cmp.Or(cmp.Compare(a.Person.Given, b.Person.Given), cmp.Compare(a.Person.StudentID, b.Person.StudentID))
	})
	return list, nil
}

// Choices reads how things stand between a visitor's children and each organization
// that asked, as far as that is the visitor's own doing.
func (b *Broker) Choices(ctx context.Context, v Visitor) (page pages.Choices, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		m := b.moment()
		all, err := b.childrenOf(r, v.Caller)
		if err != nil {
			return err
		}
		for i, p := range all {
			cards, err := b.cards(r, v.Caller, p, m)
			if err != nil {
				return err
			}
			page.Children = append(page.Children, pages.ChildChoices{
				Child: p.Person.Given, Self: v.signer() == signerSelf, Seen: i + 1, Cards: cards,
			})
		}
		return nil
	})
	return page, storeError(err)
}

// between names one organization's use of a child's records.
type between struct {
	party   string
	purpose consent.Purpose
}

// cards are one for each organization and purpose about which the visitor was asked or
// has answered. Of a protected family nobody but the person named is shown any.
func (b *Broker) cards(r store.Reader, c Caller, p records.Profile, m moment) (cards []pages.Card, err error) {
	who, err := b.persons(r)
	if err != nil {
		return nil, err
	}
	recorded, err := b.rightsOf(r, p.SID)
	if err != nil {
		return nil, err
	}
	mine := who.signers(c)
	if w := recorded.protected(m.now); w != nil && !slices.Contains(mine, w.Signer) {
		return nil, nil
	}
	grants, err := b.grants(r, p.SID)
	if err != nil {
		return nil, err
	}
	open, err := b.openAsks(r, c, p)
	if err != nil {
		return nil, err
	}
	law := b.lawOf(who, p, recorded, grants, m.now)
	newest := map[between]consent.Grant{}
	for _, g := range grants {
		at := between{g.Party, g.Purpose}
		if slices.Contains(mine, g.Signer) && !g.SignedAt.Before(newest[at].SignedAt) {
			newest[at] = g
		}
	}
	waiting := map[between]string{}
	for _, a := range open {
		rec, _, err := agreements.get(r, key(a.Agreement))
		if err != nil {
			return nil, err
		}
		waiting[between{rec.Agreement.Partner, rec.Agreement.Clauses.Purpose}] = a.ID
		if _, ok := newest[between{rec.Agreement.Partner, rec.Agreement.Clauses.Purpose}]; !ok {
			newest[between{rec.Agreement.Partner, rec.Agreement.Clauses.Purpose}] = consent.Grant{}
		}
	}
	for at, g := range newest {
		card, err := b.card(r, at, g, grants, law, m)
		if err != nil {
			return nil, err
		}
		if id := waiting[at]; id != "" {
			card.State, card.Ask = pages.CardWaiting, id
		}
		cards = append(cards, card)
	}
	slices.SortFunc(cards, func(a, b pages.Card) int {
		return cmp.Or(cmp.Compare(a.Partner, b.Partner), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Ask, b.Ask))
	})
	return cards, nil
}

// card tells of the visitor's newest answer to an organization.
func (b *Broker) card(r store.Reader, at between, g consent.Grant, grants []consent.Grant, law consent.Student, m moment) (pages.Card, error) {
	org, _, err := partners.get(r, key(at.party))
	if err != nil {
		return pages.Card{}, err
	}
	card := pages.Card{ID: g.ID, Partner: org.Partner.Name}
	if g.ID == "" {
		return card, nil
	}
	if card.Receipt, err = b.receiptOf(r, g.ID); err != nil {
		return card, err
	}
	card.Since = civil.Of(g.SignedAt, b.zone)
	switch {
	case g.Withdrawn != nil:
		card.State, card.Since = pages.CardStopped, b.day(*g.Withdrawn)
	case g.Invalidated != nil:
		card.State, card.Since = pages.CardStopped, b.day(*g.Invalidated)
	case g.Answer == consent.No:
		card.State = pages.CardNo
	case g.Answer == consent.Talk:
		card.State = pages.CardTalk
	case g.Expires < m.today:
		card.State, card.Since = pages.CardEnded, g.Expires
	case b.sharesNow(g, grants, law, m):
		card.State, card.Until = pages.CardShares, g.Expires
	default:
		card.State = pages.CardOff
	}
	return card, nil
}

// sharesNow reports whether a yes opens anything, as all answers and documents stand.
func (b *Broker) sharesNow(g consent.Grant, grants []consent.Grant, law consent.Student, m moment) bool {
	return slices.ContainsFunc(g.Categories, func(category consent.Category) bool {
		state := consent.Decide(law, grants, consent.Question{
			Party: g.Party, Purpose: g.Purpose, Category: category, At: m.now, Known: m.now, Zone: b.zone,
		})
		return state.Answer == consent.StateYes
	})
}

// nthChild is the visitor's child of an ordinal, from 1.
func (b *Broker) nthChild(r store.Reader, c Caller, n int) (records.Profile, []string, error) {
	all, err := b.childrenOf(r, c)
	if err != nil {
		return records.Profile{}, nil, err
	}
	if n < 1 || n > len(all) {
		return records.Profile{}, nil, notAvailable()
	}
	var names []string
	for _, p := range all {
		names = append(names, p.Person.Given)
	}
	return all[n-1], names, nil
}

// Seen reads who asked for the records of a visitor's n-th child, newest first, before
// an entry (zero: the newest). next is before which entry there is more; zero: none.
func (b *Broker) Seen(ctx context.Context, v Visitor, n int, before uint64) (page pages.Seen, next uint64, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		p, names, err := b.nthChild(r, v.Caller, n)
		if err != nil {
			return err
		}
		l, err := b.look(r, b.moment(), v.Caller, StudentRef{StudentID: p.Person.StudentID})
		if err != nil {
			return err
		}
		found, err := l.all(cmp.Or(before, math.MaxUint64))
		if err != nil {
			return err
		}
		next = found.Next
		page = pages.Seen{N: n, Child: p.Person.Given, Self: v.signer() == signerSelf, Children: names, NamesHeld: l.held}
		for _, s := range found.Requests {
			page.Requests = append(page.Requests, b.sightPage(s))
		}
		for _, f := range found.Figures {
			page.Groups = append(page.Groups, pages.GroupFigures{Partner: f.PartnerName, Agreement: f.Agreement})
		}
		return nil
	})
	return page, next, storeError(err)
}

func (b *Broker) sightPage(s sightView) pages.Sight {
	return pages.Sight{
		Date: civil.Of(s.Time, b.zone), Partner: s.PartnerName, Categories: s.Categories, Purpose: s.Purpose,
		Outcome: pages.Outcome(s.Outcome), Index: s.Index, Copy: s.Copy,
	}
}

// SeenCopy reads what was sent about a visitor's n-th child in answer to a request,
// and the receipt that proves the request, as JSON.
func (b *Broker) SeenCopy(ctx context.Context, v Visitor, n int, index uint64) (page pages.SeenCopy, proof []byte, err error) {
	proof, err = b.Prove(ctx, index)
	if err != nil {
		return page, nil, err
	}
	err = b.store.View(ctx, func(r store.Reader) error {
		p, _, err := b.nthChild(r, v.Caller, n)
		if err != nil {
			return err
		}
		l, err := b.look(r, b.moment(), v.Caller, StudentRef{StudentID: p.Person.StudentID})
		if err != nil {
			return err
		}
		if l.held {
			return notAvailable()
		}
		sent, err := l.copyOf(index, proof)
		if err != nil {
			return err
		}
		page, err = b.copyPage(sent)
		page.N, page.Child, page.Self = n, p.Person.Given, v.signer() == signerSelf
		return err
	})
	if err != nil {
		return pages.SeenCopy{}, nil, storeError(err)
	}
	return page, proof, nil
}

func (b *Broker) copyPage(sent copyView) (page pages.SeenCopy, err error) {
	var row studentRow
	if err := json.Unmarshal(sent.Row, &row); err != nil {
		return page, internal(err)
	}
	page = pages.SeenCopy{
		Sight: b.sightPage(sent.Sight), School: row.School, Ref: row.Ref, Exact: string(sent.Row), Key: b.publicKey,
		Records: recordsPage(row.Attendance, row.Grades, row.Discipline),
	}
	for _, s := range row.Spans {
		page.Covered = append(page.Covered, pages.Covered{Category: s.Category, From: s.From, To: s.To})
	}
	return page, nil
}
