package broker

import (
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// SafeName shows tests what a name for a file is made of.
func SafeName(parts ...string) string { return safeName(parts...) }

// WholeHas reports whether a whole release under the clauses has a row.
func WholeHas(c agreement.Clauses, k sdc.Key) bool {
	return comparisonQuestion{ComparisonRequest{Whole: true}}.asks(c, k)
}

// FitsPage is what the gate says of a whole release of so many rows and these bytes
// before it records it.
func FitsPage(rows int, data []byte) error {
	return comparisonData{Rows: make([]comparisonRow, rows)}.fitsPage(data)
}

// ForgetDecided drops what was decided and built, so that the next answer is made from
// the store alone.
func (b *Broker) ForgetDecided() {
	b.decided.mu.Lock()
	defer b.decided.mu.Unlock()
	b.decided.kept, b.finished = nil, newFinishedCache()
}
