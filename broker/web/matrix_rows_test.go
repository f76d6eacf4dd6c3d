package web_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/report"
	"github.com/hallpass-edu/hallpass/broker/sample"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// rows are the rows of the matrix, by route. Where a request changes
// something, each cell gets an object of its own.
func rows() map[string]row {
	at := func(names bool, make func(cell) target) row { return row{names, make} }
	list := at(false, func(cell) target { return target{} })
	agreement := func(rest string) row {
		return at(true, func(c cell) target { return target{path: under(c.agreement(), rest)} })
	}
	upload := func(rest string, csv func(cell) string) row {
		return at(true, func(c cell) target { return target{under(c.agreement(), rest), "text/csv", csv(c)} })
	}
	consents := func(rest string, body any) row {
		return at(true, func(c cell) target { return c.json("/v1/consents/"+c.consent()+rest, body) })
	}
	return map[string]row{
		"POST /v1/partners":     at(false, func(c cell) target { return c.json("", c.newPartner()) }),
		"GET /v1/partners":      list,
		"GET /v1/partners/{id}": at(true, func(c cell) target { return target{path: "/v1/partners/" + c.pick(north, river, "nobody")} }),
		"POST /v1/partners/{id}/transitions": at(true, func(c cell) target {
			return c.json(c.freshPartner("/transitions"), broker.TransitionRequest{Event: "suspend"})
		}),
		"POST /v1/partners/{id}/ban": at(true, func(c cell) target {
			return c.json(c.freshPartner("/ban"), broker.BanRequest{Until: c.AsOf.AddYears(6), Order: "SPPO 12-34"})
		}),
		"POST /v1/partners/{id}/revoke": at(true, func(c cell) target { return c.json(c.freshPartner("/revoke"), "{}") }),

		"POST /v1/agreements":                 at(false, func(c cell) target { return c.json("", c.newAgreement()) }),
		"GET /v1/agreements":                  list,
		"GET /v1/agreements/{id}":             agreement(""),
		"GET /v1/agreements/{id}/text":        agreement("/text"),
		"POST /v1/agreements/{id}/signatures": at(true, cell.signature),
		"POST /v1/agreements/{id}/transitions": at(true, func(c cell) target {
			return c.json(under(c.freshAgreement(), "/transitions"), broker.TransitionRequest{Event: "abandon"})
		}),

		"PUT /v1/agreements/{id}/participation": upload("/participation", cell.log),
		"PUT /v1/agreements/{id}/roster":        upload("/roster", cell.roster),
		"PUT /v1/agreements/{id}/sessions":      upload("/sessions", cell.sessions),
		"GET /v1/agreements/{id}/participation": agreement("/participation"),
		"GET /v1/agreements/{id}/comparisons":   agreement("/comparisons"),
		"GET /v1/agreements/{id}/students":      agreement("/students"),
		"GET /v1/agreements/{id}/releases/{session_id}/report": at(true, func(c cell) target {
			return target{path: c.report(c.agreement(), report.NamedPeople)}
		}),
		"GET /v1/agreements/{id}/meter": agreement("/meter"),

		"POST /v1/consents":                 at(true, func(c cell) target { return c.json("", c.newConsent()) }),
		"GET /v1/consents":                  list,
		"GET /v1/consents/{id}":             at(true, func(c cell) target { return target{path: "/v1/consents/" + c.consent()} }),
		"POST /v1/consents/{id}/withdraw":   at(true, cell.withdrawal),
		"POST /v1/consents/{id}/confirm":    at(true, cell.confirmation),
		"POST /v1/consents/{id}/invalidate": consents("/invalidate", broker.ReviewRequest{Reason: "Signed by somebody else."}),
		"POST /v1/consents/{id}/override":   at(true, cell.override),

		"POST /v1/consents/state": at(true, func(c cell) target {
			return c.json("", broker.ConsentStateRequest{Agreement: c.pick(northAgreement, northAgreement, "nothing"), Student: c.child()})
		}),

		"POST /v1/rights": at(true, func(c cell) target { return c.json("", broker.RightsRequest{Student: c.child()}) }),
		"POST /v1/restrictions": at(true, func(c cell) target {
			return c.json("", broker.RestrictionRequest{
				Student: c.child(), Kind: consent.MayNotDecide, Signer: broker.SignerRef{GuardianID: c.family().guardian}, Document: "court file 26-118",
			})
		}),
		"POST /v1/restrictions/{id}/lift": at(true, func(c cell) target {
			return c.json("/v1/restrictions/"+c.restriction()+"/lift", broker.ReviewRequest{Reason: "Order vacated."})
		}),
		"POST /v1/holders": at(true, func(c cell) target {
			return c.json("", broker.HolderRequest{
				Student: c.child(), Signer: broker.SignerRef{GuardianID: c.family().guardian}, Capacity: consent.Parent, HoldsRights: true, Document: "birth certificate",
			})
		}),
		"POST /v1/postsecondary": at(true, func(c cell) target {
			return c.json("", broker.PostsecondaryRequest{Student: c.child(), From: c.AsOf, Document: "admission letter"})
		}),

		"POST /v1/cases":    at(true, func(c cell) target { return c.json("", c.newCase()) }),
		"GET /v1/cases":     list,
		"GET /v1/conflicts": list,
		"POST /v1/cases/{id}/close": at(true, func(c cell) target {
			return c.json("/v1/cases/"+c.openCase()+"/close", broker.ReviewRequest{Reason: "The mother was called."})
		}),

		"POST /v1/inspections": at(true, func(c cell) target { return c.json("", c.newInspection()) }),
		"GET /v1/inspections":  list,
		"POST /v1/inspections/{id}/close": at(true, func(c cell) target {
			return c.json("/v1/inspections/"+c.inspection()+"/close", broker.ReviewRequest{Reason: "Seen at the school."})
		}),

		"POST /v1/disclosures": at(true, func(c cell) target { return c.json("", broker.DisclosuresRequest{Student: c.child()}) }),
		"POST /v1/disclosures/copy": at(true, func(c cell) target {
			return c.json("", broker.CopyRequest{Student: c.child(), Index: c.shownTo(c.family())})
		}),

		"POST /v1/rounds":  at(true, func(c cell) target { return c.json("", c.newRound()) }),
		"GET /v1/rounds":   list,
		"POST /v1/packets": at(true, func(c cell) target { return c.json("", broker.PacketRequest{Round: c.round()}) }),
		"POST /v1/links": at(true, func(c cell) target {
			return c.json("", broker.LinkRequest{Student: c.child(), Person: broker.SignerRef{GuardianID: c.family().guardian}})
		}),
		"GET /v1/asks/{id}": at(true, func(c cell) target { return target{path: "/v1/asks/" + c.form()} }),
		"POST /v1/asks/{id}/answer": at(true, func(c cell) target {
			return c.json("/v1/asks/"+c.form()+"/answer", broker.PaperRequest{Answer: consent.No, SignedAt: c.AsOf.Time(), Language: "en", ScanSHA256: strings.Repeat("0", 64)})
		}),
		"POST /v1/protections": at(true, func(c cell) target {
			return c.json("", broker.ProtectionRequest{Student: c.child(), Protects: broker.SignerRef{GuardianID: c.family().guardian}, Document: "note 7"})
		}),
		"POST /v1/protections/{id}/lift": at(true, func(c cell) target {
			return c.json("/v1/protections/"+c.protection()+"/lift", broker.ReviewRequest{Reason: "The mother was asked."})
		}),
		"GET /v1/texts":                     list,
		"POST /v1/texts":                    at(false, func(c cell) target { return c.json("", c.textReview()) }),
		"GET /v1/agreements/{id}/deletions": agreement("/deletions"),
		"POST /v1/deletions/{id}/close": at(true, func(c cell) target {
			return c.json("/v1/deletions/"+c.deletion()+"/close", broker.ReviewRequest{Reason: "Every copy is deleted."})
		}),

		"GET /v1/budgets": list,
		"GET /v1/periods": list,
		"PUT /v1/periods/{session_id}/calendar": at(true, func(c cell) target {
			return c.json(c.period("/calendar"), broker.CalendarRequest{Census: c.Year.End, Final: c.AsOf})
		}),
		"POST /v1/periods/{session_id}/freeze": at(true, func(c cell) target { return target{path: c.period("/freeze")} }),
		"POST /v1/periods/{session_id}/close": at(true, func(c cell) target {
			return c.json(c.period("/close"), broker.FamiliesRequest{Families: []records.Family{records.AttendanceFamily}})
		}),
		"POST /v1/periods/{session_id}/correct": at(true, cell.correction),

		"GET /v1/periods/{session_id}/preflight": at(true, func(c cell) target { return target{path: c.period("/preflight")} }),
		"GET /v1/periods/{session_id}/memo": at(true, func(c cell) target {
			return target{path: c.period("/memo") + "?agreement=" + northAgreement}
		}),
		"POST /v1/periods/{session_id}/memo": at(true, cell.memoSignature),

		"GET /v1/disclosure": list,
		"PUT /v1/disclosure": at(false, func(c cell) target { return c.json("", broker.Disclosure{Noise: 20}) }),

		"GET /v1/matches":       list,
		"POST /v1/matches/{id}": at(true, func(c cell) target { return c.json("/v1/matches/"+c.match(), broker.MatchRequest{None: true}) }),

		"GET /v1/messages": list,
		"POST /v1/messages/{id}/retry": at(false, func(c cell) target {
			return target{path: "/v1/messages/msg_absent/retry"}
		}),

		"GET /v1/duplicates": list,
		"POST /v1/duplicates/{id}": at(true, func(c cell) target {
			return c.json("/v1/duplicates/"+c.duplicate(), broker.DuplicateRequest{Decision: broker.DuplicateConfirm})
		}),

		"GET /v1/schools/{school_id}/agreements": at(true, func(c cell) target {
			return target{path: "/v1/schools/" + c.pick(c.Schools[0].ID, c.Schools[1].ID, "nowhere") + "/agreements"}
		}),

		"GET /v1/ledger":           list,
		"GET /v1/audit/entries":    list,
		"GET /v1/audit/checkpoint": list,
		"GET /v1/audit/entries/{index}/proof": at(true, func(c cell) target {
			return target{path: "/v1/audit/entries/" + c.pick("1", "2", "999999") + "/proof"}
		}),
	}
}

