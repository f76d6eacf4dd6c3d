package sds

import (
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

var (
	v2StudentNames = []string{"sourcedId", "givenName", "familyName", "birthDate"}
	v21StayNames   = []string{"userSourcedId", "orgSourcedId", "roleStartDate", "roleEndDate", "grade", "isPrimary"}
	v21Sessions    = []string{"sourcedId", "title", "type", "startDate", "endDate"}
)

// A person is one row of users.csv. Nothing is read that is not used.
type person struct {
	at            ingest.Place
	id            string
	given, family string
	email, phone  string
}

// readV2 reads orgs.csv and users.csv, in which each user has one role.
func (x *export) readV2() bool {
	orgs, ok := x.readOrgs()
	if !ok {
		return false
	}
	x.emitSessions(nil)
	if !x.readV2Users() {
		return false
	}
	x.emitSchools(orgs)
	return true
}

func (x *export) readV2Users() bool {
	rows, ok := x.records("users.csv", "sourcedId", "givenName", "familyName", "role")
	if !ok {
		return false
	}
	for r := range rows {
		id, there := x.id(r, "sourcedId")
		if !there || squash(r.Get("role")) != "student" {
			continue
		}
		s := x.add(&student{at: r.At(id, v2StudentNames), id: id, given: r.Get("givenName"), family: r.Get("familyName")})
		column := "orgSourcedIds"
		if r.Get(column) == "" {
			column = "orgSourcedId"
		}
		names := []string{"sourcedId", column, "", "", "grade"}
		for i, school := range split(r.Get(column)) {
			primary := ""
			if i > 0 {
				primary = "no"
			}
			x.enter(stay{at: r.At(id, names), student: s.id, school: school, grade: r.Get("grade"), primary: primary})
		}
	}
	return true
}

// split cuts a list of ids.
func split(text string) (ids []string) {
	for _, id := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' }) {
		if id = strings.TrimSpace(id); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// readV21 reads the form in which roles stand in a file of their own.
func (x *export) readV21() bool {
	orgs, ok := x.readOrgs()
	if !ok || !x.readSessions() || !x.readPeople() || !x.readRoles() {
		return false
	}
	x.emitSchools(orgs)
	return x.readDemographics() && x.readFlags()
}

func (x *export) readSessions() bool {
	rows, ok := x.records("academicsessions.csv", "sourcedId", "title", "type", "startDate", "endDate")
	if !ok {
		return false
	}
	var list []session
	for r := range rows {
		id, there := x.id(r, "sourcedId")
		if !there {
			continue
		}
		s := session{at: r.At(id, v21Sessions), id: id, title: r.Get("title"), kind: kindOf(r.Get("type"))}
		s.start, s.end = isoDate(r.Get("startDate"), monthFirst), isoDate(r.Get("endDate"), monthFirst)
		s.from, s.to = dayOf(s.start), dayOf(s.end)
		list = append(list, s)
	}
	x.emitSessions(list)
	return true
}

func (x *export) readPeople() bool {
	rows, ok := x.records("users.csv", "sourcedId")
	if !ok {
		return false
	}
	x.people = map[string]*person{}
	for r := range rows {
		id, there := x.id(r, "sourcedId")
		if !there {
			continue
		}
		p := &person{
			at: r.At(id, v2StudentNames), id: id, given: r.Get("givenName"), family: r.Get("familyName"),
			email: r.Get("email"), phone: r.Get("phone"),
		}
		if p.phone == "" {
			p.phone = r.Get("sms")
		}
		if x.people[id] != nil {
			x.report.Note(p.at, "sourcedId", ingest.DuplicateID, "")
			continue
		}
		x.people[id] = p
	}
	return true
}

// readRoles makes students of those who have the role of one, and stays of
// the roles.
func (x *export) readRoles() bool {
	rows, ok := x.records("roles.csv", "userSourcedId", "orgSourcedId", "role")
	if !ok {
		return false
	}
	for r := range rows {
		id, there := x.id(r, "userSourcedId")
		if !there || squash(r.Get("role")) != "student" {
			continue
		}
		if p := x.people[id]; p != nil {
			x.add(&student{at: p.at, id: id, given: p.given, family: p.family})
		}
		if school := r.Get("orgSourcedId"); school != "" {
			x.enter(stay{
				at: r.At(id, v21StayNames), student: id, school: school, session: r.Get("sessionSourcedId"),
				entry: isoDate(r.Get("roleStartDate"), monthFirst), exit: isoDate(r.Get("roleEndDate"), monthFirst),
				grade: r.Get("grade"), primary: yesNo(r.Get("isPrimary")),
			})
		}
	}
	return true
}

// yesNo is the plain form's word for a truth value; another text is left to
// the check.
func yesNo(text string) string {
	switch strings.ToLower(text) {
	case "true", "1":
		return "yes"
	case "false", "0":
		return "no"
	}
	return text
}
