package policy

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// keys are the member names of the inputs, made once.
var keys = struct {
	action, caller, agreement, partner, request, today, rosterPresent, releasePublished,
	role, sites, programs, id, state, banned, version, basis, purpose, profile,
	schools, period, periodFrom, periodTo, grain, category, categories, portion, indicators,
	dosageFloor, minCohort, unconsentedFloor, terms, from, to, clauses, comparison, students, row *ast.Term
}{
	action: ast.StringTerm("action"), caller: ast.StringTerm("caller"), agreement: ast.StringTerm("agreement"),
	partner: ast.StringTerm("partner"), request: ast.StringTerm("request"), today: ast.StringTerm("today"),
	rosterPresent: ast.StringTerm("roster_present"), releasePublished: ast.StringTerm("release_published"),
	role: ast.StringTerm("role"), sites: ast.StringTerm("sites"), programs: ast.StringTerm("programs"),
	id: ast.StringTerm("id"), state: ast.StringTerm("state"), banned: ast.StringTerm("banned"),
	version: ast.StringTerm("version"), basis: ast.StringTerm("basis"), purpose: ast.StringTerm("purpose"),
	profile: ast.StringTerm("profile"), schools: ast.StringTerm("schools"),
	period: ast.StringTerm("period"), periodFrom: ast.StringTerm("period_from"), periodTo: ast.StringTerm("period_to"),
	grain: ast.StringTerm("grain"), categories: ast.StringTerm("categories"), indicators: ast.StringTerm("indicators"),
	dosageFloor: ast.StringTerm("dosage_floor"), minCohort: ast.StringTerm("min_cohort"),
	unconsentedFloor: ast.StringTerm("unconsented_floor"), terms: ast.StringTerm("terms"),
	from: ast.StringTerm("from"), to: ast.StringTerm("to"), clauses: ast.StringTerm("clauses"),
	comparison: ast.StringTerm(ActionComparison), students: ast.StringTerm(ActionStudents), row: ast.StringTerm("row"),
}

var (
	yes     = ast.BooleanTerm(true)
	no      = ast.BooleanTerm(false)
	nothing = ast.NewTerm(ast.NewObject())
)

// categoryTable has the closed list of categories with the terms of their names.
var categoryTable = categoryTerms()

type categoryEntry struct {
	category consent.Category
	term     *ast.Term
}

func categoryTerms() []categoryEntry {
	var out []categoryEntry
	for _, c := range consent.Categories() {
		out = append(out, categoryEntry{c, ast.StringTerm(string(c))})
	}
	return out
}

// position returns the place of a category in categoryTable, or -1.
func position(c consent.Category) int {
	for i := range categoryTable {
		if categoryTable[i].category == c {
			return i
		}
	}
	return -1
}

// input builds what hallpass.disclosure reads (rego/decision.schema.json).
// What differs from partner to partner is made anew, because a fresh object
// costs less than one of thousands that has to be fetched from memory; what
// many share is kept.
func (c *inputCache) input(f *Facts) ast.Value {
	return ast.NewObject(
		[2]*ast.Term{keys.action, actionTerm(f.Action)},
		[2]*ast.Term{keys.agreement, f.Agreement.on(f.Today)},
		[2]*ast.Term{keys.caller, c.caller(f)},
		[2]*ast.Term{keys.partner, c.partner(f)},
		[2]*ast.Term{keys.request, c.request(&f.Request)},
		[2]*ast.Term{keys.today, c.day(f.Today)},
		[2]*ast.Term{keys.rosterPresent, truth(f.RosterPresent)},
		[2]*ast.Term{keys.releasePublished, truth(f.ReleasePublished)},
	)
}

func (c *inputCache) caller(f *Facts) *ast.Term {
	return ast.ObjectTerm(
		[2]*ast.Term{keys.role, roleTerm(f.Caller.Role)},
		[2]*ast.Term{keys.partner, f.organization(f.Caller.Partner)},
		[2]*ast.Term{keys.sites, c.lists.names(f.Caller.Sites)},
		[2]*ast.Term{keys.programs, c.lists.names(f.Caller.Programs)},
	)
}

