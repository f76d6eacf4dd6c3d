package web_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/report"
	"github.com/hallpass-edu/hallpass/broker/sample"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// fate is what a town knows of one child on north's roster: what its family
// answered, and whether the child is found at all. It changes nothing of what
// the partner uploads.
type fate func(d *sample.District, child *sample.Participant, form *sample.Consent) *sample.Consent

// fates in which the child's records may not be read; below the floor of
// sessions a child that is not found looks like one that is.
func fates() map[string]fate {
	return map[string]fate{
		"not asked": func(*sample.District, *sample.Participant, *sample.Consent) *sample.Consent { return nil },
		"no": func(_ *sample.District, _ *sample.Participant, f *sample.Consent) *sample.Consent {
			f.Answer = string(consent.No)
			return f
		},
		"wants to talk": func(_ *sample.District, _ *sample.Participant, f *sample.Consent) *sample.Consent {
			f.Answer = string(consent.Talk)
			return f
		},
		"expired": func(d *sample.District, _ *sample.Participant, f *sample.Consent) *sample.Consent {
			f.Expires = d.Year.End - 1
			return f
		},
		"withdrawn": func(d *sample.District, _ *sample.Participant, f *sample.Consent) *sample.Consent {
			f.Withdrawn = d.Year.End
			return f
		},
	}
}

// strangers are fates in which the partner's child is not found.
func strangers() map[string]fate {
	return map[string]fate{
		"unmatched": func(d *sample.District, c *sample.Participant, _ *sample.Consent) *sample.Consent {
			studentOf(d, c.StudentID).Birth++
			return nil
		},
		"not existing": func(d *sample.District, c *sample.Participant, _ *sample.Consent) *sample.Consent {
			s := studentOf(d, c.StudentID)
			s.GivenName, s.FamilyName, s.Birth = "Zebulon", "Quartermaine", s.Birth+100
			return nil
		},
	}
}

func studentOf(d *sample.District, id string) *sample.Student {
	return &d.Students[slices.IndexFunc(d.Students, func(s sample.Student) bool { return s.ID == id })]
}

// yesFate is the one that must look different, or the comparison sees nothing.
func yesFate(_ *sample.District, _ *sample.Participant, f *sample.Consent) *sample.Consent { return f }

// fated opens a town in which one child of north has a fate. Below the floor
// it came to three sessions only.
func fated(t *testing.T, f fate, belowFloor bool) (*house, string) {
	t.Helper()
	d := sample.Generate(sample.Options{Seed: 5, Students: 240, Schools: 8})
	p := &d.Partners[0]
	child, form := someFamily(d, p)
	if belowFloor {
		child.Sessions = child.Sessions[:3]
	}
	forms := slices.DeleteFunc(slices.Clone(p.Consents), func(c sample.Consent) bool { return c.StudentID == child.StudentID })
	if answered := f(d, child, &form); answered != nil {
		forms = append(forms, *answered)
	}
	built, err := build(d, plan{closed: true, partners: []string{north}, consents: func(*sample.Partner) []sample.Consent { return forms }})
	if err != nil {
		t.Fatal(err)
	}
	return open(t, func() (*town, error) { return built, nil }), child.Ref
}

// someFamily is a child still under 18 with many sessions, and its guardian's yes.
func someFamily(d *sample.District, p *sample.Partner) (*sample.Participant, sample.Consent) {
	for _, form := range p.Consents {
		i := slices.IndexFunc(p.Roster, func(c sample.Participant) bool { return c.StudentID == form.StudentID })
		if c := &p.Roster[i]; form.Answer == "yes" && form.Capacity != "eligible_student" && form.Withdrawn.IsZero() && c.Exact && len(c.Sessions) > 8 && civil.Age(c.Birth, d.AsOf) < 18 {
			form.Categories = p.Agreement.Categories
			return c, form
		}
	}
	return nil, sample.Consent{}
}

// transcript is everything that the partner's people can see, in one order.
func transcript(h *house, ref string) []string {
	h.t.Helper()
	h.pad(96)
	p := h.partnerOf(north)
	form := h.formOf(ref)
	seen := []answer{
		p.upload(under(northAgreement, "/participation"), h.participation(north)),
		p.get(under(northAgreement, "/participation")),
		p.post("/v1/consents", form),
		p.post("/v1/consents", form),
		p.get(under(northAgreement, "/students")),
		p.get(under(northAgreement, "/students?categories=attendance")),
		p.get(under(northAgreement, "/students?categories=")),
		p.get(under(northAgreement, "/comparisons")),
		p.get(under(northAgreement, "/comparisons?school="+h.Schools[0].ID)),
		p.get(under(northAgreement, "/comparisons?period="+h.spring())),
		p.get(h.report(northAgreement, report.NamedPeople)), p.get(h.report(northAgreement, report.Public)),
		p.get("/v1/agreements"), p.get("/v1/partners/" + north), p.get("/v1/periods"), p.get("/v1/audit/checkpoint"),
		p.get("/v1/consents"), p.get("/v1/matches"), p.get("/v1/duplicates"), p.get("/v1/partners"),
		p.upload(under(northAgreement, "/roster"), cell{house: h, whose: own}.roster()),
		p.upload(under(northAgreement, "/sessions"), cell{house: h, whose: own}.sessions()),
		p.get(under(northAgreement, "/students")),
	}
	form.Answer = consent.No
	id := data[struct {
		ID string `json:"id"`
	}](p.post("/v1/consents", form)).ID
	seen = append(seen, p.get("/v1/consents/"+id), p.post("/v1/consents/"+id+"/withdraw", ""), p.get(under(northAgreement, "/students")))
	lines := []string{}
	for i, a := range seen {
		lines = append(lines, fmt.Sprintf("%d: %s", i, a.visible()))
	}
	return lines
}