// report is the path of the page of the year's release.
func (h *house) report(agreement string, audience report.Audience) string {
	return under(agreement, "/releases/"+h.year()+"/report?audience="+string(audience))
}

// agreement is north's, at whose schools the coordinator works; another is
// river's under schools that she does not hold.
func (c cell) agreement() string {
	if c.role == broker.RoleCoordinator {
		return c.pick(northAgreement, stageAgreement, "nothing")
	}
	return c.pick(northAgreement, riverAgreement, "nothing")
}

func (c cell) newPartner() broker.PartnerRequest {
	id := fmt.Sprintf("fresh-%s-%s-%d", c.role, c.whose, c.size())
	return broker.PartnerRequest{ID: id, Name: "Fresh " + id, LegalEntity: "Fresh " + id + " Inc.", Contact: "1 River Street"}
}

// freshPartner is a partner of no other cell; only officers get one, since
// nobody else may touch it.
func (c cell) freshPartner(rest string) string {
	id := c.pick(north, river, "nobody")
	if c.role == broker.RoleOfficer && c.whose != absent {
		r := c.newPartner()
		c.officer().post("/v1/partners", r).want(http.StatusCreated)
		id = r.ID
	}
	return "/v1/partners/" + id + rest
}

func (c cell) newAgreement() broker.AgreementRequest {
	like := c.partner(north).Agreement
	return broker.AgreementRequest{
		ID: fmt.Sprintf("fresh-%s-%d", c.role, c.size()), Partner: north, Template: "comparison_and_consent", Profile: agreement.PublishedTable, Schools: like.Schools,
		TermFrom: like.TermFrom, TermTo: like.TermTo, Administrator: "Program director",
	}
}

