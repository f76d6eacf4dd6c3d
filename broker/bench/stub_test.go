package bench_test

import (
	"io"
	"testing"
)

const roleStart = "start"

func start(w io.Writer) int            { return 0 }
func benchImport(t *testing.T) outcome { return outcome{} }
func benchBytes(t *testing.T) outcome  { return outcome{} }
func benchStart(t *testing.T) outcome  { return outcome{} }
