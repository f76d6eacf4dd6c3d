package broker

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/seal"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// ImportRequest is a district's export to be loaded: a folder or a zip, with
// what the district declares of it.
type ImportRequest struct {
	Path            string
	Format          ingest.Format  // zero: the plain CSV form
	Options         ingest.Options // ExportDate zero: today
	AcceptErrorRows bool           // load the good rows although there are bad ones
	DryRun          bool           // check and report, change nothing
	Removals        Removals       // beyond which a second person approves; zero: the usual limits
}

// ImportResult is what an import found and did. Version is the data version
// that counts now. Rejected says that nothing was loaded, Doubted that a second
// person may approve it under Content, the digest of the files alone.
type ImportResult struct {
	Report    *ingest.Report `json:"report"`
	Effects   []Effect       `json:"effects,omitzero"`
	Version   uint64         `json:"version"`
	Rejected  bool           `json:"rejected"`
	Doubted   bool           `json:"doubted,omitzero"`
	Content   string         `json:"content"`
	Unchanged bool           `json:"unchanged"`
	DryRun    bool           `json:"dry_run"`
}

// Import loads an export (steward, officer). It is all or nothing or, under
// Options.Degrade, all or nothing for each record family: one with a fault
// keeps what was loaded before and is stale from then on. Parts are staged
// unreferenced, and one record makes them count. The same files twice change
// nothing.
func (b *Broker) Import(ctx context.Context, c Caller, req ImportRequest) (ImportResult, error) {
	if err := b.admit(ctx, c, "import records", RoleSteward, RoleOfficer); err != nil {
		return ImportResult{}, err
	}
	release, err := b.alone(ctx)
	if err != nil {
		return ImportResult{}, err
	}
	defer release()
	if req.Options.ExportDate.IsZero() {
		req.Options.ExportDate = b.moment().today
	}
	if req.Format.Open == nil {
		req.Format = ingest.Plain()
	}
	req.Options.Pace = b.pace
	in, report, err := ingest.ReadPath(req.Path, req.Format, req.Options)
	if err != nil {
		return ImportResult{}, err
	}
	result := ImportResult{Report: report, Content: report.Content(), DryRun: req.DryRun}
	result.Rejected = in == nil || !req.Options.Degrade && report.Rejected(req.AcceptErrorRows)
	if in == nil {
		return result, b.holdAll(ctx, c, req, report, &result)
	}
	return b.take(ctx, c, req, in, result)
}

// take loads what was read, unless it is rejected or in doubt.
func (b *Broker) take(ctx context.Context, c Caller, req ImportRequest, in *ingest.Import, result ImportResult) (ImportResult, error) {
	report := result.Report
	l, err := b.prepareLoad(ctx, in)
	if err != nil {
		return result, err
	}
	report.Changes = &l.applied.Changes
	report.Suggest(l.renumbered)
	result.Version, result.Effects, result.Unchanged = l.base.Version, l.effects, l.base.Digest == loadedDigest(report, nil)
	if result.Rejected || result.Unchanged {
		return result, nil
	}
	doubts, err := b.doubts(ctx, l, in, req, report)
	if err != nil {
		return result, err
	}
	result.Unchanged = l.base.Digest == loadedDigest(report, doubts)
	switch {
	case result.Unchanged:
		report.Held = append(report.Held, doubts...)
		return result, nil
	case len(doubts) > 0 && req.Options.Degrade && !holds(doubts, ingest.People):
		for _, d := range doubts {
			in.Hold(d.Family)
		}
		report.Held = append(report.Held, doubts...)
		return b.takeRest(ctx, c, req, in, result, doubts, l.approved)
	case len(doubts) > 0:
		report.Held = append(report.Held, doubts...)
		result.Rejected, result.Doubted = true, true
		return result, errors.Join(b.doubt(ctx, c, req, result.Content, doubts), b.holdAll(ctx, c, req, report, &result))
	case req.DryRun:
		return result, nil
	}
	result.Version++
	return result, b.load(ctx, c, l, in, req, report)
}

