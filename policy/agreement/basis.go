package agreement

import (
	"slices"

	"github.com/hallpass-edu/hallpass/consent"
)

// Basis is the ground in law on which an agreement stands.
type Basis string

// The closed list of bases.
const (
	ComparisonAndConsent Basis = "comparison_and_consent" // figures under 34 CFR 99.31(b)(1), records under 99.30
	ConsentOnly          Basis = "consent_only"           // 34 CFR 99.30
	SchoolOfficial       Basis = "school_official"        // 34 CFR 99.31(a)(1)(i)(B)
	StudyBasis           Basis = "study"                  // 34 CFR 99.31(a)(6)
	AuditBasis           Basis = "audit_evaluation"       // 34 CFR 99.31(a)(3), 99.35
)

// Bases returns the closed list.
func Bases() []Basis {
	return []Basis{ComparisonAndConsent, ConsentOnly, SchoolOfficial, StudyBasis, AuditBasis}
}

// Valid reports whether b is on the list.
func (b Basis) Valid() bool { return slices.Contains(Bases(), b) }

// NeedsStudy reports whether an agreement on this basis is void without its
// purpose, scope, duration and destruction limit (34 CFR 99.31(a)(6)(iii)(C),
// 99.35(a)(3)).
func (b Basis) NeedsStudy() bool { return b == StudyBasis || b == AuditBasis }

// purposes are those for which the basis may be used.
func (b Basis) purposes() []consent.Purpose {
	switch b {
	case StudyBasis:
		return []consent.Purpose{consent.ResearchStudy, consent.ProgramEvaluation}
	case AuditBasis:
		return []consent.Purpose{consent.AuditEvaluation}
	}
	return []consent.Purpose{consent.ProgramEvaluation, consent.StudentSupport, consent.ResearchStudy}
}
