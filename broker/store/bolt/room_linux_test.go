package bolt_test

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

// smallDisks mount a disk of a few megabytes, each of another kind.
var smallDisks = map[string]func(t *testing.T, dir string) error{
	"tmpfs": func(_ *testing.T, dir string) error { return syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=32m") },
	"ext4": func(t *testing.T, dir string) error {
		image := filepath.Join(t.TempDir(), "image")
		f, err := os.Create(image)
		if err == nil {
			err = errors.Join(f.Truncate(32<<20), f.Close())
		}
		if err == nil {
			err = exec.Command("mkfs.ext4", "-q", image).Run()
		}
		if err == nil {
			err = exec.Command("mount", "-o", "loop", image, dir).Run()
		}
		return err
	},
}

// onSmallDisk runs a test of a store on a disk that a sibling fills.
func onSmallDisk(t *testing.T, o bolt.Options, test func(t *testing.T, s *store.Store, path, sibling string)) {
	for name, mount := range smallDisks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := mount(t, dir); err != nil {
				t.Skipf("this machine lets the test mount no small disk: %v", err)
			}
			t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
			path := filepath.Join(dir, "store.db")
			if err := bolt.Create(path); err != nil {
				t.Fatal(err)
			}
			test(t, openWith(t, path, o), path, filepath.Join(dir, "sibling"))
		})
	}
}

func openWith(t *testing.T, path string, o bolt.Options) *store.Store {
	t.Helper()
	e, err := bolt.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(e, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fillDisk writes a file until nothing more fits.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	_ = f.Sync() // it may only tell again that the disk is full
}

func write(t *testing.T, s *store.Store, lane store.Lane, size int) error {
	t.Helper()
	_, err := s.Update(t.Context(), lane, func(tx store.Tx) error {
		return tx.Put("c", binary.BigEndian.AppendUint64(nil, tx.Rev()), make([]byte, size))
	})
	return err
}

// untilRefused writes until the store takes no more and returns why.
func untilRefused(t *testing.T, s *store.Store) error {
	t.Helper()
	for range 10_000 {
		if err := write(t, s, store.LanePartner, 20_000); err != nil {
			return err
		}
	}
	t.Fatal("a full disk takes everything")
	return nil
}

func TestAFullDiskTakesOnlyWithdrawalsAndHealsByItself(t *testing.T) {
	t.Parallel()
	const ballast, withdrawals = 4 << 20, 1000
	o := bolt.Options{Ballast: ballast}
	onSmallDisk(t, o, func(t *testing.T, s *store.Store, path, sibling string) {
		fillDisk(t, sibling)
		if err := untilRefused(t, s); !errors.Is(err, store.ErrFull) || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("the disk is full, and an update gave %v", err)
		}
		for i := range withdrawals {
			if err := write(t, s, store.LaneWithdrawal, 1000); err != nil {
				t.Fatalf("withdrawal %d: %v", i, err)
			}
		}
		if err := s.Room(t.Context()); !errors.Is(err, store.ErrFull) {
			t.Errorf("the room is %v", err)
		}
		if err := os.Remove(sibling); err != nil {
			t.Fatal(err)
		}
		if err := s.Room(t.Context()); err != nil {
			t.Errorf("with space again the room is %v", err)
		}
		if err := write(t, s, store.LanePartner, 1000); err != nil {
			t.Errorf("with space again: %v", err)
		}
		rev := s.Rev()
		if err := errors.Join(s.Failed(), s.Close()); err != nil {
			t.Fatal(err)
		}
		if again := openWith(t, path, o); again.Rev() != rev || again.Close() != nil {
			t.Errorf("revision %d is there of %d", again.Rev(), rev)
		}
	})
}

func TestWithoutABallastAFullDiskRefusesWithdrawals(t *testing.T) {
	t.Parallel()
	o := bolt.Options{Ballast: 4 << 20, Sabotage: bolt.Sabotage{NoBallast: true}}
	onSmallDisk(t, o, func(t *testing.T, s *store.Store, _, sibling string) {
		fillDisk(t, sibling)
		_ = untilRefused(t, s)
		var err error
		for i := 0; err == nil && i < 1000; i++ {
			err = write(t, s, store.LaneWithdrawal, 1000)
		}
		if !errors.Is(err, store.ErrFull) {
			t.Errorf("a thousand withdrawals without a ballast gave %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestACommitThatMeetsAFullDiskSealsTheStore(t *testing.T) {
	t.Parallel()
	onSmallDisk(t, bolt.Options{Sabotage: bolt.Sabotage{NoRoom: true}}, func(t *testing.T, s *store.Store, _, sibling string) {
		fillDisk(t, sibling)
		if err := untilRefused(t, s); !errors.Is(err, store.ErrSealed) {
			t.Errorf("without the guard a full disk gave %v", err)
		}
		_ = s.Close() // the failed transaction may hold the file
	})
}
