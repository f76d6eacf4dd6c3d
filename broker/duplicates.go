package broker

import (
	"cmp"
	"context"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// The states of a pair of guardians.
const (
	duplicateSuggested = "suggested"
	duplicateConfirmed = "confirmed"
	duplicateRejected  = "rejected"
)

func stateOf(w pairWord) string {
	if w.One {
		return duplicateConfirmed
	}
	return duplicateRejected
}

func (b *Broker) pairID(p guardianPair) string { return "dup_" + hex.EncodeToString(b.pairKey(p)) }

// duplicateView is two guardians who look like one person, as a steward sees
// them: their numbers, how they agree, and nothing else of the persons.
type duplicateView struct {
	ID        string             `json:"id"`
	State     string             `json:"state"`
	Guardians []guardianChildren `json:"guardians"`
	Why       string             `json:"why,omitzero"`
	By        string             `json:"decided_by,omitzero"`
	At        time.Time          `json:"decided_at,omitzero"`
}

// guardianChildren is a guardian with the number of children on file.
type guardianChildren struct {
	ID       string `json:"guardian_id"`
	Children int    `json:"children"`
}

// Duplicates lists the guardians who look like one person: the first that
// wait for a decision, how many there are, and all that were decided (steward,
// officer). It looks at the data version that counts.
func (b *Broker) Duplicates(ctx context.Context, c Caller) (*Answer, error) {
	const operation = "read the guardian duplicates"
	if err := b.admit(ctx, c, operation, RoleSteward, RoleOfficer); err != nil {
		return nil, err
	}
	return b.read(ctx, c, operation, func(r store.Reader, _ moment) (any, error) {
		who, err := b.persons(r)
		if err != nil {
			return nil, err
		}
		directory, err := b.guardianDirectory(r)
		if err != nil {
			return nil, err
		}
		waiting, decided := []duplicateView{}, []duplicateView{}
		alike := directory.alike(who)
		for _, pair := range alike[:min(len(alike), maxQueue)] {
			waiting = append(waiting, directory.view(b.pairID(pair), pair, pairWord{}))
		}
		for pair, w := range who.words {
			decided = append(decided, directory.view(b.pairID(pair), pair, w))
		}
		slices.SortFunc(decided, func(a, b duplicateView) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.ID, b.ID)) })
		return map[string]any{"duplicates": waiting, "waiting": len(alike), "decided": decided}, nil
	})
}

// traits are what the district's files say of one guardian, by which two
// numbers are told to be one person's. They are personal data and never leave
// the service.
type traits struct {
	names, emails, phones []string
	children              []records.SID
}

// add takes in the guardian's row on one child's file; the children come in the
// order of SID. What exceeds maxAlike names, addresses or telephone numbers is
// not kept: such a number is no one person's.
func (t *traits) add(g records.Guardian, child records.SID) {
	note := func(list *[]string, value string) {
		if value != "" && len(*list) < maxAlike && !slices.Contains(*list, value) {
			*list = append(*list, value)
		}
	}
	note(&t.names, nameKey(g.Given)+nameKey(g.Family))
	note(&t.emails, emailKey(g.Email))
	note(&t.phones, phoneKey(g.Phone))
	if n := len(t.children); n == 0 || t.children[n-1] != child {
		t.children = append(t.children, child)
	}
}

// emailKey is how two addresses are one; what is no address is none.
func emailKey(email string) string {
	email = strings.ToLower(strings.TrimSpace(email))
	if name, host, _ := strings.Cut(email, "@"); name == "" || host == "" {
		return ""
	}
	return email
}

// leastDigits is how long a telephone number is at least; what is shorter, or
// one digit over and over, stands for none.
const leastDigits = 7

// phoneKey is how two telephone numbers are one: by their digits, without the
// country code of North America.
func phoneKey(phone string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
	if len(digits) == 11 {
		digits = strings.TrimPrefix(digits, "1")
	}
	if len(digits) < leastDigits || strings.Count(digits, digits[:1]) == len(digits) {
		return ""
	}
	return digits
}

