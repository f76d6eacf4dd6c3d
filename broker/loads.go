package broker

import (
	"context"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// loadRecord says how a data version came to be. It holds counts and names of
// files, and nothing of a person but who loaded.
type loadRecord struct {
	Version  uint64              `json:"version"`
	Base     uint64              `json:"base"` // the version it replaced
	At       time.Time           `json:"at"`
	By       string              `json:"by"`
	Role     Role                `json:"role"`
	Event    tlog.Event          `json:"event"`
	Format   string              `json:"format,omitzero"`
	Snapshot ingest.Snapshot     `json:"snapshot,omitzero"`
	Digest   string              `json:"digest,omitzero"`
	Sources  []ingest.Source     `json:"sources,omitzero"`
	Files    []ingest.FileReport `json:"files,omitzero"`
	Groups   []ingest.Group      `json:"groups,omitzero"`
	Held     []ingest.Hold       `json:"held,omitzero"`
	Drift    []ingest.Drift      `json:"drift,omitzero"`
	Changes  *ingest.Changes     `json:"changes,omitzero"`
	Merged   int                 `json:"merged,omitzero"`   // students whose files it joined
	Undoes   uint64              `json:"undoes,omitzero"`   // the version that it took back
	Approved []ingest.Family     `json:"approved,omitzero"` // let in by a second person
	Stats    *ingest.Stats       `json:"stats,omitzero"`    // of the families that were loaded

	content string // of the files alone
}

var loads = table[loadRecord]{colLoads}

func (b *Broker) loadRecordOf(c Caller, req ImportRequest, report *ingest.Report) loadRecord {
	return loadRecord{
		By: c.Subject, Role: c.Role, Event: tlog.ImportPublished, Format: req.Format.Name, Snapshot: req.Options.Snapshot, Digest: report.Digest,
		Sources: report.Sources, Files: report.Files, Groups: report.Groups, Held: report.Held, Drift: report.Drift, Changes: report.Changes,
	}
}

// summary is what the entry of a load keeps.
func (r loadRecord) summary() any {
	r.Stats, r.Groups = nil, nil
	return r
}

// holdAll records that nothing of an export could be loaded, where a load
// degrades instead of stopping: every family is stale from then on. The same
// export twice changes nothing.
func (b *Broker) holdAll(ctx context.Context, c Caller, req ImportRequest, report *ingest.Report, result *ImportResult) error {
	if !req.Options.Degrade || req.DryRun {
		return nil
	}
	l := &load{}
	err := b.store.View(ctx, func(r store.Reader) error {
		current, err := b.dataset(r)
		if err == nil {
			l.base, l.next, l.applied.District = current.manifest, current.manifest, current.district
		}
		return err
	})
	if err != nil {
		return storeError(err)
	}
	result.Version, result.Unchanged = l.base.Version, l.base.HeldDigest == report.Digest
	if result.Unchanged {
		return nil
	}
	result.Version++
	l.next.Version, l.next.HeldDigest = l.base.Version+1, report.Digest
	var all []ingest.Hold
	for _, f := range ingest.Families() {
		if _, loaded := l.base.Families[f]; loaded || f == ingest.People {
			all = append(all, ingest.Hold{Family: f, Why: "nothing of the export could be loaded", Remedy: "mend the export; the next load takes it in"})
		}
	}
	for _, h := range all {
		if !holds(report.Held, h.Family) {
			report.Held = append(report.Held, h)
		}
	}
	l.next.Families = l.base.Families.after(b.moment().now, nil, all)
	b.alarm("import", errNothingLoaded)
	rec := b.loadRecordOf(c, req, report)
	rec.Event = tlog.ImportHeld
	return b.flip(ctx, c, tlog.ImportHeld, l, rec)
}

// Load is one load of the history.
type Load struct {
	loadRecord
	Current bool `json:"current"`
}

// Loads lists the loads of the district, newest first (steward, officer,
// auditor).
func (b *Broker) Loads(ctx context.Context, c Caller) ([]Load, error) {
	if err := b.admit(ctx, c, "list imports", RoleSteward, RoleOfficer, RoleAuditor); err != nil {
		return nil, err
	}
	list := []Load{}
	err := b.store.View(ctx, func(r store.Reader) error {
		current, err := number(r, colHead, key(headData))
		if err != nil {
			return err
		}
		return loads.all(r, nil, func(_ []byte, rec loadRecord) error {
			list = append(list, Load{rec, rec.Version == current})
			return nil
		})
	})
	slices.Reverse(list)
	return list, storeError(err)
}

// Undo makes the records count that counted before the newest load (steward,
// officer). It is a load of its own, and may be undone. A load that joined two
// students' files cannot be taken back: their answers were joined with them.
func (b *Broker) Undo(ctx context.Context, c Caller) (version uint64, err error) {
	if err := b.admit(ctx, c, "undo an import", RoleSteward, RoleOfficer); err != nil {
		return 0, err
	}
	release, err := b.alone(ctx)
	if err != nil {
		return 0, err
	}
	defer release()
	l, undone := &load{}, loadRecord{}
	err = b.store.View(ctx, func(r store.Reader) error {
		undone, err = b.back(r, l)
		return err
	})
	if err != nil {
		return 0, storeError(err)
	}
	rec := loadRecord{By: c.Subject, Role: c.Role, Event: tlog.ImportUndone, Digest: l.next.Digest, Undoes: undone.Version}
	return l.next.Version, b.flip(ctx, c, tlog.ImportUndone, l, rec)
}

// back prepares the version before the current one as the next.
func (b *Broker) back(r store.Reader, l *load) (loadRecord, error) {
	current, err := number(r, colHead, key(headData))
	if err != nil {
		return loadRecord{}, err
	}
	rec, found, err := loads.get(r, key(current))
	if err != nil {
		return rec, err
	}
	switch {
	case !found || rec.Base == 0:
		return rec, conflict("there is no load before this one")
	case rec.Merged > 0:
		return rec, conflict("this load joined the files of students and cannot be undone; load a corrected export")
	}
	before, err := b.datasetOf(r, rec.Base)
	if err != nil {
		return rec, conflict("the version before this load is not kept any more; load the older export")
	}
	l.base.Version, l.next, l.applied.District = current, before.manifest, before.district
	l.next.Version = current + 1
	return rec, nil
}

// lastStats are the counts of the last loads of a format, oldest first. What a
// second person let in is what the next loads are compared with, and nothing
// before it.
func lastStats(r store.Reader, format string) ([]ingest.Stats, error) {
	var list []ingest.Stats
	err := loads.all(r, nil, func(_ []byte, rec loadRecord) error {
		if rec.Stats == nil || rec.Format != format {
			return nil
		}
		for _, f := range rec.Approved {
			for i := range list {
				list[i] = list[i].Without([]ingest.Hold{{Family: f}})
			}
		}
		list = append(list, *rec.Stats)
		return nil
	})
	return list[max(len(list)-comparedLoads, 0):], err
}

// comparedLoads is with how many loads an export is compared.
const comparedLoads = 10
