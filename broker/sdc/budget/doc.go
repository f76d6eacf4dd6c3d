// Package budget keeps the account of the budgeted profile: how much of a
// student's privacy the figures of a school year have cost, and when no more may be
// asked.
//
// # What is claimed
//
// The unit is one student's records of one school year. Two districts are
// neighbours if they differ in those alone: in what happened and, for sensitive
// dimensions, in the row in which the student is. Who is enrolled, who is on whose
// roster, and the public dimensions are the same in both and are no secret.
//
// What all releases of the year together show, whoever asked for them and whatever
// was asked after seeing the earlier ones, is ρ-zCDP for such neighbours (Bun and
// Steinke, TCC 2016), with the grant of a student for ρ; and what one agreement and
// the totals of one school show, with theirs. It holds because
//
//   - each figure has discrete Gaussian noise, drawn exactly by a noise.Sampler and
//     once, which costs Δ²/2σ² (Canonne, Kamath and Steinke, NeurIPS 2020);
//   - costs add up, also when later releases are chosen by earlier ones, as long as a
//     filter stops them at the grant (Whitehouse, Ramdas, Rogers and Wu, "Fully-Adaptive
//     Composition in Differential Privacy", ICML 2023);
//   - a student pays for just the releases whose members he or she is among (Feldman
//     and Zrnic, "Individual Privacy Accounting via a Rényi Filter", NeurIPS 2021), and
//     every member pays the worst case, so that neither a charge nor a refusal
//     depends on a record;
//   - nothing is given back. A crash between reserving and storing forfeits.
//
// Costs are rounded up and grants down, in whole billionths. An (ε, δ) is made from
// that only where a grant is agreed on, and for display.
//
// # What is not claimed
//
// Several school years together: their grants add up. Secrecy of rosters: what is
// left of a member tells an agreement that others asked about somebody it asks about
// too. Anything about records that are released under a consent, about public totals
// that the district publishes without noise, or about what is likely of a student
// because of what figures say of others, such as a school where all were absent. Sums that are not
// clipped to the range behind their sensitivity, or are not taken from its lower end.
// Members that were chosen by outcomes. Time and size of answers.
//
// The package knows no clock, storage, network or randomness.
package budget
