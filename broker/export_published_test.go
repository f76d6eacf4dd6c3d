package broker

import (
	"bytes"
	"context"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// Published is what the store holds of a closed period, for tests that hold it against
// computations of their own. Sets are over the places in Students, which has each
// student's number; a student whom the newest records do not know has none.
type Published struct {
	Session    string
	Students   []string
	Census     civil.Date
	Start, End civil.Date
	Any        map[string]*roaring.Bitmap // whose values were ever opened to anyone, by family
	Agreements []PublishedAgreement       // in the order of their ids
}

// PublishedAgreement is one agreement's part of it.
type PublishedAgreement struct {
	ID, Partner string
	Clauses     agreement.Clauses
	Scale       string // of the course results
	Cohort      *roaring.Bitmap
	Plan        sdc.Plan
	Sets        sdc.History
	Releases    []PublishedRelease // in the order in which they were made
}

// PublishedRelease is one release. Noise is its deviation in tenths of a student, and
// Stored the bytes of the store.
type PublishedRelease struct {
	sdc.Release
	Correction bool
	Noise      int
	Stored     []byte
}

// Published reads what was published of a period.
func (b *Broker) Published(ctx context.Context, session string) (p Published, err error) {
	err = b.store.View(ctx, func(r store.Reader) (err error) {
		f, found, err := freezes.get(r, key(session))
		if err != nil || !found {
			return orNotAvailable(err)
		}
		p = Published{Session: session, Census: f.Census, Start: f.Start, End: f.End}
		if p.Students, err = b.numbersOf(r, f); err != nil {
			return err
		}
		if p.Any, err = openedOf(r, session); err != nil {
			return err
		}
		parts, err := readParts(r, f)
		if err != nil {
			return err
		}
		for _, part := range parts {
			a, err := publishedPart(r, session, part)
			if err != nil {
				return err
			}
			p.Agreements = append(p.Agreements, a)
		}
		return nil
	})
	return p, err
}

func (b *Broker) numbersOf(r store.Reader, f freeze) (numbers []string, err error) {
	d, err := b.dataset(r)
	if err != nil {
		return nil, err
	}
	profiles, err := b.profilesOf(r, d)
	if err != nil {
		return nil, err
	}
	students, err := f.Students.students(r, f.Session)
	if err != nil {
		return nil, err
	}
	for _, sid := range students {
		numbers = append(numbers, profiles[sid].Person.StudentID)
	}
	return numbers, nil
}

func openedOf(r store.Reader, session string) (map[string]*roaring.Bitmap, error) {
	known, _, err := everOpen.get(r, key(session))
	if err != nil {
		return nil, err
	}
	byFamily := map[string]*roaring.Bitmap{}
	for family, raw := range known.Any {
		if byFamily[family], err = bitmapOf(raw); err != nil {
			return nil, err
		}
	}
	return byFamily, nil
}

func publishedPart(r store.Reader, session string, part underTerms) (a PublishedAgreement, err error) {
	a = PublishedAgreement{ID: part.ID, Partner: part.partner, Clauses: part.clauses, Scale: part.Scale, Plan: part.Plan}
	if a.Cohort, err = bitmapOf(part.Cohort); err != nil {
		return a, err
	}
	sets, _, err := behind.get(r, key(session, part.ID))
	if err != nil {
		return a, err
	}
	a.Sets = sets.History
	refs, _, err := released.get(r, key(part.ID))
	if err != nil {
		return a, err
	}
	for _, ref := range refs {
		if ref.Session != session {
			continue
		}
		at := key(part.ID, session, ref.Number)
		rec, _, err := releases.get(r, at)
		if err != nil {
			return a, err
		}
		stored, err := r.Get(colReleases, at)
		if err != nil {
			return a, err
		}
		a.Releases = append(a.Releases, PublishedRelease{rec.Release, rec.Correction, rec.Noise, bytes.Clone(stored)})
	}
	return a, nil
}
