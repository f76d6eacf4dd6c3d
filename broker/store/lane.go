package store

// Lane is the priority of an Update.
type Lane int

// The lanes, from the last to the first. Waiting withdrawals always run before
// anything else, and the group in which one ran takes nothing of another lane any more:
// it is committed at once. An import has a group of its own, which begins when nothing else
// waits or after sixteen groups have passed it.
const (
	LaneImport Lane = iota + 1
	LanePartner
	LaneOfficer
	LaneWithdrawal
)

func (l Lane) valid() bool { return l >= LaneImport && l <= LaneWithdrawal }
