package sds

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// An org is a school, or what is above or inside one.
type org struct {
	at     ingest.Place
	id     string
	name   string
	kind   string // squashed
	parent string
}

// administrative are the types of orgs at which nobody is taught.
var administrative = []string{
	"ministryofeducation", "departmentofeducation", "national", "state", "province", "region", "municipality", "local",
	"localauthority", "district", "academictrust", "researchcenter",
}

func (o org) administers() bool { return slices.Contains(administrative, o.kind) }

var orgNames = []string{"sourcedId", "name", "type"}

// readOrgs reads orgs.csv in its order.
func (x *export) readOrgs() (list []org, ok bool) {
	rows, ok := x.records("orgs.csv", "sourcedId", "name", "type")
	if !ok {
		return nil, false
	}
	x.orgs = map[string]org{}
	for r := range rows {
		id, there := x.id(r, "sourcedId")
		if !there {
			continue
		}
		o := org{at: r.At(id, orgNames), id: id, name: r.Get("name"), kind: squash(r.Get("type")), parent: r.Get("parentSourcedId")}
		if _, twice := x.orgs[id]; twice {
			x.report.Note(o.at, "sourcedId", ingest.DuplicateID, "")
			continue
		}
		x.orgs[id] = o
		list = append(list, o)
	}
	x.checkParents(list)
	return list, true
}

// checkParents notes what cannot be the tree of orgs. No row depends on it.
func (x *export) checkParents(list []org) {
	clear := map[string]bool{"": true}
	for _, o := range list {
		if _, there := x.orgs[o.parent]; o.parent != "" && !there {
			x.report.Note(o.at, "parentSourcedId", ingest.DanglingReference, "")
		}
		var path []string
		at := o.id
		for !clear[at] && !slices.Contains(path, at) {
			path = append(path, at)
			at = x.orgs[at].parent
			if len(path) > maxDepth {
				break
			}
		}
		if !clear[at] {
			x.report.Note(o.at, "parentSourcedId", ingest.OrgCircle, "")
		}
		for _, id := range path {
			clear[id] = true
		}
	}
}

// maxDepth bounds how many orgs stand above one another.
const maxDepth = 100

// emitSchools gives a row for each school, and each place of learning that a
// student belongs to.
func (x *export) emitSchools(list []org) {
	visited := map[string]bool{}
	for _, s := range x.stays {
		visited[s.school] = true
	}
	x.rows["schools.csv"] = []ingest.Row{}
	for _, o := range list {
		if o.kind == "school" || visited[o.id] && !o.administers() {
			x.emit("schools.csv", ingest.Row{At: o.at, Fields: []string{o.id, o.name, ""}})
		}
	}
}
