package broker

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/consent"
)

// guardianPair is two of the district's numbers of guardians, in the order of
// their bytes.
type guardianPair [2]string

func pairOf(a, b string) guardianPair { return guardianPair{min(a, b), max(a, b)} }

// pairWord is a steward's word on two numbers that look like one person's.
type pairWord struct {
	Guardians guardianPair `json:"guardians"`
	One       bool         `json:"one"`   // they are one person
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

// stillNamed reports whether a number still has a name under which its person
// was joined. One that the files give to somebody else since is not hers.
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

// of are all the numbers of the persons of a pair.
func (p *persons) of(pair guardianPair) []string {
	return sortedSet(slices.Concat(p.ids(pair[0]), p.ids(pair[1])))
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
func (b *Broker) link(r store.Reader, c Caller, profile records.Profile) (string, error) {
	who, err := b.persons(r)
	if err != nil {
		return "", err
	}
	found, holds := c.Subject, true
	for _, g := range profile.Guardians {
		if g.ID == c.Subject {
			return g.ID, nil
		}
		t := &traits{}
		t.add(g, profile.SID)
		if holds && slices.Contains(who.ids(c.Subject), g.ID) && b.stillNamed(who.groups[g.ID], t) {
			found, holds = g.ID, g.HoldsRights
		}
	}
	return found, nil
}