// freshAgreement is an offered agreement of no other cell.
func (c cell) freshAgreement() string {
	if c.whose == absent {
		return "nothing"
	}
	r := c.newAgreement()
	r.Partner = c.pick(north, river, "")
	c.officer().post("/v1/agreements", r).want(http.StatusCreated)
	return r.ID
}

func (c cell) signature() target {
	id := c.freshAgreement()
	s := broker.SignatureRequest{Party: "district", Name: "Sam Signer", Title: "Director", TextSHA256: strings.Repeat("0", 64)}
	if c.role == broker.RolePartner {
		s.Party = "partner"
	}
	if c.whose != absent {
		s.TextSHA256 = data[struct {
			Text string `json:"text_sha256"`
		}](c.officer().get("/v1/agreements/" + id)).Text
	}
	return c.json(under(id, "/signatures"), s)
}

// log is the participation file of the agreement that the cell asks for.
func (c cell) log() string { return c.participation(c.pick(north, river, north)) }

func (c cell) roster() string {
	var b strings.Builder
	b.WriteString("participant_ref,given_name,family_name,birthdate,school_id\n")
	for _, p := range c.partner(c.pick(north, river, north)).Roster {
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s\n", p.Ref, p.GivenName, p.FamilyName, p.Birth, p.Sessions[0].School)
	}
	return b.String()
}

