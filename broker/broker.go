package broker

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/seal"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/broker/token"
	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/rego"
)

// Options are what a process decides when it opens a district.
type Options struct {
	Clock           func() time.Time                        // nil: the machine's clock, or the simulated one
	SimulatedNow    time.Time                               // only in a simulated district: the time to start from
	AcceptClockJump bool                                    // the clock is over a day ahead of the log, and that is right
	Policy          *policy.Engine                          // nil: the rules that ship
	Log             *slog.Logger                            // nil: discards
	Serving         bool                                    // requests are answered beside loads, which then give way to them
	Chance          func() float64                          // in [0, 1), spreads attempts to deliver messages; nil: the machine's
	BarrierLimit    time.Duration                           // how long a withdrawal waits before it cuts; 0: two seconds
	Store           func(path string) (store.Engine, error) // nil: bbolt
	Journal         string                                  // file of the withdrawal journal, on another machine's disk; empty: none
	Anchor          string                                  // file that says how far the log was signed, at another place than the directory; empty: none
	Restore         *RestoreOrder                           // the store was put back from an older copy on purpose
	StoreSabotage   store.Sabotage
	Sabotage        Sabotage

	bare bool // no rules: for the first entry, which no rule decides
}

// Sabotage removes one guard, so that a test can show that the guard is what
// holds. It is never set outside tests.
type Sabotage struct {
	NoBarrier bool // withdrawals do not wait for answers on their way
	NoStamp   bool // answers are recorded without a second look at what they depend on
	FileOnly  bool // who decides is what the district's file says, whatever officers recorded
	OldProof  bool // answers are signed however long ago a code was typed
	FreeTries bool // wrong codes are not counted
	DearLocks bool // a link that is locked is looked at in an Update all the same
	NamesTold bool // of a protected family everyone is told the organizations
	OldStamp  bool // how an agreement stands is read once a day, whatever changes
	OldCohort bool // what a family opened is decided once a day, whatever it says since
	Herd      bool // whoever asks for an answer that is being built builds it too
	NoCeiling bool // policy alone decides what leaves
	NoHold    bool // grants open records that would expose the last unconsented students
	EarlyAck  bool // receipts do not wait for the signed, committed log

	LastingLinks    bool // a link of the district's people can be used again
	LastingSessions bool // their sessions do not end when nobody uses them

	TellEveryone bool // answers for a board, funders and the public, and rows of groups, hold what consented students come to

	NoDoubts     bool // loads go in whatever they would lose or seem to mean
	UniteAnswers bool // answers of two files, or of two numbers of a guardian, count together though they conflict
	FreezeStale  bool // periods are frozen on records whose newest load was held
	Peek         bool // a preflight compares public totals with the records, as a close does

	NoRestoreGuard bool // a restored store releases rows before the withdrawals since are replayed

	FreeDraws  bool // noise is drawn under budgeted without a reservation
	GiveBack   bool // what was reserved for a close that stopped pays for the next one too
	NoStudents bool // students have no account under budgeted

	KeepMessages  bool // the contents of messages stay when these have come to their end
	Overtake      bool // a message does not wait for those of its person before it
	LateMessages  bool // messages leave also when they are of no use any more
	TrustCarriers bool // a message counts as delivered before a carrier has taken it

	Weak sdc.Weakness // releases lack the protection that it names
}

// Broker is one district at work. Its methods may be called at once from many
// goroutines.
type Broker struct {
	dir         string
	settings    Settings
	zone        *time.Location
	wall        func() time.Time
	store       *store.Store
	vault       *seal.Vault
	engine      *policy.Engine
	checkpoints *checkpointer
	upkeep      *upkeep
	journal     *journal
	shut        atomic.Bool // restored, and no row leaves
	verifier    *tlog.Verifier
	publicKey   string // of the log, as the verifier is written
	tokens      token.Key
	flights     *flights
	turns       turns
	policy      [32]byte // digest of the engine's rules
	prepared    preparedAgreements
	memo        memos
	datasets    datasetCache
	guardians   atomic.Pointer[persons] // newest that was used
	finished    *finishedCache
	requests    requestTexts
	standings   standings
	decided     decidedCohorts
	recalled    atomic.Uint64 // the count of freezes and publications up to which holds are read ahead
	rosters     *rosterCache
	outbox      *outbox
	contacts    contactIndex
	log         *slog.Logger
	sabotage    Sabotage
	loading     chan struct{} // one import or close at a time
	pace        ingest.Pace   // of loads
	newest      atomic.Int64  // newest time in the log, Unix milliseconds
}

