package bench_test
import ("testing";"io")
const roleLoad="load"; const roleStart="start"
func generate(r io.Reader,w io.Writer) int {return 0}
func start(w io.Writer) int {return 0}
func benchRequest(t *testing.T) outcome {return outcome{}}
func benchLog(t *testing.T) outcome {return outcome{}}
func benchImport(t *testing.T) outcome {return outcome{}}
func benchBytes(t *testing.T) outcome {return outcome{}}
func benchStart(t *testing.T) outcome {return outcome{}}