func (c cell) sessions() string {
	var b strings.Builder
	b.WriteString("participant_ref,date\n")
	for _, p := range c.partner(c.pick(north, river, north)).Roster {
		for _, s := range p.Sessions {
			fmt.Fprintf(&b, "%s,%s\n", p.Ref, s.Date)
		}
	}
	return b.String()
}

// family is a child of north's roster under 18 whose guardian said yes.
type family struct{ child, ref, guardian string }

// families are the families who said yes to north.
func (d *town) families() []family { return d.familiesOf(north) }

// familiesOf are the families who said yes to a partner, none of them twice,
// and none whose child has come of age.
func (d *town) familiesOf(id string) []family {
	p, list := d.partner(id), []family{}
	for _, form := range p.Consents {
		i := slices.IndexFunc(p.Roster, func(c sample.Participant) bool { return c.StudentID == form.StudentID })
		f := family{form.StudentID, p.Roster[i].Ref, form.Signer}
		twice := slices.ContainsFunc(list, func(have family) bool { return have.guardian == f.guardian })
		if form.Answer == "yes" && form.Capacity != "eligible_student" && form.Withdrawn.IsZero() && !twice && p.Roster[i].Exact && civil.Age(p.Roster[i].Birth, d.AsOf) < 18 {
			list = append(list, f)
		}
	}
	return list
}

// yes is a family's consent to everything that north may see of the year.
func (h *house) yes(f family) broker.ConsentRequest {
	const sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	return broker.ConsentRequest{
		Agreement: northAgreement, Student: broker.StudentRef{StudentID: f.child}, Signer: broker.SignerRef{GuardianID: f.guardian},
		Answer: consent.Yes, Categories: consent.Categories(), RecordsFrom: h.Year.Start, RecordsTo: h.AsOf.AddYears(1), Expires: h.AsOf.AddYears(1),
		SignedAt: h.Now(), Method: consent.Paper, Text: broker.TextRef{Version: "1", Language: "en", SHA256: sha},
		Evidence: consent.Evidence{Kind: "scan", SHA256: sha},
	}
}

// grantID enters a consent as an officer and returns its id.
func (h *house) grantID(r broker.ConsentRequest) string {
	h.t.Helper()
	return data[struct {
		ID string `json:"id"`
	}](h.officer().post("/v1/consents", r).want(http.StatusCreated)).ID
}

// consent is a fresh consent: the guardian's own, or that of another family.
func (c cell) consent() string {
	if c.whose == absent {
		return "cns_nothing"
	}
	return c.grantID(c.yes(c.family()))
}

func (c cell) family() family {
	if c.whose == other {
		return c.families()[1]
	}
	return c.families()[0]
}

func (c cell) newConsent() broker.ConsentRequest {
	r := c.yes(c.family())
	switch {
	case c.role == broker.RolePartner:
		r.Agreement = c.agreement()
		r.Student, r.Signer = broker.StudentRef{ParticipantRef: c.partner(c.pick(north, river, north)).Roster[0].Ref}, broker.SignerRef{Name: "A Parent"}
	case c.whose == absent && c.role == broker.RoleGuardian:
		r.Student.StudentID = "nobody"
	case c.whose == absent:
		r.Agreement = "nothing"
	}
	return r
}

// child is the student of the cell's family, as the district's people name it.
func (c cell) child() broker.StudentRef {
	if c.whose == absent {
		return broker.StudentRef{StudentID: "nobody"}
	}
	return broker.StudentRef{StudentID: c.family().child}
}

