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
// A batch is planned against all that was published before, by any agreement: a
// set must differ from every other in nobody or in enough students (Difference), no
// small group's sum may follow from all sets together (package rank), and no
// student may be in too many cohorts (ExposureCap). What is withheld is withheld so
// that it follows from nothing that is shown.
//
// Under a noisy profile every sum has noise (package noise) before it is coded. The
// noise of a whole is drawn for each grade of each school, once for all partners,
// and a rest is the whole less the cohort, so that it says nothing that the other
// two do not. One student adds a bounded part to a sum (Measure.Parts). Without
// noise, under published_table, coarse bands stand in its place.
//
// Rows of groups that a partner may not know of a child (Key.Group) are protected
// in their sizes too.
//
// Students are ordinals of one table that the caller keeps for a whole
// period, so that sets of different agreements can be compared. The package
// knows no clock, storage or network, and never changes a set it is given.
package sdc
