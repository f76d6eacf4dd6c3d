package edfi

import (
	"slices"
	"strings"
)

// An element is a part of a record as it stands in XML or JSON, under the name
// that fold gives it. Of an array each item is an element of the array's name.
type element struct {
	name string
	text string
	id   string // of XML, that others refer to
	ref  string // of XML: the id of the element that is meant
	kids []*element
}

// aliases are the names that a version or the JSON of old versions uses for
// what another calls otherwise.
var aliases = map[string]string{
	"parentuniqueid": "contactuniqueid", "parentuniquestateid": "contactuniqueid", "studentuniquestateid": "studentuniqueid",
	"parentreference": "contactreference", "parentidentity": "contactidentity",
	"uniquesectioncode": "sectionidentifier", "sextype": "sex", "racetype": "race", "relationtype": "relation",
	"termtype": "term", "behaviortype": "behavior", "calendareventtype": "calendarevent", "gradeleveltype": "gradelevel",
	"attendanceeventcategorytype": "attendanceeventcategory", "studentparticipationcodetype": "studentparticipationcode",
	"languagetype": "language", "studentcharacteristictype": "studentcharacteristic", "schoolcategorytype": "schoolcategory",
	"limitedenglishproficiencytype": "limitedenglishproficiency", "gradingperiodtype": "gradingperiod",
}

// containers are elements that hold others which are read.
var containers = strings.Fields(`
	name birthdata attendanceevent gradelevels gradesoffered schoolcategories races studentcharacteristics limitedenglishproficiencies
	calendarevents behaviors disciplines disciplineincidentparticipationcodes studentdisciplineincidentassociations
	studentdisciplineincidentbehaviorassociations disciplineincidents
	electronicmail electronicmails telephone telephones language languages languageuse uses languageuses
	studentidentity schoolidentity contactidentity sessionidentity sectionidentity courseofferingidentity courseofferingreference
	educationorganizationidentity calendaridentity disciplineincidentidentity studentsectionassociationidentity gradingperiodidentity
	schoolyeartypeidentity studentdisciplineincidentassociationidentity studentdisciplineincidentbehaviorassociationidentity
	disciplineincidentreference studentdisciplineincidentassociationreference studentdisciplineincidentbehaviorassociationreference
	codevalue shortdescription namespace keyvalues id changeversion
	electronicmailaddress primaryemailaddressindicator donotpublishindicator
	telephonenumber telephonenumbertype orderofpriority`)

// read are the names of elements that are read, as fold gives them.
var read = func() map[string]bool {
	known := map[string]bool{}
	for _, name := range containers {
		known[name] = true
	}
	for _, r := range resources {
		for _, s := range r.fields {
			for _, name := range s.steps {
				known[name] = true
			}
		}
	}
	return known
}()

// fold returns the one name of an element, whatever the version; ok is false
// for one that is not read.
func fold(raw string) (name string, ok bool) {
	small := strings.ToLower(raw)
	if short, found := strings.CutSuffix(small, "descriptor"); found && short != "" {
		small = short
	}
	if strings.HasSuffix(small, "map") {
		return "map", true
	}
	if alias, found := aliases[small]; found {
		small = alias
	}
	return small, read[small]
}

// value returns what an element says: its text, or the code of a descriptor
// that is written in parts.
func (e *element) value() string {
	if e.text != "" {
		return e.text
	}
	for _, part := range []string{"codevalue", "shortdescription"} {
		for _, kid := range e.kids {
			if kid.name == part && kid.text != "" {
				return kid.text
			}
		}
	}
	return ""
}

// values returns what stands on a path, the least deep first. References are
// entered only where the path names one.
func (e *element) values(steps []string) (list []string) {
	from := []*element{e}
	inside := false
	for i, step := range steps {
		found := below(from, step, inside, i < len(steps)-1)
		if i == len(steps)-1 {
			for _, f := range found {
				if v := f.value(); v != "" {
					list = append(list, v)
				}
			}
			return list
		}
		from, inside = found, true
	}
	return list
}

// below returns the elements of a name below others, the least deep first. A
// step on the way ends at the first depth that has any.
func below(from []*element, name string, enter, way bool) (found []*element) {
	level := from
	for len(level) > 0 {
		var next []*element
		for _, e := range level {
			for _, kid := range e.kids {
				if kid.name == name {
					found = append(found, kid)
				}
				if enter || kid.name == name || !strings.HasSuffix(kid.name, "reference") {
					next = append(next, kid)
				}
			}
		}
		if way && len(found) > 0 {
			return found
		}
		level = next
	}
	return found
}

// outermost returns the elements of one of the names that lie in no other of
// them.
func (e *element) outermost(names ...string) (list []*element) {
	for _, kid := range e.kids {
		if slices.Contains(names, kid.name) {
			list = append(list, kid)
		} else {
			list = append(list, kid.outermost(names...)...)
		}
	}
	return list
}

// first returns the first value of a name below, the least deep first.
func (e *element) first(name string) string {
	for _, kid := range below([]*element{e}, name, true, false) {
		if v := kid.value(); v != "" {
			return v
		}
	}
	return ""
}
