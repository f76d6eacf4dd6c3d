package consent_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/consent"
)

func TestWhatIsDividedIsClosedAndWhatIsOpenIsNot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := scenarios().Draw(t, "scenario")
		state, d := consent.Decide(s.student, s.grants, s.question), consent.Divide(s.student, s.grants, s.question)
		switch {
		case d.Divided() && state.Answer != consent.StateNo:
			t.Fatalf("%+v is divided and comes to %s", d, state.Answer)
		case state.Answer == consent.StateNo && !slices.Equal(d.No, state.Deciding):
			t.Fatalf("%v decide and %v say no", state.Deciding, d.No)
		case state.Answer == consent.StateYes && !slices.Equal(d.Yes, state.Deciding):
			t.Fatalf("%v decide and %v say yes", state.Deciding, d.Yes)
		}
	})
}

func TestContradictingOrdersLeaveEveryQuestionOpen(t *testing.T) {
	t.Parallel()
	gen, contradicted := scenarios(), 0
	for seed := range 3000 {
		s := gen.Example(seed)
		at := consent.Moment{At: s.question.At, Known: s.question.Known, Zone: s.question.Zone}
		reason := consent.Decide(s.student, s.grants, s.question).Reason
		if !s.student.OrdersContradict(at) {
			if reason == consent.RestrictionsConflict {
				t.Fatalf("scenario %d: the orders do not contradict each other, and that is the reason", seed)
			}
			continue
		}
		contradicted++
		if reason != consent.RestrictionsConflict && reason != consent.AgeUnknown {
			t.Fatalf("scenario %d: the orders contradict each other and the reason is %s", seed, reason)
		}
	}
	if contradicted == 0 {
		t.Error("no scenario had such orders")
	}
}
