package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/broker/token"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// question is a request of a person under an agreement.
type question struct {
	who  person
	path string
}

func (q question) ask() answer { return q.who.get(q.path) }

func under(agreement, path string) string { return "/v1/agreements/" + agreement + path }

// denials make each reason of the closed list true and ask. Before the cause
// the same question, put by the partner's own people, was answered, unless
// the case says that it never could be.
func denials() map[policy.Reason]func(h *house) question {
	rows := under(northAgreement, "/students")
	after := func(cause func(h *house)) func(h *house) question {
		return func(h *house) question {
			h.partnerOf(north).get(rows).want(http.StatusOK)
			cause(h)
			return question{h.renewed(north), rows}
		}
	}
	return map[policy.Reason]func(h *house) question{
		policy.RoleNotPermitted: func(h *house) question { return question{h.officer(), rows} },
		policy.SiteNotPermitted: func(h *house) question {
			return question{h.of(broker.RolePartner, func(c *token.Claims) { c.Sites = []string{"Elsewhere"} }), rows}
		},
		policy.PartnerNotAccepted: after(func(h *house) { h.advance("partners", north, "end") }),
		policy.PartnerSuspended:   after(func(h *house) { h.advance("partners", north, "suspend") }),
		policy.PartnerBanned: after(func(h *house) {
			until := civil.Of(h.Now(), time.UTC).AddYears(6)
			h.officer().post("/v1/partners/"+north+"/ban", broker.BanRequest{Until: until, Order: "SPPO 12-34"}).want(http.StatusCreated)
		}),
		policy.AgreementExpired:    after(func(h *house) { h.clock.Set(noonOf(h.partner(north).Agreement.TermTo + 1)) }),
		policy.AgreementTerminated: after(func(h *house) { h.advance("agreements", northAgreement, "terminate") }),
		policy.AgreementNotActive: after(func(h *house) {
			for _, event := range []string{"terminate", "begin_destruction", "close"} {
				h.advance("agreements", northAgreement, event)
			}
		}),
		policy.AgreementNotBegun: func(h *house) question {
			h.agree("later", func(r *broker.AgreementRequest) { r.TermFrom = h.AsOf + 30 })
			h.partnerOf(north).upload(under("later", "/participation"), h.participation(north)).want(http.StatusOK)
			return question{h.partnerOf(north), under("later", "/students")}
		},
		policy.SchoolNotInAgreement: func(h *house) question {
			return question{h.partnerOf(north), under(northAgreement, "/comparisons?school="+h.Schools[7].ID)}
		},
		policy.CategoryNotInAgreement: func(h *house) question {
			return question{h.partnerOf(river), under(riverAgreement, "/students?categories=attendance,discipline_dates")}
		},
		policy.NoCategoryRequested:      func(h *house) question { return question{h.partnerOf(north), rows + "?categories="} },
		policy.ComparisonNotInAgreement: (*house).oneGrain,
		policy.PeriodNotInTerm: func(h *house) question {
			h.agree("later", func(r *broker.AgreementRequest) { r.TermFrom = h.AsOf })
			h.partnerOf(north).upload(under("later", "/participation"), h.participation(north)).want(http.StatusOK)
			return question{h.partnerOf(north), under("later", "/students")}
		},
		policy.RosterMissing: func(h *house) question {
			h.agree("bare", func(*broker.AgreementRequest) {})
			return question{h.partnerOf(north), under("bare", "/students")}
		},
		policy.ReleaseNotPublished: func(h *house) question {
			return question{h.partnerOf(north), under(northAgreement, "/comparisons?period="+h.spring())}
		},
	}
}

// oneGrain asks for one school under an agreement that has the pooled figures
// only, of a period that was closed with it.
func (h *house) oneGrain() question {
	h.agree("pooled", func(r *broker.AgreementRequest) { r.Grain = []string{"all"} })
	h.partnerOf(north).upload(under("pooled", "/participation"), h.participation(north)).want(http.StatusOK)
	h.steward().post("/v1/periods/"+h.spring()+"/close", "").want(http.StatusOK)
	path := under("pooled", "/comparisons?period="+h.spring())
	h.partnerOf(north).get(path).want(http.StatusOK)
	return question{h.partnerOf(north), path + "&school=" + h.Schools[0].ID}
}

