// Package rank says what everybody together can compute exactly from the sums of
// the published sets of one indicator and period, and refuses sets with which the
// sum over a small group could be. It is the audit of Chin and Özsoyoğlu ("Auditing
// and inference control in statistical databases", IEEE Transactions on Software
// Engineering SE-8, 1982), for groups of several students too.
//
// The sums that can be computed are the span of the sets. A set is a vector whose
// columns are atoms, classes of students that no set divides; a group is small if
// the atoms where some vector of the span is not zero hold fewer students than the
// floor. Such a vector is zero on every heavy atom, one that alone reaches the
// floor. So elimination takes heavy atoms as pivots first, and what is left without
// one, mostly little or nothing, is searched for its lightest vector, as for the
// lightest word of a linear code.
//
// What is exact: the search leaves nothing out, unless it has to give up, which an
// Audit counts. It looks at sums in which the added set takes part and branches on
// whether a column is zero in the vector sought; columns too heavy beside those
// that are not zero must be, and proportional columns are zero together. Where it
// gives up, groups of one atom or two are found for certain, larger ones by luck.
// To find the lightest is NP-hard in general (Vardy, "The intractability of
// computing the minimum distance of a code", IEEE Transactions on Information
// Theory 43, 1997). It gives up where hundreds of sets overlap so much that most
// students are an atom alone. Package field says up to which size its answers are proven to
// be those of the rational numbers.
//
// What is not looked at: what follows from bounds of values, as when a sum is zero
// or as large as it can be; approximations; what people know otherwise. Coding and
// noise are for that.
//
// The package knows no clock, storage or network, and no value of any student. It
// is deterministic and never changes a set it is given.
package rank
