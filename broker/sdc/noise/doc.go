// Package noise gives the integers that stand between a true sum and a shown
// one. All of them are discrete Gaussian (Canonne, Kamath and Steinke, "The
// Discrete Gaussian for Differential Privacy", NeurIPS 2020), in two ways:
//
// A Table with Keys gives sticky noise. It is a function of the district's
// secret, of the whole group that was asked about and of the group's values:
// the same group has the same noise whoever asks for it and by whatever route,
// so that nothing can be averaged away, and a group that differs by one student
// has another, whatever that student's value is, so that equality tells nothing.
//
// A Sampler draws fresh noise from true randomness, exactly: no floating point
// number stands before the integer. What it draws is to be stored and never
// drawn again.
//
// The package knows no clock, storage or network.
package noise
