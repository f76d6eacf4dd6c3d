package compare

import "github.com/hallpass-edu/hallpass/broker/records"

// version is a data version that values are read from: its records, and the
// placed students in it. A student who is not there is nil.
type version struct {
	district *records.District
	student  func(ordinal uint32) *records.Student
}

// ReadFrom makes the period read its values from another data version than the
// one that places its students: of each student what stands there under the same
// SID, and nothing of one who is not there. Call it before anything is computed.
func (p *Period) ReadFrom(d *records.District) {
	p.first, p.scales = p.version(d), d.ScalesIn(p.session)
}

// Correct makes the period take its values from a newer data version, for the
// students who have a value in the first one and for nobody else: one who has none
// any more keeps the first value. Call it before anything is computed.
func (p *Period) Correct(d *records.District) {
	corrected := p.version(d)
	p.corrected = &corrected
}

func (p *Period) version(d *records.District) version {
	if d == p.district {
		return version{d, func(ordinal uint32) *records.Student { return &d.Students[ordinal] }}
	}
	return version{d, func(ordinal uint32) *records.Student { return d.Find(p.district.Students[ordinal].SID) }}
}

// value computes one student's value from the version's records.
func (v version) value(r Report, s records.Session) Value {
	settings := records.Settings{Scale: r.Scale}
	return func(ordinal uint32) (int64, int64, bool) {
		student := v.student(ordinal)
		if student == nil {
			return 0, 0, false
		}
		value, status := r.Indicator.Compute(v.district, student, s, nil, settings)
		return value.Num, value.Den, status == records.Reported && value.Den > 0
	}
}