// loadedDigest names what is loaded of an export: all of it or, where families
// are held, what is left. The same files after an approval load more.
func loadedDigest(report *ingest.Report, doubts []ingest.Hold) string {
	held := map[ingest.Family]bool{}
	for _, h := range slices.Concat(report.Held, doubts) {
		held[h.Family] = true
	}
	digest := report.Digest
	for _, f := range slices.Sorted(maps.Keys(held)) {
		digest += " without " + string(f)
	}
	return digest
}

// takeRest loads the families that are beyond doubt.
func (b *Broker) takeRest(ctx context.Context, c Caller, req ImportRequest, in *ingest.Import, result ImportResult, doubts []ingest.Hold, approved []ingest.Family) (ImportResult, error) {
	result.Doubted = true
	l, err := b.prepareLoad(ctx, in)
	if err != nil {
		return result, err
	}
	l.approved = approved
	result.Report.Changes, result.Effects = &l.applied.Changes, l.effects
	if req.DryRun {
		return result, nil
	}
	if err := b.doubt(ctx, c, req, result.Content, doubts); err != nil {
		return result, err
	}
	result.Version++
	return result, b.load(ctx, c, l, in, req, result.Report)
}

// load is an import between its reading and its flip.
type load struct {
	base       manifest
	next       manifest
	applied    ingest.Applied
	profiles   []records.Profile // of every student of the next version, by SID
	fresh      []seal.KeyID      // keys of students seen for the first time
	effects    []Effect
	approved   []ingest.Family // that a second person let in
	renumbered []ingest.Place  // students who look like others that left
	renamed    []staged        // index entries of merged numbers, for the flip
}

// prepareLoad makes the next data version in memory.
func (b *Broker) prepareLoad(ctx context.Context, in *ingest.Import) (*load, error) {
	l := &load{}
	err := b.store.View(ctx, func(r store.Reader) error {
		current, err := b.dataset(r)
		if err != nil {
			return err
		}
		l.base = current.manifest
		known, err := b.profilesOf(r, current)
		if err != nil {
			return err
		}
		l.applied, err = b.apply(r, in, current, known, l)
		if err != nil {
			return err
		}
		l.profiles = mergeProfiles(l.applied, known, in.Present["guardians.csv"])
		l.renumbered = renumbered(l.applied, known)
		l.applied.Profiles = nil // l.profiles has them
		if l.effects, err = b.effects(r, current.district, l.applied.District, in.Options.ExportDate); err != nil {
			return err
		}
		return b.indexMerged(l, known)
	})
	if err != nil {
		return nil, storeError(err)
	}
	l.next = manifest{
		Version: l.base.Version + 1, Digest: fmt.Sprintf("%x", in.Digest), Schools: l.applied.District.Schools,
		Sessions: l.applied.District.Sessions, Calendars: map[string][]civil.Date{},
		Coverage: l.applied.District.Coverage, Totals: l.applied.District.Totals, Families: l.base.Families,
	}
	for school, c := range l.applied.District.Calendars {
		l.next.Calendars[school] = c.All()
	}
	return l, nil
}

func (b *Broker) profilesOf(r store.Reader, d *dataset) (map[records.SID]records.Profile, error) {
	known := map[records.SID]records.Profile{}
	for _, ref := range d.manifest.Pages {
		if err := b.readPage(r, ref, func(p records.Profile) { known[p.SID] = p }); err != nil {
			return nil, err
		}
	}
	return known, nil
}

func (b *Broker) apply(r store.Reader, in *ingest.Import, current *dataset, known map[records.SID]records.Profile, l *load) (ingest.Applied, error) {
	nobody, failed := b.knowsNobody(r)
	byID := make(map[string]records.SID, len(in.Students))
	random := bufio.NewReader(rand.Reader) // a call for each of many would cost
	look := func(id string) (records.SID, bool) {
		if sid, ok := byID[id]; ok || nobody {
			return sid, ok
		}
		sids, err := b.lookup(r, byStudentID, id)
		failed = errors.Join(failed, err)
		if len(sids) == 0 {
			return records.SID{}, false
		}
		byID[id] = sids[0]
		return sids[0], true
	}
	ids := ingest.Identities{
		Pace:   b.pace,
		Lookup: look,
		Resolve: func(id string) records.SID {
			if sid, ok := look(id); ok {
				return sid
			}
			var sid records.SID
			_, err := io.ReadFull(random, sid[:])
			failed = errors.Join(failed, err)
			byID[id] = sid
			l.fresh = append(l.fresh, studentKey(sid))
			return sid
		},
		Known: func(sid records.SID) (records.Profile, bool) {
			p, ok := known[sid]
			return p, ok
		},
	}
	applied := in.Apply(current.district, current.manifest.Version+1, ids)
	return applied, failed
}

