package broker

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// match finds the student of each participant. Only an exact, unique match is
// made without a person: name and birth date with the school among the
// child's enrollments, or the number that the family gave with the birth
// date. What a steward decided before stands.
func (b *Broker) match(r store.Reader, agreement string, members []member) error {
	found := map[string]records.SID{} // one look for each child, so that repeating a name tells nothing by time
	for i := range members {
		p := members[i].participant
		who := strings.Join(append([]string{p.Given, p.Family, p.Birth.String(), p.StudentNumber}, p.Schools...), "\x00")
		sid, known := found[who]
		if !known {
			var err error
			if sid, err = b.matchExactly(r, p); err != nil {
				return err
			}
			found[who] = sid
		}
		decided, settled, err := b.decision(r, agreement, p)
		if err != nil {
			return err
		}
		if settled {
			sid = decided.SID
		}
		members[i].sid = sid
	}
	return nil
}

func (b *Broker) matchOne(r store.Reader, agreement string, p participant) (records.SID, error) {
	decided, found, err := b.decision(r, agreement, p)
	if err != nil || found {
		return decided.SID, err
	}
	return b.matchExactly(r, p)
}

func (b *Broker) matchExactly(r store.Reader, p participant) (records.SID, error) {
	var hits []records.SID
	for _, look := range []struct{ kind, what string }{
		{byStudentID, p.StudentNumber}, {byNameBirth, records.MatchKey(p.Given, p.Family, p.Birth)},
	} {
		if look.what == "" {
			continue
		}
		sids, err := b.lookup(r, look.kind, look.what)
		if err != nil {
			return records.SID{}, err
		}
		for _, sid := range sids {
			same, err := b.isParticipant(r, sid, p, look.kind)
			if err != nil {
				return records.SID{}, err
			}
			if same {
				hits = append(hits, sid)
			}
		}
	}
	if hits = sortedSIDs(hits); len(hits) != 1 {
		return records.SID{}, nil
	}
	return hits[0], nil
}

