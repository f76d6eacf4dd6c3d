// Package rego holds the rules that ship with Hallpass, their tests and the
// schemas of their inputs, as files embedded into the program. It contains no
// logic; package policy compiles and evaluates what is here.
package rego

import "embed"

// FS holds the shipped rules: the packages hallpass.disclosure, hallpass.rows
// and hallpass.library, with their tests (*_test.rego).
//
//go:embed *.rego
var FS embed.FS

//go:embed decision.schema.json
var decisionSchema string

//go:embed rows.schema.json
var rowsSchema string

// DecisionSchema returns the JSON schema of the input of hallpass.disclosure.
func DecisionSchema() string { return decisionSchema }

// RowsSchema returns the JSON schema of the input of hallpass.rows.
func RowsSchema() string { return rowsSchema }
