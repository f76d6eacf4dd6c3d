//go:build !race

package tlog_test

// exportChanges is how many changed exports are verified.
const exportChanges = 2000
