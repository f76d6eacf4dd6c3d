// Package compare turns a freeze into a comparison: it chooses the cohort and
// the rest, lays them out in rows, sums indicator values over them, and reads
// the protected figures with intervals, effect sizes and words.
//
// Choosing and summing work on what is in the freeze. Reading works only on
// what package sdc decided to show: Read has no parameter through which an
// unprotected value could reach it.
package compare
