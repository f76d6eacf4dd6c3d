package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// ledgerRecord says of one release what was published, under which protection and
// over which sets. Each names the one before by its digest, so that none can be
// changed, left out or put between; the newest stands in the log, in the entry of
// its publication. Digests are SHA-256, in hex.
type ledgerRecord struct {
	Sequence    uint64           `json:"sequence"` // from 1
	Previous    string           `json:"previous"` // of the stored record before; of the first empty
	Agreement   string           `json:"agreement"`
	Period      string           `json:"period"`
	Number      uint32           `json:"number"` // of the release among those of agreement and period
	Correction  bool             `json:"correction,omitzero"`
	Families    []records.Family `json:"families"`
	FrozenAt    time.Time        `json:"frozen_at"`
	Data        uint64           `json:"data"` // version that the values are of
	Profile     sdc.Profile      `json:"profile"`
	Mechanism   mechanism        `json:"mechanism"`
	Release     string           `json:"release_sha256"` // of the stored release
	Sets        string           `json:"sets_sha256"`    // of what sdc.EncodeHistory makes of the sets it gives away
	Figures     int              `json:"figures"`        // rows of indicators that show a value
	PublishedAt time.Time        `json:"published_at"`
}

// mechanism is how a release's figures were protected beside what is withheld. The
// variance is that of the noise of a count, in hundredths of a student squared.
type mechanism struct {
	Name     string `json:"name"`
	Variance int    `json:"variance_hundredths,omitzero"`
}

func mechanismOf(p sdc.Profile, d Disclosure) mechanism {
	if !p.Noisy() {
		return mechanism{Name: "bands"}
	}
	return mechanism{"discrete_gaussian", d.Noise * d.Noise}
}

// ledgerHead is the end of the ledger: how many records, and the newest one's
// digest.
type ledgerHead struct {
	Size   uint64 `json:"size"`
	Digest string `json:"digest"`
}

var (
	ledger      = table[ledgerRecord]{colLedger}
	ledgerHeads = table[ledgerHead]{colHead}
)

// accountOf is the record of a release, but for its place in the ledger.
func accountOf(rec releaseRecord, stored []byte, f freeze, h sdc.History) (ledgerRecord, error) {
	sets, err := setsDigest(h, rec.Families, rec.Correction)
	return ledgerRecord{
		Agreement: rec.Agreement, Period: rec.Period.SessionID, Number: rec.Number, Correction: rec.Correction, Families: rec.Families,
		FrozenAt: rec.FrozenAt, Data: rec.Data, Profile: rec.Release.Profile, Mechanism: mechanismOf(rec.Release.Profile, f.Disclosure),
		Release: digest(stored), Sets: sets, Figures: shownFigures(rec.Release), PublishedAt: rec.PublishedAt,
	}, err
}

// enterLedger appends the record of a release, in the Update that stores it.
func enterLedger(tx store.Tx, entry ledgerRecord) error {
	head, _, err := ledgerHeads.get(tx, key(headLedger))
	if err != nil {
		return err
	}
	entry.Sequence, entry.Previous = head.Size+1, head.Digest
	raw, err := entry.encode()
	if err != nil {
		return err
	}
	if err := tx.Put(colLedger, key(entry.Sequence), raw); err != nil {
		return err
	}
	return ledgerHeads.put(tx, key(headLedger), ledgerHead{entry.Sequence, digest(raw)})
}

func (l ledgerRecord) encode() ([]byte, error) { return json.Marshal(l, json.Deterministic(true)) }

// setsDigest is the digest of the sets that a release gives away, of those of its
// agreement and period: its families' from their freeze or, of a correction, the
// cohorts that it shows again.
func setsDigest(h sdc.History, families []records.Family, correction bool) (string, error) {
	var own sdc.History
	for _, set := range h {
		if slices.Contains(families, records.Family(set.Family)) && (set.Role == sdc.RoleCorrected) == correction {
			own = append(own, set)
		}
	}
	raw, err := sdc.EncodeHistory(own)
	return digest(raw), err
}

// shownFigures counts the rows that show a value.
func shownFigures(r sdc.Release) (n int) {
	for _, f := range r.Figures {
		for _, row := range f.Rows {
			if row.Cohort != nil || row.Whole != nil {
				n++
			}
		}
	}
	return n
}

// Ledger pages through the ledger of releases, oldest first (officer, auditor).
func (b *Broker) Ledger(ctx context.Context, c Caller, req LedgerRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "read the ledger of releases", RoleOfficer, RoleAuditor); err != nil {
		return nil, err
	}
	if req.Limit == 0 {
		req.Limit = 100
	}
	if req.Limit < 1 || req.Limit > maxEntries {
		return nil, invalidField("limit", "is out of range", fmt.Sprintf("ask for 1 to %d records", maxEntries))
	}
	return b.read(ctx, c, "read the ledger of releases", func(r store.Reader, _ moment) (any, error) {
		head, _, err := ledgerHeads.get(r, key(headLedger))
		if err != nil {
			return nil, err
		}
		list := []ledgerRecord{}
		for at := max(req.From, 1); at <= head.Size && len(list) < req.Limit; at++ {
			rec, found, err := ledger.get(r, key(at))
			if err != nil || !found {
				return nil, errors.Join(err, missing(found, errLedger))
			}
			list = append(list, rec)
		}
		return map[string]any{"records": list, "size": head.Size, "digest": head.Digest}, nil
	})
}

