package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// RestoreOrder declares that a store which is older than what was signed was put back
// on purpose: who says so, and why. It cannot be taken back.
type RestoreOrder struct{ By, Reason string }

// declaration is a declared restoration: what had been signed, and what was left.
type declaration struct {
	Checkpoint string    `json:"checkpoint"` // the newest one known; empty: none
	Size       int64     `json:"size"`       // of the log it signs; -1: not known
	Restored   int64     `json:"restored"`   // of the log that was put back
	Key        string    `json:"key"`        // public key that signed until then, and signs no more
	NewKey     string    `json:"new_key"`
	Epoch      uint64    `json:"epoch"` // of stops, until then
	Stops      uint64    `json:"stops"`
	Known      bool      `json:"known"` // that many stops there were
	At         time.Time `json:"at"`
	By         string    `json:"by"`
	Reason     string    `json:"reason"`
}

// restored is what a store remembers of its restorations.
type restored struct {
	Declared []declaration `json:"declared"`
	Shut     bool          `json:"shut"`            // no row leaves until the newest is made good
	Undone   []stop        `json:"undone,omitzero"` // stops that could not be done again yet
}

var restorations = table[restored]{colHead}

// errShut is why rows do not leave.
var errShut = errors.New("restored from an older copy: no row leaves until the withdrawals made since are replayed (hallpass restore replay) or an officer has checked them by hand (hallpass restore open)")

func (b *Broker) shutError() error {
	if !b.shut.Load() || b.sabotage.NoRestoreGuard {
		return nil
	}
	return &Error{
		Kind: Unavailable, RetryAfter: retryRestored, cause: errShut,
		Detail: "the district was restored from an older copy; no records of students leave until the withdrawals made since are in it again",
	}
}

// retryRestored is when to ask again of a restored district.
const retryRestored = 10 * time.Minute

// checkWhole refuses a store that lacks what was signed, or what is in its withdrawal
// journal, unless the order declares it restored.
func (b *Broker) checkWhole(ctx context.Context, o Options) error {
	list, err := b.anchors(filepath.Join(b.dir, lastAnchor), o.Anchor)
	if err != nil {
		return err
	}
	var lacks *gap
	err = b.store.View(ctx, func(r store.Reader) (err error) {
		if lacks, err = b.findGap(r, list); err != nil {
			return err
		}
		past, _, err := restorations.get(r, key(headRestored))
		b.shut.Store(past.Shut)
		if err != nil {
			return err
		}
		ahead, err := b.journalAhead(r, o.Journal)
		if err != nil || ahead == nil {
			return err
		}
		if lacks == nil {
			lacks = &gap{last: anchor{}}
		}
		lacks.last = later(lacks.last, *ahead)
		return nil
	})
	if err != nil || lacks == nil && o.Restore == nil {
		return err
	}
	switch {
	case lacks == nil:
		return errNotRestored
	case o.Restore == nil:
		return ErrRolledBack
	}
	return b.declare(ctx, *lacks, *o.Restore)
}

var errNotRestored = conflict("this store lacks nothing that was signed: there is no restoration to declare")

// journalAhead returns what a journal within reach holds beyond the store's present
// epoch of stops. One that cannot be read is an alarm: it may be on a machine that
// is away.
func (b *Broker) journalAhead(r store.Reader, path string) (*anchor, error) {
	if path == "" {
		return nil, nil
	}
	list, broken := readJournalFile(path)
	if broken != nil && !errors.Is(broken, os.ErrNotExist) {
		b.alarm("withdrawal-journal", broken)
	}
	if len(list) == 0 {
		return nil, nil
	}
	present, err := number(r, colHead, key(headEpoch))
	if err != nil {
		return nil, err
	}
	newest := slices.MaxFunc(list, func(a, b stop) int { return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Seq, b.Seq)) })
	if newest.Epoch < present {
		return nil, nil
	}
	last, err := lastStop(r, newest.Epoch)
	if err != nil || newest.Seq <= last.Seq {
		return nil, err
	}
	return &anchor{Epoch: newest.Epoch, Stops: newest.Seq}, nil // it may have lost its end: that is no count
}

func readJournalFile(path string) ([]stop, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, _, err := readJournal(f)
	return list, err
}

