//go:build !linux

package main

import "testing"

// mountSmall mounts nothing here.
func mountSmall(*testing.T, int) string { return "" }
