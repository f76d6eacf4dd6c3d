package broker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// PutParticipation replaces an agreement's roster and session log by the
// simple form, one row a session (the partner's people, officer). The answer
// says what is wrong with the file and nothing about who was found.
func (b *Broker) PutParticipation(ctx context.Context, c Caller, id string, csv io.Reader) (*Answer, error) {
	return b.putRoster(ctx, c, id, csv, func(body io.Reader, lists ingest.Lists, _ []member) (*ingest.Participation, *ingest.Report, error) {
		return ingest.ParseParticipation(body, lists, ingest.Limits{})
	})
}

// PutRoster replaces the roster by the form of two files; the sessions of
// children who stay are kept.
func (b *Broker) PutRoster(ctx context.Context, c Caller, id string, csv io.Reader) (*Answer, error) {
	return b.putRoster(ctx, c, id, csv, func(body io.Reader, lists ingest.Lists, was []member) (*ingest.Participation, *ingest.Report, error) {
		p, report, err := ingest.ParseRosterAlone(body, lists, ingest.Limits{})
		if p != nil {
			p.Sessions = sessionsOf(was)
		}
		return p, report, err
	})
}

// PutSessions replaces the session log of the roster that is there.
func (b *Broker) PutSessions(ctx context.Context, c Caller, id string, csv io.Reader) (*Answer, error) {
	return b.putRoster(ctx, c, id, csv, func(body io.Reader, lists ingest.Lists, was []member) (*ingest.Participation, *ingest.Report, error) {
		if len(was) == 0 {
			return nil, nil, conflict("there is no roster yet; upload roster.csv first")
		}
		return ingest.ParseSessions(body, participantsOf(was), lists, ingest.Limits{})
	})
}

// parse reads an upload; was is the roster that it replaces.
type parse func(body io.Reader, lists ingest.Lists, was []member) (*ingest.Participation, *ingest.Report, error)

// uploaded is the member data of the answer: a function of the uploaded bytes
// and of public lists only.
type uploaded struct {
	Agreement    string         `json:"agreement"`
	Participants int            `json:"participants"`
	Sessions     int            `json:"sessions"`
	Report       *ingest.Report `json:"report"`
}

func (b *Broker) putRoster(ctx context.Context, c Caller, id string, csv io.Reader, read parse) (*Answer, error) {
	if err := b.admit(ctx, c, "upload participation", RoleOfficer, RolePartner); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(csv)
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			return nil, err
		}
		return nil, invalidField("body", "could not be read", "send the file again")
	}
	for range attempts {
		up, err := b.readUpload(ctx, c, id, body, read)
		if err != nil {
			return nil, b.turnAway(ctx, c, "upload participation", err)
		}
		ans, err := b.writeUpload(ctx, c, id, up)
		if errors.Is(err, errMoved) {
			continue
		}
		return ans, err
	}
	return nil, unavailable("records are changing just now; upload the file again", errMoved)
}

// workable returns an agreement under which the partner works: the caller's,
// signed by both and not over, with an accepted partner.
func (b *Broker) workable(r store.Reader, c Caller, id string) (agreementRecord, error) {
	rec, found, err := agreements.get(r, key(id))
	if err != nil || !found || !c.mine(rec.Agreement) {
		return rec, orNotAvailable(err)
	}
	if state := rec.Agreement.StateOn(b.moment().today); state != agreement.Signed && state != agreement.Active {
		return rec, conflict("the agreement is " + string(state) + "; files are taken once both have signed and until its term ends")
	}
	p, _, err := partners.get(r, key(rec.Agreement.Partner))
	if err != nil {
		return rec, err
	}
	if p.Partner.State != agreement.Accepted {
		return rec, conflict("the partner is " + string(p.Partner.State) + "; files are taken from accepted partners")
	}
	banned, err := bannedOn(r, p.Partner, b.moment())
	if err == nil && banned {
		err = conflict("the partner's legal entity is barred from receiving records; no files are taken")
	}
	return rec, err
}

// upload is a file that was read and matched, before it is written.
type upload struct {
	data    uint64 // data version it was matched against
	roster  uint64 // version that it replaces
	head    rosterHead
	members []member
	sealed  []staged
	same    bool // the very bytes of the newest upload, and the same children found
	answer  uploaded
}