// declare begins a new time of the log: a new key signs it from here on, so that no
// checkpoint of the old key is ever contradicted, and its first entry carries the last
// checkpoint of the old one and says what is missing.
func (b *Broker) declare(ctx context.Context, lacks gap, o RestoreOrder) error {
	if o.By == "" || o.Reason == "" {
		return invalidField("reason", "is missing", "say which copy was put back, and why")
	}
	old, err := os.ReadFile(LogKeyPath(b.dir))
	if err != nil {
		return fmt.Errorf("reading the public log key: %w", err)
	}
	public, err := b.renewLogKey(old)
	if err != nil {
		return fmt.Errorf("making a new log key: %w", err)
	}
	a := act{event: tlog.StoreRestored, lane: store.LaneOfficer, caller: Caller{Subject: o.By, Role: RoleOfficer}, request: o}
	answer, err := b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		size, err := number(tx, colLog, key(logSize))
		if err != nil {
			return outcome{}, err
		}
		d := declaration{
			Checkpoint: lacks.last.Checkpoint, Size: sizeOf(lacks.last.Checkpoint), Restored: int64(size), Key: string(old), NewKey: public,
			Epoch: lacks.last.Epoch, Stops: lacks.last.Stops, Known: lacks.last.known, At: m.now, By: o.By, Reason: o.Reason,
		}
		return outcome{data: d, body: d}, b.putDeclaration(tx, d)
	})
	answer.Drop()
	if err != nil {
		return err
	}
	b.shut.Store(true)
	return b.checkpoints.save()
}

func (b *Broker) putDeclaration(tx store.Tx, d declaration) error {
	past, _, err := restorations.get(tx, key(headRestored))
	if err != nil {
		return err
	}
	present, err := number(tx, colHead, key(headEpoch))
	if err != nil {
		return err
	}
	past.Declared, past.Shut = append(past.Declared, d), true
	if err := restorations.put(tx, key(headRestored), past); err != nil {
		return err
	}
	return putNumber(tx, colHead, key(headEpoch), max(present, d.Epoch)+1)
}

// renewLogKey replaces the log's key. The old public key stays beside it, so that
// what it signed can be checked; the old secret is gone.
func (b *Broker) renewLogKey(old []byte) (public string, err error) {
	secret, public, err := tlog.GenerateKey(b.settings.Origin)
	if err != nil {
		return "", err
	}
	signer, err := tlog.NewSigner(secret)
	if err != nil {
		return "", err
	}
	verifier, err := tlog.NewVerifier(public)
	if err != nil {
		return "", err
	}
	keys := filepath.Join(b.dir, dirKeys)
	for _, file := range []struct {
		name    string
		content []byte
	}{
		{"log-until-" + b.clock().Format("20060102T150405Z") + ".pub", old},
		{fileLogKey, []byte(secret + "\n")},
		{fileLogPublic, []byte(public + "\n")},
	} {
		if err := replaceFile(filepath.Join(keys, file.name), file.content); err != nil {
			return "", err
		}
	}
	b.verifier = verifier
	b.checkpoints.renew(signer)
	return public, nil
}

// Replay is what became of a journal's lines.
type Replay struct {
	Lines   int  `json:"lines"`   // newer than the store
	Done    int  `json:"done"`    // done again
	Already int  `json:"already"` // the store had it so
	Nothing int  `json:"nothing"` // they end what the store does not have
	Undone  int  `json:"undone"`  // about a student or partner whom the store does not know
	Missing int  `json:"missing"` // that the anchor counts, and the journal lacks
	Counted bool `json:"counted"` // an anchor says how many there were
	Open    bool `json:"open"`    // rows leave again
}

// ReplayJournal does again, in order and each as an act of its own, the stops of a
// withdrawal journal that a restored store lacks, and lets rows leave again when none
// is missing. It can be run again: what was done is not done twice.
func (b *Broker) ReplayJournal(ctx context.Context, by, path string) (*Replay, error) {
	list, err := readJournalFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the withdrawal journal: %w", err)
	}
	past, todo, err := b.toReplay(ctx, list)
	if err != nil {
		return nil, err
	}
	report := &Replay{Lines: len(todo)}
	d := past.Declared[len(past.Declared)-1]
	report.Counted = d.Known
	had := uint64(0)
	for _, c := range list {
		if c.Epoch == d.Epoch {
			had = max(had, c.Seq)
		}
	}
	report.Missing = int(max(d.Stops, had) - had)
	var undone []stop
	for _, c := range todo {
		left, err := b.replay(ctx, c, report)
		if err != nil {
			return report, fmt.Errorf("line %d of epoch %d: %w", c.Seq, c.Epoch, err)
		}
		if left {
			undone = append(undone, c)
		}
	}
	report.Open = report.Counted && report.Missing == 0 && len(undone) == 0
	return report, b.settleRestored(ctx, by, undone, report.Open, report)
}

// toReplay are the lines that the store lacks, after those that could not be done
// before.
func (b *Broker) toReplay(ctx context.Context, list []stop) (past restored, todo []stop, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		if past, _, err = restorations.get(r, key(headRestored)); err != nil {
			return err
		}
		if !past.Shut {
			return conflict("this district does not wait for a journal: it was not restored, or is open again")
		}
		present, err := number(r, colHead, key(headEpoch))
		if err != nil {
			return err
		}
		todo = slices.Clone(past.Undone)
		for _, c := range list {
			last, err := lastStop(r, c.Epoch)
			if err != nil {
				return err
			}
			if c.Epoch < present && c.Seq > last.Seq {
				todo = append(todo, c)
			}
		}
		return nil
	})
	return past, todo, err
}

