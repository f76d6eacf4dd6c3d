package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// Derive returns a secret for one use of a key, by HKDF (RFC 5869) with label
// as info: without the key it cannot be computed, and it ends with the key. It
// returns ErrNoKey for a key that does not exist or was destroyed.
func (v *Vault) Derive(id KeyID, label string) (secret [KeyLength]byte, err error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.failed != nil {
		return secret, v.failed
	}
	key, ok := v.cache.key(id)
	if !ok {
		found, err := v.find(id)
		if err != nil {
			return secret, err
		}
		v.cache.add(id, found)
		key = [KeyLength]byte(found)
	}
	derived, err := hkdf.Expand(sha256.New, key[:], "hallpass/derive/v1\n"+label, KeyLength)
	if err != nil {
		return secret, fmt.Errorf("deriving a secret: %w", err)
	}
	return [KeyLength]byte(derived), nil
}