func (c *inputCache) partner(f *Facts) *ast.Term {
	return ast.ObjectTerm(
		[2]*ast.Term{keys.id, f.organization(f.Partner.ID)},
		[2]*ast.Term{keys.state, partnerStateTerm(f.Partner.State)},
		[2]*ast.Term{keys.banned, truth(f.Partner.Banned)},
		[2]*ast.Term{keys.sites, c.lists.names(f.Partner.Sites)},
		[2]*ast.Term{keys.programs, c.lists.names(f.Partner.Programs)},
	)
}

// organization returns the term of a partner's id: the agreement's own if it
// is the agreement's.
func (f *Facts) organization(id string) *ast.Term {
	if id == f.Agreement.agreement.Partner {
		return f.Agreement.partner
	}
	return ast.StringTerm(id)
}

func (r *Request) term() *ast.Term {
	return ast.ObjectTerm(
		[2]*ast.Term{keys.schools, r.schools()},
		[2]*ast.Term{keys.period, ast.StringTerm(r.Period)},
		[2]*ast.Term{keys.periodFrom, ast.IntNumberTerm(int(r.PeriodFrom))},
		[2]*ast.Term{keys.periodTo, ast.IntNumberTerm(int(r.PeriodTo))},
		[2]*ast.Term{keys.grain, ast.StringTerm(r.Grain)},
		[2]*ast.Term{keys.categories, categoryNames(r.Categories)},
		[2]*ast.Term{keys.indicators, names(r.Indicators)},
	)
}

// schools returns the schools that are asked for by id.
func (r *Request) schools() *ast.Term {
	if r.School == AllSchools {
		return nothing
	}
	return names([]string{r.School})
}

func actionTerm(action string) *ast.Term {
	if action == ActionStudents {
		return keys.students
	}
	return keys.comparison
}

var (
	partnerRole = ast.StringTerm(RolePartner)
	accepted    = ast.StringTerm(string(agreement.Accepted))
)

func roleTerm(role string) *ast.Term {
	if role == RolePartner {
		return partnerRole
	}
	return ast.StringTerm(role)
}

func partnerStateTerm(state string) *ast.Term {
	if state == string(agreement.Accepted) {
		return accepted
	}
	return ast.StringTerm(state)
}

func truth(b bool) *ast.Term {
	if b {
		return yes
	}
	return no
}

// names turns a list into an object whose members are true: a test of
// membership is then one look-up.
func names(list []string) *ast.Term {
	if len(list) == 0 {
		return nothing
	}
	members := make([][2]*ast.Term, len(list))
	for i, s := range list {
		members[i] = [2]*ast.Term{ast.StringTerm(s), yes}
	}
	return ast.NewTerm(ast.NewObject(members...))
}

// subsets holds an object for each subset of a few names, so that agreements
// and requests share them: bit i stands for the i-th name.
type subsets struct {
	names []string
	terms []*ast.Term
}

func subsetsOf[T ~string](list []T) subsets {
	s := subsets{names: make([]string, len(list)), terms: make([]*ast.Term, 1<<len(list))}
	for i, name := range list {
		s.names[i] = string(name)
	}
	for mask := range s.terms {
		var picked []string
		for i, name := range s.names {
			if mask>>i&1 == 1 {
				picked = append(picked, name)
			}
		}
		s.terms[mask] = names(picked)
	}
	return s
}

var (
	categorySubsets = subsetsOf(consent.Categories())
	grainSubsets    = subsetsOf(agreement.Grains())
)

// pick returns the object of the known names of a list.
func pick[T ~string](s subsets, list []T) *ast.Term {
	mask := 0
	for _, name := range list {
		if i := slices.Index(s.names, string(name)); i >= 0 {
			mask |= 1 << i
		}
	}
	return s.terms[mask]
}

func categoryNames(list []consent.Category) *ast.Term { return pick(categorySubsets, list) }

func grainNames(list []string) *ast.Term { return pick(grainSubsets, list) }