// shownTo is the entry of an answer that held the family's child.
func (h *house) shownTo(f family) uint64 {
	h.grantID(h.yes(f))
	h.partnerOf(north).get("/v1/agreements/" + northAgreement + "/students").want(http.StatusOK)
	list := data[struct {
		Requests []struct {
			Index uint64 `json:"index"`
			Copy  bool   `json:"copy"`
		} `json:"requests"`
	}](h.officer().post("/v1/disclosures", broker.DisclosuresRequest{Student: broker.StudentRef{StudentID: f.child}}).want(http.StatusOK)).Requests
	if len(list) == 0 || !list[0].Copy {
		h.t.Fatalf("the child was not shown: %v", list)
	}
	return list[0].Index
}

func (c cell) newCase() broker.CaseRequest {
	r := broker.CaseRequest{Student: c.child(), Kind: broker.CaseNotMe}
	if c.role != broker.RoleGuardian {
		r.By = broker.SignerRef{GuardianID: c.family().guardian}
	}
	return r
}

// openCase is one that no other cell closes.
func (c cell) openCase() string {
	if c.whose == absent {
		return "cas_nothing"
	}
	r := broker.CaseRequest{Student: c.child(), Kind: broker.CaseNotMyChild, By: broker.SignerRef{GuardianID: c.family().guardian}}
	return data[struct {
		ID string `json:"id"`
	}](c.officer().post("/v1/cases", r).want(http.StatusCreated)).ID
}

func (c cell) newInspection() broker.InspectionRequest {
	r := broker.InspectionRequest{Student: c.child()}
	if c.role != broker.RoleGuardian {
		r.By = broker.SignerRef{GuardianID: c.family().guardian}
	}
	return r
}

// inspection is one that no other cell closes.
func (c cell) inspection() string {
	if c.whose == absent {
		return "ins_nothing"
	}
	r := broker.InspectionRequest{Student: c.child(), By: broker.SignerRef{GuardianID: c.family().guardian}}
	return data[struct {
		ID string `json:"id"`
	}](c.officer().post("/v1/inspections", r).want(http.StatusCreated)).ID
}

// restriction is one that no other cell lifts.
func (c cell) restriction() string {
	if c.whose == absent {
		return "rst_nothing"
	}
	return data[struct {
		ID string `json:"id"`
	}](c.officer().post("/v1/restrictions", broker.RestrictionRequest{
		Student: c.child(), Kind: consent.BothMustAgree, Document: "court file 26-118",
	}).want(http.StatusCreated)).ID
}

func (c cell) newRound() broker.RoundRequest {
	return broker.RoundRequest{Agreement: c.agreement(), RecordsFrom: c.Year.Start, RecordsTo: c.AsOf}
}

// round is one of north's.
func (c cell) round() string {
	if c.whose == absent {
		return "rnd_nothing"
	}
	return data[struct {
		ID string `json:"id"`
	}](c.officer().post("/v1/rounds", broker.RoundRequest{Agreement: northAgreement, RecordsFrom: c.Year.Start, RecordsTo: c.AsOf}).want(http.StatusCreated)).ID
}

// form is one that nobody has answered.
func (c cell) form() string {
	if c.whose == absent {
		return "ask_nothing"
	}
	// The first round of a district asks; later ones find that everybody was asked.
	c.officer().post("/v1/rounds", broker.RoundRequest{Agreement: northAgreement, RecordsFrom: c.Year.Start, RecordsTo: c.AsOf}).want(http.StatusCreated)
	for _, round := range data[struct {
		Rounds []struct {
			ID string `json:"id"`
		} `json:"rounds"`
	}](c.officer().get("/v1/rounds").want(http.StatusOK)).Rounds {
		printed := data[struct {
			Sheets []struct {
				Form string `json:"form"`
			} `json:"sheets"`
		}](c.officer().post("/v1/packets", broker.PacketRequest{Round: round.ID}).want(http.StatusOK))
		if len(printed.Sheets) > 0 {
			return printed.Sheets[0].Form
		}
	}
	c.t.Fatal("nobody is left to answer a form")
	return ""
}

// protection is one that no other cell lifts.
func (c cell) protection() string {
	if c.whose == absent {
		return "prt_nothing"
	}
	return data[struct {
		ID string `json:"id"`
	}](c.officer().post("/v1/protections", broker.ProtectionRequest{Student: c.child(), Document: "note 7"}).want(http.StatusCreated)).ID
}

