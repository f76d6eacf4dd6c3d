package edfi

import (
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A trait is what all records say of a student beside the name.
type trait struct {
	sex, hispanic, learner, poor string
	races                        []string // two at most: more say no more
	special                      bool
}

func (f *feed) students() {
	traits := f.traits()
	at := f.placed()
	for _, r := range f.list[students] {
		t := traits[r.get(studentID)]
		special := ""
		if t.special {
			special = "yes"
		}
		f.add("students.csv", r.where, r.get(studentID), r.get(name), r.get(family), r.get(birth),
			f.codes.label("sex", t.sex), f.ethnicity(t), t.learner, special, t.poor)
		if !at[r.get(studentID)] {
			f.note(r.where, spelled("StudentUniqueId", r.where), ingest.NoSchool)
		}
	}
}

// placed are the students who are at a school of the export.
func (f *feed) placed() map[string]bool {
	known, placed := map[string]bool{}, map[string]bool{}
	for _, r := range f.list[schools] {
		known[r.get(schoolID)] = true
	}
	for _, r := range f.list[stays] {
		if known[r.get(schoolID)] {
			placed[r.get(studentID)] = true
		}
	}
	return placed
}

// traits gathers what the student, the associations with organizations and
// the programs say; the first that says something counts.
func (f *feed) traits() map[string]*trait {
	all := map[string]*trait{}
	of := func(r *record) *trait {
		id := r.get(studentID)
		if all[id] == nil {
			all[id] = &trait{}
		}
		return all[id]
	}
	for _, k := range []kind{students, demographics} {
		for _, r := range f.list[k] {
			f.addTraits(of(r), r)
		}
	}
	for _, r := range f.list[specialEducation] {
		if f.current(r) {
			of(r).special = true
		}
	}
	for _, r := range f.list[languagePrograms] {
		if t := of(r); f.current(r) && t.learner == "" {
			t.learner = "yes"
		}
	}
	return all
}

// current reports whether a program did not end before the export.
func (f *feed) current(r *record) bool {
	return r.get(end) == "" || r.get(end) >= f.opt.ExportDate.String()
}

func (f *feed) addTraits(t *trait, r *record) {
	first := func(to *string, text string) {
		if *to == "" {
			*to = text
		}
	}
	first(&t.sex, r.get(sex))
	first(&t.hispanic, r.get(hispanic))
	first(&t.poor, r.get(disadvantaged))
	if learner, ok := f.codes.meaning("limitedenglishproficiency", r.get(language), learnerWords); ok {
		first(&t.learner, learner)
	}
	for _, c := range r.all(race) {
		if code := f.codes.label("race", c); len(t.races) < 2 && !slices.Contains(t.races, code) {
			t.races = append(t.races, code)
		}
	}
	for _, c := range r.all(characteristic) {
		if strings.Contains(words(codeOf(c)), "economic") && strings.Contains(words(codeOf(c)), "disadvantaged") {
			first(&t.poor, "yes")
		}
	}
}

func learnerWords(words string) (string, bool) {
	switch {
	case words == "":
		return "", false
	case strings.HasPrefix(words, "not ") || strings.Contains(words, "monitored") || strings.Contains(words, "fluent"),
		strings.HasPrefix(words, "non ") || words == "no" || words == "n":
		return "no", true
	case strings.Contains(words, "limited") || strings.Contains(words, "learner") || words == "yes" || words == "lep" || words == "el":
		return "yes", true
	}
	return "", false
}

// ethnicity is Hispanic or Latino where the flag says so, else the one race,
// or that there are several.
func (f *feed) ethnicity(t *trait) string {
	switch {
	case t.hispanic == "yes":
		return "Hispanic or Latino"
	case len(t.races) == 1:
		return t.races[0]
	case len(t.races) > 1:
		return "Two or more races"
	}
	return ""
}

func (f *feed) enrollments() {
	for _, r := range f.list[stays] {
		f.add("enrollments.csv", r.where, r.get(studentID), r.get(schoolID), r.get(begin), r.get(end),
			f.gradeOf(r.get(gradeLevel)), r.get(primary))
	}
}

func (f *feed) guardians() {
	people := map[string]*record{}
	for _, r := range f.list[contacts] {
		people[r.get(contactID)] = r
	}
	for _, r := range f.list[contactLinks] {
		p := people[r.get(contactID)]
		if p == nil {
			p = &record{}
			f.note(r.where, spelled("ContactReference", r.where), ingest.DanglingReference)
		}
		f.guardian(r, p)
	}
}

func (f *feed) guardian(link, person *record) {
	meant, ok := f.codes.meaning("relation", link.get(relation), relationWords)
	if !ok {
		meant = ""
	}
	capacity, rights := meant, "no"
	switch {
	case link.get(legal) == "yes" && (meant == "" || meant == guardianOf):
		capacity, rights = guardianOf, "yes"
	case meant == guardianOf || meant == parentOf:
		rights = "yes"
	case meant == "" && link.get(emergency) == "yes":
		capacity = "emergency_contact"
	}
	f.add("guardians.csv", link.where, link.get(studentID), link.get(contactID), rights, person.get(name), person.get(family),
		f.codes.label("relation", link.get(relation)), capacity, person.get(language), person.get(email), person.get(phone))
}

// The capacities that hold rights.
const (
	parentOf   = "parent"
	guardianOf = "acting_as_parent"
)

// relationWords is the capacity that a relation gives. A step-parent or a
// grandparent has none until an officer looks at it, as the law asks whether
// the person acts in the place of a parent.
func relationWords(words string) (string, bool) {
	switch words {
	case "mother", "father", "parent", "mother birth", "father birth", "mother adoptive", "father adoptive":
		return parentOf, true
	case "guardian", "legal guardian", "court appointed guardian":
		return guardianOf, true
	case "emergency", "emergency contact":
		return "emergency_contact", true
	}
	switch {
	case strings.Contains(words, "foster"):
		return "foster_parent", true
	case strings.Contains(words, "case worker"), strings.Contains(words, "caseworker"), strings.Contains(words, "social worker"),
		strings.Contains(words, "agency"):
		return "agency_caseworker", true
	case strings.Contains(words, "surrogate"):
		return "educational_surrogate", true
	}
	return "", false
}