// mergeProfiles are the identities of the next version: those of the files
// and, of students who are not in them, the ones there were.
func mergeProfiles(a ingest.Applied, known map[records.SID]records.Profile, guardians bool) []records.Profile {
	all := make([]records.Profile, len(a.District.Students))
	listed := a.Profiles
	for i := range a.District.Students {
		s, p := &a.District.Students[i], &all[i]
		if len(listed) > 0 && listed[0].SID == s.SID { // both are in the order of SID
			*p, listed = listed[0], listed[1:]
			if !guardians {
				p.Guardians = known[s.SID].Guardians
			}
		} else {
			*p = known[s.SID]
		}
		p.Enrollments = s.Enrollments
	}
	return all
}

// indexMerged makes the number of a merged file name the student who stays.
func (b *Broker) indexMerged(l *load, known map[records.SID]records.Profile) error {
	for old, staying := range l.applied.Changes.Merged {
		if id := known[old].Person.StudentID; id != "" {
			put, err := b.indexed(byStudentID, id, []records.SID{staying})
			if err != nil {
				return err
			}
			l.renamed = append(l.renamed, put)
		}
	}
	return nil
}

// load makes keys durable, stages the parts and flips the data version.
func (b *Broker) load(ctx context.Context, c Caller, l *load, in *ingest.Import, req ImportRequest, report *ingest.Report) error {
	in.Students = nil // what they said stands in l, and staging needs the memory
	var err error
	if l.next, err = b.stage(ctx, l); err != nil {
		return storeError(err)
	}
	l.next.Families = l.next.Families.after(b.moment().now, in.Present, report.Held)
	rec := b.loadRecordOf(c, req, report)
	stats := in.Stats.Without(report.Held)
	rec.Approved = l.approved
	rec.Stats, rec.Merged, rec.content = &stats, len(l.applied.Changes.Merged), report.Content()
	l.next.Digest = loadedDigest(report, nil)
	return b.flip(ctx, c, tlog.ImportPublished, l, rec)
}

// flip makes a data version count, in the record that says how it came to be.
func (b *Broker) flip(ctx context.Context, c Caller, event tlog.Event, l *load, rec loadRecord) error {
	coming := &dataset{l.next, l.applied.District}
	next := &coming.manifest
	b.datasets.coming.Store(coming)
	defer b.datasets.coming.Store(nil)
	a := act{event: event, lane: store.LaneOfficer, caller: c, request: map[string]string{"sha256": rec.Digest}}
	_, err := b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		version, err := number(tx, colHead, key(headData))
		if err != nil {
			return outcome{}, err
		}
		if version+1 != next.Version {
			return outcome{}, conflict("another import came first; import again")
		}
		rec.At, rec.Version, rec.Base = m.now, next.Version, version
		if event == tlog.ImportPublished {
			next.ImportedAt = m.now
		}
		if err := manifests.put(tx, key(next.Version), *next); err != nil {
			return outcome{}, err
		}
		if err := loads.put(tx, key(next.Version), rec); err != nil {
			return outcome{}, err
		}
		if err := b.join(tx, l); err != nil {
			return outcome{}, err
		}
		if err := useApproval(tx, rec.content, next.Version); err != nil {
			return outcome{}, err
		}
		out := outcome{data: map[string]any{"version": next.Version}, body: rec.summary()}
		return out, putNumber(tx, colHead, key(headData), next.Version)
	})
	if err == nil {
		b.datasets.replace(coming)
	}
	return err
}