// renewed is the partner's person with a token of the partner's newest epoch.
func (h *house) renewed(id string) person {
	h.t.Helper()
	epoch, err := h.TokenEpoch(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.of(broker.RolePartner, func(c *token.Claims) { c.Partner, c.Epoch = id, epoch })
}

func (h *house) advance(kind, id, event string) {
	h.t.Helper()
	h.officer().post("/v1/"+kind+"/"+id+"/transitions", broker.TransitionRequest{Event: event}).want(http.StatusOK)
}

// offer offers a partner an agreement like north's.
func (h *house) offer(id string, change func(*broker.AgreementRequest)) (text string) {
	h.t.Helper()
	like := h.partner(north).Agreement
	r := broker.AgreementRequest{
		ID: id, Partner: north, Template: "comparison_and_consent", Profile: agreement.PublishedTable, Schools: like.Schools, Categories: consent.Categories(),
		TermFrom: like.TermFrom, TermTo: like.TermTo, Administrator: "Program director",
	}
	change(&r)
	return data[struct {
		Text string `json:"text_sha256"`
	}](h.officer().post("/v1/agreements", r).want(http.StatusCreated)).Text
}

// agree is offer, signed by both.
func (h *house) agree(id string, change func(*broker.AgreementRequest)) {
	h.t.Helper()
	text := h.offer(id, change)
	for _, party := range []string{"district", "partner"} {
		s := broker.SignatureRequest{Party: party, Name: "Sam Signer", Title: "Director", TextSHA256: text}
		h.officer().post(under(id, "/signatures"), s).want(http.StatusOK)
	}
}

// participation is what a partner of the sample uploads.
func (d *town) participation(id string) string {
	var csv strings.Builder
	if err := d.partner(id).WriteParticipation(&csv); err != nil {
		return err.Error()
	}
	return csv.String()
}

func TestEachReasonOfTheClosedListIsReachedAndExplained(t *testing.T) {
	t.Parallel()
	cases := denials()
	for _, reason := range policy.Reasons() {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			cause, ok := cases[reason]
			if !ok {
				t.Fatal("no case reaches this reason")
			}
			h := open(t, lakeland)
			denied(t, h, cause(h), reason)
		})
	}
}

// denied asks and holds the refusal to what every refusal must be.
func denied(t *testing.T, h *house, q question, reason policy.Reason) {
	t.Helper()
	before := h.size()
	a := q.ask().want(http.StatusForbidden)
	p := a.problem()
	all := append([]policy.Reason{reason}, besides(reason)...)
	if len(p.Reasons) != len(all) || p.Type != "https://hallpass.example/problems/denied" {
		t.Fatalf("%s", a.body)
	}
	told := p.Reasons[0]
	want := struct{ Code, Sentence, Remedy, Contact string }{string(reason), reason.Sentence(), reason.Remedy(), reason.Contact()}
	if diff := cmp.Diff(want, told); diff != "" || want.Sentence == "" || want.Remedy == "" || want.Contact == "" {
		t.Errorf("the reason is told wrongly (-want +told):\n%s", diff)
	}
	proven := a.proven()
	if proven.Header.Decision != tlog.Deny || !slices.Equal(proven.Header.Reasons, texts(all)) || proven.Header.DataSHA256 != "" {
		t.Errorf("the receipt says %+v", proven.Header)
	}
	recorded := h.entries(before)
	if len(recorded) != 1 {
		t.Fatalf("the refusal left %d entries", len(recorded))
	}
	e := recorded[0]
	if e.Event != tlog.QueryDenied || e.Decision != tlog.Deny || e.Clause == "" || e.Clause != proven.Header.Clause ||
		!slices.Equal(e.Reasons, proven.Header.Reasons) || len(e.Request) == 0 || len(e.Policy) != 64 || e.Caller.Role != string(q.who.claims.Role) {
		t.Errorf("the entry says %+v", e)
	}
	if word := holdsAny(a.body, h.secrets()); word != "" {
		t.Errorf("the refusal holds a child's data")
	}
}

// besides are the reasons that hold whenever a reason does: in summer a term
// to come begins after the school year that rows would be of.
func besides(reason policy.Reason) []policy.Reason {
	if reason == policy.AgreementNotBegun {
		return []policy.Reason{policy.PeriodNotInTerm}
	}
	return nil
}

func texts[T ~string](list []T) []string {
	all := make([]string, len(list))
	for i, v := range list {
		all[i] = string(v)
	}
	return all
}

// secrets are what of the town's children no refusal may hold: references,
// names and numbers.
func (d *town) secrets() []string {
	var words []string
	for i := range d.Partners {
		for _, child := range d.Partners[i].Roster {
			words = append(words, child.Ref)
		}
	}
	for i := range d.Students {
		s := &d.Students[i]
		words = append(words, s.ID, s.Birth.String())
		if len(s.FamilyName) > 5 {
			words = append(words, s.FamilyName)
		}
	}
	return words
}
