package token

// KeepRevoked removes the guard that forgets verified tokens.
func (c Config) KeepRevoked() Config { c.sabotage.keepRevoked = true; return c }

// Remembered is the number of tokens in the cache.
func (v *Verifier) Remembered() int { return len(v.cache.young) + len(v.cache.older) }

// DuringVerification calls between after a verification of raw has begun and
// before it is remembered.
func (v *Verifier) DuringVerification(raw string, between func()) (Claims, error) {
	var sum [32]byte
	_, _, keys, life := v.cache.get(sum)
	claims, err := v.parse(raw, keys)
	between()
	if err == nil {
		v.cache.put(sum, cached{claims: claims, until: claims.Expires}, life)
	}
	return claims, err
}
