package bench_test

import (
	"os"
	"syscall"
)

// datasync makes a file's content durable, as the store does.
func datasync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
