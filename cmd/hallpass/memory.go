package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
)

// modestMemory is what a load of 100,000 students needs, in bytes.
const modestMemory = 330 << 20

// boundMemory lets the garbage collector hold a command that loads an export to
// modest memory or, of a large export, to half of its size: what stands in
// memory of a register of every day is less. A limit that is set in the
// environment (GOMEMLIMIT) stays. restore takes the bound away.
func boundMemory(export string) (restore func()) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	before := debug.SetMemoryLimit(max(modestMemory, sizeOf(export)/2))
	return func() { debug.SetMemoryLimit(before) }
}

// sizeOf is the bytes of a file or of the files of a folder, as far as they can
// be seen: of what cannot, the import itself tells.
func sizeOf(path string) (size int64) {
	_ = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				size += info.Size()
			}
		}
		return nil
	})
	return size
}
