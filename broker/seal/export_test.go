package seal

// RawKey returns the bytes of a key, for tests that search for them.
func (v *Vault) RawKey(id KeyID) ([]byte, error) { return v.find(id) }

// KeysCollection is where keys.db has the wrapped keys.
const KeysCollection = keysIn
