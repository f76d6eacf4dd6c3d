package policy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// What can be wrong with an evaluation. Each means that nothing may be
// released and that the policy, not the request, is at fault.
var (
	ErrUndefined  = errors.New("the policy gave no decision")
	ErrNotObject  = errors.New("the policy's decision is not an object")
	ErrMember     = errors.New("the policy's decision has a missing, unknown or mistyped member")
	ErrReasons    = errors.New("the policy denied without a reason of the closed list")
	ErrEvaluation = errors.New("the policy could not be evaluated")
	ErrLate       = errors.New("the policy did not decide in time")
	ErrFilter     = errors.New("the policy gives no usable row filter for this agreement")
)

// LoadError says why a policy was refused: nothing of it is used.
type LoadError struct {
	File    string // name within the policy directory, or "" for the whole of it
	Line    int    // 1-based, or 0 where there is none
	Problem string
	Remedy  string
}

// Error names the place, the problem and the remedy.
func (e *LoadError) Error() string {
	var b strings.Builder
	b.WriteString("policy refused: ")
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Problem)
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

// at makes a LoadError for a place in a module.
func at(loc *ast.Location, problem, remedy string) *LoadError {
	e := &LoadError{Problem: problem, Remedy: remedy}
	if loc != nil {
		e.File, e.Line = loc.File, loc.Row
	}
	return e
}

// fromCompiler makes a LoadError of what the parser or compiler says first.
func fromCompiler(err error, remedy string) *LoadError {
	var many ast.Errors
	var one *ast.Error
	switch {
	case errors.As(err, &many) && len(many) > 0:
		return at(many[0].Location, many[0].Code+": "+many[0].Message, remedy)
	case errors.As(err, &one):
		return at(one.Location, one.Code+": "+one.Message, remedy)
	}
	return &LoadError{Problem: err.Error(), Remedy: remedy}
}

// evaluationError keeps the code and place of a failed evaluation but not its
// message, which may quote the input.
func evaluationError(err error) error {
	var e *topdown.Error
	if !errors.As(err, &e) {
		return ErrEvaluation
	}
	if e.Location == nil {
		return fmt.Errorf("%w: %s", ErrEvaluation, e.Code)
	}
	return fmt.Errorf("%w: %s at %s:%d", ErrEvaluation, e.Code, e.Location.File, e.Location.Row)
}
