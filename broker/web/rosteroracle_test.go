package web_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/sample"
	"github.com/hallpass-edu/hallpass/consent"
)

// suspicion is a partner who writes one child after another onto an otherwise unchanged
// roster and looks at what the answer about the others tells of the family.
type suspicion struct {
	*house
	token    string
	rest     []sample.Participant
	suspects map[string]sample.Participant
}

// notAsked is the fate that the others are held to.
const notAsked = "not asked yet"

func newSuspicion(t *testing.T) *suspicion {
	t.Helper()
	h := open(t, lakeland)
	s := &suspicion{house: h, token: "Bearer " + h.partnerOf(north).token(), suspects: map[string]sample.Participant{}}
	answers := map[string]string{}
	for _, c := range h.partner(north).Consents {
		answers[c.StudentID] = c.Answer
		if !c.Withdrawn.IsZero() {
			answers[c.StudentID] = "withdrawn"
		}
	}
	var silent []sample.Participant
	for _, c := range h.partner(north).Roster {
		switch {
		case !c.Exact:
		case answers[c.StudentID] == "yes" && len(s.rest) < 10:
			s.rest = append(s.rest, c)
		case answers[c.StudentID] == "no":
			s.suspects["said no"] = c
		case answers[c.StudentID] == "withdrawn":
			s.suspects["took it back"] = c
		case answers[c.StudentID] == "":
			silent = append(silent, c)
		}
	}
	s.suspects[notAsked], s.suspects["expired"] = silent[0], silent[1]
	s.expire(silent[1])
	nobody := silent[0]
	nobody.GivenName, nobody.FamilyName = "Zebulon", "Quartermaine"
	s.suspects["unknown to the district"] = nobody
	for _, c := range h.partner(river).Consents {
		i := slices.IndexFunc(h.partner(river).Roster, func(p sample.Participant) bool { return p.StudentID == c.StudentID && p.Exact })
		if _, ours := answers[c.StudentID]; !ours && c.Answer == "yes" && i >= 0 {
			s.suspects["another agreement's"] = h.partner(river).Roster[i]
		}
	}
	if len(s.rest) < 5 || len(s.suspects) != 6 {
		t.Fatalf("%d children beside %d fates", len(s.rest), len(s.suspects))
	}
	for name, c := range s.suspects {
		c.Ref, c.Sessions = "SUSPECT", silent[0].Sessions
		s.suspects[name] = c
	}
	return s
}

// expire enters a yes that is over.
func (s *suspicion) expire(c sample.Participant) {
	s.t.Helper()
	form := s.yes(family{})
	child := studentOf(s.District, c.StudentID)
	form.Student, form.Signer = broker.StudentRef{StudentID: c.StudentID}, broker.SignerRef{GuardianID: child.Guardians[0].ID}
	form.Method, form.Answer, form.Expires = consent.Paper, consent.Yes, s.AsOf-1
	form.SignedAt = noonOf(form.Expires - 30)
	if form.RecordsTo > form.Expires {
		form.RecordsTo = form.Expires
	}
	a, err := s.CreateConsent(s.t.Context(), builderOfficer, form)
	if err != nil {
		s.t.Fatal(err)
	}
	a.Drop()
}

// suspect writes a child onto the roster.
func (s *suspicion) suspect(fate string) {
	s.t.Helper()
	p := *s.partner(north)
	p.Roster = append(slices.Clone(s.rest), s.suspects[fate])
	var csv strings.Builder
	if err := p.WriteParticipation(&csv); err != nil {
		s.t.Fatal(err)
	}
	a, err := s.PutParticipation(s.t.Context(), broker.Caller{Subject: "Pat Person", Role: broker.RolePartner, Partner: north}, northAgreement, strings.NewReader(csv.String()))
	if err != nil {
		s.t.Fatal(err)
	}
	a.Drop()
}

func (s *suspicion) ask() *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, under(northAgreement, "/students"), nil)
	r.Header.Set("Authorization", s.token)
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// rowsFace is the answer without its receipt, which is another each time.
func rowsFace(w *httptest.ResponseRecorder) seenFace {
	var answer struct {
		Data any `json:"data"`
	}
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	data, _ := json.Marshal(answer.Data, json.Deterministic(true))
	return seenFace{status: w.Code, size: len(data), body: string(data)}
}

// TestHarnessRosterOracle holds the partner's answer about the rest of its roster to be
// the same whatever became of one more child on it: the first answer after the child was
// written there, for which everything is decided anew, and the one after it.
func TestHarnessRosterOracle(t *testing.T) {
	t.Parallel()
	n := harnessCount(t, "ROSTER_ORACLE", 6)
	s := newSuspicion(t)
	worst, of := 0.0, ""
	watch := &stopwatch{} // nothing is held
	for fate := range s.suspects {
		if fate == notAsked {
			continue
		}
		for name, warm := range map[string]bool{"first answer": false, "next answer": true} {
			p := pair{
				name: notAsked + ", " + fate + ", " + name,
				ready: func(other bool, _ int) {
					s.suspect(map[bool]string{false: notAsked, true: fate}[other])
					if warm {
						s.ask()
					}
				},
				ask: func(bool, int) *httptest.ResponseRecorder { return s.ask() }, look: rowsFace,
			}
			t.Run(fate+", "+name, func(t *testing.T) {
				if got := watch.judge(t, p, n); got > worst {
					worst, of = got, p.name
				}
			})
		}
	}
	t.Logf("harness roster_oracle: %d fates, %d samples each, the largest t is %.2f (%s)", len(s.suspects)-1, n, worst, of)
	if n >= timedSamples && worst > oracleLimit {
		t.Errorf("the time tells: t %.2f of %s", worst, of)
	}
}
