package records

// The versions of a profile's coding: the second has the student's own contact.
const (
	profileVersion = 2
	profileBare    = 1
)

// AppendProfile writes a profile behind b, for sealing under the student's key.
func AppendProfile(b []byte, p Profile) []byte {
	w := &writer{b}
	w.byte(profileVersion)
	w.b = append(w.b, p.SID[:]...)
	w.text(p.Person.StudentID)
	w.text(p.Person.Given)
	w.text(p.Person.Family)
	w.text(p.Person.Email)
	w.text(p.Person.Phone)
	w.date(p.Birth)
	w.text(p.Sex)
	w.text(p.RaceEthnicity)
	for _, f := range []Flag{p.EnglishLearner, p.SpecialEducation, p.EconomicallyDisadvantaged} {
		w.byte(byte(f))
	}
	w.count(len(p.Enrollments))
	for _, e := range p.Enrollments {
		w.text(e.School)
		w.date(e.Entry)
		w.date(e.Exit)
		w.text(e.Grade)
		w.bool(e.Primary)
	}
	w.count(len(p.Guardians))
	for _, g := range p.Guardians {
		for _, s := range []string{g.ID, g.Given, g.Family, g.Relation, g.Capacity, g.Language, g.Email, g.Phone} {
			w.text(s)
		}
		w.bool(g.HoldsRights)
	}
	return w.b
}

// DecodeProfile reads what EncodeProfile wrote, and nothing else.
func DecodeProfile(b []byte) (Profile, error) {
	r := &reader{b: b}
	version := r.byte()
	if version != profileVersion && version != profileBare || len(r.b) < len(SID{}) {
		return Profile{}, ErrCoding
	}
	p := Profile{SID: SID(r.b[:len(SID{})])}
	r.b = r.b[len(SID{}):]
	p.Person = Person{StudentID: r.text(), Given: r.text(), Family: r.text()}
	if version == profileVersion {
		p.Person.Email, p.Person.Phone = r.text(), r.text()
	}
	p.Birth, p.Sex, p.RaceEthnicity = r.date(), r.text(), r.text()
	p.EnglishLearner, p.SpecialEducation, p.EconomicallyDisadvantaged = r.flag(), r.flag(), r.flag()
	for range r.count(5) {
		p.Enrollments = append(p.Enrollments,
			Enrollment{School: r.text(), Entry: r.date(), Exit: r.date(), Grade: r.text(), Primary: r.bool()})
	}
	for range r.count(9) {
		p.Guardians = append(p.Guardians, Guardian{
			ID: r.text(), Given: r.text(), Family: r.text(), Relation: r.text(),
			Capacity: r.text(), Language: r.text(), Email: r.text(), Phone: r.text(), HoldsRights: r.bool(),
		})
	}
	if err := r.end(); err != nil {
		return Profile{}, err
	}
	return p, nil
}

func (r *reader) flag() Flag {
	b := r.byte()
	if b > byte(No) {
		r.fail()
	}
	return Flag(b)
}
