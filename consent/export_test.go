package consent

// Sabotage is a build of Decide without one of its guards.
type Sabotage = sabotage

// DecideWithout and OpensWithout are Decide and Opens without a guard; NamesOf
// resolves aliases.
var (
	NamesOf       = namesOf
	DecideWithout = decide
	OpensWithout  = opens
)

// Sabotages returns each guard's removal by the name of the guard.
func Sabotages() map[string]Sabotage {
	return map[string]Sabotage{
		"restrictions":          {ignoreRestrictions: true},
		"rights at signing":     {ignoreRights: true},
		"age":                   {ignoreAge: true},
		"expiry":                {ignoreExpiry: true},
		"withdrawal":            {ignoreWithdrawal: true},
		"invalidation":          {ignoreInvalidation: true},
		"moment of knowledge":   {ignoreKnown: true},
		"holds":                 {ignoreHolds: true},
		"pauses":                {ignorePauses: true},
		"a no wins":             {ignoreRefusal: true},
		"pending opens nothing": {countPending: true},
		"joining never opens":   {uniteAnswers: true},
	}
}
