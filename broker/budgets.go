package broker

import (
	"context"
	"fmt"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/sdc/budget"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// studentEpsilon, schoolEpsilon and noiseOf are the settings or, where they say
// nothing, what is usual.
func (d Disclosure) studentEpsilon() int {
	if d.EpsilonStudent == 0 {
		return defaultStudentEpsilon
	}
	return d.EpsilonStudent
}

func (d Disclosure) schoolEpsilon() int {
	if d.EpsilonSchool == 0 {
		return defaultSchoolEpsilon
	}
	return d.EpsilonSchool
}

func (d Disclosure) noiseOf(p sdc.Profile) int {
	if p == sdc.Budgeted && d.BudgetedNoise != 0 {
		return d.BudgetedNoise
	}
	return d.Noise
}

// checkBudgets refuses budgets that promise next to nothing, or that nothing can be
// shown with, and noise as Validate does.
func (d Disclosure) checkBudgets() error {
	if d.BudgetedNoise != 0 && (d.BudgetedNoise < leastNoise || d.BudgetedNoise > mostNoise) {
		return invalidField("budgeted_noise_tenths", "is not between 15 and 100", "give the standard deviation in tenths of a student, or leave it out to use noise_tenths")
	}
	for name, tenths := range map[string]int{"epsilon_student_tenths": d.EpsilonStudent, "epsilon_school_tenths": d.EpsilonSchool} {
		if tenths != 0 && (tenths < leastEpsilon || tenths > mostEpsilon) {
			return invalidField(name, "is not between 5 and 80", "give the privacy budget of a school year in tenths of epsilon, or leave it out for what is usual")
		}
	}
	return nil
}

// budgetSentences say what stands between the records and the figures of a budgeted
// release, and how far it protects.
func (d Disclosure) budgetSentences(said budgetSaid) ([]string, error) {
	granted, err := grantOf(said.Epsilon)
	if err != nil {
		return nil, err
	}
	list := []string{
		fmt.Sprintf("A random number with a standard deviation of %s students stands in every count, and one as large for its scale in every other sum. "+
			"It was drawn once, when the period was closed; asking again gives the same figure.", sdc.Milli(said.Noise)*100),
		fmt.Sprintf("Every draw is paid for from a privacy budget of the school year: epsilon %s for all figures of this agreement, %s for the totals of a school, "+
			"and %s for each student over all budgeted agreements, each with a delta of one in a million. An epsilon bounds how much anybody can learn of one student, whatever else they know.",
			tenthsText(said.Epsilon), tenthsText(d.schoolEpsilon()), tenthsText(d.studentEpsilon())),
		fmt.Sprintf("This release costs %s of the %v that an epsilon of %s allows (zero-concentrated differential privacy); %s is left until %s, when the next school year begins with a budget of its own.",
			said.Cost, granted, tenthsText(said.Epsilon), said.Left, said.Resets),
		"A figure is withheld where a group is too small, or where it would give another one away.",
	}
	if said.Exhausted {
		list[2] = exhaustedSentence(said)
	}
	return list, nil
}

func exhaustedSentence(said budgetSaid) string {
	text := fmt.Sprintf("The privacy budget does not pay for these figures, so none is shown and nothing was drawn: they would cost %s, and %s of the agreement's own is left. "+
		"A budget begins anew with the next school year, on %s, and in no other way; figures that were released before stay readable.", said.Cost, said.Left, said.Resets)
	if said.Affordable == 0 {
		return text + " No noise that the district may choose makes so many figures affordable: compare fewer indicators, or fewer rows."
	}
	return text + fmt.Sprintf(" With a standard deviation of %s students they would have been affordable.", tenthsText(said.Affordable))
}

func tenthsText(tenths int) string { return (sdc.Milli(tenths) * 100).String() }

// budgetAccount is an account of a school year as the district's officers see it.
// Amounts are of zCDP, as decimal numbers; Epsilon is what was spent and reserved
// keeps, with a delta of one in a million.
type budgetAccount struct {
	Kind     budget.Kind     `json:"kind"`
	Name     string          `json:"name"`
	Granted  string          `json:"granted"`
	Reserved string          `json:"reserved"`
	Spent    string          `json:"spent"`
	Left     string          `json:"left"`
	Epsilon  string          `json:"epsilon"`
	Releases []budgetRelease `json:"releases"`
}

type budgetRelease struct {
	ID    string       `json:"id"`
	Cost  string       `json:"cost"`
	State budget.State `json:"state"`
}

func viewAccount(p budget.Payer, a budget.Account) (budgetAccount, error) {
	v := budgetAccount{
		Kind: p.Kind, Name: p.Name, Granted: a.Granted().String(), Reserved: a.Reserved().String(), Spent: a.Spent().String(), Left: a.Left().String(),
		Releases: []budgetRelease{},
	}
	for _, e := range a.Entries() {
		v.Releases = append(v.Releases, budgetRelease{e.ID, e.Cost.String(), e.State})
	}
	used, err := budget.EpsilonOf(a.Reserved()+a.Spent(), budgetDelta())
	v.Epsilon = used.String()
	return v, err
}

// budgetYear is the ledger of a school year as the district's officers see it. What
// single students have left is nobody's to read.
type budgetYear struct {
	From     civil.Date      `json:"from"`
	Resets   civil.Date      `json:"resets"`
	Student  string          `json:"granted_student"` // to each, over all agreements and totals
	Accounts []budgetAccount `json:"accounts"`
}

// Budgets returns the privacy ledgers of all school years, the oldest first (officer,
// auditor).
func (b *Broker) Budgets(ctx context.Context, c Caller) (*Answer, error) {
	if err := b.admit(ctx, c, "read the privacy budgets", RoleOfficer, RoleAuditor); err != nil {
		return nil, err
	}
	return b.read(ctx, c, "read the privacy budgets", func(r store.Reader, _ moment) (any, error) {
		years := []budgetYear{}
		days, err := ledgerDays(r)
		if err != nil {
			return nil, err
		}
		for _, day := range days {
			l, err := b.readLedger(r, day)
			if err != nil {
				return nil, err
			}
			year, err := l.view()
			if err != nil {
				return nil, err
			}
			years = append(years, year)
		}
		return map[string]any{"years": years}, nil
	})
}

func (l yearLedger) view() (budgetYear, error) {
	y := budgetYear{From: l.From, Resets: l.book.Resets(), Student: l.book.Each().String(), Accounts: []budgetAccount{}}
	for _, p := range l.book.Payers() {
		a, _ := l.book.Account(p)
		v, err := viewAccount(p, a)
		if err != nil {
			return y, err
		}
		y.Accounts = append(y.Accounts, v)
	}
	return y, nil
}