// memos are the records that every partner request reads.
type memos struct {
	agreements *memo[agreementRecord]
	partners   *memo[partnerRecord]
	released   *memo[[]releaseRef]
	releases   *memo[releaseRecord]
	freezes    *memo[freeze]
	behind     *memo[setsBehind]
	parts      *memo[frozenAgreement]
}

// Open opens a district's directory. It refuses a damaged store, a store
// older than the log it signed, and a clock that jumped.
func Open(ctx context.Context, dir string, o Options) (_ *Broker, err error) {
	if _, err := os.Stat(filepath.Join(dir, fileStore)); err != nil {
		return nil, fmt.Errorf("opening %s: %w", dir, ErrNoDistrict)
	}
	b := &Broker{
		dir: dir, log: o.Log, sabotage: o.Sabotage, engine: o.Policy,
		flights:  newFlights(cmp.Or(o.BarrierLimit, 2*time.Second), o.Sabotage.NoBarrier),
		turns:    newTurns(),
		memo:     memos{newMemo(agreements), newMemo(partners), newMemo(released), newMemo(releases), newMemo(freezes), newMemo(behind), newMemo(frozenT)},
		finished: newFinishedCache(o.Sabotage.Herd), rosters: newRosterCache(), loading: make(chan struct{}, 1),
		standings: standings{old: o.Sabotage.OldStamp}, decided: decidedCohorts{old: o.Sabotage.OldCohort}, outbox: newOutbox(o.Chance),
	}
	if o.Serving {
		b.pace = ingest.Gentle
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	if err := b.openFiles(ctx, o); err != nil {
		return nil, err
	}
	if b.engine == nil && !o.bare {
		if b.engine, err = policy.Load(rego.FS); err != nil {
			return nil, fmt.Errorf("loading the rules: %w", err)
		}
	}
	if b.engine != nil {
		if _, err := hex.Decode(b.policy[:], []byte(b.engine.Digest())); err != nil {
			return nil, fmt.Errorf("reading the digest of the rules: %w", err)
		}
	}
	if err := b.setClock(o); err != nil {
		return nil, err
	}
	if err := b.checkLog(ctx, o); err != nil {
		return nil, err
	}
	if err := b.checkWhole(ctx, o); err != nil {
		return nil, err
	}
	return b, b.collect(ctx)
}

// verifiable is an engine that can prove its own content.
type verifiable interface {
	Verify(ctx context.Context) error
}

func (b *Broker) openFiles(ctx context.Context, o Options) error {
	open := o.Store
	if open == nil {
		open = func(path string) (store.Engine, error) { return bolt.Open(path, bolt.Options{}) }
	}
	engine, err := open(filepath.Join(b.dir, fileStore))
	if err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	if v, ok := engine.(verifiable); ok {
		if err := v.Verify(ctx); err != nil {
			return errors.Join(fmt.Errorf("verifying the store: %w", err), engine.Close())
		}
	}
	if b.store, err = store.Open(engine, store.Options{Journals: journals(), OnCommit: b.outbox.committed, Sabotage: o.StoreSabotage}); err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	if err := b.store.View(ctx, b.readSettings); err != nil {
		return fmt.Errorf("reading the district's settings: %w", err)
	}
	return b.openKeys(o)
}

func (b *Broker) readSettings(r store.Reader) error {
	raw, err := r.Get(colHead, key(headSettings))
	if err != nil {
		return err
	}
	if raw == nil {
		return ErrNoDistrict
	}
	if err := json.Unmarshal(raw, &b.settings); err != nil {
		return err
	}
	b.zone, err = time.LoadLocation(b.settings.TimeZone)
	return err
}

func (b *Broker) openKeys(o Options) error {
	keys := filepath.Join(b.dir, dirKeys)
	district, err := seal.ReadKeyFile(filepath.Join(keys, fileDistrictKey))
	if err != nil {
		return fmt.Errorf("reading the district key: %w", err)
	}
	if b.vault, err = seal.OpenVault(filepath.Join(b.dir, fileKeys), district); err != nil {
		return fmt.Errorf("opening the key file: %w", err)
	}
	secret, err := readSecret(filepath.Join(keys, fileLogKey))
	if err != nil {
		return fmt.Errorf("reading the log key: %w", err)
	}
	signer, err := tlog.NewSigner(string(secret))
	if err != nil {
		return fmt.Errorf("reading the log key: %w", err)
	}
	public, err := os.ReadFile(LogKeyPath(b.dir))
	if err != nil {
		return fmt.Errorf("reading the public log key: %w", err)
	}
	if b.verifier, err = tlog.NewVerifier(string(public)); err != nil {
		return fmt.Errorf("reading the public log key: %w", err)
	}
	b.publicKey = strings.TrimSpace(string(public))
	raw, err := readSecret(filepath.Join(keys, fileTokenKey))
	if err != nil {
		return fmt.Errorf("reading the token key: %w", err)
	}
	if b.tokens, err = token.ParseKey(raw); err != nil {
		return fmt.Errorf("reading the token key: %w", err)
	}
	b.checkpoints = newCheckpointer(b.dir, b.store, signer, o.Anchor)
	b.journal = newJournal(o.Journal, b.store, func(err error) { b.alarm("withdrawal-journal", err) })
	b.beginUpkeep()
	return nil
}

// setClock takes the machine's clock or, in a simulated district, one that
// starts where the caller says and then runs.
func (b *Broker) setClock(o Options) error {
	if o.Clock != nil {
		b.wall = o.Clock
		return nil
	}
	if !b.settings.IsSimulated() {
		if !o.SimulatedNow.IsZero() {
			return errors.New("the clock can be set only in a simulated district; make one with hallpass init --simulated-clock")
		}
		b.wall = time.Now
		return nil
	}
	base, began := b.settings.Simulated, time.Now()
	if !o.SimulatedNow.IsZero() {
		base = o.SimulatedNow
	}
	b.wall = func() time.Time { return base.Add(time.Since(began)) }
	return nil
}

// clock is the district's time: it never goes back behind the newest entry,
// so that nothing that had ended revives when the wall clock is set back.
//
// It has whole milliseconds, as the log has: what is recorded at a moment has
// happened at that moment, on whatever side of it the wall clock is.
func (b *Broker) clock() time.Time {
	return time.UnixMilli(max(b.wall().UnixMilli(), b.newest.Load())).UTC()
}

// ErrRolledBack says that the store is older than the log that was signed.
var ErrRolledBack = errors.New("the store is older than the log it has signed: it was restored from a copy, or replaced")

// ErrClockJump says that the clock is over a day ahead of the log.
var ErrClockJump = errors.New("the clock is over a day ahead of the newest entry; check it, then start with --accept-clock-jump")

// checkLog compares the clock with the newest entry.
func (b *Broker) checkLog(ctx context.Context, o Options) error {
	return b.store.View(ctx, func(r store.Reader) error {
		newest, err := number(r, colLog, key(logTime))
		b.newest.Store(int64(newest))
		if err != nil || newest == 0 || o.AcceptClockJump || b.settings.IsSimulated() {
			return err
		}
		if b.clock().Sub(time.UnixMilli(int64(newest))) > 24*time.Hour {
			return ErrClockJump
		}
		return nil
	})
}

// Close ends the district's work; what was acknowledged is durable already.
func (b *Broker) Close() error {
	var errs []error
	if b.checkpoints != nil {
		b.upkeep.end()
		errs = append(errs, b.checkpoints.save(), b.journal.close())
	}
	if b.store != nil {
		errs = append(errs, b.store.Close())
	}
	if b.vault != nil {
		errs = append(errs, b.vault.Close())
	}
	return errors.Join(errs...)
}

// Settings returns what the district was created with.
func (b *Broker) Settings() Settings { return b.settings }

// Failed returns why the store was sealed, or nil.
func (b *Broker) Failed() error { return b.store.Failed() }

// Now is the district's own time.
func (b *Broker) Now() time.Time { return b.clock().UTC() }

// alarm tells the operator of what must not happen; it never names a person.
func (b *Broker) alarm(what string, err error) {
	b.log.Error("alarm", slog.String("what", what), slog.String("error", err.Error()))
}

// Room returns nil while the disk has room for everything, and an error while it has
// only what is held for withdrawals.
func (b *Broker) Room(ctx context.Context) error { return b.store.Room(ctx) }

// Ready returns nil when requests can be answered, else why not.
func (b *Broker) Ready(ctx context.Context) error {
	if err := b.store.Failed(); err != nil {
		return err
	}
	if err := b.Room(ctx); err != nil {
		return err
	}
	return b.store.View(ctx, func(r store.Reader) error {
		_, err := b.dataset(r)
		return err
	})
}