// isParticipant holds an index hit against the child's file as it is now.
func (b *Broker) isParticipant(r store.Reader, sid records.SID, p participant, kind string) (bool, error) {
	profile, err := b.profile(r, sid)
	if KindOf(err) == NotAvailable {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if kind == byStudentID {
		return profile.Person.StudentID == p.StudentNumber && profile.Birth == p.Birth, nil
	}
	sameName := records.MatchKey(profile.Person.Given, profile.Person.Family, profile.Birth) == records.MatchKey(p.Given, p.Family, p.Birth)
	return sameName && slices.ContainsFunc(profile.Enrollments, func(e records.Enrollment) bool { return slices.Contains(p.Schools, e.School) }), nil
}

// matchDecision is a steward's word on one participant: this student, or
// nobody.
type matchDecision struct {
	SID records.SID `json:"sid"`
	By  string      `json:"by"`
}

// participantKey names a participant for the steward without saying who it
// is: another spelling is another participant.
func (b *Broker) participantKey(agreement string, p participant) []byte {
	sum := b.vault.Index("participant", agreement, p.Ref, p.Given, p.Family, p.Birth.String())
	return key(agreement, sum[:16])
}

func (b *Broker) decision(r store.Reader, agreement string, p participant) (d matchDecision, found bool, err error) {
	k := b.participantKey(agreement, p)
	box, err := r.Get(colMatches, k)
	if err != nil || box == nil {
		return d, false, err
	}
	plain, err := b.vault.Open(agreementKey(agreement), matchAAD(k), box)
	if err != nil {
		return d, false, err
	}
	return d, true, json.Unmarshal(plain, &d)
}

func matchAAD(k []byte) []byte { return append([]byte("matches|"), k...) }

// matchView is one participant in the steward's queue, with the students it
// may be.
type matchView struct {
	ID          string       `json:"id"`
	Agreement   string       `json:"agreement"`
	Given       string       `json:"given_name"`
	Family      string       `json:"family_name"`
	Birth       string       `json:"birthdate"`
	Schools     []string     `json:"schools"`
	Suggestions []suggestion `json:"suggestions"`
}

// suggestion is a student of one of the participant's schools who is nearly
// the same.
type suggestion struct {
	StudentID string `json:"student_id"`
	Given     string `json:"given_name"`
	Family    string `json:"family_name"`
	Birth     string `json:"birthdate"`
	Why       string `json:"why"`
}

// maxSuggestions bounds what a steward is shown for one participant.
const maxSuggestions = 5

// maxQueue bounds the participants that a steward is shown at a time.
const maxQueue = 200

// Matches lists the participants that were not found, the first of them, and
// how many there are (steward).
func (b *Broker) Matches(ctx context.Context, c Caller) (*Answer, error) {
	if err := b.admit(ctx, c, "read the matching queue", RoleSteward); err != nil {
		return nil, err
	}
	return b.read(ctx, c, "read the matching queue", func(r store.Reader, _ moment) (any, error) {
		queue, waiting := []matchView{}, 0
		var people *directory
		err := b.unmatched(r, func(rec agreementRecord, m member) (err error) {
			if waiting++; waiting > maxQueue {
				return nil
			}
			if people == nil {
				if people, err = b.directory(r); err != nil {
					return err
				}
			}
			queue = append(queue, matchView{
				ID: b.matchID(rec.Agreement.ID, m.participant), Agreement: rec.Agreement.ID,
				Given: m.Given, Family: m.Family, Birth: m.Birth.String(), Schools: m.Schools,
				Suggestions: people.suggest(m.participant),
			})
			return nil
		})
		return map[string]any{"matches": queue, "waiting": waiting}, err
	})
}

func (b *Broker) matchID(agreement string, p participant) string {
	k := b.participantKey(agreement, p)
	return "mch_" + hex.EncodeToString(k[len(k)-16:])
}

// unmatched calls fn for each participant of a newest roster who has neither a
// student nor a steward's decision.
func (b *Broker) unmatched(r store.Reader, fn func(agreementRecord, member) error) error {
	return agreements.all(r, nil, func(_ []byte, rec agreementRecord) error {
		roster, err := b.roster(r, rec.Agreement.ID, rec.Roster)
		if err != nil {
			return err
		}
		for _, m := range roster {
			if !m.sid.IsZero() {
				continue
			}
			_, decided, err := b.decision(r, rec.Agreement.ID, m.participant)
			if err != nil {
				return err
			}
			if decided {
				continue
			}
			if err := fn(rec, m); err != nil {
				return err
			}
		}
		return nil
	})
}

// directory finds students by birth date and by name, for a steward's eyes
// only.
type directory struct {
	byBirth map[civil.Date][]records.Profile
	byName  map[string][]records.Profile
}

func (b *Broker) directory(r store.Reader) (*directory, error) {
	d, err := b.dataset(r)
	if err != nil {
		return nil, err
	}
	all := &directory{map[civil.Date][]records.Profile{}, map[string][]records.Profile{}}
	for _, ref := range d.manifest.Pages {
		err := b.readPage(r, ref, func(p records.Profile) {
			all.byBirth[p.Birth] = append(all.byBirth[p.Birth], p)
			name := nameKey(p.Person.Given) + nameKey(p.Person.Family)
			all.byName[name] = append(all.byName[name], p)
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// suggest lists students of the participant's schools who share the birth date
// and part of the name, or the name and not the birth date.
func (d *directory) suggest(p participant) []suggestion {
	list := []suggestion{}
	seen := map[records.SID]bool{}
	for _, who := range slices.Concat(d.byBirth[p.Birth], d.byName[nameKey(p.Given)+nameKey(p.Family)]) {
		why := near(p, who)
		there := slices.ContainsFunc(who.Enrollments, func(e records.Enrollment) bool { return slices.Contains(p.Schools, e.School) })
		if len(list) == maxSuggestions || seen[who.SID] || why == "" || !there {
			continue
		}
		seen[who.SID] = true
		list = append(list, suggestion{who.Person.StudentID, who.Person.Given, who.Person.Family, who.Birth.String(), why})
	}
	return list
}

func near(p participant, who records.Profile) string {
	sameFamily := nameKey(p.Family) == nameKey(who.Person.Family)
	sameGiven := nameKey(p.Given) == nameKey(who.Person.Given)
	switch {
	case p.Birth == who.Birth && sameFamily && sameGiven:
		return "the same name and birth date as another student, or at a school of the agreement"
	case p.Birth == who.Birth && (sameFamily || sameGiven):
		return "the same birth date and part of the name"
	case sameFamily && sameGiven:
		return "the same name, another birth date"
	}
	return ""
}

// nameKey normalises one name as matching does.
func nameKey(name string) string { return records.MatchKey(name, name, 1) }

// DecideMatch records a steward's word on one participant.
func (b *Broker) DecideMatch(ctx context.Context, c Caller, id string, req MatchRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "decide a match", RoleSteward); err != nil {
		return nil, err
	}
	if req.None == (req.StudentID != "") {
		return nil, invalidField("student_id", "must name a student, or none must be true", "give one of the two")
	}
	a := act{event: tlog.MatchDecided, lane: store.LaneOfficer, caller: c, request: req}
	return b.perform(ctx, a, func(tx store.Tx, _ moment) (outcome, error) {
		rec, who, err := b.queued(tx, id)
		if err != nil {
			return outcome{}, err
		}
		decided := matchDecision{By: c.Subject}
		if !req.None {
			sids, err := b.lookup(tx, byStudentID, req.StudentID)
			if err != nil {
				return outcome{}, err
			}
			if len(sids) != 1 {
				return outcome{}, invalidField("student_id", "is not a student of the district", "give the number as the student file has it")
			}
			decided.SID = sids[0]
		}
		return b.settle(tx, rec, who, decided)
	})
}

var errFound = errors.New("found")

// queued finds a participant of the queue by its id.
func (b *Broker) queued(r store.Reader, id string) (rec agreementRecord, who member, err error) {
	err = b.unmatched(r, func(at agreementRecord, m member) error {
		if b.matchID(at.Agreement.ID, m.participant) == id {
			rec, who = at, m
			return errFound
		}
		return nil
	})
	if errors.Is(err, errFound) {
		return rec, who, nil
	}
	return rec, who, orNotAvailable(err)
}

// settle keeps the decision and makes a roster version in which it counts.
func (b *Broker) settle(tx store.Tx, rec agreementRecord, who member, decided matchDecision) (outcome, error) {
	id := rec.Agreement.ID
	plain, err := json.Marshal(decided)
	if err != nil {
		return outcome{}, err
	}
	k := b.participantKey(id, who.participant)
	box, err := b.vault.Seal(agreementKey(id), matchAAD(k), plain)
	if err != nil {
		return outcome{}, err
	}
	if err := tx.Put(colMatches, k, box); err != nil {
		return outcome{}, err
	}
	out := outcome{data: map[string]any{"id": b.matchID(id, who.participant), "matched": !decided.SID.IsZero()}, key: agreementKey(id), agreement: rec.Agreement}
	if decided.SID.IsZero() {
		return out, nil
	}
	out.key, out.subjects = studentKey(decided.SID), []records.SID{decided.SID}
	roster, err := b.roster(tx, id, rec.Roster)
	if err != nil {
		return outcome{}, err
	}
	next := slices.Clone(roster)
	next[slices.IndexFunc(next, func(m member) bool { return m.ordinal == who.ordinal })].sid = decided.SID
	return out, b.nextRoster(tx, rec, next)
}

// nextRoster writes a roster version with the same children, found anew. It
// counts as uploaded when the partner uploaded it.
func (b *Broker) nextRoster(tx store.Tx, rec agreementRecord, members []member) error {
	head, _, err := rosterHeads.get(tx, key(rec.Agreement.ID, rec.Roster))
	if err != nil {
		return err
	}
	head.Version = rec.Roster + 1
	sealed, err := b.sealRoster(rec.Agreement.ID, head.Version, members)
	if err != nil {
		return err
	}
	return b.putRosterVersion(tx, rec, head, sealed)
}

// rematch looks again for the children whom no upload found, before a period
// is frozen: they may have been enrolled since.
func (b *Broker) rematch(ctx context.Context, session string) error {
	var ids []string
	err := b.store.View(ctx, func(r store.Reader) error {
		return agreements.all(r, nil, func(_ []byte, rec agreementRecord) error {
			found, err := b.findsMore(r, rec)
			if found {
				ids = append(ids, rec.Agreement.ID)
			}
			return err
		})
	})
	if err != nil {
		return storeError(err)
	}
	for _, id := range ids {
		if err := b.rematchAgreement(ctx, id, session); err != nil {
			return err
		}
	}
	return nil
}

// findsMore reports whether a child of the roster that was not found is found
// now. Only then must others wait while the roster is written.
func (b *Broker) findsMore(r store.Reader, rec agreementRecord) (bool, error) {
	roster, err := b.roster(r, rec.Agreement.ID, rec.Roster)
	if err != nil {
		return false, err
	}
	for i := range roster {
		if !roster[i].sid.IsZero() {
			continue
		}
		sid, err := b.matchOne(r, rec.Agreement.ID, roster[i].participant)
		if err != nil || !sid.IsZero() {
			return err == nil, err
		}
	}
	return false, nil
}

func (b *Broker) rematchAgreement(ctx context.Context, id, session string) error {
	c := Caller{Subject: "hallpass", Role: RoleSteward}
	a := act{event: tlog.MatchDecided, lane: store.LaneOfficer, caller: c, request: map[string]string{"agreement": id, "before": session}}
	_, err := b.perform(ctx, a, func(tx store.Tx, _ moment) (outcome, error) {
		rec, _, err := agreements.get(tx, key(id))
		if err != nil {
			return outcome{}, err
		}
		roster, err := b.roster(tx, id, rec.Roster)
		if err != nil {
			return outcome{}, err
		}
		next, fresh := slices.Clone(roster), []records.SID(nil)
		for i := range next {
			if !next[i].sid.IsZero() {
				continue
			}
			if next[i].sid, err = b.matchOne(tx, id, next[i].participant); err != nil {
				return outcome{}, err
			}
			if !next[i].sid.IsZero() {
				fresh = append(fresh, next[i].sid)
			}
		}
		if len(fresh) == 0 {
			return outcome{unlogged: true}, nil
		}
		out := outcome{key: agreementKey(id), agreement: rec.Agreement, subjects: sortedSIDs(fresh), places: len(next)}
		return out, b.nextRoster(tx, rec, next)
	})
	return err
}
