package broker

import (
	"context"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// The decisions on two numbers that look like one person's.
const (
	DuplicateConfirm = "confirm"
	DuplicateReject  = "reject"
	DuplicateUndo    = "undo"
)

var duplicateEvents = map[string]tlog.Event{
	DuplicateConfirm: tlog.GuardiansJoined, DuplicateReject: tlog.GuardiansToldApart, DuplicateUndo: tlog.GuardiansUndecided,
}

// DecideDuplicate records a steward's word on two guardians who look like one
// person, or takes it back (steward, officer). From a confirmation on a token
// of either number speaks about the children of both, and what either answers
// is one person's answer; what they answered before opens no more than it did.
// The same word twice changes nothing.
func (b *Broker) DecideDuplicate(ctx context.Context, c Caller, id string, req DuplicateRequest) (*Answer, error) {
	const operation = "decide a guardian duplicate"
	if err := b.admit(ctx, c, operation, RoleSteward, RoleOfficer); err != nil {
		return nil, err
	}
	event, known := duplicateEvents[req.Decision]
	if !known {
		return nil, invalidField("decision", "is missing or unknown", "write confirm, reject or undo")
	}
	a := act{event: event, lane: store.LaneWithdrawal, caller: c, request: req, again: stopDuplicate, id: id}
	var pair guardianPair
	err := b.store.View(ctx, func(r store.Reader) (err error) {
		who, err := b.persons(r)
		if err != nil {
			return err
		}
		if pair, err = b.duplicate(r, who, id); err != nil {
			return err
		}
		a.closes, err = b.everChildren(r, who.of(pair))
		return err
	})
	if err != nil {
		return nil, b.turnAway(ctx, c, operation, storeError(err))
	}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		return b.decideDuplicate(tx, pair, req.Decision, pairWord{Guardians: pair, One: req.Decision == DuplicateConfirm, By: c.Subject, At: m.now})
	})
}

// duplicate finds a pair by its id, among those that were decided and those
// that are suggested.
func (b *Broker) duplicate(r store.Reader, who *persons, id string) (guardianPair, error) {
	for pair := range who.words {
		if b.pairID(pair) == id {
			return pair, nil
		}
	}
	directory, err := b.guardianDirectory(r)
	if err != nil {
		return guardianPair{}, err
	}
	for _, pair := range directory.alike(who) {
		if b.pairID(pair) == id {
			return pair, nil
		}
	}
	return guardianPair{}, notAvailable()
}

func (b *Broker) decideDuplicate(tx store.Tx, pair guardianPair, decision string, w pairWord) (outcome, error) {
	who, err := b.persons(tx)
	if err != nil {
		return outcome{}, err
	}
	was, decided := who.words[pair]
	undo := decision == DuplicateUndo
	state := duplicateState{b.pairID(pair), stateOf(w)}
	if undo {
		state.State = duplicateSuggested
	}
	out := outcome{data: state, body: state}
	switch {
	case undo && !decided, !undo && decided && was.One == w.One:
		return outcome{data: state, unlogged: true}, nil
	case undo:
		err = b.takeBack(tx, who, was)
	case decided:
		err = conflict("this pair is " + stateOf(was) + "; undo that first")
	default:
		err = b.decideAnew(tx, who, w)
	}
	if err != nil {
		return outcome{}, err
	}
	if w.One || was.One {
		if out.subjects, out.moved, err = b.touch(tx, who.of(pair)); err != nil {
			return outcome{}, err
		}
	}
	return out, bump(tx, colHead, key(headGuardians))
}

// duplicateState is what a decision made of a pair. It names the pair without
// its numbers, so that the log holds none.
type duplicateState struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

// decideAnew keeps a word, unless the pair is settled through others or does
// not look alike any more.
func (b *Broker) decideAnew(tx store.Tx, who *persons, w pairWord) error {
	if who.same(w.Guardians) {
		return conflict("these two are one person already, through other pairs")
	}
	if w.One && who.rejected(w.Guardians) {
		return conflict("another pair of the same two persons is rejected; undo that first")
	}
	var of [2]*traits
	for i, id := range w.Guardians {
		var err error
		if of[i], err = b.traitsOf(tx, id); err != nil {
			return err
		}
	}
	if of[0].agrees(of[1]) == "" {
		return notAvailable()
	}
	for _, name := range of[0].names {
		if slices.Contains(of[1].names, name) {
			w.Names = append(w.Names, b.nameDigest(name))
		}
	}
	return b.putWord(tx, w)
}

// takeBack forgets a word. Two numbers under which somebody answered as one
// person stay joined: nobody can say for which of two such an answer was
// meant, and what it closed could open.
func (b *Broker) takeBack(tx store.Tx, who *persons, w pairWord) error {
	if w.One {
		err := b.eachAnswer(tx, who.of(w.Guardians), func(g consent.Grant) error {
			if g.Invalidated == nil && g.EnteredAt.After(w.At) {
				return conflict("answers were given since these two were joined, and parting them could open what those closed; an officer invalidates the answers first")
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return tx.Delete(colGuardians, b.pairKey(w.Guardians))
}

// touch moves the consent revision of every agreement whose answers depend on
// what the guardians said. It returns their children and the agreements.
func (b *Broker) touch(tx store.Tx, ids []string) (children []records.SID, moved []string, err error) {
	if children, err = b.everChildren(tx, ids); err != nil {
		return nil, nil, err
	}
	var parties []string
	err = b.eachAnswer(tx, ids, func(g consent.Grant) error {
		parties = append(parties, g.Party)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for _, party := range sortedSet(parties) {
		list, err := b.moveConsent(tx, party)
		if err != nil {
			return nil, nil, err
		}
		moved = append(moved, list...)
	}
	return children, moved, nil
}

// eachAnswer calls fn for each answer that the guardians ever gave.
func (b *Broker) eachAnswer(r store.Reader, ids []string, fn func(consent.Grant) error) error {
	children, err := b.everChildren(r, ids)
	if err != nil {
		return err
	}
	for _, sid := range children {
		grants, err := b.grants(r, sid)
		if err != nil {
			return err
		}
		for _, g := range grants {
			id, isGuardian := strings.CutPrefix(g.Signer, signerGuardian)
			if !isGuardian || !slices.Contains(ids, id) {
				continue
			}
			if err := fn(g); err != nil {
				return err
			}
		}
	}
	return nil
}

// everChildren are the students on whose files the guardians ever stood, under
// the names that they have now.
func (b *Broker) everChildren(r store.Reader, ids []string) ([]records.SID, error) {
	var children []records.SID
	for _, id := range ids {
		sids, err := b.lookup(r, byGuardianID, id)
		if err != nil {
			return nil, err
		}
		children = append(children, sids...)
	}
	err := r.Scan(colMerged, store.Range{}, func(k, _ []byte) (bool, error) {
		former, _, err := formerNames.get(r, k)
		if slices.ContainsFunc(former, func(sid records.SID) bool { return slices.Contains(children, sid) }) {
			children = append(children, records.SID(k))
		}
		return true, err
	})
	return sortedSIDs(children), err
}
