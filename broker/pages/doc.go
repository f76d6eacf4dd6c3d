// Package pages writes what a family reads: the pages behind the link in its
// message, the printed consent packet, and the messages themselves, in the
// family's language.
//
// A page is made of a Frame, which every page has, and one of the structs of
// views.go; Render turns both into the bytes of an HTML document and Letter a
// few values into the text of a message. Nothing here reads a clock, a request
// or a record, and nothing decides: whoever fills a struct has asked the gate.
//
// The pages run no script. They load one style sheet from under /static and
// post plain forms, so that they work under SecurityPolicy on an old telephone.
// They follow WCAG 2.2 AA.
package pages
