package main

import (
	"archive/zip"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
)

// A load of 100,000 students needs modestMemory, and its export is not longer
// than modestExport, in bytes.
const (
	modestMemory = 330 << 20
	modestExport = 700 << 20
)

// boundMemory lets the garbage collector hold a command that loads an export to
// modest memory and, for what an export has over a modest one, to three quarters
// of that: half of it stands in memory, and with less room than that the
// collector would be at work all the time. A limit that is set in the environment
// (GOMEMLIMIT) stays. restore takes the bound away.
func boundMemory(export string) (restore func()) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	more := max(0, sizeOf(export)-modestExport)
	before := debug.SetMemoryLimit(modestMemory + more/4*3)
	return func() { debug.SetMemoryLimit(before) }
}

// Between two collections a service's heap grows by servedGrowth percent of what
// is alive, and by as much of unusedMemory on top.
const (
	servedGrowth = 200
	unusedMemory = 64 << 20 // bytes
)

// collectLess lets the heap grow threefold between collections, and by 128 MB
// at least: after a collection every request has to grow its stack again, so a
// service whose heap is small collects seldom. The least is memory that counts
// as alive and that nobody ever touches, which the system therefore never
// provides. GOGC in the environment stands. restore takes the pace back.
func collectLess() (restore func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	unused := make([]byte, unusedMemory)
	before := debug.SetGCPercent(servedGrowth)
	return func() {
		debug.SetGCPercent(before)
		runtime.KeepAlive(unused)
	}
}

// sizeOf is the bytes of a file, of what a zip says that it holds, or of the files
// of a folder, as far as they can be seen: of what cannot, the import itself tells.
func sizeOf(path string) (size int64) {
	if packed, err := zip.OpenReader(path); err == nil {
		defer packed.Close()
		for _, f := range packed.File {
			size += int64(min(f.UncompressedSize64, 1<<40)) // a zip may lie
		}
		return size
	}
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