// formOf is a form that the partner collected about a child of its roster.
func (h *house) formOf(ref string) broker.ConsentRequest {
	form := h.yes(family{})
	form.Student, form.Signer, form.Method = broker.StudentRef{ParticipantRef: ref}, broker.SignerRef{Name: "A Parent"}, consent.PartnerForm
	return form
}

// pad makes the log of a size: the length of a proof depends on it.
func (h *house) pad(to uint64) {
	h.t.Helper()
	if h.size() > to {
		h.t.Fatalf("the log has %d entries already", h.size())
	}
	for h.size() < to {
		a, err := h.Entries(h.t.Context(), builderOfficer, broker.EntriesRequest{Limit: 1})
		if err != nil {
			h.t.Fatal(err)
		}
		a.Drop()
	}
}

var randomIDs = regexp.MustCompile(`(cns|mch)_[a-z0-9]+`)

// visible is a response with what differs by chance taken out: ids, salts,
// hashes. Its size stays.
func (a answer) visible() string {
	a.h.t.Helper()
	sent := randomIDs.ReplaceAllString(string(a.member("data")), "${1}_ID")
	if strings.Contains(sent, `"checkpoint"`) {
		sent = "a checkpoint"
	}
	body := map[string]any{"status": a.status, "size": len(a.body), "data": sent, "headers": len(a.header)}
	if a.status >= 400 {
		p := a.problem()
		body["problem"] = fmt.Sprint(p.Type, p.Title, p.Detail, p.Fields, p.Reasons)
	}
	if len(a.member("receipt")) > 0 {
		proven := a.proven()
		header := proven.Header
		if strings.Contains(sent, "_ID") {
			header.DataSHA256 = ""
		}
		body["header"], body["subjects"], body["event"], body["index"] = header, proven.Leaf.Subjects, proven.Leaf.Event, proven.Leaf.Index
		body["proof"] = proofLength(a)
	}
	raw, err := json.Marshal(body, json.Deterministic(true))
	if err != nil {
		a.h.t.Fatal(err)
	}
	return string(raw)
}

func proofLength(a answer) int {
	r, err := tlog.ParseReceipt(a.member("receipt"))
	if err != nil {
		a.h.t.Fatal(err)
	}
	return len(r.Proof)
}

func TestToAPartnerEveryClosedChildLooksTheSame(t *testing.T) {
	t.Parallel()
	for _, belowFloor := range []bool{false, true} {
		t.Run(map[bool]string{false: "in the cohort", true: "below the floor of sessions"}[belowFloor], func(t *testing.T) {
			t.Parallel()
			h, ref := fated(t, fates()["not asked"], belowFloor)
			want := transcript(h, ref)
			cases := fates()
			if belowFloor {
				for name, f := range strangers() {
					cases[name] = f
				}
			}
			for name, f := range cases {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					h, ref := fated(t, f, belowFloor)
					if diff := cmp.Diff(want, transcript(h, ref)); diff != "" {
						t.Errorf("what the partner sees differs from a child whose family was not asked:\n%s", diff)
					}
				})
			}
			t.Run("and a yes looks different", func(t *testing.T) {
				t.Parallel()
				h, ref := fated(t, yesFate, belowFloor)
				if cmp.Equal(want, transcript(h, ref)) {
					t.Error("the transcript does not show even a row that is open")
				}
			})
		})
	}
}

// A later yes that would leave fewer than ten unknown children in a published
// figure opens nothing of that period, whatever else was frozen with it.
func TestALaterYesIsHeldWhereItWouldExposeTheLastUnknownChildren(t *testing.T) {
	t.Parallel()
	alone := func() (*town, error) {
		return build(sample.Generate(sample.Options{Seed: 5, Students: 320, Schools: 8}), plan{partners: []string{north}, consents: func(*sample.Partner) []sample.Consent { return nil }})
	}
	for name, from := range map[string]func() (*town, error){
		"with one partner": alone, "with partners of whom nothing was published": lakeland,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, from)
			children := h.tight()
			for i, s := range children[:3] {
				made := data[struct {
					Held []struct{ From, To civil.Date } `json:"held"`
				}](h.officer().post("/v1/consents", h.tightYes(s)).want(http.StatusCreated))
				if held := len(made.Held) > 0; held != (i > 0) {
					t.Errorf("yes number %d: held is %t; %d of eleven children would stay unknown", i+1, held, 10-i)
				}
			}
		})
	}
}
