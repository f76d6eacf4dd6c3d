package policy

import (
	"crypto/sha256"
	"slices"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// Prepared is one version of an agreement in the form the rules read. It never
// changes and is safe for concurrent use; make it when the agreement changes,
// not for each request.
type Prepared struct {
	newest    atomic.Pointer[onDay] // a day's requests share it
	size      int                   // bytes of the members' text
	agreement agreement.Agreement
	citations [len(clauseKinds)]string
	members   [][2]*ast.Term    // all that the rules read but the state on the day
	key       [sha256.Size]byte // of the members
}

// onDay is the agreement in the state that a day gives it.
type onDay struct {
	state agreement.State
	term  *ast.Term
}

// clauseKinds are the clauses that a decision can cite.
var clauseKinds = [...]string{ActionComparison, ActionStudents, "partner", "people", "schools", "signatures", "term", "ending"}

// Preparer prepares agreements; what is equal in several stands in memory
// once, so that decisions under many touch little more than under a few. The
// zero Preparer is ready, and safe for concurrent use.
type Preparer struct{ shared termCache }

// Prepare turns a version of an agreement into what the rules read. It keeps a
// copy: later changes of a do not show.
func (s *Preparer) Prepare(a agreement.Agreement) *Prepared {
	a.Clauses.Schools, a.Clauses.Categories = slices.Clone(a.Clauses.Schools), slices.Clone(a.Clauses.Categories)
	p := &Prepared{agreement: a}
	for i, kind := range clauseKinds {
		p.citations[i] = a.ClauseFor(kind)
	}
	p.members = p.read()
	text := ast.NewObject(p.members...).String()
	p.size, p.key = len(text), sha256.Sum256([]byte(text))
	for i, m := range p.members {
		p.members[i][1] = s.shared.once(m[1])
	}
	p.as(a.State)
	return p
}

// Prepare is Preparer.Prepare for an agreement that shares nothing.
func Prepare(a agreement.Agreement) *Prepared { return new(Preparer).Prepare(a) }

// Agreement returns the version that was prepared.
func (p *Prepared) Agreement() agreement.Agreement { return p.agreement }

// clause returns the id of the clause that decides on a kind.
func (p *Prepared) clause(kind string) string {
	if i := slices.Index(clauseKinds[:], kind); i >= 0 {
		return p.citations[i]
	}
	return ""
}

// on returns the agreement as it stands on a day.
func (p *Prepared) on(today civil.Date) *onDay {
	state := p.agreement.StateOn(today)
	if d := p.newest.Load(); d != nil && d.state == state {
		return d
	}
	return p.as(state)
}

func (p *Prepared) as(state agreement.State) *onDay {
	members := append(slices.Clip(p.members), [2]*ast.Term{keys.state, stateTerm(state)})
	d := &onDay{state, ast.ObjectTerm(members...)}
	p.newest.Store(d)
	return d
}

// stateTerms has the terms of the closed list of states.
var stateTerms = func() (list []*ast.Term) {
	for _, s := range agreement.States() {
		list = append(list, ast.StringTerm(string(s)))
	}
	return list
}()

func stateTerm(s agreement.State) *ast.Term {
	if i := slices.Index(agreement.States(), s); i >= 0 {
		return stateTerms[i]
	}
	return ast.StringTerm(string(s))
}

func (p *Prepared) read() [][2]*ast.Term {
	c := &p.agreement.Clauses
	return [][2]*ast.Term{
		{keys.id, ast.StringTerm(p.agreement.ID)},
		{keys.partner, ast.StringTerm(p.agreement.Partner)},
		{keys.version, ast.IntNumberTerm(p.agreement.Version)},
		{keys.basis, ast.StringTerm(string(c.Basis))},
		{keys.purpose, ast.StringTerm(string(c.Purpose))},
		{keys.profile, ast.StringTerm(c.Profile)},
		{keys.schools, names(c.Schools)},
		{keys.categories, categoryNames(c.Categories)},
		{keys.indicators, names(c.Indicators)},
		{keys.grain, grainNames(c.Grain)},
		{keys.dosageFloor, ast.IntNumberTerm(c.DosageFloor)},
		{keys.minCohort, ast.IntNumberTerm(c.MinCohort)},
		{keys.unconsentedFloor, ast.IntNumberTerm(c.UnconsentedFloor)},
		{keys.termFrom, ast.IntNumberTerm(int(c.TermFrom))},
		{keys.termTo, ast.IntNumberTerm(int(c.TermTo))},
		{keys.clauses, p.cited()},
	}
}

func (p *Prepared) cited() *ast.Term {
	return ast.ObjectTerm(
		[2]*ast.Term{keys.comparison, ast.StringTerm(p.clause(ActionComparison))},
		[2]*ast.Term{keys.students, ast.StringTerm(p.clause(ActionStudents))},
	)
}