func (b *Broker) readUpload(ctx context.Context, c Caller, id string, body []byte, read parse) (*upload, error) {
	up := &upload{}
	err := b.store.View(ctx, func(r store.Reader) error {
		rec, err := b.workable(r, c, id)
		if err != nil {
			return err
		}
		d, err := b.dataset(r)
		if err != nil {
			return err
		}
		was, err := b.roster(r, id, rec.Roster)
		if err != nil {
			return err
		}
		p, report, err := read(bytes.NewReader(body), ingest.Lists{Schools: d.district.Schools, Sessions: d.district.Sessions}, was)
		if err != nil {
			return err
		}
		if p == nil || len(p.Participants) == 0 {
			return unreadable(report)
		}
		up.data, up.roster = d.manifest.Version, rec.Roster
		up.members = membersOf(p)
		up.answer = uploaded{id, len(up.members), len(p.Sessions), report}
		last, _, err := rosterHeads.get(r, key(id, rec.Roster))
		if err != nil {
			return err
		}
		up.head = rosterHead{Version: rec.Roster + 1, Upload: last.Upload + 1, UploadedAt: b.moment().now, Digest: digest(body), Participants: len(up.members)}
		if err := b.match(r, id, up.members); err != nil {
			return err
		}
		if last.Digest == up.head.Digest {
			up.head.Upload, up.head.UploadedAt = last.Upload, last.UploadedAt
			if up.same = slices.EqualFunc(was, up.members, sameStudent); up.same {
				return nil
			}
		}
		up.sealed, err = b.sealRoster(id, up.head.Version, up.members)
		return err
	})
	if err != nil {
		return nil, storeError(err)
	}
	return up, nil
}

func sameStudent(a, b member) bool { return a.sid == b.sid }

// unreadable refuses a file of which nothing can be used, with the places.
func unreadable(report *ingest.Report) error {
	fields := []Field{{Name: "body", Problem: "holds no participant that can be read", Remedy: "send a CSV with a header row and one row a session"}}
	for _, f := range report.Findings {
		if len(fields) > 50 {
			break
		}
		fields = append(fields, Field{Name: placeOf(f), Problem: f.What, Remedy: f.Remedy})
	}
	return invalid(fields...)
}

func (b *Broker) writeUpload(ctx context.Context, c Caller, id string, up *upload) (*Answer, error) {
	a := act{event: tlog.ParticipationUploaded, lane: store.LanePartner, caller: c, request: map[string]string{"agreement": id, "sha256": up.head.Digest}}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		rec, err := b.workable(tx, c, id)
		if err != nil {
			return outcome{}, err
		}
		data, err := number(tx, colHead, key(headData))
		if err != nil {
			return outcome{}, err
		}
		if data != up.data || rec.Roster != up.roster {
			return outcome{}, errMoved
		}
		if !up.same { // the answer is the same in any case: it must not tell whether somebody was found since
			if err := b.putRosterVersion(tx, rec, up.head, up.sealed); err != nil {
				return outcome{}, err
			}
		}
		out := outcome{data: up.answer, key: agreementKey(id), agreement: rec.Agreement, subjects: matched(up.members), places: len(up.members), body: up.head}
		return out, nil
	})
}

// putRosterVersion makes a roster version the agreement's newest.
func (b *Broker) putRosterVersion(tx store.Tx, rec agreementRecord, head rosterHead, members []staged) error {
	id := rec.Agreement.ID
	for _, m := range members {
		if err := tx.Put(m.collection, m.key, m.value); err != nil {
			return err
		}
	}
	if err := putRostered(tx, id, head.Version, b.moment().now, members); err != nil {
		return err
	}
	if err := rosterHeads.put(tx, key(id, head.Version), head); err != nil {
		return err
	}
	rec.Roster, rec.Revision = head.Version, rec.Revision+1
	if err := agreements.put(tx, key(id), rec); err != nil {
		return err
	}
	if err := agreementHistory.put(tx, key(id, uint64(rec.Agreement.Version), rec.Revision), rec); err != nil {
		return err
	}
	if err := bump(tx, colConsentRev, key(id)); err != nil {
		return err
	}
	return bump(tx, colHead, key(headConsent))
}

