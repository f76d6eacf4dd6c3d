package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// buy makes the figures of a close's budgeted releases: it reserves what they cost,
// then draws, and encodes them with the other releases. What it returns is settled
// with them (spend). If it stops in between, what was reserved is lost, and the next
// close reserves again.
func (b *Broker) buy(ctx context.Context, c Caller, session string, done *computed) (purchase, error) {
	if !done.unpaid() {
		return purchase{}, nil
	}
	var f freeze
	err := b.store.View(ctx, func(r store.Reader) (err error) {
		f, _, err = freezes.get(r, key(session))
		return err
	})
	if err != nil {
		return purchase{}, storeError(err)
	}
	resets, err := b.nextYear(ctx, f)
	if err != nil {
		return purchase{}, err
	}
	p, err := b.reserve(ctx, c, f, done.list, resets)
	if err != nil {
		return p, err
	}
	noise := newDrawing(varianceOf(f.Disclosure.noiseOf(sdc.Budgeted)))
	for i := range done.list {
		if done.list[i].unpaid != nil {
			if err := b.draw(p, noise, &done.list[i]); err != nil {
				return p, err
			}
		}
	}
	p.draws = noise.stored()
	return p, storeError(b.store.View(ctx, func(r store.Reader) error {
		src, err := b.source(r, session)
		if err != nil {
			return err
		}
		return done.addAll(src)
	}))
}

// draw makes the figures of one release from its sums.
func (b *Broker) draw(p purchase, from *drawing, rec *releaseRecord) (err error) {
	rec.Budget = p.said[rec.purse()]
	if rec.Protection, err = p.freeze.Disclosure.budgetSentences(*rec.Budget); err != nil {
		return err
	}
	if rec.Budget.Exhausted {
		rec.Release = sdc.Exhausted(rec.unpaid.plan)
		return nil
	}
	rec.Release, err = sdc.Protect(rec.unpaid.plan, rec.unpaid.raw, sdc.Protection{Profile: sdc.Budgeted, Noise: from, Weak: b.sabotage.Weak})
	if err != nil {
		return fmt.Errorf("drawing the figures of %s: %w", rec.Agreement, err)
	}
	return nil
}

// nextYear is the day on which the school year after that of a freeze begins: as the
// district lists it or, where it does not yet, a year later.
func (b *Broker) nextYear(ctx context.Context, f freeze) (next civil.Date, err error) {
	next = f.YearStart.AddYears(1)
	err = b.store.View(ctx, func(r store.Reader) error {
		d, err := b.dataset(r)
		if err != nil {
			return err
		}
		for _, year := range d.district.Years() {
			if year.Start >= f.YearStart+sameYearAfter {
				next = min(next+sameYearBefore, year.Start)
				break
			}
		}
		return nil
	})
	return next, storeError(err)
}

// drawing draws the noise of paid releases: each group's of a figure once, and every
// later time the same.
type drawing struct {
	variance noise.Variance // of a count
	samplers map[int64]*noise.Sampler
	drawn    map[drawnFor]int64
	order    []drawnFor
}

type drawnFor struct {
	indicator string
	hidden    int64
	group     noise.Group
}

func newDrawing(v noise.Variance) *drawing {
	return &drawing{variance: v, samplers: map[int64]*noise.Sampler{}, drawn: map[drawnFor]int64{}}
}

// Variance is that of a count's noise.
func (d *drawing) Variance() noise.Variance { return d.variance }

// Of draws the noise of a group's sum in which a change of the given size is to be
// hidden. It returns an error where there is no randomness, and a noise.ErrVariance
// for a size that is too large.
func (d *drawing) Of(indicator string, hidden int64, g noise.Group) (int64, error) {
	what := drawnFor{indicator, hidden, g}
	if e, known := d.drawn[what]; known {
		return e, nil
	}
	if d.samplers[hidden] == nil {
		s, err := noise.NewSampler(rand.Reader, d.variance.Times(hidden))
		if err != nil {
			return 0, err
		}
		d.samplers[hidden] = s
	}
	e, err := d.samplers[hidden].Draw()
	if err != nil {
		return 0, err
	}
	d.drawn[what], d.order = int64(e), append(d.order, what)
	return int64(e), nil
}

// storedDraw is noise as it was drawn for a group's sum.
type storedDraw struct {
	Indicator string `json:"indicator"`
	Hidden    int64  `json:"hidden"`
	Group     string `json:"group"`
	Noise     int64  `json:"noise"`
}

func (d *drawing) stored() []storedDraw {
	list := make([]storedDraw, len(d.order))
	for i, w := range d.order {
		list[i] = storedDraw{w.indicator, w.hidden, w.group.String(), d.drawn[w]}
	}
	return list
}

var errAttempt = errors.New("the figures were drawn for an attempt that another one has replaced")

// spend turns what was reserved for a close into spent, and keeps the draws, in the
// Update that stores the figures: nothing is shown that the ledger does not have as
// paid.
func (b *Broker) spend(tx store.Tx, p purchase) error {
	if p.from.IsZero() {
		return nil
	}
	l, err := b.readLedger(tx, p.from)
	if err != nil {
		return err
	}
	if l.Attempts[p.freeze.Session] != p.attempt {
		return internal(errAttempt)
	}
	for _, r := range p.reserved {
		if l.book, err = l.book.Settle(r.Payer, r.ID); err != nil {
			return internal(fmt.Errorf("settling release %s: %w", r.ID, err))
		}
	}
	if err := b.putDraws(tx, p); err != nil {
		return err
	}
	return b.putLedger(tx, l)
}

func (b *Broker) putDraws(tx store.Tx, p purchase) error {
	plain, err := json.Marshal(p.draws, json.Deterministic(true))
	if err != nil {
		return err
	}
	k := key(p.freeze.Session, uint64(p.attempt))
	box, err := b.vault.Seal(districtKey, append([]byte("draws|"), k...), plain)
	if err != nil {
		return unavailable("the noise that was drawn could not be sealed", err)
	}
	return tx.Put(colDraws, k, box)
}
