package broker

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// CorrectPeriod makes the figures of published indicator families of a period anew,
// once a family (officer): from the values of the newest data version, over the sets
// of the first freeze, with the same noise for what did not change. What was withheld
// stays withheld; a student whose value is gone keeps the first, one who had none
// stays out. First and corrected releases both stay stored; the newest is served.
// Budgeted releases are not corrected: all their figures would have to be drawn anew
// and paid for again.
func (b *Broker) CorrectPeriod(ctx context.Context, c Caller, session string, req CorrectionRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "correct a period", RoleOfficer); err != nil {
		return nil, err
	}
	if err := req.Validate(); err != nil {
		return nil, err
	}
	release, err := b.alone(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	a := act{event: tlog.PeriodCorrected, lane: store.LaneOfficer, caller: c, request: correctAsked{session, req}}
	for attempt := 1; ; attempt++ {
		done, err := b.computeCorrection(ctx, session, req.Families)
		if err != nil {
			return nil, storeError(err)
		}
		ans, err := b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
			return b.publishCorrection(tx, m, session, req.Reason, done)
		})
		if errors.Is(err, errMoved) && attempt < attempts {
			continue
		}
		if errors.Is(err, errMoved) {
			err = unavailable("the district's records and periods are changing just now; ask again", err)
		}
		return ans, err
	}
}

// correctAsked is what was asked of a period.
type correctAsked struct {
	Period string `json:"period"`
	CorrectionRequest
}

// corrected is what is about to be published of a period once more.
type corrected struct {
	computed
	world world
	kept  []sdc.KeptRow
	sets  []written // behind the figures, with the cohorts that are shown again
}

func (b *Broker) computeCorrection(ctx context.Context, session string, asked []records.Family) (done corrected, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		if done.world, err = readWorld(r); err != nil {
			return err
		}
		done.at = b.moment().now
		d, err := b.dataset(r)
		if err != nil {
			return err
		}
		var found bool
		if done.period, found, err = periods.get(r, key(session)); err != nil {
			return err
		}
		if _, ok := d.district.Session(session); !ok && !found {
			return notAvailable()
		}
		if done.families, err = done.period.toCorrect(asked, b.moment()); err != nil {
			return err
		}
		if err := done.worthwhile(d); err != nil {
			return err
		}
		src, err := b.source(r, session)
		if err != nil {
			return err
		}
		if src.parts, err = inForce(r, b.moment(), src.parts); err != nil {
			return err
		}
		src.parts = slices.DeleteFunc(src.parts, func(a underTerms) bool { return a.profile() == sdc.Budgeted })
		if err := done.plan(src, d); err != nil {
			return err
		}
		return done.compute(src, d)
	})
	return done, err
}

// toCorrect are the families that a correction is of, or why there is none.
func (p periodRecord) toCorrect(asked []records.Family, m moment) ([]records.Family, error) {
	if p.stage(m.today) == stageFinal {
		return nil, conflict("the period's figures are final since " + p.Final.String() + "; after the final day of the district's calendar nothing is corrected")
	}
	if again := p.families(asked, closing.corrected); len(asked) > 0 && len(again) > 0 {
		return nil, p.correctedAlready(again)
	}
	if open := p.families(asked, func(c closing) bool { return !c.published() }); len(asked) > 0 && len(open) > 0 {
		return nil, conflict("nothing is published of the period's " + join(open) + " yet; close it with the right records instead")
	}
	list := p.families(asked, closing.correctable)
	if len(list) > 0 {
		return list, nil
	}
	if again := p.families(asked, closing.corrected); len(again) > 0 {
		return nil, p.correctedAlready(again)
	}
	return nil, conflict("nothing of the period is published yet; close it with the right records instead")
}

func (p periodRecord) correctedAlready(families []records.Family) error {
	at := p.Families[families[0]].CorrectedAt
	return conflict("the period's " + join(families) + " was corrected on " + at.Format("2006-01-02") +
		"; figures are corrected once, since each further version would tell more about the children in it")
}

func join(families []records.Family) string {
	var names []string
	for _, f := range families {
		names = append(names, string(f))
	}
	return strings.Join(names, " and ")
}

