// Package hallpass is the house of a privacy-preserving data-sharing broker
// between a school district and its partner organizations. It has no code of
// its own: its tests hold the rules that every package of the module keeps,
// among them which package may import which.
package hallpass
