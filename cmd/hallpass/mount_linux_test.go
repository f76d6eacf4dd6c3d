package main

import (
	"fmt"
	"syscall"
	"testing"
)

// mountSmall mounts a disk of so many bytes until the test ends, or returns nothing
// where that is not allowed.
func mountSmall(t *testing.T, size int) string {
	t.Helper()
	dir := shortDir(t)
	if syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", size)) != nil {
		return ""
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting the small disk: %v", err)
		}
	})
	return dir
}
