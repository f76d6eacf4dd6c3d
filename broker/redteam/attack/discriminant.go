package attack

import "gonum.org/v1/gonum/mat"

// discriminant is a linear rule that tells a yes from a no (Fisher 1936).
type discriminant struct {
	weights []float64
	cut     float64
}

func (d discriminant) yes(row []float64) bool { return dot(d.weights, row) > d.cut }

func dot(a, b []float64) float64 {
	sum := 0.
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// discriminate fits a discriminant to descriptions of worlds. Its cut is halfway
// between the means.
func discriminate(rows [][]float64, worlds []World) discriminant {
	n := len(rows[0])
	means := centres(rows, worlds)
	within := mat.NewSymDense(n, nil)
	for i := range n {
		within.SetSym(i, i, 1e-3*float64(len(rows))) // a ridge, for answers that never vary
	}
	off := mat.NewVecDense(n, nil)
	for k, row := range rows {
		for i, v := range row {
			off.SetVec(i, v-means[int(bit(worlds[k].Truth))][i])
		}
		within.SymRankOne(within, 1, off)
	}
	for i := range n {
		off.SetVec(i, means[1][i]-means[0][i])
	}
	var by mat.Cholesky
	var weights mat.VecDense
	if !by.Factorize(within) || by.SolveVecTo(&weights, off) != nil {
		return discriminant{weights: make([]float64, n)}
	}
	d := discriminant{weights: weights.RawVector().Data}
	d.cut = (dot(d.weights, means[0]) + dot(d.weights, means[1])) / 2
	return d
}

// centres are the mean descriptions of the worlds with a no and with a yes.
func centres(rows [][]float64, worlds []World) (means [2][]float64) {
	var count [2]float64
	for kind := range means {
		means[kind] = make([]float64, len(rows[0]))
	}
	for k, row := range rows {
		kind := int(bit(worlds[k].Truth))
		count[kind]++
		for i, v := range row {
			means[kind][i] += v
		}
	}
	for kind := range means {
		for i := range means[kind] {
			means[kind][i] /= max(1, count[kind])
		}
	}
	return means
}
