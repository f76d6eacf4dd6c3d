package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// sampleToday is the day on which a policy is tried at load.
const sampleToday = civil.Date(735000)

// tryDeadline bounds the trial of one rule on one sample: Load is in no hurry,
// but must end.
const tryDeadline = time.Minute

// samples are agreements on which every row rule is tried at load, so that a
// rule which opens or breaks for some kind of agreement is refused before a
// real one meets it: every basis, one school and many, before, in and after the
// term.
func samples() []*Prepared {
	var out []*Prepared
	for i, basis := range agreement.Bases() {
		for j, schools := range [...][]string{{"S1"}, {"S1", "S2", "S3"}} {
			a := agreement.Agreement{ID: fmt.Sprintf("A%d%d", i, j), Partner: "P1", Version: 1 + j, State: agreement.Active}
			a.Clauses = agreement.Clauses{
				Basis: basis, Purpose: "program_evaluation", Schools: schools, Categories: consent.Categories(),
				Indicators: []string{"attendance_rate"}, Grain: []string{"all"},
				DosageFloor: 9, MinCohort: 10, UnconsentedFloor: 10, Profile: "published_table",
				TermFrom: sampleToday - 100, TermTo: sampleToday + 100,
			}
			if j == 1 {
				a.Clauses.Purpose, a.Clauses.Grain = "research_study", []string{"all", "school", "grade"}
			}
			out = append(out, Prepare(a))
		}
	}
	return out
}

// tryFilters compiles every row rule for every sample. A rule must compile to
// an allowed filter for each and hold for at least one.
func (e *Engine) tryFilters() error {
	held := make([]bool, len(e.rows))
	for i, p := range samples() {
		days := []civil.Date{sampleToday}
		if i < 2 {
			days = append(days, sampleToday-200, sampleToday+200)
		}
		for _, day := range days {
			if err := e.tryOn(p, day, held); err != nil {
				return err
			}
		}
	}
	for i, ok := range held {
		if !ok && e.rows[i] != nil && !e.options.Sabotage.SkipOperatorCheck {
			return e.refuseRule(i, errNeverHolds)
		}
	}
	return nil
}

func (e *Engine) tryOn(p *Prepared, day civil.Date, held []bool) error {
	term := p.on(day)
	for i, rule := range e.rows {
		if rule == nil {
			continue
		}
		_, err := within(context.Background(), e, tryDeadline, func(stop topdown.Cancel) (node, error) {
			return e.compileRule(stop, i, term, day)
		})
		switch {
		case err == nil:
			held[i] = true
		case !errors.Is(err, errNeverHolds):
			return e.refuseRule(i, err)
		}
	}
	return nil
}

// refuseRule makes a LoadError at the place of a row rule.
func (e *Engine) refuseRule(i int, err error) error {
	remedy := "compare fields of input.row with known values of their own type by ==, in, <, <=, >, >=; a category that is never shared has no rule"
	for _, r := range e.rowRules.GetRulesExact(rowsPath.Append(categoryTable[i].term)) {
		return at(r.Location, fmt.Sprintf("hallpass.rows.%s: %s", categoryTable[i].category, firstLine(err)), remedy)
	}
	return &LoadError{Problem: firstLine(err), Remedy: remedy}
}

// firstLine is what the library says first, with its place if it gives one.
func firstLine(err error) string {
	text := err.Error()
	var many ast.Errors
	if errors.As(err, &many) && len(many) > 0 {
		text = many[0].Error()
	}
	line, _, _ := strings.Cut(text, "\n")
	return line
}