// agrees says in what two guardians agree who may be one person; it is empty
// for those who do not share a name and something besides.
func (t *traits) agrees(other *traits) string {
	if !share(t.names, other.names) {
		return ""
	}
	list := []string{"name"}
	if share(t.emails, other.emails) {
		list = append(list, "e-mail")
	}
	if share(t.phones, other.phones) {
		list = append(list, "telephone number")
	}
	if t.sharesChild(other) {
		list = append(list, "child")
	}
	last := len(list) - 1
	if last == 0 {
		return ""
	}
	return "same " + strings.Join(list[:last], ", ") + " and " + list[last]
}

func share(a, b []string) bool {
	return slices.ContainsFunc(a, func(v string) bool { return slices.Contains(b, v) })
}

func (t *traits) sharesChild(other *traits) bool {
	return slices.ContainsFunc(t.children, func(sid records.SID) bool {
		_, found := slices.BinarySearchFunc(other.children, sid, records.SID.Compare)
		return found
	})
}

// blockingKeys are what a guardian has in common with everyone who agrees in a
// name and something besides: only who shares one is compared.
func (t *traits) blockingKeys() (list []string) {
	for _, name := range t.names {
		for _, email := range t.emails {
			list = append(list, name+"\x00e"+email)
		}
		for _, phone := range t.phones {
			list = append(list, name+"\x00p"+phone)
		}
		for _, sid := range t.children {
			list = append(list, name+"\x00c"+string(sid[:]))
		}
	}
	return list
}

// guardianDirectory is the guardians of a data version by their numbers.
type guardianDirectory map[string]*traits

// guardianDirectory reads the guardians of the data version that counts.
func (b *Broker) guardianDirectory(r store.Reader) (guardianDirectory, error) {
	d, err := b.dataset(r)
	if err != nil {
		return nil, err
	}
	all := guardianDirectory{}
	for _, ref := range d.manifest.Pages {
		if err := b.readPage(r, ref, all.add); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (all guardianDirectory) add(p records.Profile) {
	for _, g := range p.Guardians {
		if all[g.ID] == nil {
			all[g.ID] = &traits{}
		}
		all[g.ID].add(g, p.SID)
	}
}

// traitsOf are one guardian's traits.
func (b *Broker) traitsOf(r store.Reader, id string) (*traits, error) {
	sids, err := b.lookup(r, byGuardianID, id)
	if err != nil {
		return nil, err
	}
	t := &traits{}
	for _, sid := range sids {
		p, err := b.profile(r, sid)
		if KindOf(err) == NotAvailable {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, g := range p.Guardians {
			if g.ID == id {
				t.add(g, sid)
			}
		}
	}
	return t, nil
}

// maxAlike bounds how many numbers one person may seem to have. What more of
// them share is no mark of a person but a filler of the file.
const maxAlike = 16

// alike lists the pairs to suggest, in the order of their numbers: who agree,
// are not one person already, and were not told apart.
func (all guardianDirectory) alike(who *persons) []guardianPair {
	sharing := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		for _, k := range all[id].blockingKeys() {
			sharing[k] = append(sharing[k], id)
		}
	}
	found := map[guardianPair]bool{}
	for _, ids := range sharing {
		if len(ids) > maxAlike {
			continue
		}
		for i, a := range ids {
			for _, b := range ids[i+1:] {
				pair := pairOf(a, b)
				found[pair] = !who.same(pair) && !who.rejected(pair)
			}
		}
	}
	maps.DeleteFunc(found, func(_ guardianPair, suggested bool) bool { return !suggested })
	return slices.SortedFunc(maps.Keys(found), func(a, b guardianPair) int { return slices.Compare(a[:], b[:]) })
}

// view is a pair as a steward sees it; the zero word is that of a pair that
// waits.
func (all guardianDirectory) view(id string, pair guardianPair, w pairWord) duplicateView {
	v := duplicateView{ID: id, State: duplicateSuggested}
	if !w.At.IsZero() {
		v.State, v.By, v.At = stateOf(w), w.By, w.At
	}
	var of [2]traits
	for i, id := range pair {
		if t := all[id]; t != nil {
			of[i] = *t
		}
		v.Guardians = append(v.Guardians, guardianChildren{id, len(of[i].children)})
	}
	if v.Why = of[0].agrees(&of[1]); v.Why == "" {
		v.Why = "alike no more"
	}
	return v
}