// membersOf joins participants and sessions of a file.
func membersOf(p *ingest.Participation) []member {
	list := make([]member, len(p.Participants))
	place := map[string]int{}
	for i, c := range p.Participants {
		place[c.Ref] = i
		list[i] = member{ordinal: uint32(i), participant: participant{
			Ref: c.Ref, Given: c.Given, Family: c.Family, Birth: c.Birth, Schools: []string{c.School}, StudentNumber: c.StudentNumber,
		}}
	}
	for _, s := range p.Sessions {
		i, ok := place[s.Ref]
		if !ok {
			continue
		}
		m := &list[i]
		m.Sessions = append(m.Sessions, session{s.Date, s.Program, s.Minutes, s.Funder})
		if s.School != "" {
			m.Schools = append(m.Schools, s.School)
		}
	}
	for i := range list {
		list[i].Schools = sortedSet(list[i].Schools)
	}
	return list
}

func sessionsOf(roster []member) []ingest.PartnerSession {
	var list []ingest.PartnerSession
	for _, m := range roster {
		for _, s := range m.Sessions {
			list = append(list, ingest.PartnerSession{Ref: m.Ref, Date: s.Date, Program: s.Program, Minutes: s.Minutes, Funder: s.Funder})
		}
	}
	return list
}

func participantsOf(roster []member) []ingest.Participant {
	list := make([]ingest.Participant, len(roster))
	for i, m := range roster {
		list[i] = ingest.Participant{Ref: m.Ref, Given: m.Given, Family: m.Family, Birth: m.Birth, School: m.Schools[0], StudentNumber: m.StudentNumber}
	}
	return list
}

// Participation says what the partner's newest roster holds, as the partner
// gave it (the partner's people, officer).
func (b *Broker) Participation(ctx context.Context, c Caller, id string) (*Answer, error) {
	if err := b.admit(ctx, c, "read participation", RoleOfficer, RolePartner); err != nil {
		return nil, err
	}
	return b.read(ctx, c, "read participation", func(r store.Reader, _ moment) (any, error) {
		rec, found, err := agreements.get(r, key(id))
		if err != nil || !found || !c.mine(rec.Agreement) {
			return nil, orNotAvailable(err)
		}
		head, found, err := rosterHeads.get(r, key(id, rec.Roster))
		if err != nil || !found {
			return nil, orNotAvailable(err)
		}
		roster, err := b.roster(r, id, rec.Roster)
		if err != nil {
			return nil, err
		}
		atFloor := 0
		for _, m := range roster {
			if len(m.dates()) >= rec.Agreement.Clauses.DosageFloor {
				atFloor++
			}
		}
		said := map[string]any{
			"agreement": id, "upload": head.Upload, "uploaded_at": head.UploadedAt, "sha256": head.Digest,
			"participants": head.Participants, "at_floor": atFloor, "dosage_floor": rec.Agreement.Clauses.DosageFloor,
			"programs": programsOf(roster),
		}
		if next := b.nextCensus(r); !next.IsZero() {
			said["draft_until"] = next
		}
		asked, again, err := lastAsked(r, id, b.zone)
		if !asked.IsZero() { // whatever any family answered
			said["families_asked_on"], said["next_ask_after"] = asked, again
		}
		return said, err
	})
}

func programsOf(roster []member) []string {
	programs := []string{}
	for _, m := range roster {
		for _, s := range m.Sessions {
			if s.Program != "" {
				programs = append(programs, s.Program)
			}
		}
	}
	return sortedSet(programs)
}

// nextCensus is the day on which the rosters freeze next; zero where the
// district has published none.
func (b *Broker) nextCensus(r store.Reader) (next civil.Date) {
	err := periods.all(r, nil, func(_ []byte, p periodRecord) error {
		if p.state() == periodOpen && !p.Census.IsZero() && (next.IsZero() || p.Census < next) {
			next = p.Census
		}
		return nil
	})
	if err != nil {
		b.alarm("periods", err)
	}
	return next
}

func placeOf(f ingest.Finding) string {
	if f.Field == "" {
		return f.File
	}
	return f.File + ":" + f.Field
}

func matched(members []member) []records.SID {
	var sids []records.SID
	for _, m := range members {
		if !m.sid.IsZero() {
			sids = append(sids, m.sid)
		}
	}
	return sortedSIDs(sids)
}
