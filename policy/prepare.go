package policy

import (
	"crypto/sha256"
	"slices"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// Prepared is one version of an agreement in the form the rules read. It never
// changes and is safe for concurrent use; make it when the agreement changes,
// not for each request.
type Prepared struct {
	id, partner, version *ast.Term
	terms                *terms
	agreement            agreement.Agreement
	key                  [sha256.Size]byte // of everything that the rules read but the day
}

// terms are the clauses of an agreement as data. Agreements are made from few
// templates, so those whose terms are equal share them: decisions under many
// touch little more memory than under a few.
type terms struct {
	term       *ast.Term
	size       int // bytes of the text
	citations  [len(clauseKinds)]string
	schools    []string
	categories []consent.Category
}

// clauseKinds are the clauses that a decision can cite.
var clauseKinds = [...]string{ActionComparison, ActionStudents, "partner", "people", "schools", "signatures", "term", "ending"}

// Preparer prepares agreements; what is equal in several stands in memory
// once. The zero Preparer is ready, and safe for concurrent use.
type Preparer struct {
	lists  termCache
	mu     sync.Mutex
	byText map[string]*terms
}

// Prepare turns a version of an agreement into what the rules read. It keeps a
// copy: later changes of a do not show.
func (s *Preparer) Prepare(a agreement.Agreement) *Prepared {
	t := s.terms(&a)
	a.Clauses.Schools, a.Clauses.Categories = t.schools, t.categories
	p := &Prepared{
		id: ast.StringTerm(a.ID), partner: ast.StringTerm(a.Partner), version: ast.IntNumberTerm(a.Version),
		terms: t, agreement: a,
	}
	p.key = sha256.Sum256([]byte(p.inState(a.State).String()))
	return p
}

// Prepare is Preparer.Prepare for an agreement that shares nothing.
func Prepare(a agreement.Agreement) *Prepared { return new(Preparer).Prepare(a) }

// Agreement returns the version that was prepared.
func (p *Prepared) Agreement() agreement.Agreement { return p.agreement }

// size bounds the bytes of the agreement's text in an input.
func (p *Prepared) size() int { return p.terms.size + len(p.agreement.ID) + len(p.agreement.Partner) }

// clause returns the id of the clause that decides on a kind.
func (p *Prepared) clause(kind string) string {
	if i := slices.Index(clauseKinds[:], kind); i >= 0 {
		return p.terms.citations[i]
	}
	return ""
}

// on returns the agreement as it stands on a day.
func (p *Prepared) on(today civil.Date) *ast.Term { return p.inState(p.agreement.StateOn(today)) }

func (p *Prepared) inState(state agreement.State) *ast.Term {
	return ast.ObjectTerm(
		[2]*ast.Term{keys.id, p.id},
		[2]*ast.Term{keys.partner, p.partner},
		[2]*ast.Term{keys.version, p.version},
		[2]*ast.Term{keys.state, stateTerm(state)},
		[2]*ast.Term{keys.terms, p.terms.term},
	)
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

// terms returns the one terms of all agreements whose terms are equal.
func (s *Preparer) terms(a *agreement.Agreement) *terms {
	t := &terms{}
	for i, kind := range clauseKinds {
		t.citations[i] = a.ClauseFor(kind)
	}
	t.term = ast.ObjectTerm(s.members(&a.Clauses, t)...)
	text := t.term.String()
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.byText[text]; kept != nil {
		return kept
	}
	if s.byText == nil || len(s.byText) >= maxTerms {
		s.byText = make(map[string]*terms)
	}
	t.size = len(text)
	t.schools, t.categories = slices.Clone(a.Clauses.Schools), slices.Clone(a.Clauses.Categories)
	s.byText[text] = t
	return t
}

func (s *Preparer) members(c *agreement.Clauses, t *terms) [][2]*ast.Term {
	return [][2]*ast.Term{
		{keys.basis, ast.StringTerm(string(c.Basis))},
		{keys.purpose, ast.StringTerm(string(c.Purpose))},
		{keys.profile, ast.StringTerm(string(c.Profile))},
		{keys.schools, s.lists.names(c.Schools)},
		{keys.categories, categoryNames(c.Categories)},
		{keys.indicators, s.lists.names(c.Indicators)},
		{keys.grain, grainNames(c.Grain)},
		{keys.dosageFloor, ast.IntNumberTerm(c.DosageFloor)},
		{keys.minCohort, ast.IntNumberTerm(c.MinCohort)},
		{keys.unconsentedFloor, ast.IntNumberTerm(c.UnconsentedFloor)},
		{keys.from, ast.IntNumberTerm(int(c.TermFrom))},
		{keys.to, ast.IntNumberTerm(int(c.TermTo))},
		{keys.clauses, ast.ObjectTerm(
			[2]*ast.Term{keys.comparison, ast.StringTerm(t.citations[0])},
			[2]*ast.Term{keys.students, ast.StringTerm(t.citations[1])},
		)},
	}
}
