package broker

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/consent"
)

// familyState says how fresh a record family is: when it was loaded last and,
// where a later export's was held, since when and why.
type familyState struct {
	LoadedAt time.Time `json:"loaded_at,omitzero"`
	HeldAt   time.Time `json:"held_at,omitzero"`
	Why      string    `json:"why,omitzero"`
}

func (s familyState) stale() bool { return !s.HeldAt.IsZero() }

// familyStates are the states by family; one that was never loaded is not in
// it.
type familyStates map[ingest.Family]familyState

// after are the states once an export was loaded: a family that it speaks of
// is fresh, one that was held is stale since the first load that held it.
func (f familyStates) after(now time.Time, present map[string]bool, held []ingest.Hold) familyStates {
	next := maps.Clone(f)
	if next == nil {
		next = familyStates{}
	}
	for form := range present {
		next[ingest.FamilyOf(form)] = familyState{LoadedAt: now}
	}
	for _, h := range held {
		state := next[h.Family]
		if !state.stale() {
			state.HeldAt = now
		}
		state.Why = h.Why
		next[h.Family] = state
	}
	return next
}

// Freshness says how old a record family is.
type Freshness struct {
	Family   ingest.Family
	LoadedAt time.Time // of what counts now; zero: it was never loaded
	Stale    bool      // a newer export's was held
}

// Freshness returns that of every record family, for the operator.
func (b *Broker) Freshness(ctx context.Context) (list []Freshness, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		d, err := b.dataset(r)
		if err != nil {
			return err
		}
		for _, f := range ingest.Families() {
			state := d.manifest.Families[f]
			list = append(list, Freshness{f, state.LoadedAt, state.stale()})
		}
		return nil
	})
	return list, storeError(err)
}

// staleFamily is what an answer says of records that are older than they seem.
type staleFamily struct {
	Family   ingest.Family `json:"family"`
	LoadedOn civil.Date    `json:"loaded_on,omitzero"` // what is shown is of this day
	HeldOn   civil.Date    `json:"held_on"`            // no load since then could be used
}

// stale lists those of the families, and the people all others refer to, that
// are stale in the snapshot's data version.
func (s *snapshot) stale(families ...ingest.Family) []staleFamily {
	return s.data.stale(s.b.zone, families...)
}

func (d *dataset) stale(zone *time.Location, families ...ingest.Family) []staleFamily {
	var list []staleFamily
	for _, f := range ingest.Families() {
		state := d.manifest.Families[f]
		if !state.stale() || f != ingest.People && !slices.Contains(families, f) {
			continue
		}
		entry := staleFamily{Family: f, HeldOn: civil.Of(state.HeldAt, zone)}
		if !state.LoadedAt.IsZero() {
			entry.LoadedOn = civil.Of(state.LoadedAt, zone)
		}
		list = append(list, entry)
	}
	return list
}

// recordFamilies are the record families of consent's categories.
func recordFamilies(categories []consent.Category) []ingest.Family {
	var list []ingest.Family
	for _, c := range categories {
		switch c {
		case consent.Attendance:
			list = append(list, ingest.Attendance)
		case consent.Grades:
			list = append(list, ingest.Grades)
		default:
			list = append(list, ingest.Discipline)
		}
	}
	return list
}

// fit refuses to freeze or correct figures on records that are known to be stale:
// those of the families that the figures are computed from, and the people all
// others refer to. The other families are not in the way.
func (d *dataset) fit(reported map[records.Family]bool, done string) error {
	needed := []ingest.Family{ingest.People}
	for family, f := range map[records.Family]ingest.Family{
		records.AttendanceFamily: ingest.Attendance, records.DisciplineFamily: ingest.Discipline, records.GradesFamily: ingest.Grades,
	} {
		if reported[family] {
			needed = append(needed, f)
		}
	}
	slices.Sort(needed)
	for _, f := range needed {
		if d.manifest.Families[f].stale() {
			remedy := "load them, then ask again"
			if f != ingest.People {
				remedy += ", or name the other families"
			}
			return conflict("the district's newest " + string(f) + " records could not be loaded, so the period cannot be " + done + " on the old ones; " + remedy)
		}
	}
	return nil
}
