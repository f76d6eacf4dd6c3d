package broker

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/store"
)

// journal is the withdrawal journal: a file, meant for another machine's disk, to
// which every stop is appended and synced before its act is acknowledged.
//
// A stop that cannot be written there is acknowledged all the same, after two
// seconds at most, with an alarm: it is durable in the store, and a family must not
// be refused because another machine is away. The journal is needed only once the
// store is restored from an older copy; the anchor then tells that it is too short.
// What is missing is written as soon as the file can be reached.
type journal struct {
	path  string // empty: none is kept
	store *store.Store
	alarm func(error)
	turn  chan struct{}     // held by the one who writes
	file  *os.File          // of who has the turn
	upTo  map[uint64]uint64 // newest number in the file, by epoch
}

const (
	journalPatience = 2 * time.Second
	maxJournalLine  = 8 << 20
)

var errJournalLate = errors.New("the withdrawal journal did not answer in time; what it lacks is written later")

func newJournal(path string, s *store.Store, alarm func(error)) *journal {
	return &journal{path: path, store: s, alarm: alarm, turn: make(chan struct{}, 1)}
}

// wait returns when the journal holds every stop that is durable, or cannot be
// made to in time.
func (j *journal) wait(ctx context.Context) {
	if j == nil || j.path == "" {
		return
	}
	if err := j.ship(context.WithoutCancel(ctx)); err != nil {
		j.alarm(err)
	}
}

// ship appends what the journal lacks. A disk that hangs is left hanging, and nobody
// waits for it longer than the journal's patience.
func (j *journal) ship(ctx context.Context) error {
	if j.path == "" {
		return nil
	}
	late := time.NewTimer(journalPatience)
	defer late.Stop()
	select {
	case j.turn <- struct{}{}:
	case <-late.C:
		return errJournalLate
	}
	done := make(chan error, 1)
	go func() {
		err := j.append(ctx)
		<-j.turn
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-late.C:
		return errJournalLate
	}
}

func (j *journal) append(ctx context.Context) error {
	if j.file == nil {
		if err := j.open(); err != nil {
			return fmt.Errorf("opening the withdrawal journal: %w", err)
		}
	}
	list, err := j.lacking(ctx)
	if err != nil || len(list) == 0 {
		return err
	}
	var lines []byte
	for _, c := range list {
		line, err := json.Marshal(c, json.Deterministic(true))
		if err != nil {
			return err
		}
		lines = append(append(lines, line...), '\n')
	}
	if _, err = j.file.Write(lines); err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		err = errors.Join(err, j.file.Close())
		j.file = nil // what is in it is read again
		return fmt.Errorf("writing the withdrawal journal: %w", err)
	}
	for _, c := range list {
		j.upTo[c.Epoch] = c.Seq
	}
	return nil
}

// lacking returns the stops of the store that the journal does not hold.
func (j *journal) lacking(ctx context.Context) (list []stop, err error) {
	err = j.store.View(ctx, func(r store.Reader) error {
		present, err := number(r, colHead, key(headEpoch))
		if err != nil {
			return err
		}
		for epoch := uint64(0); epoch <= present; epoch++ {
			from := store.Range{Prefix: key(epoch), From: key(epoch, j.upTo[epoch]+1)}
			err := r.Scan(colStops, from, func(_, raw []byte) (bool, error) {
				var c stop
				err := json.Unmarshal(raw, &c)
				list = append(list, c)
				return err == nil, err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// open opens the file, makes it if there is none, and cuts off a last line that was
// not written whole.
func (j *journal) open() error {
	f, err := os.OpenFile(j.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	list, whole, err := readJournal(f)
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	j.file, j.upTo = f, map[uint64]uint64{}
	for _, c := range list {
		j.upTo[c.Epoch] = c.Seq
	}
	return nil
}

func (j *journal) close() error {
	select {
	case j.turn <- struct{}{}: // for good
	default:
		return nil // it hangs
	}
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}

// readJournal reads the lines of a journal and verifies that they are numbered
// without a gap and chained, within each epoch. whole is the length of all whole
// lines: the last one may have been cut off by a crash, before it was acknowledged.
func readJournal(r io.Reader) (list []stop, whole int64, err error) {
	last := map[uint64]stop{}
	in := bufio.NewReader(r)
	for {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) {
			return list, whole, nil
		}
		var c stop
		if err == nil {
			err = json.Unmarshal(line, &c, json.RejectUnknownMembers(true))
		}
		if err != nil {
			return nil, 0, fmt.Errorf("line %d of the withdrawal journal cannot be read: %w", len(list)+1, err)
		}
		before := last[c.Epoch]
		if c.Seq != before.Seq+1 || !bytes.Equal(c.Chain, c.chained(before.Chain)) {
			return nil, 0, fmt.Errorf("line %d of the withdrawal journal: %w", len(list)+1, errOtherJournal)
		}
		last[c.Epoch] = c
		list, whole = append(list, c), whole+int64(len(line))
	}
}

// readLine returns a whole line with its end, or io.EOF.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxJournalLine:
			return nil, errors.New("it is too long")
		case !errors.Is(err, bufio.ErrBufferFull):
			return line, err
		}
	}
}
