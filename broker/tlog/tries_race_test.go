//go:build race

package tlog_test

// exportChanges is smaller under the race detector, which makes hashing and
// parsing twenty times slower; nothing here runs concurrently.
const exportChanges = 100
