package broker

import (
	"fmt"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// risk is how far figures protect a student, in numbers and in words.
type risk struct {
	Figures int           `json:"figures"`        // of one indicator, in which a student may be, with the total of its school
	Right   sdc.Milli     `json:"right,omitzero"` // at most, as a share of an insider's guesses; none without noise
	Year    yearRisk      `json:"year,omitzero"`
	Words   []string      `json:"words"`
	Budget  *agreedBudget `json:"budget,omitzero"`
}

// yearRisk is a risk over the school year: with the figures of all periods that were
// frozen before, of a fact that stays the same all year.
type yearRisk struct {
	Figures int       `json:"figures"`
	Right   sdc.Milli `json:"right"`
}

// agreedBudget is the privacy budget of a budgeted agreement for a school year, in
// tenths of epsilon.
type agreedBudget struct {
	Granted int `json:"granted_tenths"`
}

// riskOf is that of a student in so many cohort figures of one indicator, and in so
// many figures of it over the school year. An
// insider knows every value but one, which is as likely one as the other
// (noise.Table.Insider).
func riskOf(c agreement.Clauses, d Disclosure, cohorts, year int) (risk, error) {
	r := risk{Figures: cohorts + 1, Words: []string{}, Budget: budgetOf(c)}
	switch c.Profile {
	case agreement.PublishedTable:
		r.Words = append(r.Words, acceptedRisk)
		return r, nil
	case agreement.Budgeted: // its noise is drawn and paid for elsewhere
		return r, nil
	}
	t, err := noise.NewTable(d.variance())
	if err != nil {
		return risk{}, err
	}
	share, year := t.Insider(r.Figures), max(year, r.Figures)
	r.Right, r.Year = sdc.Milli(share*1000+0.999), yearRisk{year, sdc.Milli(t.Insider(year)*1000 + 0.999)}
	r.Words = []string{
		fmt.Sprintf("Noise with a standard deviation of %s students stands in every count.", sdc.Milli(d.Noise)*100),
		fmt.Sprintf("Somebody who knows every other student and sees %s guesses the last one right at most %d times in 100; a coin is right 50 times.",
			counted(r.Figures, "figure"), int(share*100+0.999)),
	}
	if year > r.Figures {
		r.Words = append(r.Words, fmt.Sprintf("Of a fact that stays the same all year %s speak, with the periods of the school year that were frozen before: it is guessed right at most %d times in 100.",
			counted(year, "figure"), int(t.Insider(year)*100+0.999)))
	}
	return r, nil
}

// unhidden warns of agreements that publish figures about the same students without
// noise: of those the bound says nothing.
func (r *risk) unhidden(agreements []string) {
	if r.Right > 0 && len(agreements) > 0 {
		r.Words = append(r.Words, fmt.Sprintf("This does not count figures about the same students that %s shows in bands without noise.", strings.Join(agreements, ", ")))
	}
}

// budgetOf is nil for an agreement without a budget.
func budgetOf(c agreement.Clauses) *agreedBudget {
	if c.Profile != agreement.Budgeted {
		return nil
	}
	return &agreedBudget{Granted: c.Epsilon}
}

func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
