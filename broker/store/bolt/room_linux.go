package bolt

import (
	"errors"
	"os"
	"syscall"
)

// keepSize is FALLOC_FL_KEEP_SIZE: blocks behind the end of the file do not make it
// longer, so that copies of it hold none of them.
const keepSize = 1

// claim gives a file real blocks in a range that holds nothing. A disk without space
// for them is left as it is: some file systems would give the rest of it first.
func claim(f *os.File, from, to int64) error {
	var disk syscall.Statfs_t
	if err := syscall.Fstatfs(int(f.Fd()), &disk); err != nil {
		return err
	}
	if disk.Bavail < uint64(to-from+roomSpared)/uint64(disk.Bsize) {
		return syscall.ENOSPC
	}
	err := error(syscall.EINTR)
	for errors.Is(err, syscall.EINTR) {
		err = syscall.Fallocate(int(f.Fd()), keepSize, from, to-from)
	}
	if errors.Is(err, syscall.EOPNOTSUPP) {
		return blank(f, from, to)
	}
	if err != nil {
		return err
	}
	return f.Sync()
}
