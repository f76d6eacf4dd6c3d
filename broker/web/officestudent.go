package web

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/consent"
)

// studentPaths are about one student, whose number travels in forms.
func studentPaths[A Answer]() []officePath[A] {
	about := func(path string, answer func(*desk[A]) (deskReply, error), fields ...string) officePath[A] {
		return officePath[A]{method: post, path: "/office/student" + path, signedIn: true, fields: append([]string{"student"}, fields...), answer: answer}
	}
	return []officePath[A]{
		about("", (*desk[A]).student, "before"),
		about("/restrictions", (*desk[A]).restrict, "kind", "person", "from", "to", "document"),
		about("/restrictions/lift", (*desk[A]).liftRestriction, "id", "reason"),
		about("/protections", (*desk[A]).protect, "person", "document"),
		about("/protections/lift", (*desk[A]).liftProtection, "id", "reason"),
		about("/holders", (*desk[A]).holder, "person", "capacity", "holds", "from", "to", "document", "reason"),
		about("/postsecondary", (*desk[A]).postsecondary, "from", "document"),
		about("/link", (*desk[A]).frontDesk, "person"),
		about("/cases", (*desk[A]).openCase, "kind", "person"),
		about("/inspections", (*desk[A]).openInspection, "person"),
	}
}

// about names the student of a form.
func (d *desk[A]) about() broker.StudentRef { return broker.StudentRef{StudentID: d.field("student")} }

func (d *desk[A]) student() (deskReply, error) { return d.showStudent("") }

// showStudent shows everything of a student. An officer's reading of the record is in
// the log; nobody else but the family reads it.
func (d *desk[A]) showStudent(said string) (deskReply, error) {
	before, err := d.number("before")
	if err != nil {
		return deskReply{}, err
	}
	s := pages.OfficeStudent{Done: said}
	if s.Rights, err = opened[pages.OfficeRights](d.service.Rights(d.ctx, d.caller, broker.RightsRequest{Student: d.about()})); err != nil {
		return deskReply{}, err
	}
	if d.caller.Role == broker.RoleOfficer {
		r, err := opened[pages.OfficeRecord](d.service.Disclosures(d.ctx, d.caller, broker.DisclosuresRequest{Student: d.about(), Before: before}))
		if err != nil {
			return deskReply{}, err
		}
		r.Before, s.Record = before, &r
	}
	if s.Cases, err = d.readCases(); err != nil {
		return deskReply{}, err
	}
	if s.Inspections, err = d.readInspections(); err != nil {
		return deskReply{}, err
	}
	number := s.Rights.Student.StudentID
	s.Cases = slices.DeleteFunc(s.Cases, func(c pages.OfficeCase) bool { return c.Student.StudentID != number })
	s.Inspections = slices.DeleteFunc(s.Inspections, func(i pages.OfficeInspection) bool { return i.Student.StudentID != number })
	d.path = ""
	return deskReply{page: s}, nil
}

// then shows the student's page after something was recorded.
func (d *desk[A]) then(said string, err error) (deskReply, error) {
	if err != nil {
		return deskReply{}, err
	}
	return d.showStudent(said)
}

func (d *desk[A]) restrict() (deskReply, error) {
	about, err := d.person("the person", false)
	if err != nil {
		return deskReply{}, err
	}
	days, err := d.days("from", "to")
	if err != nil {
		return deskReply{}, err
	}
	req := broker.RestrictionRequest{
		Student: d.about(), Kind: consent.RestrictionKind(d.field("kind")), Signer: about, From: days[0], To: days[1], Document: d.field("document"),
	}
	return d.then("The restriction is recorded. It counts from now on.", done(d.service.RecordRestriction(d.ctx, d.caller, req)))
}

func (d *desk[A]) liftRestriction() (deskReply, error) {
	return d.then("The restriction is lifted from now on.", done(d.service.LiftRestriction(d.ctx, d.caller, d.field("id"), d.reviewed())))
}

func (d *desk[A]) protect() (deskReply, error) {
	with, err := d.person("the person", false)
	if err != nil {
		return deskReply{}, err
	}
	req := broker.ProtectionRequest{Student: d.about(), Protects: with, Document: d.field("document")}
	return d.then("The family is protected from now on.", done(d.service.RecordProtection(d.ctx, d.caller, req)))
}

func (d *desk[A]) liftProtection() (deskReply, error) {
	return d.then("The protection is lifted from now on.", done(d.service.LiftProtection(d.ctx, d.caller, d.field("id"), d.reviewed())))
}

func (d *desk[A]) holder() (deskReply, error) {
	who, err := d.person("the person", true)
	if err != nil {
		return deskReply{}, err
	}
	days, err := d.days("from", "to")
	if err != nil {
		return deskReply{}, err
	}
	req := broker.HolderRequest{
		Student: d.about(), Signer: who, Capacity: consent.Capacity(d.field("capacity")), HoldsRights: d.field("holds") == "yes",
		From: days[0], To: days[1], Document: d.field("document"), Reason: d.field("reason"),
	}
	return d.then("It is recorded, and counts whatever the district's file says.", done(d.service.RecordHolder(d.ctx, d.caller, req)))
}

func (d *desk[A]) postsecondary() (deskReply, error) {
	days, err := d.days("from")
	if err != nil {
		return deskReply{}, err
	}
	req := broker.PostsecondaryRequest{Student: d.about(), From: days[0], Document: d.field("document")}
	return d.then("It is recorded.", done(d.service.RecordPostsecondary(d.ctx, d.caller, req)))
}

func (d *desk[A]) openCase() (deskReply, error) {
	by, err := d.person("who says it", true)
	if err != nil {
		return deskReply{}, err
	}
	req := broker.CaseRequest{Student: d.about(), Kind: broker.CaseKind(d.field("kind")), By: by}
	return d.then("The case is open. All sharing of this student's records has stopped.", done(d.service.OpenCase(d.ctx, d.caller, req)))
}

// openInspection leads to the ticket, whose address tells nothing of the student.
func (d *desk[A]) openInspection() (deskReply, error) {
	by, err := d.person("who asks", true)
	if err != nil {
		return deskReply{}, err
	}
	made, err := opened[pages.OfficeInspection](d.service.OpenInspection(d.ctx, d.caller, broker.InspectionRequest{Student: d.about(), By: by}))
	return deskReply{location: "/office/inspections/" + made.ID}, err
}
