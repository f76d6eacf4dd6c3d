package broker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// Disclosure is how the district protects figures, for all its agreements alike:
// the totals of a school are the same for every partner, and so is their noise.
type Disclosure struct {
	// Noise is the standard deviation of the noise of a count, in tenths of a
	// student.
	Noise int `json:"noise_tenths"`
}

// The bounds of the noise, in tenths of a student. Under one and a half, somebody
// who knows everybody else and sees four figures is right in three cases of four.
const (
	leastNoise   = 15
	defaultNoise = 20
	mostNoise    = 100
)

var disclosures = table[Disclosure]{colHead}

// Validate refuses noise that hides too little, or too much to be of use.
func (d Disclosure) Validate() error {
	if d.Noise < leastNoise || d.Noise > mostNoise {
		return invalidField("noise_tenths", "is not between 15 and 100",
			"give the standard deviation in tenths of a student; 20 is usual, and under 15 an insider guesses right too often")
	}
	return nil
}

func (d Disclosure) variance() noise.Variance {
	return noise.Variance{Num: int64(d.Noise * d.Noise), Den: 100}
}

func readDisclosure(r store.Reader) (Disclosure, error) {
	d, found, err := disclosures.get(r, key(headDisclosure))
	if err == nil && !found {
		d.Noise = defaultNoise
	}
	return d, err
}

// disclosureView is the settings with what they come to: how often somebody who
// knows everybody else guesses the last one right, by the number of figures.
type disclosureView struct {
	Disclosure
	Insider []insiderBound `json:"insider"`
}

type insiderBound struct {
	Figures int       `json:"figures"`
	Right   sdc.Milli `json:"right"` // at most, as a share of guesses on a question that is as likely yes as no
}

func (d Disclosure) view() (disclosureView, error) {
	t, err := noise.NewTable(d.variance())
	if err != nil {
		return disclosureView{}, err
	}
	v := disclosureView{Disclosure: d}
	for _, n := range []int{1, 4, sdc.ExposureCap, sdc.ExposureCap + 1} {
		v.Insider = append(v.Insider, insiderBound{n, sdc.Milli(t.Insider(n)*1000 + 0.999)})
	}
	return v, nil
}

// sentences say what stands between the records and the figures of a release, and
// how far it protects.
func (d Disclosure) sentences(p sdc.Profile) ([]string, error) {
	const withheld = "A figure is withheld where a group is too small, or where it would give another one away."
	if p == sdc.PublishedTable {
		return []string{"Shares stand in bands and means are rounded, as in published school report cards; no random number is added.", withheld}, nil
	}
	t, err := noise.NewTable(d.variance())
	if err != nil {
		return nil, err
	}
	right := func(figures int) int { return int(t.Insider(figures)*100 + 0.999) }
	return []string{
		fmt.Sprintf("A random number with a standard deviation of %s students stands in every count, and one as large for its scale in every other sum. "+
			"It belongs to the group: asking again, or in another way, gives the same figure.", sdc.Milli(d.Noise)*100),
		fmt.Sprintf("Of a question that is as likely yes as no, somebody who knows every other student of a group guesses the answer for the last one right in at most "+
			"%d of 100 cases from one figure, in %d from four, and in %d from all figures in which a student may be; a coin is right in 50.",
			right(1), right(4), right(sdc.ExposureCap+1)),
		withheld,
	}, nil
}

// Disclosure returns the district's settings (officer, auditor).
func (b *Broker) Disclosure(ctx context.Context, c Caller) (*Answer, error) {
	if err := b.admit(ctx, c, "read the disclosure settings", RoleOfficer, RoleAuditor); err != nil {
		return nil, err
	}
	return b.read(ctx, c, "read the disclosure settings", func(r store.Reader, _ moment) (any, error) {
		d, err := readDisclosure(r)
		if err != nil {
			return nil, err
		}
		return d.view()
	})
}

// SetDisclosure changes the district's settings (officer). Periods that are frozen
// keep those they were frozen with.
func (b *Broker) SetDisclosure(ctx context.Context, c Caller, d Disclosure) (*Answer, error) {
	if err := b.admit(ctx, c, "change the disclosure settings", RoleOfficer); err != nil {
		return nil, err
	}
	if err := d.Validate(); err != nil {
		return nil, err
	}
	a := act{event: tlog.DisclosureSet, lane: store.LaneOfficer, caller: c, request: d}
	return b.perform(ctx, a, func(tx store.Tx, _ moment) (outcome, error) {
		view, err := d.view()
		if err != nil {
			return outcome{}, err
		}
		if err := bump(tx, colHead, key(headTerms)); err != nil {
			return outcome{}, err
		}
		return outcome{data: view}, disclosures.put(tx, key(headDisclosure), d)
	})
}

// noiseSecret is what a school year's noise is made of. It changes with the year
// and with nothing else: another one in the middle of it would be a second draw
// for every figure. The fingerprint tells secrets apart and nothing of them.
func (b *Broker) noiseSecret(year civil.Date) (secret []byte, fingerprint string, err error) {
	derived, err := b.vault.Derive(districtKey, "noise of the year that begins on "+year.String())
	if err != nil {
		return nil, "", unavailable("the key behind the district's noise is missing; restore keys.db", err)
	}
	sum := sha256.Sum256(append([]byte("hallpass noise fingerprint "), derived[:]...))
	return derived[:], hex.EncodeToString(sum[:8]), nil
}

// errBudgeted says that nothing may be drawn without a budget behind it.
var errBudgeted = errors.New("a budgeted release has no budget to be paid from")

// noiseKeys are those of a frozen period's year.
func (b *Broker) noiseKeys(f freeze) (noise.Keys, error) {
	secret, fingerprint, err := b.noiseSecret(f.YearStart)
	if err != nil {
		return noise.Keys{}, err
	}
	if fingerprint != f.Fingerprint {
		return noise.Keys{}, conflict("the key behind the district's noise is not the one that the period was frozen with; restore keys.db: figures made with another key would give away what noise hides")
	}
	return noise.NewKeys(secret)
}

// protection is that of a release under a profile: the noise of a frozen period.
func (b *Broker) protection(f freeze, p sdc.Profile) (out sdc.Protection, err error) {
	out.Profile, out.Weak = p, b.sabotage.Weak
	switch {
	case p == sdc.Budgeted:
		return out, internal(errBudgeted)
	case !p.Noisy():
		return out, nil
	}
	keys, err := b.noiseKeys(f)
	if err != nil {
		return out, err
	}
	out.Noise, err = noise.NewSticky(keys, f.days(), f.Disclosure.variance(), sdc.Hidden()...)
	return out, err
}

// days names the days a period's values are of, so that two sessions of the same
// days have the same noise.
func (f freeze) days() string { return f.Start.String() + "/" + f.End.String() }
