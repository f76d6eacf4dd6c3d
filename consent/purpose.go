package consent

import "slices"

// Purpose is the use for which records are disclosed. A consent must state it
// (34 CFR 99.30(b)(2)), and the list is closed, so that no agreement or grant
// can name a use that the district never considered (Cal. Bus. & Prof. Code
// 22584).
type Purpose string

// The closed list of purposes.
const (
	ProgramEvaluation Purpose = "program_evaluation" // learn whether the partner's program helps
	StudentSupport    Purpose = "student_support"    // help the very students whose records are seen
	ResearchStudy     Purpose = "research_study"     // a study to improve instruction (34 CFR 99.31(a)(6))
	AuditEvaluation   Purpose = "audit_evaluation"   // audit or evaluate a federal or state program (34 CFR 99.35)
)

// Purposes returns the closed list in its customary order.
func Purposes() []Purpose {
	return []Purpose{ProgramEvaluation, StudentSupport, ResearchStudy, AuditEvaluation}
}

// Valid reports whether p is on the list.
func (p Purpose) Valid() bool { return slices.Contains(Purposes(), p) }
