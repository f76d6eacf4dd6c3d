package broker

import (
	"context"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// textReview is the district's word that the consent texts of a version are right in a
// language.
type textReview struct {
	Language string    `json:"language"`
	Version  string    `json:"version"`
	Reviewer string    `json:"reviewer"`
	By       string    `json:"recorded_by"`
	At       time.Time `json:"at"`
}

var textReviews = table[textReview]{colTexts}

// signableIn are the languages in which a family may sign: those whose texts were
// reviewed before they shipped, and those that the district had reviewed since.
func (b *Broker) signableIn(r store.Reader) (tags []string, err error) {
	for _, l := range pages.Languages() {
		ok := pages.Reviewed(l.Tag)
		if !ok {
			if _, ok, err = textReviews.get(r, key(l.Tag, pages.ConsentVersion)); err != nil {
				return nil, err
			}
		}
		if ok {
			tags = append(tags, l.Tag)
		}
	}
	return tags, nil
}

// textView says whether families may sign in a language.
type textView struct {
	Language string    `json:"language"`
	Name     string    `json:"name"` // its own
	Version  string    `json:"version"`
	Signable bool      `json:"signable"`
	Shipped  bool      `json:"reviewed_before_it_shipped"`
	Reviewer string    `json:"reviewer,omitzero"`
	Reviewed time.Time `json:"reviewed_at,omitzero"`
}

// Texts lists the languages of the families' pages, and whether consent may be signed
// in each (officer, auditor).
func (b *Broker) Texts(ctx context.Context, c Caller) (*Answer, error) {
	const operation = "list texts"
	if err := b.admit(ctx, c, operation, RoleOfficer, RoleAuditor); err != nil {
		return nil, err
	}
	return b.read(ctx, c, operation, func(r store.Reader, _ moment) (any, error) {
		list := []textView{}
		for _, l := range pages.Languages() {
			review, found, err := textReviews.get(r, key(l.Tag, pages.ConsentVersion))
			if err != nil {
				return nil, err
			}
			shipped := pages.Reviewed(l.Tag)
			list = append(list, textView{l.Tag, l.Name, pages.ConsentVersion, shipped || found, shipped, review.Reviewer, review.At})
		}
		return map[string]any{"texts": list}, nil
	})
}

// ReviewText records that the consent texts of a version are right in a language
// (officer). A text that nobody reviewed cannot be signed.
func (b *Broker) ReviewText(ctx context.Context, c Caller, req TextReviewRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "review a text", RoleOfficer); err != nil {
		return nil, err
	}
	known := slices.ContainsFunc(pages.Languages(), func(l pages.Language) bool { return l.Tag == req.Language })
	switch {
	case !known:
		return nil, invalidField("language", "is not one of the families' pages", "GET /v1/texts lists them")
	case req.Version != pages.ConsentVersion:
		return nil, invalidField("version", "is not that of the texts in use", "GET /v1/texts gives it; review what is in use")
	case req.Reviewer == "":
		return nil, invalidField("reviewer", "is missing", "name who read the texts and may say that they are right")
	}
	a := act{event: tlog.TextReviewed, lane: store.LaneOfficer, caller: c, request: req}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		review := textReview{req.Language, req.Version, req.Reviewer, c.Subject, m.now}
		return outcome{data: review, created: true}, textReviews.put(tx, key(req.Language, req.Version), review)
	})
}
