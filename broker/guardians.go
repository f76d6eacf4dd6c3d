package broker

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// guardianPair is two of the district's numbers of guardians, in the order of
// their bytes.
type guardianPair [2]string

func pairOf(a, b string) guardianPair { return guardianPair{min(a, b), max(a, b)} }

// pairWord is a steward's word on two numbers that look like one person's.
type pairWord struct {
	Guardians guardianPair `json:"guardians"`
	One       bool         `json:"one"` // they are one person
	Names     []string     `json:"names"` // keyed digests of the names that both had
	By        string       `json:"by"`
	At        time.Time    `json:"at"`
}

// pairKey names a pair without saying whose numbers it holds.
func (b *Broker) pairKey(p guardianPair) []byte {
	sum := b.vault.Index("guardians", p[0], p[1])
	return sum[:16]
}

func pairAAD(k []byte) []byte { return append([]byte("guardians|"), k...) }

func (b *Broker) putWord(tx store.Tx, w pairWord) error {
	plain, err := json.Marshal(w)
	if err != nil {
		return err
	}
	k := b.pairKey(w.Guardians)
	box, err := b.vault.Seal(districtKey, pairAAD(k), plain)
	if err != nil {
		return err
	}
	return tx.Put(colGuardians, k, box)
}

// persons are the guardians whom the district's files know under several
// numbers, as the stewards confirmed them. It is not changed once it is made.
type persons struct {
	revision uint64
	words    map[guardianPair]pairWord
	groups   map[string]*group     // number -> all of its person; no entry: the number is all
	apart    map[guardianPair]bool // persons, each by the number that stands for it
}

// group is the numbers of one person and what joins them.
type group struct {
	ids     []string // ascending
	names   []string // keyed digests of those under which it was joined
	aliases []consent.Alias
}

// persons returns what the snapshot has of stewards' words. One that is kept
// is used while nobody decided anything since.
func (b *Broker) persons(r store.Reader) (*persons, error) {
	revision, err := number(r, colHead, key(headGuardians))
	if err != nil {
		return nil, err
	}
	if kept := b.guardians.Load(); kept != nil && kept.revision == revision {
		return kept, nil
	}
	all := &persons{revision, map[guardianPair]pairWord{}, map[string]*group{}, map[guardianPair]bool{}}
	err = r.Scan(colGuardians, store.Range{}, func(k, box []byte) (bool, error) {
		plain, err := b.vault.Open(districtKey, pairAAD(k), box)
		if err != nil {
			return false, err
		}
		var w pairWord
		if err := json.Unmarshal(plain, &w); err != nil {
			return false, err
		}
		all.add(w, b.sabotage.UniteAnswers)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	for pair, w := range all.words {
		if !w.One {
			all.apart[all.people(pair)] = true
		}
	}
	b.guardians.Store(all)
	return all, nil
}

// add takes in a word. Numbers that are joined through others already stay one
// group, so that no chain and no ring can make two of it.
func (p *persons) add(w pairWord, always bool) {
	p.words[w.Guardians] = w
	if !w.One {
		return
	}
	alias := consent.Alias{Signer: signerGuardian + w.Guardians[0], Other: signerGuardian + w.Guardians[1], EnteredAt: w.At}
	if always {
		alias.EnteredAt = time.Time{}
	}
	joined := &group{names: slices.Clone(w.Names), aliases: []consent.Alias{alias}}
	for _, id := range w.Guardians {
		joined.ids = append(joined.ids, p.ids(id)...)
		if g := p.groups[id]; g != nil && !slices.Contains(joined.aliases, g.aliases[0]) {
			joined.names, joined.aliases = append(joined.names, g.names...), append(joined.aliases, g.aliases...)
		}
	}
	joined.ids = sortedSet(joined.ids)
	for _, id := range joined.ids {
		p.groups[id] = joined
	}
}

// ids are all the numbers of the person who has this one, ascending.
func (p *persons) ids(id string) []string {
	if g := p.groups[id]; g != nil {
		return g.ids
	}
	return []string{id}
}

// stillNamed reports whether a number still has a name under which its person was
// joined. One that the files give to somebody else since is not hers.
func (b *Broker) stillNamed(g *group, t *traits) bool {
	return slices.ContainsFunc(t.names, func(name string) bool { return slices.Contains(g.names, b.nameDigest(name)) })
}

func (b *Broker) nameDigest(name string) string {
	sum := b.vault.Index("guardian name", name)
	return hex.EncodeToString(sum[:16])
}

// people are the persons of a pair, each by the least of its numbers.
func (p *persons) people(pair guardianPair) guardianPair {
	return pairOf(p.ids(pair[0])[0], p.ids(pair[1])[0])
}

func (p *persons) same(pair guardianPair) bool {
	people := p.people(pair)
	return people[0] == people[1]
}

// rejected reports whether a steward said of any numbers of the two persons
// that they are not one.
func (p *persons) rejected(pair guardianPair) bool {
	return p.apart[p.people(pair)]
}

// aliases are those that concern any of the signers.
func (p *persons) aliases(holders []consent.Holder) (list []consent.Alias) {
	for _, h := range holders {
		id, isGuardian := strings.CutPrefix(h.Signer, signerGuardian)
		g := p.groups[id]
		if isGuardian && g != nil && !slices.Contains(list, g.aliases[0]) {
			list = append(list, g.aliases...)
		}
	}
	return list
}

// signers are how grants name the bearer of a family's token: the student, or
// a guardian by each of her numbers.
func (p *persons) signers(c Caller) []string {
	if c.signer() == signerSelf {
		return []string{signerSelf}
	}
	var list []string
	for _, id := range p.ids(c.Subject) {
		list = append(list, signerGuardian+id)
	}
	return list
}

// link is the number under which the bearer of a guardian's token stands on a
// student's file: the token's own or, where the file has only others of the
// same person, one of those. The rights are those of that number; of several,
// one that holds none comes first.
func (p *persons) link(c Caller, profile records.Profile) string {
	found, holds := c.Subject, true
	for _, g := range profile.Guardians {
		if g.ID == c.Subject {
			return g.ID
		}
		if holds && slices.Contains(p.ids(c.Subject), g.ID) {
			found, holds = g.ID, g.HoldsRights
		}
	}
	return found
}

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
	a := act{event: event, lane: store.LaneWithdrawal, caller: c, request: req}
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

// of are all the numbers of the persons of a pair.
func (p *persons) of(pair guardianPair) []string {
	return sortedSet(slices.Concat(p.ids(pair[0]), p.ids(pair[1])))
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
