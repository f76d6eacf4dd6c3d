// Package report writes one self-contained HTML page of a comparison answer, to
// read on a screen or to print on two sheets, so that a partner without a
// programmer has its answer.
//
// A page is made of the exact bytes of an answer's member data and of nothing
// else: Parse is the only way to a Page, so that the page can hold no figure
// that the gate did not let go. What the answer does not name (the partner, the
// district) comes with the Stamp.
//
// The page runs no script and loads nothing. It follows WCAG 2.1 AA: structure,
// contrast, a table beside each chart, no meaning in colour alone.
package report
