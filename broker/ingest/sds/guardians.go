package sds

import (
	"cmp"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
)

var (
	v21GuardianNames = []string{"userSourcedId", "relationshipUserSourcedId", "relationshipRole", "", "", "relationshipRole"}
	v1GuardianNames  = []string{"SIS ID", "Email", "Role", "", "", "Role", "", "", "Email"}
)

// A bond is how somebody stands to a student.
type bond struct {
	holds    string
	capacity string // empty: the officer's to set
}

// bonds are the relations, squashed, that say more than that there is one.
// Whoever is not a parent or guardian by name holds no rights.
var bonds = map[string]bond{
	"parent": {"yes", records.CapacityParent}, "mother": {"yes", records.CapacityParent}, "father": {"yes", records.CapacityParent},
	"guardian": {"yes", ""}, "legalguardian": {"yes", ""},
	"fosterparent":     {"no", records.CapacityFosterParent},
	"emergencycontact": {"no", records.CapacityEmergencyContact}, "emergency": {"no", records.CapacityEmergencyContact},
	"caseworker": {"no", records.CapacityCaseworker}, "socialworker": {"no", records.CapacityCaseworker},
}

func bondOf(relation string) bond {
	b := bonds[squash(relation)]
	b.holds = cmp.Or(b.holds, "no")
	return b
}

// readGuardians reads relationships.csv: the user is the student, the other
// one who belongs to it.
func (x *export) readGuardians() bool {
	if !x.set.has("relationships.csv") {
		return true
	}
	rows, ok := x.records("relationships.csv", "userSourcedId", "relationshipUserSourcedId", "relationshipRole")
	if !ok {
		return false
	}
	x.rows["guardians.csv"] = []ingest.Row{}
	seen := map[[3]string]bool{}
	for r := range rows {
		id, there := x.id(r, "userSourcedId")
		other, alsoThere := x.id(r, "relationshipUserSourcedId")
		if there && alsoThere {
			at := r.At(id, v21GuardianNames)
			x.link(at, "relationshipUserSourcedId", id, x.people[other], r.Get("relationshipRole"), other == id, seen)
		}
	}
	return true
}

// link makes a row of a guardian, unless it stands there already.
func (x *export) link(at ingest.Place, column, student string, g *person, relation string, self bool, seen map[[3]string]bool) {
	switch {
	case self:
		x.report.Note(at, column, ingest.UnknownReference, "nobody is a guardian of themselves")
		return
	case g == nil:
		x.report.Note(at, column, ingest.UnknownReference, "")
		return
	}
	key := [3]string{student, g.id, squash(relation)}
	if seen[key] {
		x.report.Note(at, column, ingest.RepeatedRecord, "")
		return
	}
	seen[key] = true
	b := bondOf(relation)
	x.emit("guardians.csv", ingest.Row{At: at, Fields: []string{
		student, g.id, b.holds, g.given, g.family, relation, b.capacity, "", g.email, g.phone,
	}})
}

// readV1Guardians reads the two files of the parent and guardian sync, which
// know a guardian by the e-mail address.
func (x *export) readV1Guardians() bool {
	if !x.set.has("guardianrelationship.csv") {
		return true
	}
	people, ok := x.v1People()
	if !ok {
		return false
	}
	rows, ok := x.records("guardianrelationship.csv", "SIS ID", "Email")
	if !ok {
		return false
	}
	x.rows["guardians.csv"] = []ingest.Row{}
	seen := map[[3]string]bool{}
	for r := range rows {
		id, there := x.id(r, "SIS ID")
		email, alsoThere := x.id(r, "Email")
		if there && alsoThere {
			x.link(r.At(id, v1GuardianNames), "Email", id, people[strings.ToLower(email)], r.Get("Role"), false, seen)
		}
	}
	return true
}

func (x *export) v1People() (map[string]*person, bool) {
	rows, ok := x.records("user.csv", "Email", "First Name", "Last Name")
	if !ok {
		return nil, false
	}
	people := map[string]*person{}
	for r := range rows {
		email, there := x.id(r, "Email")
		if !there {
			continue
		}
		key := strings.ToLower(email)
		if people[key] != nil {
			x.report.Note(r.At("", nil), "Email", ingest.DuplicateID, "")
			continue
		}
		people[key] = &person{
			id: cmp.Or(r.Get("SIS ID"), key), given: r.Get("First Name"), family: r.Get("Last Name"),
			email: email, phone: r.Get("Phone"),
		}
	}
	return people, true
}
