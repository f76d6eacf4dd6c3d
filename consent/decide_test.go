package consent_test

import (
	"slices"
	"testing"

	"github.com/hallpass-edu/hallpass/consent"
)

func TestAnswersCombineAsTheCaseFilesSay(t *testing.T) {
	t.Parallel()
	for _, a := range loadAsks(t) {
		t.Run(a.file+"/"+a.name, func(t *testing.T) {
			t.Parallel()
			if diff := a.differs(consent.Sabotage{}); diff != "" {
				t.Error(diff)
			}
			slices.Reverse(a.grants)
			if diff := a.differs(consent.Sabotage{}); diff != "" {
				t.Errorf("in reverse order: %s", diff)
			}
		})
	}
}

func TestTheCaseFilesReachEveryReason(t *testing.T) {
	t.Parallel()
	reached := map[consent.Reason]bool{}
	for _, a := range loadAsks(t) {
		reached[consent.Decide(a.student, a.grants, a.Question).Reason] = true
	}
	for _, r := range consent.Reasons() {
		if !reached[r] {
			t.Errorf("no case ends in %q", r)
		}
	}
}

func TestEachGuardIsNeededByACaseOfItsTheme(t *testing.T) {
	t.Parallel()
	theme := map[string]string{
		"restrictions":          "orders.yaml",
		"rights at signing":     "rights.yaml",
		"age":                   "age.yaml",
		"expiry":                "expiry.yaml",
		"withdrawal":            "withdrawal.yaml",
		"invalidation":          "invalidation.yaml",
		"moment of knowledge":   "as_of.yaml",
		"holds":                 "holds.yaml",
		"pauses":                "pauses.yaml",
		"a no wins":             "two_parents.yaml",
		"pending opens nothing": "pending.yaml",
		"joining never opens":   "two_names.yaml",
	}
	asks := loadAsks(t)
	for guard, without := range consent.Sabotages() {
		t.Run(guard, func(t *testing.T) {
			t.Parallel()
			failed := 0
			for _, a := range asks {
				if a.file == theme[guard] && a.differs(without) != "" {
					failed++
				}
			}
			if failed == 0 {
				t.Errorf("without this guard every case of %s still holds", theme[guard])
			}
		})
	}
}