// errLedger says that the ledger of releases does not agree with what it is about.
var errLedger = errors.New("the ledger of releases does not agree with the releases")

// loggedHeads are the ends of the ledger that entries of the log name, by size.
type loggedHeads map[uint64]string

// note takes up the end of the ledger that an entry names, if it is about a
// publication and can be opened.
func (l loggedHeads) note(o tlog.Opened) error {
	event := o.Entry.Leaf.Event
	if o.Destroyed || event != tlog.PeriodPublished && event != tlog.PeriodCorrected {
		return nil
	}
	var body struct {
		Ledger ledgerHead `json:"ledger"`
	}
	if err := json.Unmarshal(o.Entry.Body, &body); err != nil {
		return fmt.Errorf("reading entry %d: %w", o.Entry.Leaf.Index, errEntryForm)
	}
	if body.Ledger.Size > 0 { // a period without agreements has no releases
		l[body.Ledger.Size] = body.Ledger.Digest
	}
	return nil
}

// ledgerPage is how many records one snapshot verifies, so that a check holds no
// read transaction for long.
const ledgerPage = 64

// verifyLedger recomputes the chain of the ledger up to an end of it that was read
// before the log, compares each record with the stored release and sets it is about,
// and the ends with those that the log names.
func (b *Broker) verifyLedger(ctx context.Context, end ledgerHead, logged loggedHeads) error {
	if err := logged.reach(end); err != nil {
		return err
	}
	previous := ""
	for from := uint64(1); from <= end.Size; from += ledgerPage {
		err := b.store.View(ctx, func(r store.Reader) (err error) {
			for at := from; at <= min(end.Size, from+ledgerPage-1); at++ {
				if previous, err = verifyRelease(r, at, previous); err != nil {
					return fmt.Errorf("release ledger, record %d: %w", at, err)
				}
				if said, ok := logged[at]; ok && said != previous {
					return fmt.Errorf("release ledger, record %d: %w: the log has another digest of it", at, errLedger)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if previous != end.Digest {
		return fmt.Errorf("release ledger: %w: it does not end where it says", errLedger)
	}
	return nil
}

// ledgerEnd is the end of the ledger, which must have a record for each stored
// release.
func (b *Broker) ledgerEnd(ctx context.Context) (end ledgerHead, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		if end, _, err = ledgerHeads.get(r, key(headLedger)); err != nil {
			return err
		}
		stored, err := count(r, colReleases)
		if err != nil {
			return err
		}
		kept, err := count(r, colLedger)
		if err == nil && (stored != end.Size || kept != end.Size) {
			err = fmt.Errorf("release ledger: %w: %d releases, %d records, and %d by its own count", errLedger, stored, kept, end.Size)
		}
		return err
	})
	return end, err
}

// reach reports whether the log, read after the end of the ledger, names that end.
// A log with newer publications names later ones too, whose records are there.
func (l loggedHeads) reach(end ledgerHead) error {
	if said, ok := l[end.Size]; end.Size > 0 && (!ok || said != end.Digest) {
		return fmt.Errorf("release ledger: %w: the log does not name its newest record, number %d", errLedger, end.Size)
	}
	if end.Size == 0 && len(l) > 0 {
		return fmt.Errorf("release ledger: %w: it is empty, and the log names records", errLedger)
	}
	return nil
}

func count(r store.Reader, c store.Collection) (n uint64, err error) {
	err = r.Scan(c, store.Range{}, func(_, _ []byte) (bool, error) {
		n++
		return true, nil
	})
	return n, err
}

// verifyRelease compares one record with what comes before it and what it is about,
// and returns its digest.
func verifyRelease(r store.Reader, at uint64, previous string) (string, error) {
	raw, err := r.Get(colLedger, key(at))
	if err != nil {
		return "", err
	}
	var rec ledgerRecord
	if err := json.Unmarshal(raw, &rec); err != nil {
		return "", fmt.Errorf("%w: it cannot be read", errLedger)
	}
	if again, err := rec.encode(); err != nil || !bytes.Equal(again, raw) {
		return "", fmt.Errorf("%w: it is not as it was written", errLedger)
	}
	if rec.Sequence != at || rec.Previous != previous {
		return "", fmt.Errorf("%w: it does not follow the one before", errLedger)
	}
	release, err := r.Get(colReleases, key(rec.Agreement, rec.Period, rec.Number))
	if err != nil {
		return "", err
	}
	if digest(release) != rec.Release {
		return "", fmt.Errorf("%w: the release of %s for %s was changed", errLedger, rec.Agreement, rec.Period)
	}
	if err := wholeHistory(r, rec); err != nil {
		return "", err
	}
	return digest(raw), nil
}

// wholeHistory compares the stored sets of a release with its record.
func wholeHistory(r store.Reader, rec ledgerRecord) error {
	changed := fmt.Errorf("%w: the sets of %s for %s were changed", errLedger, rec.Agreement, rec.Period)
	raw, err := r.Get(colPublished, key(rec.Period, rec.Agreement))
	if err != nil {
		return err
	}
	h, err := sdc.DecodeHistory(raw)
	if err != nil {
		return changed
	}
	again, err := json.Marshal(setsBehind{h}, json.Deterministic(true))
	if err != nil || !bytes.Equal(again, raw) {
		return changed
	}
	sets, err := setsDigest(h, rec.Families, rec.Correction)
	if err == nil && sets != rec.Sets {
		return changed
	}
	return err
}
