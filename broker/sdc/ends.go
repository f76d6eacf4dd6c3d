package sdc

// CodeNoisy codes the noisy sum of one side of a row with n students: num / den
// is a share, a number of events a student, or a mean in the measure's unit. A
// share becomes a whole percent, and events a whole number per hundred, with an
// open band at each end; a mean is rounded as it is without noise. What noise
// took beyond the scale is coded as its end. Fewer than ten students or a
// denominator that is not positive are withheld.
//
// The cut points are those of a Utah district's published procedure (Cache
// County School District: 2 % from 100 students, 1 % from 300, 5 % from 40),
// carried on below forty students by those of EDFacts.
func CodeNoisy(m Measure, num, den int64, n int) Shown {
	if n < Standard.Thresholds().MinCohort || den <= 0 {
		return withheld()
	}
	unit := m.Unit
	if m.Kind != Mean {
		unit = 100 * int64(percent)
	}
	return m.codeNoisy(Milli(rounded(num*unit, den)), n)
}

// codeNoisy codes a noisy figure in thousandths of the printed unit.
func (m Measure) codeNoisy(v Milli, n int) Shown {
	switch m.Kind {
	case Share:
		return bandOf(clamp(rounded(int64(v), int64(percent)), 100), noisyGrid(n), " %")
	case Per100:
		return noisyEvents(clamp(rounded(int64(v), int64(percent)), 100), n)
	}
	return m.codeMean(max(m.Min, min(v, m.Max)), n)
}

// noisyGrid is finer than gridFor: the noise protects, and the open ends only
// keep a figure from saying "nobody" or "everybody". Under twenty students noise
// of two is more than ten percent, and a whole percent would claim too much.
func noisyGrid(n int) grid {
	switch {
	case n < coarse:
		return grid{width: 20, end: 20}
	case n < 40:
		return grid{width: 1, end: 10}
	case n < 100:
		return grid{width: 1, end: 5}
	case n < 300:
		return grid{width: 1, end: 2}
	}
	return grid{width: 1, end: 1}
}

// noisyEvents has the bands of a share; its last one is open to EventCap events a
// student.
func noisyEvents(p, n int) Shown {
	out := bandOf(p, noisyGrid(n), " per 100 students")
	if out.High == 100*percent {
		out.High = EventCap * 100 * percent
	}
	return out
}
