package sdc

import "strconv"

// codeNoisy codes a noisy figure of a group of n students: whole percents, or the
// measure's step, inside the ends; one open band at each end, wider for small
// groups, since near an end a figure speaks of every student (the cut points of
// 20, 10, 5, 2 and 1 % are those of state report cards; spec 2.4). Under
// twenty students there are five bands only.
func (m Measure) codeNoisy(v Milli, n int) Shown {
	switch m.Kind {
	case Share:
		return bandOf(clamp(rounded(int64(v), int64(percent)), 0, 100), noisyGrid(n), " %")
	case Per100:
		return events(clamp(rounded(int64(v), int64(percent)), 0, mostIncidents*100), noisyGrid(n))
	}
	return m.codeMean(v, n)
}

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

// events codes a number of events per hundred students, which has no upper end.
func events(p int, g grid) Shown {
	const unit = " per 100 students"
	switch {
	case g.width > 1 && p >= 100-g.end:
		out := bandOf(100, g, unit)
		out.High = unbounded
		return out
	case g.width > 1 || p <= g.end:
		return bandOf(p, g, unit)
	}
	return Shown{KindValue, strconv.Itoa(p), whole(p) - percent/2, whole(p) + percent/2, strconv.Itoa(p) + unit}
}
