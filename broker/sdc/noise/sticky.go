package noise

// Sticky gives every group of a period its noise, always the same.
type Sticky struct {
	keys     Keys
	period   string
	variance Variance
	tables   map[int64]*Table
	sizes    *Table
}

// NewSticky returns the noise of a period for a variance of counts. Sums in which
// the change to hide is larger than one get as many times the deviation: those
// sizes are listed. An ErrVariance says that one of them is too much.
func NewSticky(k Keys, period string, v Variance, hidden ...int64) (*Sticky, error) {
	sizes, err := NewTable(v)
	if err != nil {
		return nil, err
	}
	s := &Sticky{k, period, v, map[int64]*Table{}, sizes}
	for _, change := range hidden {
		if s.tables[change] != nil {
			continue
		}
		t, err := NewTable(v.Times(change))
		if err != nil {
			return nil, err
		}
		s.tables[change] = t
	}
	return s, nil
}

// Variance is that of a count's noise.
func (s *Sticky) Variance() Variance { return s.variance }

// Of returns the noise of a group's sum in which a change of the given size is to
// be hidden. It returns an ErrVariance where NewSticky was not told of the size.
func (s *Sticky) Of(indicator string, hidden int64, g Group) (int64, error) {
	t, ok := s.tables[hidden]
	if !ok {
		return 0, ErrVariance
	}
	return int64(s.keys.Noise(t, Figure{indicator, s.period}, g)), nil
}

// Size returns the noise of a group's number of students, with the deviation of a
// count.
func (s *Sticky) Size(g Group) int64 { return int64(s.keys.Size(s.sizes, g)) }

// Times is the variance of noise that is so many times as large.
func (v Variance) Times(size int64) Variance { return Variance{v.Num * size * size, v.Den} }
