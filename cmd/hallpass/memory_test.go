package main

import (
	"archive/zip"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestALoadIsHeldToModestMemoryAndMoreForALargeExport(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	before := debug.SetMemoryLimit(-1)
	for size, want := range map[int64]int64{1 << 10: modestMemory, modestExport: modestMemory, modestExport + 4<<30: modestMemory + 3<<30} {
		folder := t.TempDir()
		for _, name := range []string{"a.csv", "b.csv"} {
			if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(filepath.Join(folder, name), size/2); err != nil {
				t.Fatal(err)
			}
		}
		restore := boundMemory(folder)
		if got := debug.SetMemoryLimit(-1); got != want {
			t.Errorf("an export of %d bytes may take %d, not %d", size, got, want)
		}
		if restore(); debug.SetMemoryLimit(-1) != before {
			t.Error("the bound stays after the load")
		}
	}
	packed := filepath.Join(t.TempDir(), "export.zip")
	pack(t, packed, "attendance.csv", make([]byte, 3<<20))
	if got := sizeOf(packed); got != 3<<20 {
		t.Errorf("a zip of 3 MB counts as %d bytes", got)
	}
	t.Setenv("GOMEMLIMIT", "1GiB")
	boundMemory(t.TempDir())
	if debug.SetMemoryLimit(-1) != before {
		t.Error("the bound of the environment does not stand")
	}
}

// pack writes a zip of one file.
func pack(t *testing.T, path, name string, text []byte) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, err := z.Create(name)
	if err == nil {
		_, err = w.Write(text)
	}
	if err := errors.Join(err, z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestAServiceWithASmallHeapCollectsSeldom(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	restore := collectLess()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if least := m.HeapAlloc + unusedMemory*servedGrowth/100; m.NextGC < least {
		t.Errorf("the next collection is due at %d bytes, before %d", m.NextGC, least)
	}
	if restore(); debug.SetGCPercent(100) != 100 {
		t.Error("the pace stays after the service")
	}
	t.Setenv("GOGC", "70")
	collectLess()
	if debug.SetGCPercent(100) != 100 {
		t.Error("the pace of the environment does not stand")
	}
}
