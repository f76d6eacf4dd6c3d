package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"

	"github.com/hallpass-edu/hallpass/broker/store"
)

func aead(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// wrapping returns the AEAD that wraps keys. The district key itself encrypts nothing;
// HKDF (RFC 5869) derives the key that does, so that others can be derived beside it.
func wrapping(districtKey []byte) (cipher.AEAD, error) {
	if len(districtKey) != KeyLength {
		return nil, ErrKeyLength
	}
	key, err := hkdf.Key(sha256.New, districtKey, nil, "hallpass keys.db wrapping key, version 1", KeyLength)
	if err != nil {
		return nil, err
	}
	return aead(key)
}

// place is the additional data of a wrapped key: it opens nowhere else.
func place(c store.Collection, name string) []byte {
	return append(append([]byte(c), 0), name...)
}

func wrapKey(wrap cipher.AEAD, c store.Collection, name string, key []byte) []byte {
	return wrap.Seal(nil, nil, key, place(c, name))
}

func unwrap(wrap cipher.AEAD, c store.Collection, name string, wrapped []byte) ([]byte, error) {
	key, err := wrap.Open(nil, nil, wrapped, place(c, name))
	if err != nil || len(key) != KeyLength {
		return nil, ErrOpen
	}
	return key, nil
}