// replay does one stop again. left says that it could not be done yet.
func (b *Broker) replay(ctx context.Context, c stop, report *Replay) (left bool, err error) {
	done, err := b.openStop(c)
	if err != nil {
		return false, err
	}
	err = b.doAgain(context.WithValue(ctx, replayKey{}, &replaying{c, done}), done)
	switch KindOf(err) {
	case "":
		report.Done++
	case Conflict:
		report.Already++
	case NotAvailable, Invalid:
		if left = done.Op.standsAlone(); left {
			report.Undone++
		} else {
			report.Nothing++
		}
	default:
		return false, err
	}
	_, err = b.store.Update(ctx, store.LaneWithdrawal, func(tx store.Tx) error { return adopt(tx, c) })
	return left, storeError(err)
}

func (b *Broker) doAgain(ctx context.Context, a stopAct) error {
	switch c := a.Caller; a.Op {
	case stopWithdraw:
		return again(a, func(req WithdrawRequest) (*Answer, error) { return b.WithdrawConsent(ctx, c, a.ID, req) })
	case stopInvalidate:
		return again(a, func(req ReviewRequest) (*Answer, error) { return b.InvalidateConsent(ctx, c, a.ID, req) })
	case stopAnswer:
		return again(a, func(req ConsentRequest) (*Answer, error) { return b.CreateConsent(ctx, c, req) })
	case stopRestrict:
		return again(a, func(req RestrictionRequest) (*Answer, error) { return b.RecordRestriction(ctx, c, req) })
	case stopLift:
		return again(a, func(req ReviewRequest) (*Answer, error) { return b.LiftRestriction(ctx, c, a.ID, req) })
	case stopHolder:
		return again(a, func(req HolderRequest) (*Answer, error) { return b.RecordHolder(ctx, c, req) })
	case stopPostsecondary:
		return again(a, func(req PostsecondaryRequest) (*Answer, error) { return b.RecordPostsecondary(ctx, c, req) })
	case stopCase:
		return again(a, func(req CaseRequest) (*Answer, error) { return b.OpenCase(ctx, c, req) })
	case stopDuplicate:
		return again(a, func(req DuplicateRequest) (*Answer, error) { return b.DecideDuplicate(ctx, c, a.ID, req) })
	case stopPartner:
		return again(a, func(req TransitionRequest) (*Answer, error) { return b.AdvancePartner(ctx, c, a.ID, req) })
	case stopBan:
		return again(a, func(req BanRequest) (*Answer, error) { return b.BanPartner(ctx, c, a.ID, req) })
	case stopTokens:
		return again(a, func(map[string]string) (*Answer, error) { return b.RevokeTokens(ctx, c, a.ID) })
	case stopAgreement:
		return again(a, func(req TransitionRequest) (*Answer, error) { return b.AdvanceAgreement(ctx, c, a.ID, req) })
	}
	return internal(fmt.Errorf("a stop of no known kind: a newer program wrote the journal"))
}

// again does an act with its request as it was.
func again[R any](a stopAct, do func(R) (*Answer, error)) error {
	var req R
	if err := json.Unmarshal(a.Request, &req); err != nil {
		return internal(fmt.Errorf("reading the request of a stop: %w", err))
	}
	answer, err := do(req)
	answer.Drop()
	return err
}

// OpenRestored lets rows leave a restored district again by an officer's word that
// everything closed since the copy was entered again by hand.
func (b *Broker) OpenRestored(ctx context.Context, by, reason string) error {
	if reason == "" || by == "" {
		return invalidField("reason", "is missing", "say how the withdrawals since the copy were checked by hand, and by whom")
	}
	if !b.shut.Load() {
		return conflict("this district is open")
	}
	return b.settleRestored(ctx, by, nil, true, map[string]string{"reason": reason})
}

// settleRestored records what was done about a restoration.
func (b *Broker) settleRestored(ctx context.Context, by string, undone []stop, open bool, how any) error {
	a := act{event: tlog.StoreRestored, lane: store.LaneOfficer, caller: Caller{Subject: by, Role: RoleOfficer}, request: how}
	answer, err := b.perform(ctx, a, func(tx store.Tx, _ moment) (outcome, error) {
		past, _, err := restorations.get(tx, key(headRestored))
		if err != nil {
			return outcome{}, err
		}
		past.Shut, past.Undone = !open, undone
		return outcome{data: map[string]any{"open": open}}, restorations.put(tx, key(headRestored), past)
	})
	answer.Drop()
	if err == nil && open {
		b.shut.Store(false)
	}
	return err
}
