package consent

// StateAnswer is what all the answers about a student come to.
type StateAnswer string

// Only yes opens anything. To a partner the other two look the same.
const (
	StateYes     StateAnswer = "yes"
	StateNo      StateAnswer = "no"
	StateUnasked StateAnswer = "unasked"
)

// Reason says why a State is what it is; for families and officers, never for
// a partner.
type Reason string

// The closed list of reasons: four of a yes, two of a no, the rest of unasked.
const (
	SaidYes        Reason = "said_yes"
	StudentSaidYes Reason = "student_said_yes"
	DeciderSaidYes Reason = "decider_said_yes"
	AllAgreed      Reason = "all_agreed"

	SaidNo    Reason = "said_no"
	Withdrawn Reason = "withdrawn"

	NotAsked             Reason = "not_asked"
	AnswerInvalidated    Reason = "invalidated"
	AnswerPending        Reason = "pending"
	NoRights             Reason = "no_rights"
	RightsPassed         Reason = "rights_passed"
	Restricted           Reason = "restricted"
	AnswerExpired        Reason = "expired"
	WantsToTalk          Reason = "wants_to_talk"
	OthersSilent         Reason = "others_silent"
	NoCommonRecords      Reason = "no_common_records"
	SharingPaused        Reason = "sharing_paused"
	RestrictionsConflict Reason = "restrictions_conflict"
	AgeUnknown           Reason = "age_unknown"
	QuestionNotValid     Reason = "question_not_valid"
)

// reasons holds each reason once; among those of unasked, a later one is
// nearer to a yes and is told in preference to an earlier.
var reasons = []struct {
	reason   Reason
	sentence string
}{
	{SaidYes, "A person who holds the student's rights said yes."},
	{StudentSaidYes, "The student, who holds the rights, said yes."},
	{DeciderSaidYes, "The person who alone decides under a court order said yes."},
	{AllAgreed, "Everyone who has to agree under a court order said yes."},
	{SaidNo, "A person who holds the student's rights said no."},
	{Withdrawn, "A person who holds the student's rights withdrew the consent."},
	{NotAsked, "Nobody has answered about this party, purpose and kind of record."},
	{AnswerInvalidated, "The only answer was found never to have been valid."},
	{AnswerPending, "A form collected by the partner waits for the district to confirm it."},
	{NoRights, "The only answers are of people who held no rights when they signed."},
	{RightsPassed, "The rights have passed to the student, who has not answered."},
	{Restricted, "The only answers are of people who may not decide under a court order."},
	{AnswerExpired, "The consent has ended; it can be given again."},
	{WantsToTalk, "Somebody wants to talk before answering."},
	{OthersSilent, "Under a court order all must agree, and not everyone has answered."},
	{NoCommonRecords, "Under a court order all must agree, and the records they named have no day in common."},
	{SharingPaused, "Sharing is paused until the district has settled a case about who answered."},
	{RestrictionsConflict, "The court orders on file contradict each other; an officer has to settle them."},
	{AgeUnknown, "The student's birth date is missing, so nobody can say who holds the rights."},
	{QuestionNotValid, "The question names no known purpose, category, moment or time zone."},
}

// Reasons returns the closed list.
func Reasons() []Reason {
	all := make([]Reason, len(reasons))
	for i, r := range reasons {
		all[i] = r.reason
	}
	return all
}

// Sentence returns the reason in plain words, or "" for one that is not on the
// list.
func (r Reason) Sentence() string {
	if i := r.rank(); i >= 0 {
		return reasons[i].sentence
	}
	return ""
}

func (r Reason) rank() int {
	for i := range reasons {
		if reasons[i].reason == r {
			return i
		}
	}
	return -1
}