// worthwhile refuses a correction from records that are stale, or are those that
// the figures were computed from: it would use up the only one.
func (c corrected) worthwhile(d *dataset) error {
	reported := map[records.Family]bool{}
	for _, family := range c.families {
		reported[family] = true
		if c.period.Families[family].Data == c.world.data {
			return conflict("the newest records are those that the period's " + string(family) + " was computed from; load the corrected ones first")
		}
	}
	if _, ok := d.district.Session(c.period.Session); !ok {
		return conflict("the newest records do not know the period; load records with the session, then ask again")
	}
	return d.fit(reported, "corrected")
}

// plan decides from sets only which rows are shown again.
func (c *corrected) plan(src source, d *dataset) error {
	f := frozen{freeze: src.freeze, period: src.session, history: map[string]sdc.History{}}
	earlier, err := src.b.earlier(src.r, d.district, &f)
	if err != nil {
		return err
	}
	var plans []sdc.Plan
	for _, part := range src.parts {
		plans = append(plans, planOf(part.Plan, c.families))
	}
	var history sdc.History
	if c.kept, history, err = sdc.PlanCorrection(earlier, plans); err != nil {
		return internal(err)
	}
	c.history = f.history
	for _, set := range history[len(earlier):] {
		c.history[set.Agreement] = append(c.history[set.Agreement], set)
	}
	for _, id := range src.freeze.Agreements {
		w, err := behind.encode(key(src.freeze.Session, id), setsBehind{c.history[id]})
		if err != nil {
			return err
		}
		c.sets = append(c.sets, w)
	}
	return nil
}

// compute makes the corrected releases.
func (c *corrected) compute(src source, d *dataset) error {
	for _, round := range c.period.rounds(c.families) {
		list, err := src.releases(round, d, c.kept)
		if err != nil {
			return err
		}
		for _, rec := range list {
			first, err := src.first(rec)
			if err != nil {
				return err
			}
			rec.Correction, rec.Release = true, rec.Release.Keep(first, c.kept)
			if err := c.add(src, rec); err != nil {
				return err
			}
		}
	}
	return nil
}

// first is what was published first of a release's families.
func (s source) first(rec releaseRecord) (sdc.Release, error) {
	out := sdc.Release{Agreement: rec.Agreement}
	refs, _, err := released.get(s.r, key(rec.Agreement))
	if err != nil {
		return out, err
	}
	for _, ref := range refs {
		if ref.Session != s.freeze.Session || ref.Correction || !slices.ContainsFunc(ref.Families, func(f records.Family) bool { return slices.Contains(rec.Families, f) }) {
			continue
		}
		was, found, err := releases.get(s.r, key(rec.Agreement, ref.Session, ref.Number))
		if err != nil || !found {
			return out, errors.Join(err, missing(found, errNoHistory))
		}
		out.Figures, out.Pooled = append(out.Figures, was.Release.Figures...), append(out.Pooled, was.Release.Pooled...)
	}
	return out, nil
}

// publishCorrection writes the corrected releases, unless what they were computed
// from changed.
func (b *Broker) publishCorrection(tx store.Tx, m moment, session, reason string, done corrected) (outcome, error) {
	p, _, err := periods.get(tx, key(session))
	if err != nil {
		return outcome{}, err
	}
	now, err := readWorld(tx)
	if err != nil {
		return outcome{}, err
	}
	if now.data != done.world.data || now.releases != done.world.releases {
		return outcome{}, errMoved
	}
	if _, err := p.toCorrect(done.families, m); err != nil {
		return outcome{}, err
	}
	f, _, err := b.memo.freezes.get(tx, key(session))
	if err != nil {
		return outcome{}, err
	}
	if err := putAll(tx, done.sets...); err != nil {
		return outcome{}, err
	}
	made, err := putReleases(tx, done.releases)
	if err != nil {
		return outcome{}, err
	}
	for _, family := range done.families {
		c := p.Families[family]
		c.CorrectedAt = done.at
		p.Families[family] = c
	}
	if err := periods.put(tx, key(session), p); err != nil {
		return outcome{}, err
	}
	body := publishedBody{Period: session, Families: done.families, Reason: reason, Kept: done.kept, published: made}
	return outcome{data: p.saidOf(f), body: body}, bump(tx, colHead, key(headReleases))
}
