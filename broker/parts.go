package broker

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// partsOf are the agreements with their figures of some families only, those that
// have any. Kept rows are not computed.
func partsOf(parts []underTerms, families []records.Family, kept []sdc.KeptRow) (list []underTerms) {
	for _, a := range parts {
		a.Plan = planOf(a.Plan, families).Without(kept)
		if len(a.Plan.Figures) > 0 {
			list = append(list, a)
		}
	}
	return list
}

// planOf is a plan of some families only.
func planOf(p sdc.Plan, families []records.Family) sdc.Plan {
	p.Figures = slices.DeleteFunc(slices.Clone(p.Figures), func(f sdc.FigurePlan) bool { return !slices.Contains(families, records.Family(f.Family)) })
	return p
}

// underTerms is a frozen agreement with the terms it was frozen under.
type underTerms struct {
	frozenAgreement
	partner string
	clauses agreement.Clauses
}

func readParts(r store.Reader, f freeze) ([]underTerms, error) {
	list := make([]underTerms, 0, len(f.Agreements))
	for _, id := range f.Agreements {
		part, found, err := frozenT.get(r, key(f.Session, id))
		if err != nil || !found {
			return nil, errors.Join(err, missing(found, errNoHistory))
		}
		terms, found, err := agreementHistory.get(r, key(part.ID, uint64(part.Version), part.Revision))
		if err != nil || !found {
			return nil, fmt.Errorf("computing the figures of %s: %w", id, orNotAvailable(err))
		}
		list = append(list, underTerms{part, terms.Agreement.Partner, terms.Agreement.Clauses})
	}
	return list, nil
}

// reports are the indicators of which the plan says that they are reported.
func (a underTerms) reports(weak sdc.Weakness) []compare.Report {
	var ids []string
	for _, plan := range a.Plan.Figures {
		if plan.Reported {
			ids = append(ids, plan.Indicator)
		}
	}
	list := reportsOf(ids, a.clauses.Schools, a.Scale)
	for i := range list {
		list[i].Noisy = a.profile().Noisy() && !weak.Silent()
	}
	return list
}

func (a underTerms) profile() sdc.Profile { return sdc.Profile(a.clauses.Profile) }

// sign gives a period's values the noise keys if a release of it is noisy.
func (b *Broker) sign(values *compare.Period, f freeze, parts []underTerms) error {
	if !slices.ContainsFunc(parts, func(a underTerms) bool { return a.profile().Noisy() }) {
		return nil
	}
	keys, err := b.noiseKeys(f)
	if err != nil {
		return err
	}
	if b.sabotage.Weak == sdc.WeakCellKey {
		values.SignCells(keys, f.days())
		return nil
	}
	values.Sign(keys, f.days())
	return nil
}

func (b *Broker) reports(parts []underTerms) (all []compare.Report) {
	for _, a := range parts {
		all = append(all, a.reports(b.sabotage.Weak)...)
	}
	return all
}

// datasetOf returns a data version that may be older than the current one.
func (b *Broker) datasetOf(r store.Reader, version uint64) (*dataset, error) {
	if kept := b.datasets.find(version); kept != nil {
		return kept, nil
	}
	return b.loadDataset(r, version)
}
