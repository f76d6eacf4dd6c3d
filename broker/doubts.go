package broker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// Removals are the largest shares of a family's records, in percent, that a
// load may remove without a second person.
type Removals map[ingest.Family]float64

// usualRemovals is the limit of a family that Removals does not name.
const usualRemovals = 5

func (r Removals) of(f ingest.Family) float64 {
	if limit, ok := r[f]; ok {
		return limit
	}
	return usualRemovals
}

// fewRecords is how many records of a family may go whatever their share: in a
// small family one is many percent.
const fewRecords = 10

var errNothingLoaded = errors.New("nothing of the newest export could be loaded; every record family is stale")

// doubts are the families of a load that a second person must approve: those
// that would lose too much, and those that mean something else than before.
func (b *Broker) doubts(ctx context.Context, l *load, in *ingest.Import, req ImportRequest, report *ingest.Report) ([]ingest.Hold, error) {
	var list []ingest.Hold
	if b.sabotage.NoDoubts {
		return nil, nil
	}
	err := b.store.View(ctx, func(r store.Reader) error {
		last, err := lastStats(r, req.Format.Name)
		if err != nil {
			return err
		}
		report.Drift = in.Stats.Drift(last)
		list = append(tooManyGone(l, req.Removals), drifted(report.Drift)...)
		rollover, _, err := rollovers.get(r, key(headRollover))
		if err != nil {
			return err
		}
		if rollover.holds(b.moment().today) {
			list = slices.DeleteFunc(list, func(h ingest.Hold) bool { return h.Family == ingest.People || h.Family == ingest.Attendance })
		}
		d, _, err := doubted.get(r, key(report.Content()))
		list = slices.DeleteFunc(list, func(h ingest.Hold) bool { return d.clears(h.Family) })
		if !d.ApprovedAt.IsZero() && d.Used == 0 {
			l.approved = d.Families
		}
		return err
	})
	return list, storeError(err)
}

func holds(list []ingest.Hold, f ingest.Family) bool {
	return slices.ContainsFunc(list, func(h ingest.Hold) bool { return h.Family == f })
}

func drifted(found []ingest.Drift) (list []ingest.Hold) {
	for _, d := range found {
		if d.Hold && !holds(list, d.Family) {
			list = append(list, ingest.Hold{Family: d.Family, Why: d.What + ": " + d.Is + ", before " + d.Was, Remedy: d.Remedy})
		}
	}
	return list
}

// tooManyGone are the families that would lose more than they may.
func tooManyGone(l *load, limits Removals) (list []ingest.Hold) {
	gone, before := map[ingest.Family]int{}, map[ingest.Family]int{}
	for form, d := range l.applied.Changes.Files {
		if form != "calendar.csv" && form != "merges.csv" {
			gone[ingest.FamilyOf(form)] += d.Removed
			before[ingest.FamilyOf(form)] += l.applied.Changes.Before[form]
		}
	}
	gone[ingest.People] = len(l.applied.Changes.Closed) + len(l.applied.Changes.Removed)
	before[ingest.People] = l.applied.Changes.Before["students.csv"]
	for _, f := range ingest.Families() {
		share := 100 * float64(gone[f]) / float64(max(before[f], 1))
		if gone[f] > fewRecords && share > limits.of(f) {
			list = append(list, ingest.Hold{
				Family: f, Why: fmt.Sprintf("%d of %d records would go, %.1f %%; the limit is %g %%", gone[f], before[f], share, limits.of(f)),
				Remedy: "look whether the export is whole; if it is, let a second person approve it",
			})
		}
	}
	return list
}

// doubtRecord is an export that waits for a second person, or was approved.
type doubtRecord struct {
	Content    string          `json:"content"`
	Families   []ingest.Family `json:"families"`
	Why        []string        `json:"why"`
	AskedBy    string          `json:"asked_by"`
	AskedAt    time.Time       `json:"asked_at"`
	ApprovedBy string          `json:"approved_by,omitzero"`
	ApprovedAt time.Time       `json:"approved_at,omitzero"`
	Alone      bool            `json:"alone,omitzero"` // by the person who asked, after the wait
	Used       uint64          `json:"used,omitzero"`  // the version that it let in: an approval is for one load
}

var doubted = table[doubtRecord]{colDoubts}

func (d doubtRecord) clears(f ingest.Family) bool {
	return !d.ApprovedAt.IsZero() && d.Used == 0 && slices.Contains(d.Families, f)
}

// useApproval spends the approval of an export with the load that it let in.
func useApproval(tx store.Tx, content string, version uint64) error {
	rec, found, err := doubted.get(tx, key(content))
	if err != nil || !found || rec.ApprovedAt.IsZero() || rec.Used != 0 {
		return err
	}
	rec.Used = version
	return doubted.put(tx, key(content), rec)
}

// doubt asks for a second person, once for each export.
func (b *Broker) doubt(ctx context.Context, c Caller, req ImportRequest, content string, holds []ingest.Hold) error {
	if req.DryRun {
		return nil
	}
	rec := doubtRecord{Content: content, AskedBy: c.Subject}
	families := map[ingest.Family]bool{}
	for _, h := range holds {
		families[h.Family] = true
		rec.Why = append(rec.Why, string(h.Family)+": "+h.Why)
	}
	rec.Families = slices.Sorted(maps.Keys(families))
	a := act{event: tlog.ImportDoubted, lane: store.LaneOfficer, caller: c, request: map[string]string{"content": content}}
	_, err := b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		was, found, err := doubted.get(tx, key(content))
		if err != nil || found && was.Used == 0 && slices.Equal(was.Families, rec.Families) {
			return outcome{unlogged: true}, err
		}
		rec.AskedAt = m.now
		return outcome{data: map[string]any{"content": content}, body: rec}, doubted.put(tx, key(content), rec)
	})
	return err
}

// aloneAfter is how long one person waits who approves what they asked for
// themselves: the rule for an office of one (DESIGN §10).
const aloneAfter = 12 * time.Hour

// ApproveImport lets an export in that a load held (steward, officer): by
// another person than the one who loaded it or, in an office of one, by the
// same person after twelve hours. The next import of the same files loads it.
func (b *Broker) ApproveImport(ctx context.Context, c Caller, content string) error {
	if err := b.admit(ctx, c, "approve an import", RoleSteward, RoleOfficer); err != nil {
		return err
	}
	a := act{event: tlog.ImportApproved, lane: store.LaneOfficer, caller: c, request: map[string]string{"content": content}}
	_, err := b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		rec, found, err := doubted.get(tx, key(content))
		if err != nil {
			return outcome{}, err
		}
		if !found {
			return outcome{}, conflict("no import of these files waits for an approval; give the digest that the report names")
		}
		if !rec.ApprovedAt.IsZero() {
			return outcome{unlogged: true}, nil
		}
		rec.Alone = rec.AskedBy == c.Subject
		if wait := rec.AskedAt.Add(aloneAfter); rec.Alone && m.now.Before(wait) {
			return outcome{}, conflict("who loaded it may approve it from " + wait.In(b.zone).Format("2006-01-02 15:04") + " on; another person at once")
		}
		rec.ApprovedBy, rec.ApprovedAt = c.Subject, m.now
		return outcome{data: rec, body: rec}, doubted.put(tx, key(content), rec)
	})
	return err
}
