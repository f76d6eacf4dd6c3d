package web

import (
	"strconv"
	"strings"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/report"
	"github.com/hallpass-edu/hallpass/consent"
)

const (
	defaultPage = 100
	maxPage     = 1000
)

// comparison builds the request for the released figures; school=all is the
// default, the newest release where no period is named.
func comparison(in *incoming) (broker.ComparisonRequest, error) {
	return broker.ComparisonRequest{
		Agreement: in.id,
		School:    orElse(in.query.Get("school"), "all"),
		Period:    in.query.Get("period"),
	}, nil
}

// releaseReport builds the request for the page of a release; it is for the people
// whom the agreement names unless the query says otherwise.
func releaseReport(in *incoming) (broker.ReportRequest, error) {
	audience := report.Audience(orElse(in.query.Get("audience"), string(report.NamedPeople)))
	if audience.Validate() != nil {
		return broker.ReportRequest{}, unacceptable("audience", "is unknown", "write named_people, board_and_funder or public")
	}
	return broker.ReportRequest{Agreement: in.id, Session: in.ids["session_id"], Audience: audience}, nil
}

// students builds the request for the consented rows, which are always those
// of the current school year.
func students(in *incoming) (broker.StudentsRequest, error) {
	period := orElse(in.query.Get("period"), "current")
	if period != "current" {
		return broker.StudentsRequest{}, unacceptable("period", "is not offered for records", "write current")
	}
	return broker.StudentsRequest{Agreement: in.id, Period: period, Categories: in.categories()}, nil
}

// memo builds the request for a period's determination memo about one agreement.
func memo(in *incoming) (broker.MemoRequest, error) {
	return broker.MemoRequest{Session: in.id, Agreement: in.query.Get("agreement")}, nil
}

// categories reads a comma-separated list. Without the parameter it is nil,
// which asks for all; an empty one asks for none.
func (in *incoming) categories() []consent.Category {
	if !in.query.Has("categories") {
		return nil
	}
	list := []consent.Category{}
	for name := range strings.SplitSeq(in.query.Get("categories"), ",") {
		if name != "" {
			list = append(list, consent.Category(name))
		}
	}
	return list
}

// entries builds the request for a page of the log.
func entries(in *incoming) (broker.EntriesRequest, error) {
	from, limit, err := in.page()
	return broker.EntriesRequest{From: from, Limit: limit}, err
}

// ledger builds the request for a page of the ledger of releases.
func ledger(in *incoming) (broker.LedgerRequest, error) {
	from, limit, err := in.page()
	return broker.LedgerRequest{From: from, Limit: limit}, err
}

// messageList builds the request for the newest messages to families.
func messageList(in *incoming) (broker.MessagesRequest, error) {
	n, err := in.number("limit", defaultPage, 1, maxPage)
	return broker.MessagesRequest{State: broker.MessageState(in.query.Get("state")), Limit: int(n)}, err
}

// page reads where a page begins and how long it may be.
func (in *incoming) page() (from uint64, limit int, err error) {
	if from, err = in.number("from", 0, 0, 1<<63-1); err != nil {
		return 0, 0, err
	}
	n, err := in.number("limit", defaultPage, 1, maxPage)
	return from, int(n), err
}

// proof builds the request for one entry's receipt.
func proof(in *incoming) (broker.ProofRequest, error) {
	index, err := strconv.ParseUint(in.id, 10, 63)
	if err != nil {
		return broker.ProofRequest{}, notAvailable()
	}
	return broker.ProofRequest{Index: index}, nil
}

// number reads a decimal query parameter between low and high.
func (in *incoming) number(name string, otherwise, low, high uint64) (uint64, error) {
	if !in.query.Has(name) {
		return otherwise, nil
	}
	text := in.query.Get(name)
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n < low || n > high || strconv.FormatUint(n, 10) != text {
		return 0, unacceptable(name, "is out of range",
			"write a whole number from "+strconv.FormatUint(low, 10)+" to "+strconv.FormatUint(high, 10))
	}
	return n, nil
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
