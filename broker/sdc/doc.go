// Package sdc is disclosure control: from sets of students it decides what a
// release may show, and from raw figures it makes the protected ones.
//
// The package works in two steps that cannot be mixed. PlanBatch reads sets
// only (who is in a row, whose values are already known to somebody) and
// returns verdicts; it has no parameter through which an outcome could reach
// it, so a refusal cannot leak a value (the simulatable auditing principle of
// Kenthapadi, Mishra and Nissim, PODS 2005). Protect then applies those
// verdicts to raw figures and codes what is shown.
//
// It protects by suppression and coarse coding, the published-table profile.
// It adds no noise, and it compares sets of different releases two at a time,
// not in larger combinations.
//
// Students are ordinals of one table that the caller keeps for a whole
// period, so that sets of different agreements can be compared. The package
// knows no clock, storage or network, and never changes a set it is given.
package sdc
