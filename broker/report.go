package broker

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/report"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy"
)

// Report answers with every row of a release that the agreement provides, to be
// written as a page (the partner's people). No audience stands for the people whom
// the agreement names.
func (b *Broker) Report(ctx context.Context, c Caller, req ReportRequest) (*Answer, error) {
	if req.Session == "" {
		return nil, invalidField("session", "is missing", "name the session of the release")
	}
	return b.Comparison(ctx, c, req.whole())
}

// OfficerReport answers with the protected figures of a release, to be written as
// a page for a board and funders or the public (officer). The rules of partners do
// not decide it: the district reads what it published itself. What consented
// students come to is not the officer's to pass on, for the families opened it to
// the partner's people (34 CFR 99.30): a page for those is refused.
func (b *Broker) OfficerReport(ctx context.Context, c Caller, req ReportRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "write a report", RoleOfficer); err != nil {
		return nil, err
	}
	if err := req.checkOfficer(); err != nil {
		return nil, err
	}
	q := comparisonQuestion{req.whole()}
	s, data, err := b.readRelease(ctx, c, q)
	if err != nil {
		return nil, b.turnAway(ctx, c, "write a report", storeError(err))
	}
	a := act{event: tlog.ReportWritten, lane: store.LaneOfficer, caller: c, request: q.asked()}
	answer, err := b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		again := snapshot{b: b, r: tx, caller: c, now: m.now, standing: standing{today: m.today}}
		if err := again.readStamp(req.Agreement, false); err != nil {
			return outcome{}, err
		}
		if again.stamp != s.stamp {
			return outcome{}, unavailable("the release or its agreement has just changed; ask again", errMoved)
		}
		return outcome{data: jsonBytes(data), agreement: s.agreement.Agreement}, nil
	})
	if err != nil {
		return nil, err
	}
	answer.page = q.page(s)
	return answer, nil
}

// readRelease builds an answer without consented sides from one snapshot, so that
// the writer does not wait for it.
func (b *Broker) readRelease(ctx context.Context, c Caller, q comparisonQuestion) (s *snapshot, data []byte, err error) {
	err = b.store.View(ctx, func(r store.Reader) (err error) {
		if s, err = b.gather(ctx, r, c, q.agreement()); err != nil {
			return err
		}
		if terms := s.agreement.Agreement.Clauses; !slices.Contains(terms.Grain, q.grain(terms)) {
			return notAvailable()
		}
		done, err := q.build(s, policy.Decision{})
		data, s.stamp.Consent = done.data, 0
		return err
	})
	return s, data, err
}

func (r ReportRequest) whole() ComparisonRequest {
	return ComparisonRequest{
		Agreement: r.Agreement, School: policy.AllSchools, Period: r.Session,
		Whole: true, Audience: cmp.Or(r.Audience, report.NamedPeople),
	}
}

func (r ReportRequest) checkOfficer() error {
	whole := r.whole()
	switch {
	case r.Session == "" || len(r.Session) > maxIDText:
		return invalidField("session", "is missing or too long", "name the session of the release, as the district's lists have it")
	case whole.Audience == report.NamedPeople:
		return invalidField("audience", "is not the officer's to write for: what consented students come to is for the partner's people alone",
			"use board_and_funder or public; the partner's people write the page for named people")
	}
	return whole.checkWhole()
}

// checkWhole refuses what contradicts the question for a whole release.
func (r ComparisonRequest) checkWhole() error {
	switch {
	case r.Whole && r.School != policy.AllSchools:
		return invalidField("school", "narrows a whole release", "leave it out, or ask for the comparison of the school")
	case !r.Whole && r.Audience != "":
		return invalidField("audience", "goes with a whole release only", "leave it out")
	case r.Audience != "" && r.Audience.Validate() != nil:
		return invalidField("audience", "is unknown", "use named_people, board_and_funder or public")
	}
	return nil
}

// audience is for whom the answer is.
func (q comparisonQuestion) audience() report.Audience {
	return cmp.Or(q.req.Audience, report.NamedPeople)
}

// protected reports whether the answer may hold protected figures alone.
func (q comparisonQuestion) protected() bool { return q.audience() != report.NamedPeople }

// page of a whole release is for its audience and names the district and the
// partner, which the answer does not.
func (q comparisonQuestion) page(s *snapshot) *Page {
	if !q.req.Whole {
		return nil
	}
	return &Page{
		Stamp: report.Stamp{Audience: q.audience(), District: s.b.settings.Name, Partner: s.partner.Partner.Name},
		File:  safeName(q.req.Agreement, q.req.Period, string(q.audience())) + ".html",
	}
}

// safeName joins ids to the name of a file: what is no letter, digit, dot, dash or
// underscore of ASCII becomes a dash.
func safeName(parts ...string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._-", r):
			return r
		}
		return '-'
	}, strings.Join(parts, "-"))
}

// fitsPage refuses a whole release that no page can hold before it is recorded.
func (d comparisonData) fitsPage(data []byte) error {
	if len(data) > report.MaxData || len(d.Rows) > report.MaxRows {
		return &Error{Kind: Invalid, Detail: "the release has more rows than a page can hold; ask for the comparison of each school"}
	}
	if _, err := report.Parse(data); err != nil {
		return internal(fmt.Errorf("a release cannot be written as a page: %w", err))
	}
	return nil
}
