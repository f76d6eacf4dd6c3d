// Package bolt is the embedded engine of a store: one bbolt file.
//
// bbolt keeps no checksums and panics over pages that it cannot read. This package
// adds what is missing, so that damage gives [store.ErrCorrupt] and never a crash or
// wrong data:
//
//   - Each value is stored behind a CRC-32C of collection, key and value, tested by
//     every Get and Scan. It catches every flipped bit.
//   - The file holds the number of all pairs and a sum over all of them, changed with
//     each commit. [Engine.Verify] walks the file and compares: a pair that vanished
//     or came back is caught, whatever made it so. Call it at every start.
//   - [Open] walks the tree of pages before bbolt trusts it, and demands both meta
//     pages: with one of them damaged bbolt would silently go back by one commit.
//   - Every call into bbolt turns a panic or a page fault into an error.
//
// This is about disks and memory that fail, not about an attacker, who could mend
// the sums; against attackers stand sealing and the log.
package bolt
