// Package store keeps a district's data: named collections of ordered keys and
// values, changed by whole transactions.
//
// A [Store] sits over an [Engine] (bbolt, PostgreSQL). It has one writer, which
// gathers the Updates that wait and commits them as one group, so that sixty
// callers share the price of one disk sync. Each Update still stands alone: it
// sees the earlier successes of its group, and its failure takes back only its
// own writes.
//
// A store that could not commit is fail-stop. A failed commit may have reached
// the disk or not, so the store refuses everything from then on with
// [ErrSealed]; the program must end, open the data again and verify it.
package store
