package attack

// Broken returns sampling without one of the two things that let chains move among
// values that must fit figures exactly: swaps, and passing through values that do
// not fit.
func (s Sampling) Broken(noSwaps, stiff bool) Sampling {
	s.broken.noSwaps, s.broken.stiff = noSwaps, stiff
	return s
}