func (c cell) textReview() broker.TextReviewRequest {
	return broker.TextReviewRequest{Language: "ar", Version: pages.ConsentVersion, Reviewer: "An interpreter"}
}

// deletion is one that a family asked north for, or river, and that no other cell
// closes.
func (c cell) deletion() string {
	if c.whose == absent {
		return "del_nothing"
	}
	id, under := north, northAgreement
	if c.whose == other {
		id, under = river, riverAgreement
	}
	f := c.familiesOf(id)[0]
	yes := c.yes(f)
	yes.Agreement, yes.Categories = under, []consent.Category{consent.Attendance}
	mother := broker.Visitor{Caller: broker.Caller{Subject: f.guardian, Role: broker.RoleGuardian}}
	number, err := c.StopChoice(c.t.Context(), mother, c.grantID(yes))
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.AskDeletion(c.t.Context(), mother, number); err != nil {
		c.t.Fatal(err)
	}
	for _, d := range data[struct {
		Deletions []struct {
			ID   string `json:"id"`
			Done string `json:"done_on"`
		} `json:"deletions"`
	}](c.officer().get("/v1/agreements/" + under + "/deletions").want(http.StatusOK)).Deletions {
		if d.Done == "" {
			return d.ID
		}
	}
	c.t.Fatal("no deletion was asked for")
	return ""
}

func (c cell) withdrawal() target {
	r := broker.WithdrawRequest{}
	if c.role != broker.RoleGuardian {
		r.By = broker.SignerRef{GuardianID: c.family().guardian}
	}
	return c.json("/v1/consents/"+c.consent()+"/withdraw", r)
}

// confirmation confirms a form that a partner collected.
func (c cell) confirmation() target {
	id := "cns_nothing"
	if c.whose != absent {
		form := c.yes(c.family())
		form.Student, form.Signer, form.Method = broker.StudentRef{ParticipantRef: c.family().ref}, broker.SignerRef{Name: "A Parent"}, consent.PartnerForm
		id = data[struct {
			ID string `json:"id"`
		}](c.partnerOf(north).post("/v1/consents", form).want(http.StatusCreated)).ID
	}
	return c.json("/v1/consents/"+id+"/confirm", broker.ConfirmRequest{Signer: broker.SignerRef{GuardianID: c.family().guardian}})
}

// override opens a consent that is held.
func (c cell) override() target {
	body := broker.ReviewRequest{Reason: "The family asked for it."}
	id := "cns_nothing"
	switch {
	case c.whose == absent:
	case c.role != broker.RoleOfficer:
		id = c.consent()
	case c.whose == own:
		children := c.tight()
		c.grantID(c.tightYes(children[0]))
		id = c.grantID(c.tightYes(children[1]))
	default:
		id = c.grantID(c.tightYes(c.unknownChildren(11)[2]))
	}
	return c.json("/v1/consents/"+id+"/override", body)
}

// tight is an agreement with a published figure of eleven children of whom
// nobody knew anything: one may say yes, whoever says yes then is held.
func (h *house) tight() []*sample.Student {
	h.t.Helper()
	children := h.unknownChildren(11)
	if h.officer().get("/v1/agreements/tight").status == http.StatusOK {
		return children
	}
	h.agree("tight", func(r *broker.AgreementRequest) { r.Schools = []string{children[0].Enrollments[0].School} })
	h.officer().upload("/v1/agreements/tight/participation", h.sessionsOf(children)).want(http.StatusOK)
	h.steward().post("/v1/periods/"+h.spring()+"/close", "").want(http.StatusOK)
	return children
}

func (h *house) tightYes(s *sample.Student) broker.ConsentRequest {
	r := h.yes(family{child: s.ID, guardian: holder(s)})
	r.Agreement = "tight"
	return r
}

