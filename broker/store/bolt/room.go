package bolt

import (
	"fmt"
	"os"

	"github.com/hallpass-edu/hallpass/broker/store"
)

// room is a file's claim on its disk. bbolt grows a file without blocks behind it, so
// that the disk can run full in the middle of a commit. The file is therefore given its
// blocks before: the ballast is nothing but blocks at its end that nobody else can
// take.
type room struct {
	file  *os.File
	solid int64 // up to here the file has real blocks
}

const (
	roomStep   = 1 << 20  // a file grows by so much, or by an eighth
	roomStride = 16 << 20 // but not by more
	roomSpared = 1 << 20  // and leaves so much of the disk to small files beside it
	fixedPages = 64       // of a commit: branches, sums and revisions, with all to spare
)

// Fits is of store.Sized. What a commit allocates is estimated from above: a page for
// each write, its bytes twice, and some for the branches. Large neighbours on a page
// could exceed that; the ballast then stands behind it.
func (t *tx) Fits(writes, bytes int, urgent bool) (err error) {
	o := t.engine.options
	if o.Sabotage.NoRoom {
		return nil
	}
	defer shield(&err)()
	used := t.bolt.Size()
	end := used + int64(writes+fixedPages)*int64(t.engine.db.Info().PageSize) + 2*int64(bytes)
	if !urgent && !o.Sabotage.NoBallast {
		end += o.Ballast
	}
	return t.engine.room.reach(used, end)
}

// reach sees to it that the file has real blocks up to its end; used is where those
// that hold something stop.
func (r *room) reach(used, end int64) error {
	if end <= r.solid {
		return nil
	}
	from := max(r.solid, used)
	end += min(max(roomStep, used/8), roomStride)
	if err := claim(r.file, from, end); err != nil {
		return fmt.Errorf("%w: growing its file: %w", store.ErrFull, err)
	}
	r.solid = end
	return nil
}

// blank claims blocks where the system has no call for it: by writing them.
func blank(f *os.File, from, to int64) error {
	zeros := make([]byte, roomSpared)
	for from < to {
		n, err := f.WriteAt(zeros[:min(int64(len(zeros)), to-from)], from)
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return f.Sync()
}
