// Package seal keeps the keys that personal data is sealed with, and seals with them.
//
// A [Vault] is one file, keys.db, apart from the data and in no backup of it. Each
// student, agreement and the district itself has a random data key there, wrapped
// under the district key, which stands in a key file of its own. Whoever has the data
// but not keys.db, or keys.db but not the district key, has nothing.
//
// Destroying a key makes all that was sealed with it unreadable, in every copy and
// backup of the data: see [Vault.Destroy].
//
// Sealing is AES-256-GCM with a random 96-bit nonce, as crypto/cipher's
// NewGCMWithRandomNonce does it. One key may seal at most 2^32 messages (NIST SP
// 800-38D, 8.3); the district key wraps at most as many keys between two
// destructions, each of which replaces it.
package seal