// unknownChildren are children under 18 of one school, the whole year there,
// whom no partner has on its roster.
func (d *town) unknownChildren(n int) []*sample.Student {
	taken := map[string]bool{}
	for i := range d.Partners {
		for _, p := range d.Partners[i].Roster {
			taken[p.StudentID] = true
		}
	}
	var list []*sample.Student
	for i := range d.Students {
		s := &d.Students[i]
		stays := len(s.Enrollments) == 1 && s.Enrollments[0].Exit.IsZero() && s.Enrollments[0].Entry <= d.Year.Start
		here := s.Enrollments[0].School == d.Schools[0].ID
		if stays && here && !taken[s.ID] && civil.Age(s.Birth, d.AsOf) < 17 && holder(s) != "" && len(list) < n {
			list = append(list, s)
		}
	}
	return list
}

// holder is a guardian who holds a child's rights.
func holder(s *sample.Student) string {
	for _, g := range s.Guardians {
		if g.HoldsRights {
			return g.ID
		}
	}
	return ""
}

// sessionsOf lets children come on ten days of spring.
func (d *town) sessionsOf(children []*sample.Student) string {
	var b strings.Builder
	b.WriteString("participant_ref,given_name,family_name,birthdate,school_id,date\n")
	for i, s := range children {
		days := 0
		for _, at := range d.Calendar {
			if at.Instructional && at.Date >= d.Sessions[2].Start && days < 10 {
				fmt.Fprintf(&b, "ref-%02d,%s,%s,%s,%s,%s\n", i, s.GivenName, s.FamilyName, s.Birth, s.Enrollments[0].School, at.Date)
				days++
			}
		}
	}
	return b.String()
}

func (c cell) period(rest string) string {
	return "/v1/periods/" + c.pick(c.spring(), c.spring(), "nothing") + rest
}

// correction is one of the year's figures, of a family of its own for each case,
// once corrected records are loaded.
func (c cell) correction() target {
	family := records.AttendanceFamily
	if c.whose == other {
		family = records.GradesFamily
	}
	c.reload()
	body := broker.CorrectionRequest{Reason: "A school had entered a mark for another course.", Families: []records.Family{family}}
	return c.json("/v1/periods/"+c.pick(c.year(), c.year(), "nothing")+"/correct", body)
}

// reload loads the town's records with the last mark of the file left out.
func (h *house) reload() {
	h.t.Helper()
	dir := filepath.Join(h.t.TempDir(), "csv")
	if err := h.WriteCSV(dir); err != nil {
		h.t.Fatal(err)
	}
	path := filepath.Join(dir, "grades.csv")
	content, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatal(err)
	}
	content = bytes.TrimRight(content, "\n")
	if err := os.WriteFile(path, content[:bytes.LastIndexByte(content, '\n')+1], 0o600); err != nil {
		h.t.Fatal(err)
	}
	res, err := h.Import(h.t.Context(), builderSteward, broker.ImportRequest{Path: dir, Options: ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: h.AsOf}})
	if err != nil || res.Rejected {
		h.t.Fatalf("the corrected records were not loaded: %v, %+v", err, res.Report.Errors())
	}
}

// memoSignature signs the memo of now about north's agreement.
func (c cell) memoSignature() target {
	path := c.period("/memo")
	sha := strings.Repeat("0", 64)
	if c.whose != absent {
		sha = data[struct {
			SHA256 string `json:"sha256"`
		}](c.officer().get(path + "?agreement=" + northAgreement).want(http.StatusOK)).SHA256
	}
	return c.json(path, broker.MemoSignature{Agreement: northAgreement, Name: "Olga Officer", Title: "Privacy officer", SHA256: sha})
}

// match is a participant of the steward's queue.
func (c cell) match() string {
	if c.whose == absent {
		return "mch_nothing"
	}
	queue := data[struct {
		Matches []struct {
			ID string `json:"id"`
		} `json:"matches"`
	}](c.steward().get("/v1/matches")).Matches
	if len(queue) == 0 {
		c.t.Fatal("nobody waits in the queue")
	}
	return queue[0].ID
}

// duplicate is the pair of guardians of the steward's list, decided or not.
func (c cell) duplicate() string {
	if c.whose == absent {
		return "dup_nothing"
	}
	type pair struct {
		ID string `json:"id"`
	}
	list := data[struct {
		Duplicates []pair `json:"duplicates"`
		Decided    []pair `json:"decided"`
	}](c.steward().get("/v1/duplicates"))
	all := slices.Concat(list.Duplicates, list.Decided)
	if len(all) == 0 {
		c.t.Fatal("no two guardians look like one person")
	}
	return all[0].ID
}
