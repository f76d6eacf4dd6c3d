package noise

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/big"
)

// Sampler draws exact discrete Gaussian noise (Canonne, Kamath and Steinke 2020,
// algorithms 1 to 3). It calculates with whole numbers only. It belongs to one
// goroutine at a time.
type Sampler struct {
	random   io.Reader
	variance Variance
	scale    uint64 // of the discrete Laplace noise that is drawn first: floor(σ) + 1
}

// NewSampler returns a sampler of a variance that takes its bits from random,
// which outside of tests is crypto/rand.Reader; or an ErrVariance.
func NewSampler(random io.Reader, v Variance) (*Sampler, error) {
	if err := v.Validate(); err != nil {
		return nil, err
	}
	root := new(big.Int).Sqrt(big.NewInt(v.Num / v.Den))
	return &Sampler{random, v, root.Uint64() + 1}, nil
}

// Draw returns noise that nobody has seen. An error means that there was no
// randomness, and that nothing may be shown.
func (s *Sampler) Draw() (int, error) {
	for {
		size, negative, err := s.laplace()
		if err != nil {
			return 0, err
		}
		keep, err := s.exp(s.rejection(size))
		switch {
		case err != nil:
			return 0, err
		case keep && negative:
			return -int(size), nil
		case keep:
			return int(size), nil
		}
	}
}

// A ratio is a whole number and a fraction of less than one.
type ratio struct{ whole, num, den uint64 }

// rejection is (size - σ²/t)² / 2σ², t being the scale. With σ² = n/d that is
// (size·t·d - n)² / 2·n·d·t².
func (s *Sampler) rejection(size uint64) ratio {
	n, d := big.NewInt(s.variance.Num), big.NewInt(s.variance.Den)
	t := new(big.Int).SetUint64(s.scale)
	off := new(big.Int).SetUint64(size)
	off.Mul(off, t).Mul(off, d).Sub(off, n)
	off.Mul(off, off)
	den := new(big.Int).Mul(n, d)
	den.Mul(den, t).Mul(den, t).Lsh(den, 1)
	whole, rest := new(big.Int).QuoRem(off, den, new(big.Int))
	return ratio{whole.Uint64(), rest.Uint64(), den.Uint64()}
}

// laplace draws from the discrete Laplace distribution of the scale: a size and
// its sign.
func (s *Sampler) laplace() (size uint64, negative bool, err error) {
	for {
		rest, err := s.below(s.scale)
		if err != nil {
			return 0, false, err
		}
		kept, err := s.expPart(rest, s.scale)
		if err != nil {
			return 0, false, err
		}
		if !kept {
			continue
		}
		whole, err := s.runs()
		if err != nil {
			return 0, false, err
		}
		sign, err := s.below(2)
		if size = rest + s.scale*whole; err != nil || sign == 0 || size > 0 {
			return size, sign == 1, err
		} // zero has one sign only
	}
}

// runs is how often in a row something of probability 1/e happens.
func (s *Sampler) runs() (n uint64, err error) {
	for {
		if more, err := s.expPart(1, 1); err != nil || !more {
			return n, err
		}
		n++
	}
}

// exp is true with probability exp(-x).
func (s *Sampler) exp(x ratio) (bool, error) {
	for range x.whole {
		if yes, err := s.expPart(1, 1); err != nil || !yes {
			return false, err
		}
	}
	return s.expPart(x.num, x.den)
}

// expPart is true with probability exp(-num/den), for a fraction of at most one:
// the first of the chances x, x/2, x/3, … that fails is an odd one with that
// probability.
func (s *Sampler) expPart(num, den uint64) (bool, error) {
	for k := uint64(1); ; k++ {
		drawn, err := s.below(den)
		if err != nil {
			return false, err
		}
		one, err := s.below(k)
		if err != nil {
			return false, err
		}
		if drawn >= num || one > 0 {
			return k%2 == 1, nil
		}
	}
}

// below draws a whole number from zero on, less than n: 64 bits, again where they
// lie in the part that n does not divide.
func (s *Sampler) below(n uint64) (uint64, error) {
	if n == 1 {
		return 0, nil
	}
	var eight [8]byte
	for {
		if _, err := io.ReadFull(s.random, eight[:]); err != nil {
			return 0, fmt.Errorf("drawing noise: %w", err)
		}
		u := binary.BigEndian.Uint64(eight[:])
		if uneven := (math.MaxUint64%n + 1) % n; u <= math.MaxUint64-uneven {
			return u % n, nil
		}
	}
}
