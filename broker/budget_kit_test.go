package broker_test

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// afterMade is when the made-up year is over.
var afterMade = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// madePeriods are the made-up year's sessions, each a budgeted release of its own.
var madePeriods = []string{madeAutumn, madeSpring, madeYear}

// A count with a deviation of two students costs this, in decimal zCDP, and so do
// the totals of the school.
const oneCount = "0.125"

// budgetedMade is the made-up school with budgeted agreements over the same thirty of
// ninety children, which compare chronic absence in one pooled row.
func budgetedMade(t testing.TB, epsilon int, ids []string, options ...func(*broker.Options)) *made {
	t.Helper()
	d, kids := newMade(t, afterMade, options...), makeKids(90)
	d.loadMade(kids)
	for _, id := range ids {
		d.newPartner(id)
		d.budgeted(id, epsilon)
		d.upload(id, id, kids[:30])
	}
	return d
}

// budgeted is a signed agreement under budgeted; its partner has its name.
func (d *made) budgeted(id string, epsilon int) {
	d.t.Helper()
	d.sign(broker.AgreementRequest{
		ID: id, Partner: id, Template: "comparison_and_consent", Profile: agreement.Budgeted, Epsilon: epsilon, Schools: []string{madeSchool},
		Indicators: []string{"chronic_absence"}, Grain: []string{"all"},
		TermFrom: day("2025-08-01"), TermTo: day("2027-07-31"), Administrator: "Ada Admin",
	})
}

func (d *made) close(session string) {
	d.t.Helper()
	d.done(d.ClosePeriod(d.t.Context(), officer, session))
}

// restart opens the district again, after a stop.
func (d *made) restart(options ...func(*broker.Options)) {
	d.t.Helper()
	_ = d.Close() // a store that failed says so again
	d.open(append([]func(*broker.Options){withRules(d.t)}, options...)...)
}

// bookAccount is an account as officers read it.
type bookAccount struct {
	Kind, Name                     string
	Granted, Reserved, Spent, Left string
	Releases                       []struct{ ID, Cost, State string }
}

type bookYear struct {
	From, Resets civil.Date
	Student      string `json:"granted_student"`
	Accounts     []bookAccount
}

func (d *district) budgets() []bookYear {
	d.t.Helper()
	return data[struct{ Years []bookYear }](d.t, d.must(d.Budgets(d.t.Context(), officer))).Years
}

func (y bookYear) account(name string) bookAccount {
	i := slices.IndexFunc(y.Accounts, func(a bookAccount) bool { return a.Name == name })
	if i < 0 {
		return bookAccount{}
	}
	return y.Accounts[i]
}

// said is a comparison's budget.
type said struct {
	Exhausted  bool
	Release    string
	Cost, Left string
	Noise      int `json:"noise_tenths"`
	Affordable int `json:"affordable_noise_tenths"`
	Resets     civil.Date
}

// paidFigures are what a comparison shows under budgeted.
type paidFigures struct {
	Budget     *said
	Protection []string
	Rows       []struct {
		Row     string
		Figures []shownFigure
	}
}

func (p paidFigures) statuses() (list []string) {
	for _, r := range p.Rows {
		for _, f := range r.Figures {
			list = append(list, f.Status)
		}
	}
	return list
}

func (d *district) paid(id, session string) paidFigures {
	d.t.Helper()
	return data[paidFigures](d.t, d.must(d.Comparison(d.t.Context(), partnerOf(id), broker.ComparisonRequest{Agreement: id, Period: session})))
}

// rat is a decimal number as the district writes it.
func rat(t testing.TB, text string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%q is no number", text)
	}
	return r
}

// broken says what is wrong between the ledger and what partners see, or nothing:
// an account that is overspent, a figure that nobody paid for, a student on whom more
// was spent than is granted. All agreements have the same students.
func (d *district) broken(ids ...string) string {
	d.t.Helper()
	perStudent, granted := new(big.Rat), (*big.Rat)(nil)
	states := map[string]string{}
	for _, y := range d.budgets() {
		granted = rat(d.t, y.Student)
		for _, a := range y.Accounts {
			used := new(big.Rat)
			for _, r := range a.Releases {
				used.Add(used, rat(d.t, r.Cost))
				states[a.Name+" "+r.ID] = r.State
			}
			perStudent.Add(perStudent, used)
			if used.Cmp(rat(d.t, a.Granted)) > 0 {
				return fmt.Sprintf("%s %s used %v of %s", a.Kind, a.Name, used, a.Granted)
			}
		}
	}
	for _, id := range ids {
		for _, session := range d.publishedPeriods() {
			if p := d.paid(id, session); !p.Budget.Exhausted && states[id+" "+p.Budget.Release] != "settled" {
				return fmt.Sprintf("the figures of %s in %s stand in the ledger as %q", id, session, states[id+" "+p.Budget.Release])
			}
		}
	}
	if granted != nil && perStudent.Cmp(granted) > 0 {
		return fmt.Sprintf("%v was spent on each student, of %v", perStudent, granted)
	}
	return ""
}

func (d *district) publishedPeriods() (list []string) {
	d.t.Helper()
	for _, p := range data[struct{ Periods []periodAnswer }](d.t, d.must(d.Periods(d.t.Context(), officer))).Periods {
		if p.State == "published" {
			list = append(list, p.SessionID)
		}
	}
	return list
}

// figuresText is what a partner sees of its figures, byte for byte.
func (d *district) figuresText(id, session string) string {
	d.t.Helper()
	return canonical(d.t, d.paid(id, session))
}

var errPlug = fmt.Errorf("somebody pulled the plug")

// plug makes the commit with a number fail, counted from now on from one.
func plug(h *hooks, at int) {
	n := 0
	h.atCommit(func() error {
		if n++; n >= at {
			return errPlug
		}
		return nil
	})
}

func contains(list []string, part string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return bytes.Contains([]byte(s), []byte(part)) })
}
