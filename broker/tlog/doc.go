// Package tlog is the district's transparency log without its storage: the
// leaf and the entry it commits to, the Merkle tree (RFC 6962, over
// golang.org/x/mod/sumdb/tlog), signed checkpoints (C2SP signed-note and
// tlog-checkpoint), receipts that verify offline, and the export format with
// its verifier.
//
// An entry has two canonical JSON halves: a header, which travels in receipts,
// and a body, which stays in the district. Both are destroyable: what the tree
// keeps for ever is the leaf, of fixed size and without personal data, and its
// commitment can no longer be opened once the salts are gone.
//
// The package knows no clock, file system or network. Sizes and indexes are
// at most [MaxSize]. Everything parsed here is untrusted: parsers accept one
// byte form of each value and return errors, never panic.
package tlog
